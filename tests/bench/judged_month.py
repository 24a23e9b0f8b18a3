"""A district's month as evidence, for the benches of the judge: 100 access points and 5 agents a campus, one report a
minute and agent from an hour before class to an hour after.

Everything is written through the collector's own store; reports differ in number, time and round trip alone, so that
millions are made in a minute or two.
"""

import datetime
import functools
from zoneinfo import ZoneInfo

from sqlalchemy import insert

from agent import wire
from collector.inventory import AccessPoint, Campus, Inventory, Place
from collector.policies.policy import baseline
from collector.school_time.hours import Band, Calendar, Hours, Schedule
from collector.store import schema, snapshots
from collector.store.evidence import pack
from tests.evidence import GOOD_PATH, agent_id, report

ACCESS_POINTS = 100
AGENTS = "abcde"
ZONE = ZoneInfo("America/Los_Angeles")
MONTH = [datetime.date(2026, 9, 1) + datetime.timedelta(days=n) for n in range(30)]
SCHOOL_DAYS = [day for day in MONTH if day.weekday() < 5]
BEGINS, ENDS = datetime.time(8), datetime.time(14, 30)
MARGIN_SECONDS = 3600
CLASS_SLOTS = 78
"""Six and a half hours."""


def names(campuses):
    return [f"campus-{n:04d}" for n in range(campuses)]


def district(campuses):
    """Inventory and hours: every campus teaches from eight to half past two on school days."""
    schedule = Schedule({"regular": (Band("K-12", BEGINS, ENDS),)}, ("regular",) * 5 + ("none",) * 2)
    hours = Hours({"default": schedule}, Calendar(MONTH[0], MONTH[-1]))
    listed = {name: Campus(name, f"Campus {name}", timezone=str(ZONE)) for name in names(campuses)}
    points = {name: tuple(AccessPoint(ap, name, ap, "10.0.0.1") for ap in access_points(n))
              for n, name in enumerate(listed)}  # fmt: skip
    rooms = {name: tuple(Place(name, "main", agent) for agent in AGENTS) for name in listed}
    return Inventory(listed, points, rooms), hours


def access_points(campus):
    return [f"02:00:{campus >> 8:02x}:{campus & 255:02x}:01:{n:02x}" for n in range(ACCESS_POINTS)]


def fill(store, campuses, now):
    """Snapshots and placements of a district; returns the inventory."""
    inventory, hours = district(campuses)
    day = datetime.date(2026, 1, 1)

    def keep(connection):
        for kind, value in (("inventory", inventory), ("hours", hours), ("policy", baseline())):
            snapshots.keep(connection, kind, value.to_bytes(), day, now)
        agents = [(name, agent, agent_id(f"{name} {agent}")) for name in inventory.campuses for agent in AGENTS]
        connection.execute(
            insert(schema.agent),
            [
                {"id": id_, "public_key": id_.encode(), "campus": name, "state": "approved", "name": "", "version": "1",
                 "simulated": False, "token": "", "created_at": at(MONTH[0], BEGINS) - MARGIN_SECONDS}
                for name, _, id_ in agents
            ],
        )  # fmt: skip
        connection.execute(
            insert(schema.placement),
            [
                {"agent": id_, "campus": name, "place": f"{name}/main/{agent}", "set_by": "bench",
                 "from_at": at(MONTH[0], BEGINS) - MARGIN_SECONDS, "to_at": None, "set_at": now}
                for name, agent, id_ in agents
            ],
        )  # fmt: skip
        connection.execute(
            insert(schema.answered),
            [
                {"agent": agent_id(f"{name} {agent}"), "access_point": ap, "first_at": at(MONTH[0], BEGINS) - 3000}
                for n, name in enumerate(inventory.campuses)
                for number, agent in enumerate(AGENTS)
                for ap in watched(n, number)
            ],
        )

    store.write(keep).result()
    return inventory


def watched(campus, agent):
    """Each access point is watched by two of the five agents, as the plan spreads them."""
    return [ap for n, ap in enumerate(access_points(campus)) if agent in (n % 5, (n + 1) % 5)]


def at(day, time_of_day):
    return datetime.datetime.combine(day, time_of_day, ZONE).timestamp()


def add_evidence(store, campuses, days, progress=lambda _: None):
    """The reports of these days; returns how many."""
    count = 0
    for done, day in enumerate(days, 1):
        for n, name in enumerate(names(campuses)):
            rows = [row for number, agent in enumerate(AGENTS) for row in reports(n, name, number, agent, day, count)]
            store.write(lambda connection, rows=rows: connection.execute(insert(schema.evidence), rows)).result()
            count += len(rows)
        progress(done)
    return count


@functools.cache
def _template(campus, name, number, agent):
    """A report with marks for what differs."""
    reach = dict.fromkeys(watched(campus, number), (3, 3))
    made = report(f"{name} {agent}", 1.5, reach=reach, path=GOOD_PATH, seq=7777777)
    return wire.encode(made)


def reports(campus, name, number, agent, day, before):
    begin, end = at(day, BEGINS) - MARGIN_SECONDS, at(day, ENDS) + MARGIN_SECONDS
    template = _template(campus, name, number, agent)
    id_ = agent_id(f"{name} {agent}")
    for minute in range(int(end - begin) // 60):
        start_at = begin + 60.0 * minute
        seq = before + minute + 1
        document = template.replace(b"7777777", b"%d" % seq).replace(b'"start_at":1.5', b'"start_at":%.1f' % start_at)
        yield {
            "agent": id_, "stream": f"{number}" * 32, "seq": seq, "digest": wire.digest(document), "signature": "",
            "boot_id": "1" * 32, "boottime_seconds": 100.0, "campus": name, "start_at": start_at,
            "end_at": start_at + 60.0, "slot": int(start_at // 300) * 300, "received_at": start_at + 61.0, "flag": "",
            "surroundings": None, "position": None, "body": pack(document),
        }  # fmt: skip
