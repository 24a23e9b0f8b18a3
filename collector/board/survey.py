"""Coverage as values: each room's last radio measurement goes in, how many rooms are measured and covered comes out.

Pure. The verdicts are :mod:`collector.judgement.coverage`'s; here the rooms get their names, and those that were never
measured are told from those whose measurement is too old or proves neither side.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from collector.judgement import coverage

if TYPE_CHECKING:
    from collector.board.campus import Names
    from collector.inventory import Place
    from collector.judgement.day_record import RoomAir
    from collector.policies.policy import Policy


@dataclass(frozen=True, slots=True)
class SurveyLine:
    """One survey criterion over the room list. ``measured``: rooms with a measurement young enough; ``unsure``: those
    of them whose reading is too near to the threshold, or says nothing; ``old``: measured, but too long ago."""

    title: str
    verdict: str
    listed: int
    measured: int
    covered: int
    within_days: int
    short: tuple[str, ...]
    unsure: tuple[str, ...]
    old: tuple[str, ...]
    never: tuple[str, ...]


def survey_lines(
    policy: Policy, places: Sequence[Place], known: Mapping[str, RoomAir], names: Names, now: float
) -> tuple[SurveyLine, ...]:
    """The line of each survey criterion of the policy, none where it has none."""
    listed = sorted(place.id for place in places)
    lines = []
    for said in coverage.line(policy, listed, known, datetime.datetime.fromtimestamp(now, datetime.UTC)):
        since = now - datetime.timedelta(days=said["within_days"]).total_seconds()
        fresh = {room: known[room].verdicts.get(said["id"], "unknown") for room in listed if _young(known, room, since)}
        lines.append(
            SurveyLine(
                said["title"],
                said["verdict"],
                len(listed),
                len(fresh),
                said["met"],
                said["within_days"],
                names.all(room for room, state in fresh.items() if state == "short"),
                names.all(room for room, state in fresh.items() if state not in ("met", "short")),
                names.all(room for room in listed if room in known and room not in fresh),
                names.all(room for room in listed if room not in known),
            )
        )
    return tuple(lines)


def _young(known: Mapping[str, RoomAir], room: str, since: float) -> bool:
    return room in known and known[room].at >= since
