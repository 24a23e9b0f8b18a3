"""One campus on the real programs: collector with TLS, two agents, Prometheus, Alertmanager and a webhook receiver."""

import contextlib
import csv
import datetime
import ipaddress
import json
import re
import secrets
import sqlite3
import ssl
import sys
import urllib.parse
import urllib.request
import zoneinfo
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests import binaries
from tests.e2e.network import ACCESS_POINTS, COLLECTOR, Network
from tests.e2e.programs import Programs, Webhook, until

BIN = Path(sys.executable).parent
ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
REPORT_SECONDS = 4
SLOT_SECONDS = 3 * REPORT_SECONDS
AP_IDS = [f"02:00:00:00:00:{n:02x}" for n in range(1, 21)]
ROOMS = ["lincoln/A/1", "lincoln/B/2"]


def certificate(folder: Path) -> None:
    """A self-signed certificate for the collector's address, as an operator without a CA would make one."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "collector")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(COLLECTOR))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


class Campus:
    """Everything of one campus, started and enrolled. What tests look at are the products' own answers."""

    def __init__(self, folder: Path, network: Network) -> None:
        self.folder, self.network = folder, network
        self.programs = Programs(folder)
        self.webhook = Webhook("10.99.1.1")
        certificate(folder)
        self._tls = ssl.create_default_context(cafile=str(folder / "cert.pem"))
        self.agents: list[str] = []

    def start(self) -> None:
        self._configure()
        self._start_prometheus()
        self.start_collector()
        self._import()
        for number, room in enumerate(self.network.rooms):
            self._enroll(number)
            self.start_agent(number, room)

    def _configure(self) -> None:
        (self.folder / "collector.toml").write_text(
            f'data_dir = "{self.folder}/collector"\n'
            f'listen = "{COLLECTOR}:8443"\nboard_public = true\n'
            f'tls_certificate = "{self.folder}/cert.pem"\ntls_key = "{self.folder}/key.pem"\n'
            'remote_write_url = "http://127.0.0.1:9090/api/v1/write"\nalertmanager_url = "http://127.0.0.1:9093"\n'
            f'notifications_token_file = "{self.folder}/notifications-token"\n'
            f"report_seconds = {REPORT_SECONDS}\ngrace_seconds = {REPORT_SECONDS}\n"
            'demonstration = true\ninternet_targets = "10.99.0.1"\n'
        )
        (self.folder / "notifications-token").write_text(secrets.token_hex(32))
        (self.folder / "campuses.csv").write_text("id,name,region\nlincoln,Lincoln High,north\n")
        rows = zip(AP_IDS, ACCESS_POINTS, strict=True)
        lines = [f"lincoln,{ap},ap-{address},{address}" for ap, address in rows]
        (self.folder / "aps.csv").write_text("campus,id,name,address\n" + "\n".join(lines) + "\n")
        rooms = [room.replace("/", ",") for room in ROOMS]
        (self.folder / "rooms.csv").write_text("campus,building,room\n" + "\n".join(rooms) + "\n")

    def collector(self, *arguments: str) -> str:
        """One `wifi-collector` command, as an operator types it."""
        return self.programs.run(
            BIN / "wifi-collector", "--config", self.folder / "collector.toml", *arguments, namespace=self.network.core
        )

    def start_collector(self) -> None:
        self.programs.start(
            "collector",
            BIN / "wifi-collector",
            "--config",
            self.folder / "collector.toml",
            "serve",
            namespace=self.network.core,
        )
        until(lambda: self.get("/readyz", as_json=False), 30, "the collector is ready")

    def _import(self) -> None:
        for kind, name in (("campuses", "campuses"), ("access-points", "aps"), ("rooms", "rooms")):
            self.collector("import", kind, str(self.folder / f"{name}.csv"), "--apply")

    def _enroll(self, number: int) -> None:
        data = self.folder / f"agent{number}"
        data.mkdir()
        (self.folder / f"agent{number}.toml").write_text(f'data_dir = "{data}"\nmetrics_port = 0\n')
        join = self.folder / f"join{number}"
        join.write_text(self.collector("token", "create", "--campus", "lincoln").strip())
        self.programs.run(
            BIN / "wifi-agent",
            "--config",
            self.folder / f"agent{number}.toml",
            "enroll",
            "--no-wait",
            "--join-file",
            join,
            namespace=self.network.rooms[number],
        )
        (pending,) = (one for one in self.known_agents() if one["state"] == "pending")
        self.collector("agents", "approve", pending["agent"], "--place", ROOMS[number])
        self.agents.append(pending["agent"])

    def add_simulated_campus(self) -> str:
        """A campus of the product's own model, with radios, and its fleet; its id."""
        model = self.folder / "model"
        self.programs.run(BIN / "wifi-agent", "simulate", "--campuses", "1", "--write-inventory", model)
        for kind, name in (("campuses", "campuses"), ("access-points", "aps"), ("rooms", "rooms")):
            both = [self.folder / f"{name}.csv", model / f"{kind}.csv"]
            rows = [row for path in both for row in csv.DictReader(path.open(newline=""))]
            listed = self.folder / f"both-{kind}.csv"
            with listed.open("w", newline="") as file:
                writer = csv.DictWriter(file, list(dict.fromkeys(key for row in rows for key in row)), restval="")
                writer.writeheader()
                writer.writerows(rows)
            self.collector("import", kind, str(listed), "--apply")
        joins = self.folder / "joins.csv"
        self.collector("token", "create", "--file", str(model / "campuses.csv"), "--agents", "2", "--out", str(joins))
        fleet = (BIN / "wifi-agent", "simulate", "--campuses", "1", "--slot-seconds", str(SLOT_SECONDS),
                 "--join-file", joins, "--dir", self.folder / "fleet")  # fmt: skip
        self.programs.run(*fleet, "--enroll-only", namespace=self.network.core)
        with (self.folder / "fleet" / "agents.csv").open(newline="") as file:
            for row in csv.DictReader(file):
                self.collector("agents", "approve", row["agent"], "--place", row["place"])
        self.programs.start("fleet", *fleet, namespace=self.network.core)
        return "sim-001"

    def adopt(self, policy: str) -> None:
        """A shipped policy from today on, for slots as short as this campus's."""
        shown = (ROOT / "collector" / "policies" / f"{policy}.toml").read_text()
        shown = re.sub(r"(?m)^slot_seconds = \d+$", f"slot_seconds = {SLOT_SECONDS}", shown)
        file = self.folder / f"{policy}.toml"
        file.write_text(shown)
        today = datetime.datetime.now(zoneinfo.ZoneInfo("America/Los_Angeles")).date()
        self.collector("policy", "adopt", str(file), "--from", today.isoformat())

    def known_agents(self) -> list[dict[str, Any]]:
        listed = json.loads(self.collector("agents", "list", "--json"))
        return listed["agents"] if isinstance(listed, dict) else listed

    def start_agent(self, number: int, room: str) -> None:
        self.programs.start(
            f"agent{number}", BIN / "wifi-agent", "--config", self.folder / f"agent{number}.toml", "run", namespace=room
        )

    def _start_prometheus(self) -> None:
        rules = self.collector("rules", "--slot-seconds", str(SLOT_SECONDS))
        (self.folder / "rules.yml").write_text(rules)
        settings = (DEPLOY / "prometheus" / "prometheus.yml").read_text()
        settings = re.sub(r"(scrape_interval|evaluation_interval): 15s", r"\1: 1s", settings)
        settings = settings.replace("scrape_timeout: 10s", "scrape_timeout: 1s")
        settings = settings.replace('"127.0.0.1:8080"', f'"{COLLECTOR}:8443"').replace(
            "  - job_name: campus_wifi\n",
            f"  - job_name: campus_wifi\n    scheme: https\n    tls_config: {{ca_file: {self.folder}/cert.pem}}\n",
        )
        (self.folder / "prometheus.yml").write_text(settings)
        alerts = (DEPLOY / "alertmanager" / "alertmanager.yml").read_text()
        alerts = re.sub(r"http://127\.0\.0\.1:9095/", self.webhook.url, alerts)
        alerts = alerts.replace("http://127.0.0.1:8080", f"https://{COLLECTOR}:8443")
        token = f"authorization: {{credentials_file: {self.folder}/notifications-token}}"
        tls = f"tls_config: {{ca_file: {self.folder}/cert.pem}}"
        alerts = re.sub(r"http_config: .*", f"http_config: {{{token}, {tls}}}", alerts)
        alerts = alerts.replace("group_wait: 30s", "group_wait: 1s").replace("group_interval: 5m", "group_interval: 2s")
        (self.folder / "alertmanager.yml").write_text(alerts)
        core = self.network.core
        self.programs.start(
            "alertmanager",
            binaries.need("alertmanager"),
            f"--config.file={self.folder}/alertmanager.yml",
            f"--storage.path={self.folder}/alertmanager",
            "--web.listen-address=0.0.0.0:9093",
            "--cluster.listen-address=",
            namespace=core,
        )
        self.programs.start(
            "prometheus",
            binaries.need("prometheus"),
            f"--config.file={self.folder}/prometheus.yml",
            f"--storage.tsdb.path={self.folder}/prometheus",
            "--web.enable-remote-write-receiver",
            "--web.listen-address=0.0.0.0:9090",
            namespace=core,
        )
        until(lambda: self._fetch(f"http://{COLLECTOR}:9090/-/ready"), 30, "Prometheus is ready")
        until(lambda: self._fetch(f"http://{COLLECTOR}:9093/-/ready"), 30, "Alertmanager is ready")

    def _fetch(self, url: str) -> bytes:
        with urllib.request.urlopen(url, timeout=5, context=self._tls if url.startswith("https") else None) as answer:
            return answer.read()

    def get(self, path: str, as_json: bool = True) -> Any:
        body = self._fetch(f"https://{COLLECTOR}:8443{path}")
        return json.loads(body) if as_json else body

    def query(self, expression: str, at: float | None = None) -> list[dict[str, Any]]:
        """An instant query of the real Prometheus."""
        asked = {"query": expression} | ({"time": str(at)} if at else {})
        answer = json.loads(self._fetch(f"http://{COLLECTOR}:9090/api/v1/query?{urllib.parse.urlencode(asked)}"))
        return answer["data"]["result"]

    def slots(self) -> dict[int, str]:
        """The ledger's verdict of every judged slot, newest revision of each day, over the read API."""
        days = {datetime.datetime.now(datetime.UTC).date() + datetime.timedelta(days=n) for n in (-1, 0, 1)}
        answer = self.get(f"/v1/campuses/lincoln/ledger?from={min(days)}&to={max(days)}")
        found: dict[int, str] = {}
        for row in sorted(answer["revisions"], key=lambda row: (row["day"], row["revision"])):
            first, seconds = row["record"]["first_slot"], row["record"]["slot_seconds"]
            words = {"m": "met", "s": "short", "u": "unknown", ".": "no_class"}
            found |= {first + n * seconds: words[letter] for n, letter in enumerate(row["strip"]) if letter in words}
        return found

    def record(self, slot: int) -> list[dict[str, Any]]:
        """What every revision of the ledger says of this slot, oldest first."""
        day = datetime.datetime.fromtimestamp(slot, datetime.UTC).date()
        around = [day + datetime.timedelta(days=n) for n in (-1, 1)]
        answer = self.get(f"/v1/campuses/lincoln/ledger?from={around[0]}&to={around[1]}")
        return [
            span["grounds"] | {"revision": row["revision"]}
            for row in sorted(answer["revisions"], key=lambda row: (row["day"], row["revision"]))
            for span in row["record"]["spans"]
            if span["from_slot"] <= slot < span["to_slot"]
        ]

    def spooled(self, number: int) -> set[tuple[str, int]]:
        """(stream, seq) of all that an agent ever sealed, from its own spool: acknowledged reports stay 48 hours."""
        spool = f"file:{self.folder}/agent{number}/spool.sqlite3?mode=ro"
        with contextlib.closing(sqlite3.connect(spool, uri=True)) as db:
            return set(db.execute("SELECT stream, seq FROM report").fetchall())

    def kept(self) -> list[tuple[str, str, int, str]]:
        """(agent, stream, seq, digest) of all evidence, from the database itself: not the system's own counters."""
        with contextlib.closing(sqlite3.connect(f"file:{self.folder}/collector/collector.db?mode=ro", uri=True)) as db:
            return db.execute("SELECT agent, stream, seq, digest FROM evidence").fetchall()

    def close(self) -> None:
        self.programs.close()
        self.webhook.close()


@contextlib.contextmanager
def running(folder: Path, before: Callable[[Network], None] | None = None) -> Iterator[Campus]:
    """A whole campus, gone when the block ends. ``before`` changes its network before anything starts."""
    binaries.need_root()
    for name in ("prometheus", "alertmanager"):
        binaries.need(name)
    network = Network()
    try:
        if before is not None:
            before(network)
        campus = Campus(folder, network)
        try:
            campus.start()
            yield campus
        finally:
            campus.close()
    finally:
        network.close()
