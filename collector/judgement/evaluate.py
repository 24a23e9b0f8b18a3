"""The judge: policy, inventory, hours and evidence go in, verdicts come out. A pure function; it never guesses.

Without evidence a thing is unknown, never good, never bad. Short is proven: an access point is down only where it
answered before and every agent that asked enough says so; a room is short only where two independent targets fail.
A missing witness is not an assent: where an agent that could have disproved the fault is silent, the fault is unknown
until its evidence comes, so that taking evidence away moves a verdict only towards unknown.
"""

from __future__ import annotations

import datetime
import statistics
from collections.abc import Iterable, Sequence
from typing import Literal

from msgspec import Struct, structs

from collector.inventory import Inventory
from collector.judgement import air, causes
from collector.judgement.access_points import Pairs, State, Witnesses, by_access_point, states_of
from collector.judgement.samples import Samples, by_agent
from collector.judgement.statistic import BEYOND, Echoes, Placed, Said, by_slot, own_fault
from collector.policies.policy import Criterion, Policy
from collector.school_time.hours import Hours, instructional

Verdict = Literal["met", "short", "unknown", "no_class"]
_OF_PATH = frozenset({"rtt_seconds", "loss_ratio"})
_NAMED = 50
"""How many failing or missing things a verdict names; their number is always whole."""


class Context(Struct, frozen=True):
    """What is known beside the slot's evidence. ``ever_answered``: (agent, access point) pairs that answered before;
    ``ever_heard``: (agent, BSSID) pairs whose beacon was heard before; ``often_heard``: those heard as often as the
    policy asks before its absence counts, where None is given all of them;
    ``agents``: (agent, place, from, to) of approved placements; ``unconfirmed``: (agent, from, to) of those in doubt;
    ``collector_gaps``: [from, to); ``exclusions``: (from, to, why) as approved; ``edge_failed``: slots in which the
    campus's edge, which had answered the collector before, did not."""

    ever_answered: frozenset[tuple[str, str]] = frozenset()
    agents: tuple[tuple[str, str | None, float, float | None], ...] = ()
    collector_gaps: tuple[tuple[float, float], ...] = ()
    exclusions: tuple[tuple[float, float, str], ...] = ()
    edge_failed: frozenset[int] = frozenset()
    ever_heard: frozenset[tuple[str, str]] = frozenset()
    often_heard: frozenset[tuple[str, str]] | None = None
    unconfirmed: tuple[tuple[str, float, float | None], ...] = ()


class CriterionVerdict(Struct, frozen=True):
    """How many of ``n`` met the criterion; who fell short, and who is unknown."""

    id: str
    verdict: Verdict
    met: int
    short: int
    unknown: int
    n: int
    failing: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


class SlotVerdict(Struct, frozen=True):
    """A campus's slot. ``weight_seconds``: its instructional seconds; ``places``: each room's verdict; ``samples``:
    what it adds to the day."""

    slot: int
    verdict: Verdict
    weight_seconds: int
    criteria: tuple[CriterionVerdict, ...] = ()
    cause: str = ""
    cause_evidence: str = ""
    access_points: dict[str, State] = {}
    places: dict[str, Verdict] = {}
    samples: tuple[Samples, ...] = ()


class Radio(Struct, frozen=True):
    """What the inventory says of a campus's air: the access point of each BSSID, and the district's SSIDs."""

    access_points: dict[str, str] = {}
    ssids: tuple[str, ...] = ()


def radio_of(inventory: Inventory, campus: str, day: datetime.date) -> Radio:
    listed = inventory.access_points_on(campus, day)
    return Radio({bssid: ap.id for ap in listed for bssid in ap.bssids}, inventory.campuses[campus].ssids)


def three_values(criterion: Criterion, states: dict[str, Verdict]) -> CriterionVerdict:
    """``met`` if enough of n met it, ``short`` if not even the unknown could make it enough, else ``unknown``.
    Nothing to judge is unknown."""
    failing = tuple(sorted(name for name, state in states.items() if state == "short"))
    missing = tuple(sorted(name for name, state in states.items() if state == "unknown"))
    n = len(states)
    met = n - len(failing) - len(missing)
    need = criterion.share * n - 1e-9
    verdict: Verdict = "unknown"
    if n and met >= need:
        verdict = "met"
    elif n and met + len(missing) < need:
        verdict = "short"
    return CriterionVerdict(
        criterion.id, verdict, met, len(failing), len(missing), n, failing[:_NAMED], missing[:_NAMED]
    )


def evaluate_slots(
    policy: Policy,
    inventory: Inventory,
    hours: Hours,
    campus_id: str,
    day: datetime.date,
    slots: Iterable[int],
    evidence: Sequence[Placed],
    context: Context,
) -> dict[int, SlotVerdict]:
    """The verdict of each wanted slot of the campus's local day."""
    campus = inventory.campuses[campus_id]
    weights = instructional(hours, campus, day, policy.slot_seconds)
    wanted = sorted(set(slots))
    teaching = [slot for slot in wanted if weights.get(slot)]
    said = by_slot(teaching, policy.slot_seconds, evidence)
    asked = {ap.id: ap.bssids for ap in inventory.access_points_on(campus_id, day)}
    radio = radio_of(inventory, campus_id, day)
    heard = by_access_point(context.ever_heard, radio.access_points)
    often = context.often_heard
    missed = heard if often is None else by_access_point(often, radio.access_points)
    verdicts = {slot: SlotVerdict(slot, "no_class", 0) for slot in wanted}
    for slot in teaching:
        verdicts[slot] = _slot(policy, slot, weights[slot], asked, radio, (heard, missed), said[slot], context)
    return verdicts


def _slot(
    policy: Policy,
    slot: int,
    weight: int,
    asked: dict[str, tuple[str, ...]],
    radio: Radio,
    beacons: tuple[Pairs, Pairs],
    said: dict[str, Said],
    context: Context,
) -> SlotVerdict:
    end = slot + policy.slot_seconds
    expected = {
        agent: place for agent, place, since, until in context.agents if since < end and (until is None or until > slot)
    }
    faults = {agent: fault for agent, one in said.items() if (fault := own_fault(one))}
    criteria = []
    access_points: dict[str, State] = {}
    rooms: dict[str, Verdict] = {}
    for criterion in policy.criteria:
        if criterion.window != "slot":
            continue
        if criterion.scope == "access_point":
            asking = [one for agent, one in said.items() if agent not in faults]
            mute = [agent for agent in expected if agent not in said]
            seen = Witnesses(asking, _silent(expected, asking), [*said.values()], mute, context.ever_answered, *beacons)
            access_points = states_of(criterion, asked, seen)
            states: dict[str, Verdict] = {ap: _AS_VERDICT[state] for ap, state in access_points.items()}
        else:
            states = _rooms(criterion, expected, said, radio)
            for room, state in states.items():
                rooms[room] = _worse(rooms.get(room, "met"), state) if criterion.required else rooms.get(room, state)
        criteria.append((criterion.required, three_values(criterion, states)))
    required = [one.verdict for needed, one in criteria if needed]
    verdict: Verdict = "unknown"
    if "short" in required:
        verdict = "short"
    elif required and all(one == "met" for one in required):
        verdict = "met"
    whole = SlotVerdict(slot, verdict, weight, tuple(one for _, one in criteria), "", "", access_points, rooms)
    cause, grounds = causes.of_slot(whole, policy.slot_seconds, expected, said, faults, context)
    samples = by_agent(
        structs.replace(one.samples, room=room_of(agent, one.place))
        for agent, one in said.items()
        if one.samples.outcomes
    )
    return SlotVerdict(
        slot, verdict, weight, whole.criteria, cause, grounds, access_points, rooms, (*samples.values(),)
    )


_AS_VERDICT: dict[State, Verdict] = {
    "up": "met",
    "down": "short",
    "unknown": "unknown",
    "not_reachable_from_here": "unknown",
    "radio_silent": "met",
}


def room_of(agent: str, place: str | None) -> str:
    """The room that an agent speaks for; one without a room speaks for itself."""
    return place or f"agent {agent[:12]}"


def _worse(one: Verdict, other: Verdict) -> Verdict:
    order: tuple[Verdict, ...] = ("short", "unknown", "met", "no_class")
    return min(one, other, key=order.index)


def _silent(expected: dict[str, str | None], hearing: list[Said]) -> list[str]:
    """Placed agents that say nothing about any access point in this slot. An agent that reports others was not asked
    for the rest (the plan moves access points between agents), and so is no missing witness."""
    spoke = {one.agent for one in hearing if one.reach}
    return [agent for agent in expected if agent not in spoke]


def _rooms(
    criterion: Criterion, expected: dict[str, str | None], said: dict[str, Said], radio: Radio
) -> dict[str, Verdict]:
    """Each room with an approved agent. A room with several is met where one of them finds it so, and short only where
    all of them do."""
    states: dict[str, Verdict] = {}
    for agent, place in expected.items():
        room = room_of(agent, place)
        one = said.get(agent)
        state: Verdict = "unknown"
        if one is not None and criterion.measure in _OF_PATH:
            state = _from_room(criterion, one)
        elif one is not None:
            state = air.judged(criterion, one.air, radio.access_points, radio.ssids)
        states[room] = better_in_room(states.get(room), state)
    return states


def better_in_room(before: Verdict | None, state: Verdict) -> Verdict:
    """What two agents of one room say together."""
    if before is None or state == "met" or (before == "short" and state == "unknown"):
        return state
    return before


def _from_room(criterion: Criterion, said: Said) -> Verdict:
    """One target beyond the gateway that is good proves the room good; short takes two independent targets. The gateway
    counts among those that fail only where it answers at all: many never answer an echo."""
    failing = 0
    for echoes in said.path.values():
        beyond = echoes.rung in BEYOND
        if not beyond and not (echoes.rung == "gateway" and echoes.received):
            continue
        state = _target(criterion, echoes)
        if state == "met" and beyond:
            return "met"
        failing += state == "short"
    return "short" if failing >= 2 else "unknown"


def _target(criterion: Criterion, echoes: Echoes) -> Verdict:
    if echoes.sent < criterion.min_samples:
        return "unknown"
    if criterion.measure == "rtt_seconds":
        if not echoes.rtts:
            return "unknown"
        return "met" if criterion.satisfied(statistics.median(echoes.rtts)) else "short"
    lost = max(0, echoes.sent - echoes.received - criterion.allowance)
    return "met" if criterion.satisfied(lost / echoes.sent) else "short"
