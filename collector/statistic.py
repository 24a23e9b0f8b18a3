"""One slot's evidence as counts: reports go in, per agent and target what was sent, received and how long it took.

A measurement belongs to the slot of its end. Order and repetition of reports change nothing: each report counts once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct, field

from agent import wire
from collector.air import Air
from collector.air import add as add_air
from collector.samples import Samples, take

BEYOND = frozenset({"collector", "internet", "target"})
"""Rungs behind the gateway."""


class Placed(Struct, frozen=True):
    """A report and where it was made. ``confirmed`` false: the placement is in doubt, so it says nothing. ``survey``: a
    walking technician measured this room in passing; that is coverage, and no agent's word on a slot."""

    agent: str
    place: str | None
    start_at: float
    report: wire.Report
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
    for one in {one.digest: one for one in evidence if one.confirmed and not one.survey}.values():
        first = int(one.start_at // slot_seconds) * slot_seconds
        last = int((one.start_at + one.report.duration_seconds - 1e-6) // slot_seconds) * slot_seconds
        if first == last:
            if first in wanted:
                _add(_of(said[first], one), one.report, None)
            continue
        for slot in range(first, last + slot_seconds, slot_seconds):
            if slot in wanted:
                low, high = slot - one.start_at, slot + slot_seconds - one.start_at
                _add(_of(said[slot], one), one.report, (low, high))
    return said


def _of(agents: dict[str, Said], one: Placed) -> Said:
    found = agents.get(one.agent)
    if found is None:
        found = agents[one.agent] = Said(
            one.agent, one.place, {}, {}, set(), Air({}, {}, {}, []), Samples(one.agent, "", {}, [], [])
        )
    return found


def _add(said: Said, report: wire.Report, window: tuple[float, float] | None) -> None:
    _add_echoes(said, report, window)
    if report.airspace or report.channels or report.link:
        add_air(said.air, report, window)
    if report.join or report.throughput:
        take(said.samples, report, window)
    for missed in report.not_run:
        if window is None or window[0] <= missed.at < window[1]:
            said.could_not.add(missed.probe)


def _add_echoes(said: Said, report: wire.Report, window: tuple[float, float] | None) -> None:
    reach = report.reach
    if reach is not None:
        counts = said.reach
        for at, target, sent, received in zip(reach.at, reach.target, reach.sent, reach.received, strict=True):
            if window is None or window[0] <= at < window[1]:
                held = counts.get(target)
                if held is None:
                    counts[target] = [sent, received]
                else:
                    held[0] += sent
                    held[1] += received
    path = report.path
    if path is not None:
        columns = (path.at, path.rung, path.target, path.sent, path.received, path.rtt_mean_seconds)
        for at, rung, target, sent, received, rtt in zip(*columns, strict=True):
            if window is None or window[0] <= at < window[1]:
                echoes = said.path.get(target)
                if echoes is None:
                    echoes = said.path[target] = Echoes(rung, 0, 0, [])
                echoes.sent += sent
                echoes.received += received
                if rtt is not None:
                    echoes.rtts.append(rtt)


def own_fault(said: Said) -> str:
    """Why this agent can say nothing about access points, or "". Its own uplink or interface failed where a probe could
    not run, where its link is down, or where nothing at all answered it, its own gateway included."""
    if "reach" in said.could_not and not said.reach:
        return "its reach probe could not run"
    link = [echoes for echoes in said.path.values() if echoes.rung == "link"]
    if link and all(echoes.sent and not echoes.received for echoes in link):
        return "its own link is down"
    gateway = [echoes for echoes in said.path.values() if echoes.rung == "gateway"]
    deaf = all(echoes.sent and not echoes.received for echoes in gateway)
    if gateway and deaf and not any(received for _, received in said.reach.values()):
        return "nothing answers it, not even its gateway"
    return ""
