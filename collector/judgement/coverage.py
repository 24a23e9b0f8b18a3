"""Coverage: is the signal there? What radios heard in each room goes in, each room's last measurement comes out.

A line of its own, beside service and never merged with it: all rooms of the room list, whether an agent stands there or
a technician walked by, in class time or not. A room counts with its latest measurement, for as long as the criterion's
``within_days`` says; a room never measured is unknown, and named.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import Any

from collector.judgement import air
from collector.judgement.day_record import RoomAir
from collector.judgement.evaluate import Radio, Verdict, three_values
from collector.judgement.statistic import Placed
from collector.policies.policy import Criterion, Policy


def criteria(policy: Policy) -> list[Criterion]:
    return [one for one in policy.criteria if one.window == "survey"]


def measured(policy: Policy, radio: Radio, evidence: Iterable[Placed]) -> dict[str, RoomAir]:
    """The last measurement of each room by which the policy's survey criteria can be judged."""
    wanted = criteria(policy)
    if not wanted:
        return {}
    heard: dict[tuple[str, str, int], air.Air] = {}
    for one in {one.digest: one for one in evidence if one.confirmed and one.place}.values():
        report = one.report
        if report.airspace is None and report.channels is None:
            continue
        key = (str(one.place), one.agent, int(one.start_at // policy.slot_seconds) * policy.slot_seconds)
        if key not in heard:
            heard[key] = air.Air({}, {}, {}, [])
        air.add(heard[key], report, None)
    found: dict[str, RoomAir] = {}
    for (room, _, at), one_air in sorted(heard.items(), key=lambda item: (item[0][2], item[0][1])):
        said = {one.id: air.judged(one, one_air, radio.access_points, radio.ssids) for one in wanted}
        if room not in found or set(said.values()) != {"unknown"}:
            # As the record is read again: an instant is no whole number there.
            found[room] = RoomAir(float(at), dict(said))
    return found


def merged(before: Mapping[str, RoomAir], now: Mapping[str, RoomAir]) -> dict[str, RoomAir]:
    """Each room's later measurement; of one instant the one judged now."""
    rooms = {room: one for room, one in now.items() if room not in before or one.at >= before[room].at}
    return dict(sorted({**before, **rooms}.items()))


def line(
    policy: Policy, rooms: Iterable[str], known: Mapping[str, RoomAir], until: datetime.datetime
) -> list[dict[str, Any]]:
    """What each survey criterion says of the rooms of the list, at ``until``: with its share, met, short or unknown."""
    listed = sorted(rooms)
    lines = []
    for criterion in criteria(policy):
        assert criterion.within_days  # the policy's reader sees to it
        oldest = (until - datetime.timedelta(days=criterion.within_days)).timestamp()
        states: dict[str, Verdict] = {}
        for room in listed:
            last = known.get(room)
            fresh = last is not None and last.at >= oldest
            states[room] = last.verdicts.get(criterion.id, "unknown") if last is not None and fresh else "unknown"
        said = three_values(criterion, states)
        lines.append(
            {
                "id": criterion.id,
                "title": criterion.title,
                "verdict": said.verdict,
                "met": said.met,
                "short": said.short,
                "unknown": said.unknown,
                "of": said.n,
                "within_days": criterion.within_days,
                "rooms_short": list(said.failing),
                "rooms_unknown": list(said.missing),
            }
        )
    return lines
