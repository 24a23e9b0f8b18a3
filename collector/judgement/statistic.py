"""One slot's evidence as counts: reports go in, per agent and target what was sent, received and how long it took.

A measurement belongs to the slot of its end. Order and repetition of reports change nothing: each report counts once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct, field

from agent import wire
from collector.judgement import testimony
from collector.judgement.air import Air
from collector.judgement.air import add as add_air
from collector.judgement.cause_words import OWN_GATEWAY, OWN_LINK, OWN_PROBE
from collector.judgement.samples import Samples, take

Reach = wire.Reach | testimony.Reach
Path = wire.Path | testimony.Path
BEYOND = frozenset({"collector", "internet", "target"})
"""Rungs behind the gateway."""


class Placed(Struct, frozen=True):
    """A report and where it was made. ``confirmed`` false: the placement is in doubt, so it says nothing. ``survey``: a
    walking technician measured this room in passing; that is coverage, and no agent's word on a slot."""

    agent: str
    place: str | None
    start_at: float
    report: testimony.Report
    digest: str
    received_at: float = 0.0
    confirmed: bool = True
    survey: bool = False


class Echoes(Struct):
    """What one agent sent to one target and got back; ``rtts``: the mean of each burst, seconds."""

    rung: str = ""
    sent: int = 0
    received: int = 0
    rtts: list[float] = []


class Said(Struct):
    """What one agent said in one slot."""

    agent: str
    place: str | None
    reach: dict[str, list[int]] = {}
    path: dict[str, Echoes] = {}
    could_not: set[str] = set()
    air: Air = field(default_factory=Air)
    samples: Samples = field(default_factory=Samples)


def by_slot(slots: Iterable[int], slot_seconds: int, evidence: Sequence[Placed]) -> dict[int, dict[str, Said]]:
    """For each wanted slot, what each agent said in it."""
    wanted = set(slots)
    said: dict[int, dict[str, Said]] = {slot: {} for slot in wanted}
    sweeps: dict[int, _Sweeps] = {}
    for one in {one.digest: one for one in evidence if one.confirmed and not one.survey}.values():
        first = int(one.start_at // slot_seconds) * slot_seconds
        last = int((one.start_at + one.report.duration_seconds - 1e-6) // slot_seconds) * slot_seconds
        if first == last:
            if first in wanted:
                _add(_of(said[first], one, sweeps), one.report, None, sweeps)
            continue
        for slot in range(first, last + slot_seconds, slot_seconds):
            if slot in wanted:
                low, high = slot - one.start_at, slot + slot_seconds - one.start_at
                _add(_of(said[slot], one, sweeps), one.report, (low, high), sweeps)
    for agents in said.values():
        for found in agents.values():
            sweeps[id(found)].add_to(found.reach)
    return said


class _Sweeps:
    """The whole sweeps of one agent in one slot. They mostly ask the same targets in the same order: then columns are
    added up, and each target is looked up once a slot, not once a sweep."""

    def __init__(self) -> None:
        self._targets: list[str] = []
        self._sent: list[list[int]] = []
        self._received: list[list[int]] = []

    def take(self, reach: Reach, counts: dict[str, list[int]]) -> None:
        if reach.target != self._targets:
            self.add_to(counts)
            self._targets = reach.target
        self._sent.append(reach.sent)
        self._received.append(reach.received)

    def add_to(self, counts: dict[str, list[int]]) -> None:
        columns = (map(sum, zip(*column, strict=True)) for column in (self._sent, self._received))
        for target, sent, received in zip(self._targets, *columns, strict=True):
            held = counts.get(target)
            if held is None:
                counts[target] = [sent, received]
            else:
                held[0] += sent
                held[1] += received
        self._targets, self._sent, self._received = [], [], []


def _of(agents: dict[str, Said], one: Placed, sweeps: dict[int, _Sweeps]) -> Said:
    found = agents.get(one.agent)
    if found is None:
        found = agents[one.agent] = Said(
            one.agent, one.place, {}, {}, set(), Air({}, {}, {}, []), Samples(one.agent, "", {}, [], [])
        )
        sweeps[id(found)] = _Sweeps()
    return found


def _add(said: Said, report: testimony.Report, window: tuple[float, float] | None, sweeps: dict[int, _Sweeps]) -> None:
    if report.reach is not None:
        if window is None:
            sweeps[id(said)].take(report.reach, said.reach)
        else:
            _add_sweep(said.reach, report.reach, window)
    if report.path is not None:
        _add_path(said.path, report.path, window)
    if report.airspace or report.channels or report.link:
        add_air(said.air, report, window)
    if report.join or report.throughput:
        take(said.samples, report, window)
    for missed in report.not_run:
        if window is None or window[0] <= missed.at < window[1]:
            said.could_not.add(missed.probe)


def _add_sweep(counts: dict[str, list[int]], reach: Reach, window: tuple[float, float]) -> None:
    """Of a report that reaches over the slot: the rows that ended in it."""
    for at, target, sent, received in zip(reach.at, reach.target, reach.sent, reach.received, strict=True):
        if window[0] <= at < window[1]:
            held = counts.setdefault(target, [0, 0])
            held[0] += sent
            held[1] += received


def _add_path(found: dict[str, Echoes], path: Path, window: tuple[float, float] | None) -> None:
    columns = (path.at, path.rung, path.target, path.sent, path.received, path.rtt_mean_seconds)
    for at, rung, target, sent, received, rtt in zip(*columns, strict=True):
        if window is None or window[0] <= at < window[1]:
            echoes = found.get(target)
            if echoes is None:
                echoes = found[target] = Echoes(rung, 0, 0, [])
            echoes.sent += sent
            echoes.received += received
            if rtt is not None:
                echoes.rtts.append(rtt)


def own_fault(said: Said) -> str:
    """Why this agent can say nothing about access points, or "". Its own uplink or interface failed where a probe could
    not run, where its link is down, or where nothing at all answered it, its own gateway included."""
    if "reach" in said.could_not and not said.reach:
        return OWN_PROBE.say()
    link = [echoes for echoes in said.path.values() if echoes.rung == "link"]
    if link and all(echoes.sent and not echoes.received for echoes in link):
        return OWN_LINK.say()
    gateway = [echoes for echoes in said.path.values() if echoes.rung == "gateway"]
    deaf = all(echoes.sent and not echoes.received for echoes in gateway)
    if gateway and deaf and not any(received for _, received in said.reach.values()):
        return OWN_GATEWAY.say()
    return ""
