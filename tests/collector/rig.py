"""A real collector on a real loopback socket over a real SQLite file, and devices that speak to it."""

import asyncio
import base64
import contextlib
import datetime
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import uvicorn
from prometheus_client import CollectorRegistry

from agent import wire
from agent.identity import Identity
from collector.app import create_app
from collector.config import Config
from collector.inventory import AccessPoint, Campus, Inventory, Place
from collector.policies.policy import baseline
from collector.school_time.hours import Hours
from collector.services import Services
from collector.signer import Signer
from collector.store import Store, agents, snapshots, tokens

CAMPUS = "lincoln"
OTHER = "roosevelt"
MODELLED = "modelled"
APS = tuple(f"02:00:00:00:00:{n:02x}" for n in range(1, 9))
REPORT_SECONDS = 60


class Clock:
    """Unix time that a test may move."""

    def __init__(self, at: float | None = None) -> None:
        self.offset = 0.0 if at is None else at - time.time()

    def __call__(self) -> float:
        return time.time() + self.offset


def inventory() -> Inventory:
    campuses = {
        CAMPUS: Campus(CAMPUS, "Lincoln"),
        OTHER: Campus(OTHER, "Roosevelt"),
        MODELLED: Campus(MODELLED, "Modelled", simulated=True),
    }
    access_points = {
        CAMPUS: tuple(AccessPoint(ap, CAMPUS, f"ap-{ap[-2:]}", f"192.0.2.{int(ap[-2:], 16)}") for ap in APS)
    }
    return Inventory(campuses, access_points, {CAMPUS: (Place(CAMPUS, "main", "101"),)})


def fill(store: Store, now: float) -> None:
    """Inventory, hours and policy, valid from long ago."""
    day = datetime.date(2020, 1, 1)

    def keep(connection: Any) -> None:
        snapshots.keep(connection, "inventory", inventory().to_bytes(), day, now)
        snapshots.keep(connection, "hours", Hours(always=True).to_bytes(), day, now)
        snapshots.keep(connection, "policy", baseline().to_bytes(), day, now)

    store.write(keep).result()


class Device:
    """One enrolled (or not) device with a stream of its own."""

    def __init__(self, identity: Identity | None = None, simulated: bool = False) -> None:
        self.identity = identity or Identity.generate()
        self.simulated = simulated
        self.stream = secrets.token_hex(16)
        self.boot_id = secrets.token_hex(16)
        self.seq = 0

    @property
    def id(self) -> str:
        return self.identity.id

    def request(self, token: str) -> wire.EnrollRequest:
        public = base64.b64encode(self.identity.public_key).decode()
        proof = self.identity.sign("enroll", token.encode() + b"\n" + self.identity.public_key)
        return wire.EnrollRequest(token, public, proof, "1.0", "test", self.simulated)

    def report(self, start_at: float | None, **changes: Any) -> wire.Report:
        """One minute in which every access point answered."""
        self.seq += 1
        n = len(APS)
        reach = wire.Reach(
            at=[10.0 + k for k in range(n)], duration_seconds=[0.1] * n, outcome=["ok"] * n, reason=[None] * n,
            target=list(APS), method=["icmp"] * n, stamp=["kernel"] * n, sent=[3] * n, received=[3] * n,
            rtt_min_seconds=[0.001] * n, rtt_mean_seconds=[0.0015] * n, rtt_max_seconds=[0.002] * n,
            jitter_seconds=[0.0001] * n, loss_ratio=[0.0] * n,
        )  # fmt: skip
        made = wire.Report(
            schema=1, agent=self.id, agent_version="1.0", stream=self.stream, seq=self.seq, boot_id=self.boot_id,
            start_at=start_at, duration_seconds=REPORT_SECONDS,
            clock=wire.Clock("synced" if start_at else "unknown", 1000.0 + 60 * self.seq),
            plan=None, reach=reach, simulated=self.simulated,
        )  # fmt: skip
        return msgspec.structs.replace(made, **changes)

    def seal(self, report: wire.Report | bytes) -> wire.Sealed:
        data = report if isinstance(report, bytes) else wire.encode(report)
        return wire.Sealed(self.identity.sign("report", data), msgspec.Raw(data))

    def push(self, *sealed: wire.Sealed) -> wire.Push:
        return wire.Push(secrets.token_hex(8), list(sealed))


class Rig:
    """The running collector, with the doors a test needs."""

    def __init__(self, url: str, services: Services, clock: Clock) -> None:
        self.url = url
        self.services = services
        self.store = services.store
        self.clock = clock
        self.http = httpx.Client(base_url=url, timeout=20, trust_env=False)

    def token(self, campus: str = CAMPUS, keys: int = 1, **more: Any) -> str:
        now = self.clock()
        return self.store.write(
            lambda c: tokens.create(c, campus=campus, now=now, by="test", keys=keys, **more)
        ).result()

    def enroll(self, device: Device, token: str | None = None, approve: bool = True) -> Device:
        given = token or self.token(MODELLED if device.simulated else CAMPUS, auto_approve=approve)
        answer = self.http.post("/v1/enroll", content=wire.encode(device.request(given)))
        assert answer.status_code == 200, answer.text
        return device

    def stands_since(self, device: Device, at: float, campus: str = CAMPUS) -> Device:
        now = self.clock()
        self.store.write(lambda c: agents.move(c, device.id, campus, None, "test", now, 300, from_at=at)).result()
        return device

    def approve(self, device: Device, place: str | None = None) -> None:
        now = self.clock()
        self.store.write(lambda c: agents.approve(c, device.id, place, "test", now, 300)).result()

    def post(self, device_id: str, body: bytes, **headers: str) -> httpx.Response:
        sent = {"Content-Type": "application/json", "Campus-Wifi-Agent": device_id} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        return self.http.post("/v1/reports", content=body, headers=sent)

    def push(self, device: Device, *sealed: wire.Sealed) -> wire.Ack:
        answer = self.post(device.id, wire.encode(device.push(*sealed)))
        assert answer.status_code == 200, answer.text
        return wire.decode(answer.content, wire.Ack)

    def metric(self, name: str, **labels: str) -> float:
        return self.services.registry.get_sample_value(name, labels) or 0.0

    def rows(self) -> int:
        with self.store.read() as connection:
            return connection.exec_driver_sql("SELECT count(*) FROM evidence").scalar() or 0


@contextlib.contextmanager
def running(folder: Path, clock: Clock | None = None, **config: Any) -> Iterator[Rig]:
    clock = clock or Clock()
    settings = Config(data_dir=folder, **config)
    store = Store(settings.database_url, slot_seconds=300)
    services = Services(store, settings, Signer.load_or_create(folder), clock, CollectorRegistry())
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    options = uvicorn.Config(create_app(services), lifespan="off", log_config=None, access_log=False, http="httptools")
    server = uvicorn.Server(options)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])), daemon=True)
    thread.start()
    try:
        fill(store, clock())
        rig = Rig(url, services, clock)
        yield rig
        rig.http.close()
    finally:
        server.should_exit = True
        thread.join(20)
        store.close()
