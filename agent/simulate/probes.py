"""Probes that ask the model instead of the network: a plan's targets and an instant go in, the wire's tables come out.

Each figure is drawn from the seed, the agent, the target and the instant, so that a run can be repeated exactly.
"""

from __future__ import annotations

import hashlib
import random
from itertools import pairwise
from typing import Any, NamedTuple

from agent import wire
from agent.simulate.air import ModelAir, tries
from agent.simulate.district import Campus
from agent.simulate.faults import Fault, Truth

_RUNG_SECONDS: dict[str, float] = {
    "link": 0.0005, "gateway": 0.0018, "dns": 0.009, "collector": 0.012, "internet": 0.018, "target": 0.02,
}  # fmt: skip
# What a cut of the line to the outside takes away; the gateway and the access points are on campus.
_BEYOND_WAN = frozenset({"dns", "collector", "internet", "target"})
SLOW_DNS_SECONDS = 1.4
_OFF = frozenset({"agent_silent", "powered_off"})


class Place(NamedTuple):
    """Where one modelled agent stands."""

    campus: Campus
    building: str
    room: str


class Conditions(NamedTuple):
    """The air between one agent and what it asks. ``mute``: access points that answer, and send nothing; ``closed``:
    the management network lets no echo through; ``cut_off``: the collector alone cannot be reached; ``dns_seconds``:
    what a name takes beyond its usual time; ``segment``: which of the network's segments it is plugged into."""

    loss: float
    extra_seconds: float
    dead: frozenset[str]
    cut: bool
    cut_off: bool
    closed: bool
    dns_seconds: float
    no_leases: bool
    off: bool
    segment: str
    weak: bool
    crowded: bool
    mute: frozenset[str]


_FINE = Conditions(
    loss=0.001, extra_seconds=0.0, dead=frozenset(), cut=False, cut_off=False, closed=False, dns_seconds=0.0,
    no_leases=False, off=False, segment="", weak=False, crowded=False, mute=frozenset(),
)  # fmt: skip


class ModelProbes:
    """The probes of one agent. ``boot_at`` is the Unix time at which its boot clock was zero."""

    def __init__(self, place: Place, faults: Truth, seed: int, boot_at: float) -> None:
        self._place = place
        self._faults = faults
        self._seed = seed
        self._boot_at = boot_at
        self._air = ModelAir(place)
        self._here = f"{place.building}/{place.room}"
        self._known: tuple[float, Conditions] = (-1.0, _FINE)

    def conditions(self, at: float) -> Conditions:
        """What holds at an instant; asked several times for each, so the last answer is kept."""
        if self._known[0] != at:
            found = self._faults.at(self._place.campus.id, at)
            self._known = (at, self._of(found) if found else _FINE)
        return self._known[1]

    def _of(self, found: list[Fault]) -> Conditions:
        here = self._here
        kinds = {f.kind for f in found}
        weak = any(f.kind == "weak_room" and f.subject == here for f in found)
        crowded = "lunch_load" in kinds
        return Conditions(
            loss=0.001 + 0.12 * weak + 0.04 * crowded,
            extra_seconds=0.06 * weak + 0.09 * crowded,
            dead=frozenset(f.subject for f in found if f.kind == "access_point_down"),
            cut="wan_cut" in kinds,
            cut_off="collector_cut" in kinds,
            closed="management_closed" in kinds,
            dns_seconds=max((f.seconds or SLOW_DNS_SECONDS for f in found if f.kind == "slow_dns"), default=0.0),
            no_leases="dhcp_silent" in kinds,
            off=any(f.kind in _OFF and f.subject in ("", here) for f in found),
            segment=next((f"moved {f.from_at}" for f in found if f.kind == "agent_moved" and f.subject == here), ""),
            weak=weak,
            crowded=crowded,
            mute=frozenset(f.subject for f in found if f.kind == "radio_silent"),
        )

    def reach(self, plan: wire.Plan, at: float) -> wire.Reach:
        now = self.conditions(at)
        asked: list[tuple[str, wire.Method, float | None]] = [
            (target.id, target.method, None if now.closed or target.id in now.dead else 0.0025)
            for target in plan.access_points
        ]
        return wire.Reach(**self._echo("reach", asked, plan.reach_count, now, at))

    def path(self, plan: wire.Plan, at: float) -> wire.Path:
        now = self.conditions(at)
        asked: list[tuple[str, wire.Method, float | None]] = []
        for target in plan.paths:
            base: float | None = _RUNG_SECONDS[target.rung]
            if (now.cut and target.rung in _BEYOND_WAN) or (now.cut_off and target.rung == "collector"):
                base = None
            elif now.dns_seconds and target.rung == "dns":
                base = now.dns_seconds
            asked.append((target.name, target.method, base))
        return wire.Path(**self._echo("path", asked, 3, now, at), rung=[target.rung for target in plan.paths])

    def host(self, at: float) -> wire.Host:
        dice = self._dice("host", at)
        up = at - self._boot_at
        segment = self.conditions(at).segment
        return wire.Host(
            at=[up], duration_seconds=[0.002], outcome=["ok"], reason=[None],
            cpu_ratio=[round(dice.uniform(0.02, 0.1), 4)],
            memory_used_ratio=[round(dice.uniform(0.3, 0.4), 4)],
            disk_free_bytes=[12_000_000_000],
            temperature_celsius=[round(dice.uniform(44, 52), 1)],
            nic=["model0"], nic_up=[True], nic_speed_bits_per_second=[1e9],
            nic_receive_bytes=[int(up * 4000)], nic_transmit_bytes=[int(up * 2500)], nic_errors=[0], nic_drops=[0],
            clock_offset_seconds=[0.0], agent_cpu_seconds=[round(up * 0.004, 3)], agent_resident_bytes=[48_000_000],
            surroundings=[hashlib.sha256((self._place.campus.id + segment).encode()).hexdigest()[:32]],
        )  # fmt: skip

    def throughput(self, task: wire.ThroughputTask, at: float) -> wire.Throughput:
        now = self.conditions(at)
        dice = self._dice("throughput", at)
        ok = not (now.cut or now.cut_off)
        down = dice.uniform(80e6, 400e6) / (1 + 12 * now.extra_seconds)
        up = down * dice.uniform(0.4, 0.8)
        return wire.Throughput(
            at=[at - self._boot_at],
            duration_seconds=[task.max_seconds],
            outcome=["ok" if ok else "connect"],
            reason=[None if ok else "no way to the server"],
            target=["collector"],
            download_bits_per_second=[round(down) if ok else None],
            upload_bits_per_second=[round(up) if ok else None],
            download_bytes=[min(int(down / 8 * task.max_seconds / 2), task.max_bytes) if ok else None],
            upload_bytes=[min(int(up / 8 * task.max_seconds / 2), task.max_bytes) if ok else None],
            streams=[task.streams if ok else None],
            rtt_idle_seconds=[round(0.012 + now.extra_seconds, 6) if ok else None],
            rtt_loaded_seconds=[round(0.04 + 2 * now.extra_seconds, 6) if ok else None],
            nic_speed_bits_per_second=[1e9],
            far_end=["collector"],
            responsiveness_rounds_per_minute=[round(60 / (0.04 + 2 * now.extra_seconds), 1) if ok else None],
            retransmitted_segments=[None],
        )

    def airspace(self, plan: wire.Plan, at: float) -> dict[str, wire.Table]:
        return self._air.airspace(plan, self.conditions(at), self._dice("airspace", at), self._boottime(at))

    def link(self, plan: wire.Plan, at: float) -> wire.Link:
        return self._air.link(plan, self.conditions(at), self._dice("link", at), self._boottime(at))

    def join(self, plan: wire.Plan, at: float) -> wire.Join:
        now, dice = self.conditions(at), self._dice("join", at)
        return tries([self._air.join(task, now, dice, self._boottime(at)) for task in plan.join])

    def _boottime(self, at: float) -> float:
        return round(at - self._boot_at, 6)

    def _echo(
        self, probe: str, asked: list[tuple[str, wire.Method, float | None]], count: int, now: Conditions, at: float
    ) -> dict[str, list[Any]]:
        dice = self._dice(probe, at)
        columns: dict[str, list[Any]] = {name: [] for name in wire.Echo.__struct_fields__}
        for target, method, base in asked:
            rtts = []
            if base is not None:
                rtts = [
                    base + now.extra_seconds * dice.random() + dice.expovariate(1 / (base / 4))
                    for _ in range(count)
                    if dice.random() >= now.loss
                ]
            steps = [abs(b - a) for a, b in pairwise(rtts)]
            row: dict[str, Any] = {
                "at": self._boottime(at),
                "duration_seconds": round(max(rtts, default=1.0), 6),
                "outcome": "ok" if rtts else "timeout",
                "reason": None if rtts else f"no answer to {count} requests",
                "target": target,
                "method": method,
                "stamp": None,
                "sent": count,
                "received": len(rtts),
                "rtt_min_seconds": round(min(rtts), 6) if rtts else None,
                "rtt_mean_seconds": round(sum(rtts) / len(rtts), 6) if rtts else None,
                "rtt_max_seconds": round(max(rtts), 6) if rtts else None,
                "jitter_seconds": round(sum(steps) / len(steps), 6) if steps else None,
                "loss_ratio": round(1 - len(rtts) / count, 4),
            }
            for name, value in row.items():
                columns[name].append(value)
        return columns

    def _dice(self, probe: str, at: float) -> random.Random:
        place = self._place
        return random.Random(  # noqa: S311 - a model, not a secret
            f"{self._seed}/{probe}/{place.campus.id}/{place.building}/{place.room}/{at:.6f}"
        )
