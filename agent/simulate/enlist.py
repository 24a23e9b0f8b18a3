"""Simulated agents join like real ones: join strings go in, devices that the collector knows come out."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from pathlib import Path

from agent import enroll, wire
from agent.identity import Identity
from agent.plan import FILE, PlanError, PlanKeeper
from agent.push import Unreachable
from agent.simulate.clock import ModelClock, Time
from agent.simulate.device import Device
from agent.simulate.district import Campus
from agent.simulate.faults import Truth
from agent.simulate.probes import Place
from agent.transport import Client, Transport, client

_NO_BOOT = "0" * 32


class Link:
    """One device's way to its collector: the real transport, and the real check and keeping of what comes back."""

    def __init__(self, transport: Transport, plans: PlanKeeper) -> None:
        self._transport = transport
        self._plans = plans

    def push(self, push: wire.Push) -> wire.Ack:
        return self._transport.push(push)

    def plan(self) -> tuple[wire.Plan, str] | None:
        in_force = self._plans.in_force
        signed = self._transport.plan(in_force.digest if in_force else None)
        if signed is None:
            return None
        try:
            return self._plans.in_force if self._plans.take(signed) else None
        except PlanError as fault:
            raise Unreachable(str(fault)) from None


def read_joins(paths: Iterable[Path]) -> dict[str, str]:
    """Join strings by campus, from files as ``token create --file ... --out`` writes them (columns campus and join).
    Raises ValueError naming file and line, and never repeats a token."""
    joins: dict[str, str] = {}
    for path in paths:
        for line, row in enumerate(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"))), start=2):
            campus, join = (row.get("campus") or "").strip(), (row.get("join") or "").strip()
            if not campus or not join:
                raise ValueError(f"{path}: line {line}: needs campus and join, as `token create --file` writes them")
            joins[campus] = join
    return joins


class Enlisting:
    """Makes the devices of a district, each in its folder below ``folder``; one that joined before is itself again."""

    def __init__(
        self, folder: Path, *, faults: Truth, seed: int, time_: Time, version: str, ca_file: Path | None
    ) -> None:
        self._folder = folder
        self._faults = faults
        self._seed = seed
        self._time = time_
        self._version = version
        self._clock = ModelClock(time_, _NO_BOOT)
        self._ca_file = ca_file
        # One pool of connections for all: they are of one collector and trust one authority.
        self._http: Client | None = None

    def join(self, campus: Campus, number: int, joins: Mapping[str, str]) -> enroll.Enrollment:
        """Enrolls one device unless it is enrolled. Raises EnrollError."""
        home = self._home(campus, number)
        kept = enroll.load(home)
        if kept is not None:
            return kept
        if campus.id not in joins:
            raise enroll.EnrollError(f"no join string for campus {campus.id}; give one with --join-file")
        building, room = campus.agents[number]
        return enroll.enroll(
            enroll.parse(joins[campus.id]),
            home,
            self._clock,
            version=self._version,
            name=f"{campus.id} {building}/{room}"[:64],
            ca_file=self._ca_file,
            simulated=True,
        )

    def device(self, campus: Campus, number: int, kept: enroll.Enrollment, collector: str) -> Device:
        """The device in the campus's agent room ``number``."""
        home = self._home(campus, number)
        identity = Identity.load(home / enroll.IDENTITY)
        if self._http is None:
            self._http = client(enroll.authority(home, self._ca_file, kept), self._clock)
        transport = Transport(
            collector or kept.collector,
            identity=identity,
            clock=self._clock,
            http=self._http,
            collector_key=kept.key(),
        )
        plans = PlanKeeper(home / FILE, kept.key(), identity.id)
        return Device(
            Place(campus, *campus.agents[number]),
            identity,
            home,
            collector=Link(transport, plans),
            in_force=plans.load(),
            faults=self._faults,
            seed=self._seed,
            time_=self._time,
            version=self._version,
        )

    def close(self) -> None:
        if self._http is not None:
            self._http.close()

    def _home(self, campus: Campus, number: int) -> Path:
        return self._folder / campus.id / f"agent-{number + 1}"
