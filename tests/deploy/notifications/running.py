"""A scene in the real Prometheus with the real rules and the real Alertmanager with the deployed routes, sixty times
faster than in a district; and what it told, in words that do not depend on this machine's speed."""

import datetime
import json
import re
import socket
import threading
import time
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from collector.alerting import rules
from collector.alerting.alert import Terms
from tests import binaries
from tests.deploy.notifications.faults import SLOT_SECONDS, District, Site
from tests.e2e.programs import Programs, Webhook, until

DEPLOY = Path(__file__).resolve().parents[3] / "deploy"
FASTER = 300 // SLOT_SECONDS
_UNITS = {"s": 1, "m": 60, "h": 3600}
_RECEIVERS = ("page", "ticket", "digest", "watchdog")
_COLLECTOR = "the collector itself"


class Scene:
    """Prometheus and Alertmanager run from its making; what happens begins with ``begin`` and takes its slots."""

    def __init__(self, folder: Path, sites: list[Site], slots: int) -> None:
        folder.mkdir()
        self._slots = slots
        self._programs = Programs(folder)
        self._webhooks = {name: Webhook("127.0.0.1") for name in (*_RECEIVERS, _COLLECTOR)}
        self.district = District(sites)
        self._server = _serve(self.district)
        ports = [_free_port() for _ in range(2)]
        _write(folder, self._server.server_port, ports, {name: hook.url for name, hook in self._webhooks.items()})
        self._programs.start(
            "alertmanager", binaries.need("alertmanager"), f"--config.file={folder}/alertmanager.yml",
            f"--storage.path={folder}/alertmanager", f"--web.listen-address=127.0.0.1:{ports[1]}",
            "--cluster.listen-address=",
        )  # fmt: skip
        self._programs.start(
            "prometheus", binaries.need("prometheus"), f"--config.file={folder}/prometheus.yml",
            f"--storage.tsdb.path={folder}/prometheus", f"--web.listen-address=127.0.0.1:{ports[0]}",
        )  # fmt: skip

        self._prometheus = f"http://127.0.0.1:{ports[0]}/api/v1/query"

    def await_ready(self) -> None:
        """Until the collector is scraped and nothing but what the scene will tell could be told."""
        wanted = 'up{job="campus_wifi"} == 1 unless on () ALERTS{alertname="CollectorAbsent"}'
        until(lambda: self._query(wanted), 120, "the collector is scraped")

    def begin(self) -> float:
        """Returns when the scene ends, in Unix seconds."""
        self.district.began_at = time.time()
        return self.district.began_at + self._slots * SLOT_SECONDS

    def _query(self, query: str) -> list[Any]:
        with urllib.request.urlopen(
            f"{self._prometheus}?{urllib.parse.urlencode({'query': query})}", timeout=5
        ) as answer:
            found: list[Any] = json.load(answer)["data"]["result"]
        return found

    def told(self) -> dict[str, list[str]]:
        """By region, what each receiver was told."""
        return _lines(
            {name: self._webhooks[name].notifications for name in _RECEIVERS if name != "watchdog"},
            self.district.began_at,
        )

    def close(self) -> None:
        self._programs.close()
        self._server.shutdown()
        self._server.server_close()
        for hook in self._webhooks.values():
            hook.close()


def _lines(notifications: dict[str, list[dict[str, Any]]], since: float) -> dict[str, list[str]]:
    """How many messages bring one alert depends on the moment; which alerts come, in how many conversations (a group of
    Alertmanager: one mail thread, one ticket) and of which campuses, does not."""
    seen: dict[tuple[str, str, str, str], dict[str, set[str]]] = {}
    groups: dict[tuple[str, str], set[str]] = {}
    for receiver, messages in notifications.items():
        for message in messages:
            for one in message["alerts"]:
                if datetime.datetime.fromisoformat(one["startsAt"]).timestamp() < since:
                    continue  # Prometheus had not scraped anything yet
                labels = one["labels"]
                kind = labels.get("window") or labels.get("broken")
                what = labels["alertname"] + (f" ({kind})" if kind else "")
                region, subject = labels.get("region", "-"), labels.get("campus") or labels.get("uplink") or "-"
                groups.setdefault((region, receiver), set()).add(message["groupKey"])
                by_status = seen.setdefault((region, receiver, what, subject), {})
                by_status.setdefault(one["status"], set()).add(one["fingerprint"])
    found: dict[str, list[str]] = {}
    for (region, receiver), keys in sorted(groups.items()):
        found.setdefault(region, []).append(f"{receiver}: {len(keys)} conversation{'s' * (len(keys) > 1)}")
        for (of, to, what, subject), by_status in sorted(seen.items()):
            if (of, to) == (region, receiver):
                fired, over = by_status.get("firing", set()), by_status.get("resolved", set())
                many = f" x{len(fired)}" if len(fired) > 1 else ""
                end = ", resolved" if fired and fired <= over else (f", {len(over)} resolved" if over else "")
                found[region].append(f"  {what} {subject}{many}{end}")
    return found


def _write(folder: Path, collector: int, ports: list[int], receivers: dict[str, str]) -> None:
    (folder / "rules.yml").write_text(rules.to_text(rules.rule_file(Terms(SLOT_SECONDS))))
    text = (DEPLOY / "prometheus" / "prometheus.yml").read_text()
    text = re.sub(r"(scrape_interval|evaluation_interval|scrape_timeout): \w+", r"\1: 1s", text)
    text = text.replace("127.0.0.1:8080", f"127.0.0.1:{collector}").replace("127.0.0.1:9090", f"127.0.0.1:{ports[0]}")
    (folder / "prometheus.yml").write_text(text.replace("127.0.0.1:9093", f"127.0.0.1:{ports[1]}"))
    text = (DEPLOY / "alertmanager" / "alertmanager.yml").read_text()
    text = re.sub(r"(group_wait|group_interval|repeat_interval): (\d+)([smh])", _faster, text)
    text = re.sub(r"http://127\.0\.0\.1:9095/(\w+)", lambda found: receivers[found[1]], text)
    text = text.replace("http://127.0.0.1:8080/v1/notifications", receivers[_COLLECTOR])
    (folder / "token").write_text("a-token-of-the-test")
    text = text.replace("/etc/campus-wifi/secrets/notifications-token", str(folder / "token"))
    (folder / "alertmanager.yml").write_text(text)


def _faster(found: re.Match[str]) -> str:
    return f"{found[1]}: {int(found[2]) * _UNITS[found[3]] * 1000 // FASTER}ms"


def _serve(district: District) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            text = district.text(time.time())
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
