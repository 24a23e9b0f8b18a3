"""Which fault happens where and when: the plan of a simulated month, and of the small week that every push runs.

A campus is named by its number in the district. Times are local. Nothing here knows what follows from a fault.
"""

import dataclasses
import datetime

TIME = datetime.time


@dataclasses.dataclass(frozen=True)
class Fault:
    """``of``: the access point's or the agent's number, from 1; 0 for the whole campus. ``seconds``: of slow names."""

    kind: str
    campus: int
    begin: datetime.datetime
    end: datetime.datetime
    of: int = 0
    seconds: float = 0.0


@dataclasses.dataclass(frozen=True)
class Act:
    """What people do. ``exclude``: planned work, asked for by one and approved by another after day ``on``; ``move``
    and ``confirm``: the agent ``of`` whose surroundings changed, answered after day ``on``."""

    verb: str
    campus: int
    on: datetime.date
    begin: datetime.datetime
    end: datetime.datetime | None = None
    of: int = 0


@dataclasses.dataclass(frozen=True)
class Plan:
    """``days``: Mondays to Fridays; ``stages``: the days lived in one go, people act after each; ``alone``: campuses
    with one agent; ``uplinks``: campuses that share a line; ``holidays``, ``minimum``: of the calendar; ``bundle``: the
    campus whose evidence is carried away; ``late``: campuses whose reports came days later."""

    campuses: int
    days: tuple[datetime.date, ...]
    stages: tuple[tuple[datetime.date, datetime.date], ...]
    faults: tuple[Fault, ...]
    acts: tuple[Act, ...]
    alone: frozenset[int]
    uplinks: dict[int, str]
    holidays: tuple[datetime.date, ...]
    minimum: tuple[datetime.date, ...]
    late: tuple[int, ...]
    bundle: int


def at(day: datetime.date, hour: int, minute: int = 0) -> datetime.datetime:
    return datetime.datetime.combine(day, TIME(hour, minute))


def _days(first: datetime.date, last: datetime.date) -> tuple[datetime.date, ...]:
    every = (first + datetime.timedelta(days=n) for n in range((last - first).days + 1))
    return tuple(day for day in every if day.weekday() < 5)


def _stages(days: tuple[datetime.date, ...]) -> tuple[tuple[datetime.date, datetime.date], ...]:
    """Half weeks: Monday to Wednesday, Thursday and Friday. What is cut off in one is judged before the next begins."""
    halves: dict[tuple[int, bool], list[datetime.date]] = {}
    for day in days:
        halves.setdefault((day.isocalendar()[1], day.weekday() > 2), []).append(day)
    return tuple((half[0], half[-1]) for half in halves.values())


def week() -> Plan:
    """Six campuses, five days, each fault once."""
    days = _days(datetime.date(2026, 10, 5), datetime.date(2026, 10, 9))
    mon, tue, wed, thu, fri = days
    faults = (
        Fault("access_point_down", 0, at(tue, 9, 30), at(tue, 11), of=3),
        Fault("wan_cut", 0, at(mon, 10), at(mon, 11)),
        Fault("slow_dns", 0, at(thu, 0), at(fri, 0), seconds=6.0),
        Fault("management_closed", 1, at(mon, 0), at(fri, 23)),
        Fault("weak_room", 2, at(tue, 9), at(tue, 11), of=1),
        Fault("agent_moved", 2, at(wed, 10), at(fri, 23), of=2),
        Fault("wan_cut", 3, at(mon, 9), at(mon, 10)),
        Fault("agent_silent", 3, at(tue, 9), at(tue, 12), of=2),
        Fault("dhcp_silent", 3, at(thu, 9), at(thu, 11)),
        Fault("collector_cut", 4, at(tue, 9), at(thu, 9)),
        Fault("wan_cut", 4, at(mon, 10), at(mon, 11)),
        Fault("wan_cut", 5, at(mon, 10), at(mon, 11)),
        Fault("agent_silent", 5, at(wed, 9), at(wed, 11)),
    )
    acts = (
        Act("exclude", 3, mon, at(mon, 8, 30), at(mon, 10, 30)),
        Act("move", 2, fri, at(wed, 10), of=2),
    )
    return Plan(
        6, days, _stages(days), faults, acts, frozenset({0}), dict.fromkeys((0, 4, 5), "sim-uplink-a"),
        holidays=(), minimum=(tue,), late=(4,), bundle=4,
    )  # fmt: skip


def month() -> Plan:
    """Forty campuses, October 2026, each fault at least twice; nine campuses have none."""
    days = _days(datetime.date(2026, 10, 1), datetime.date(2026, 10, 30))

    def day(number: int) -> datetime.date:
        return datetime.date(2026, 10, number)

    def whole(kind: str, campus: int, first: int, last: int, of: int = 0, seconds: float = 0.0) -> Fault:
        return Fault(kind, campus, at(day(first), 0), at(day(last), 23), of, seconds)

    faults = [
        # Dead access points: two for most of the month, two for hours.
        Fault("access_point_down", 0, at(day(1), 10), at(day(30), 23), of=4),
        Fault("access_point_down", 1, at(day(5), 9, 45), at(day(23), 14), of=2),
        Fault("access_point_down", 2, at(day(6), 9), at(day(6), 11), of=3),
        Fault("access_point_down", 3, at(day(14), 12, 30), at(day(14), 14), of=5),
        # The management network lets nobody in.
        whole("management_closed", 4, 1, 30),
        whole("management_closed", 5, 1, 30),
        # Weak rooms.
        Fault("weak_room", 6, at(day(7), 0), at(day(13), 23), of=1),
        Fault("weak_room", 7, at(day(15), 9), at(day(15), 12), of=1),
        # Names that take six seconds: joining takes too long.
        whole("slow_dns", 8, 7, 9, seconds=6.0),
        whole("slow_dns", 9, 20, 20, seconds=6.0),
        # Planned work (see acts).
        Fault("access_point_down", 10, at(day(8), 8, 30), at(day(8), 15), of=2),
        Fault("wan_cut", 11, at(day(21), 12), at(day(21), 14)),
        # Agents fall silent.
        Fault("agent_silent", 12, at(day(13), 0), at(day(15), 23), of=1),
        Fault("agent_silent", 13, at(day(22), 9), at(day(22), 13), of=2),
        # Agents are carried elsewhere (see acts).
        Fault("agent_moved", 14, at(day(6), 11), at(day(30), 23), of=2),
        Fault("agent_moved", 15, at(day(19), 9, 30), at(day(30), 23), of=1),
        # No addresses are leased.
        Fault("dhcp_silent", 16, at(day(13), 9), at(day(14), 14)),
        Fault("dhcp_silent", 17, at(day(27), 9), at(day(27), 10, 30)),
        # The collector cannot be reached for two days, measuring goes on.
        Fault("collector_cut", 18, at(day(6), 9), at(day(8), 9)),
        Fault("collector_cut", 19, at(day(20), 10), at(day(22), 10)),
        # A line that campuses share is cut.
        *(Fault("wan_cut", campus, at(day(9), 10), at(day(9), 12)) for campus in range(20, 24)),
        *(Fault("wan_cut", campus, at(day(26), 13), at(day(26), 14)) for campus in range(20, 24)),
        *(Fault("wan_cut", campus, at(day(16), 9), at(day(16), 10, 30)) for campus in range(24, 27)),
        # A campus's own line is cut.
        Fault("wan_cut", 27, at(day(15), 10), at(day(15), 11)),
        Fault("wan_cut", 28, at(day(28), 9), at(day(28), 12)),
        # A campus without power.
        whole("agent_silent", 29, 14, 14),
        Fault("agent_silent", 30, at(day(23), 8, 30), at(day(23), 12)),
    ]
    acts = (
        Act("exclude", 10, day(7), at(day(8), 8), at(day(8), 15, 30)),
        Act("exclude", 11, day(23), at(day(21), 11, 30), at(day(21), 14, 30)),
        Act("move", 14, day(9), at(day(6), 11), of=2),
        Act("confirm", 15, day(23), at(day(19), 9, 30), of=1),
    )
    uplinks = dict.fromkeys(range(20, 24), "sim-uplink-a") | dict.fromkeys(range(24, 27), "sim-uplink-b")
    alone = frozenset({0, 1, 2, 3, 8, 9, 10, 16, 17, 22, 27, *range(31, 40)})
    return Plan(
        40, days, _stages(days), tuple(faults), acts, alone, uplinks,
        holidays=(day(12),), minimum=(day(29),), late=(18, 19), bundle=18,
    )  # fmt: skip
