"""Whether an access point lives: echoes and beacons go in, its state comes out. Two separate facts, joined here.

An echo that comes back is service. A beacon without an echo is life that the management network hides: "not reachable
from here". An echo without the beacon that this agent used to hear is a radio gone silent. Down takes both: no echo,
and no beacon where one was heard before. A witness that said nothing in the slot could disprove each of these.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Literal

from msgspec import Struct

from collector.judgement.statistic import Said
from collector.policies.policy import Criterion

State = Literal["up", "down", "unknown", "not_reachable_from_here", "radio_silent"]
Pairs = frozenset[tuple[str, str]]


class Witnesses(Struct, frozen=True):
    """``asking``: agents whose word on echoes counts; ``silent``: placed agents that asked nothing. ``ears``: agents
    that listened or said anything; ``mute``: placed agents that said nothing at all. ``answered``, ``heard``: (agent,
    access point) pairs of an earlier echo, an earlier beacon; ``missed``: pairs whose beacon was heard often enough
    that its absence says something. An agent that heard it once may still disprove what the others miss."""

    asking: Sequence[Said]
    silent: Sequence[str]
    ears: Sequence[Said]
    mute: Sequence[str]
    answered: Pairs
    heard: Pairs
    missed: Pairs

    @property
    def no_beacons(self) -> bool:
        """Nobody hears, nor ever heard, a beacon: echoes alone decide."""
        return not self.heard and not any(one.air.bss for one in self.ears)


def states_of(criterion: Criterion, access_points: Mapping[str, Collection[str]], seen: Witnesses) -> dict[str, State]:
    """``access_points``: the BSSIDs of each."""
    if seen.no_beacons:
        return {ap: _echo(criterion, ap, seen) for ap in access_points}
    return {ap: state_of(criterion, ap, bssids, seen) for ap, bssids in access_points.items()}


def by_access_point(beacons: Pairs, access_points: Mapping[str, str]) -> Pairs:
    """(agent, BSSID) pairs as (agent, access point) pairs."""
    return frozenset((agent, access_points[bssid]) for agent, bssid in beacons if bssid in access_points)


def state_of(criterion: Criterion, ap: str, bssids: Collection[str], seen: Witnesses) -> State:
    echo = _echo(criterion, ap, seen)
    if any(bssid in one.air.bss for one in seen.ears for bssid in bssids):
        return echo if echo in ("up", "unknown") else "not_reachable_from_here"
    hidden = any((agent, ap) in seen.heard for agent in seen.mute)
    missing = not hidden and _beacon_missing(ap, seen)
    if echo == "up":
        return "radio_silent" if missing else "up"
    if hidden and echo != "unknown":
        return "unknown"
    if echo == "not_reachable_from_here" and missing:
        return "down"
    return echo


def _echo(criterion: Criterion, ap: str, seen: Witnesses) -> State:
    down = elsewhere = False
    for one in seen.asking:
        counts = one.reach.get(ap)
        if counts is None or counts[0] < criterion.min_samples:
            continue
        if criterion.satisfied(counts[1] / counts[0]):
            return "up"
        if counts[1] or (one.agent, ap) in seen.answered:
            down = True
        else:
            elsewhere = True
    if down:
        return "unknown" if any((agent, ap) in seen.answered for agent in seen.silent) else "down"
    return "not_reachable_from_here" if elsewhere else "unknown"


def _beacon_missing(ap: str, seen: Witnesses) -> bool:
    """Every agent that heard it before and still listens hears others and not this one, and one of them heard it often
    enough to miss it."""
    used_to = [one for one in seen.ears if (one.agent, ap) in seen.heard and one.air.looked]
    usual = any((one.agent, ap) in seen.missed for one in used_to)
    return usual and all(one.air.listened and one.air.hears for one in used_to)
