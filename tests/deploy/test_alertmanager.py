"""Who is told what: the deployed configuration in the real Alertmanager, with a real webhook receiver.

Only waiting times and addresses differ from what is deployed. That nothing more comes is shown by a later message: what
was posted before it and would be sent had as long to wait.
"""

import datetime
import json
import re
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from collector.alerting import rules
from tests import binaries
from tests.e2e.programs import Programs, Webhook, until

CONFIG = Path(__file__).resolve().parents[2] / "deploy" / "alertmanager" / "alertmanager.yml"
ALERTS = {alert.name: alert for alert in rules.alerts()}
pytestmark = pytest.mark.binaries


def test_amtool_accepts_the_deployed_configuration() -> None:
    ran = subprocess.run([binaries.need("amtool"), "check-config", CONFIG], capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        ({"severity": "page", "simulated": "false"}, "page"),
        ({"severity": "ticket", "simulated": "false"}, "ticket"),
        ({"severity": "page", "simulated": "true"}, "nobody"),
        ({"severity": "ticket", "simulated": "true"}, "nobody"),
        ({"severity": "digest", "simulated": "false"}, "digest"),
        ({"severity": "digest", "simulated": "true"}, "nobody"),
        ({"severity": "none", "simulated": "false"}, "nobody"),
        ({"severity": "watchdog"}, "watchdog"),
        ({"severity": "page", "scope": "monitoring"}, "page"),
        ({}, "ticket"),
    ],
)
def test_each_alert_goes_to_its_receiver(labels: dict[str, str], receiver: str) -> None:
    command = [binaries.need("amtool"), "config", "routes", "test", f"--config.file={CONFIG}"]
    given = [f"{name}={value}" for name, value in labels.items()]
    ran = subprocess.run([*command, *given], capture_output=True, text=True, check=False)

    assert ran.stdout.strip() == receiver, ran.stderr


class Manager:
    """A running Alertmanager with the deployed routes, and what it told."""

    def __init__(self, url: str, told: Webhook) -> None:
        self.url = url
        self.told = told

    def post(self, *alerts: dict[str, str], resolved: bool = False) -> None:
        now = datetime.datetime.now(datetime.UTC)
        body = [
            {
                "labels": labels,
                "startsAt": now.isoformat(),
                "endsAt": (now + datetime.timedelta(minutes=0 if resolved else 10)).isoformat(),
            }
            for labels in alerts
        ]
        request = urllib.request.Request(
            f"{self.url}/api/v2/alerts", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        urllib.request.urlopen(request, timeout=5).close()

    def settle(self) -> list[dict[str, Any]]:
        """All that was told once two messages posted now, one after the other, have come: groups wait side by side, so
        that the first may overtake what was posted with it, but the second waits a whole group_wait longer."""
        for name in ("last", "very last"):
            self.post(alert("CampusShort", campus=name, region=name, name=name))
            until(lambda name=name: self._about(name), 20, f"the {name} message comes")
        return [one for one in self.told.notifications if one["groupLabels"].get("campus") not in ("last", "very last")]

    def _about(self, campus: str) -> list[Any]:
        return [one for one in self.told.notifications if one["groupLabels"].get("campus") == campus]


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    told, collector = Webhook("127.0.0.1"), Webhook("127.0.0.1")
    (tmp_path / "token").write_text("a-token-of-the-test")
    text = CONFIG.read_text()
    text = re.sub(r"url: http://127\.0\.0\.1:9095/\S+", f"url: {told.url}", text)
    text = re.sub(r"url: http://127\.0\.0\.1:8080/\S+", f"url: {collector.url}", text)
    text = text.replace("/etc/campus-wifi/secrets/notifications-token", str(tmp_path / "token"))
    text = text.replace("group_wait: 30s", "group_wait: 1s").replace("group_interval: 5m", "group_interval: 1s")
    (tmp_path / "alertmanager.yml").write_text(text)
    programs = Programs(tmp_path)
    url = f"http://127.0.0.1:{port}"
    try:
        programs.start(
            "alertmanager", binaries.need("alertmanager"), f"--config.file={tmp_path / 'alertmanager.yml'}",
            f"--storage.path={tmp_path / 'data'}", f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",
        )  # fmt: skip
        until(lambda: urllib.request.urlopen(f"{url}/-/ready", timeout=1).status == 200, 30, "it is ready")
        yield Manager(url, told)
    finally:
        programs.close()
        told.close()
        collector.close()


def alert(alertname: str, **labels: str) -> dict[str, str]:
    """An alert with the labels that its rule gives it."""
    of = ALERTS[alertname]
    given = {"alertname": alertname, "severity": of.severity, "scope": of.scope, "simulated": "false", **labels}
    return {label: value for label, value in given.items() if value}


def at(campus: str, uplink: str = "") -> dict[str, str]:
    return {"campus": campus, "name": campus, "region": "north", "uplink": uplink}


def names(told: list[dict[str, Any]]) -> list[tuple[str, list[str]]]:
    return sorted((one["receiver"], sorted({a["labels"]["alertname"] for a in one["alerts"]})) for one in told)


def test_campuses_of_one_uplink_that_go_together_are_one_notification_that_resolves(manager: Manager) -> None:
    behind = [f"n{number}" for number in range(5)]
    cut = alert("SharedUplinkCut", region="north", uplink="u1")
    everything = [
        cut,
        *[alert("CampusWithoutEvidence", **at(campus, "u1")) for campus in behind],
        *[alert("CampusCutOff", **at(campus, "u1")) for campus in behind],
        *[alert("AgentSilent", agent=n, **at(campus, "u1")) for campus in behind for n in ("a", "b")],
        *[alert("AccessPointDown", ap=str(n), **at(campus, "u1")) for campus in behind for n in range(10)],
    ]
    manager.post(*everything)

    assert names(manager.settle()) == [("page", ["SharedUplinkCut"])]
    manager.post(*everything, resolved=True)
    until(lambda: manager.told.about("SharedUplinkCut", "resolved"), 20, "it is told that the uplink is back")
    assert {a["labels"]["alertname"] for n in manager.settle() for a in n["alerts"]} == {"SharedUplinkCut"}


def test_a_campus_without_an_uplink_is_not_silenced_by_another_uplinks_cut(manager: Manager) -> None:
    manager.post(alert("SharedUplinkCut", region="north", uplink="u1"), alert("CampusShort", **at("alone")))

    assert names(manager.settle()) == [("page", ["CampusShort"]), ("page", ["SharedUplinkCut"])]


def test_a_campus_that_is_cut_off_silences_its_own_agents_and_access_points_only(manager: Manager) -> None:
    manager.post(
        alert("CampusCutOff", **at("n1")),
        alert("AgentSilent", agent="a", **at("n1")),
        alert("AccessPointDown", ap="1", **at("n1")),
        alert("AccessPointDown", ap="2", **at("n2")),
    )
    told = manager.settle()

    assert names(told) == [("page", ["CampusCutOff"]), ("ticket", ["AccessPointDown"])]
    assert {one["groupLabels"]["campus"] for one in told if one["receiver"] == "ticket"} == {"n2"}


def test_a_closet_of_forty_access_points_is_one_message_of_its_campus(manager: Manager) -> None:
    forty = [alert("AccessPointDown", ap=str(n), **at("n1")) for n in range(40)]
    manager.post(*forty)
    told = manager.settle()

    assert names(told) == [("ticket", ["AccessPointDown"])]
    assert len(told[0]["alerts"]) == 40


def test_a_campus_that_falls_short_speaks_for_its_access_points(manager: Manager) -> None:
    down = [alert("AccessPointDown", ap=str(n), **at("n1")) for n in range(3)]
    manager.post(alert("CampusShort", **at("n1")), *down)

    assert names(manager.settle()) == [("page", ["CampusShort"])]


def test_a_monitor_that_suspects_itself_does_not_page_for_campuses(manager: Manager) -> None:
    short = [alert("CampusShort", **at(f"n{n}")) for n in range(30)]
    manager.post(alert("MonitorSuspectsItself", simulated="false"), *short)
    until(lambda: manager.told.about("MonitorSuspectsItself", "firing"), 20, "the monitor says so")
    # The last message is a campus's too, and silenced: a watchdog's comes at once, so a ticket is what shows the end.
    manager.post(alert("AgentSilent", agent="z", **at("end")))
    until(lambda: manager.told.about("AgentSilent", "firing"), 20, "the ticket comes")

    assert manager.told.about("CampusShort", "firing") == []


def test_simulated_campuses_tell_nobody_and_the_watchdog_tells_its_own_receiver(manager: Manager) -> None:
    manager.post(alert("CampusShort", **(at("m1") | {"simulated": "true"})), alert("Watchdog", simulated=""))

    assert names(manager.settle()) == [("watchdog", ["Watchdog"])]
