"""A month of a district in a real ledger: campuses that meet, fall short and lack evidence, real and simulated."""

import datetime
import zoneinfo
from pathlib import Path
from typing import Any

import msgspec

from collector.incidents.finding import Incident, Part
from collector.inventory import AccessPoint, Campus, Inventory, Place
from collector.judgement.day_record import Criterion, DayVerdict, Grounds, Judged, RoomAir, blank, with_judged
from collector.judgement.evaluate import CriterionVerdict, SlotVerdict
from collector.judgement.judge import Live
from collector.policies.policy import shipped
from collector.school_time.hours import Band, Calendar, Hours, Schedule, instructional
from collector.store import Store, coverage, incidents, ledger, room_reports, schema, snapshots

ZONE = "America/Los_Angeles"
TODAY = datetime.date(2026, 11, 18)
NOW = datetime.datetime(2026, 11, 18, 11, 7, tzinfo=zoneinfo.ZoneInfo(ZONE)).timestamp()
HOSTILE = "<script>alert(1)</script>&\"'=HYPERLINK(\x1b[31m\u202eevil"
SLOT = 300
_BAND = Band("K-12", datetime.time(8, 0), datetime.time(14, 30), ((datetime.time(12, 0), datetime.time(12, 40)),))
HOURS = Hours({"default": Schedule({"regular": (_BAND,)}, ("regular",) * 5 + ("none", "none"))}, Calendar())
KINDS = ("short", "meets", "unknown", "cut", "meets", "refused")
"""What is wrong at a campus: all but the last in class time, `refused` on school days alone."""


def campus_id(n: int) -> str:
    return f"campus-{n:04d}"


def inventory(campuses: int, simulated: int, access_points: int = 6, rooms: int = 5) -> Inventory:
    every = {}
    for n in range(campuses + simulated):
        name = HOSTILE if n == 1 else f"{('Lincoln', 'Roosevelt', 'Esperanza', 'Vermont')[n % 4]} Elementary {n}"
        region = ("North", "Central", "South")[n % 3]
        every[campus_id(n)] = Campus(campus_id(n), name, region, ZONE, simulated=n >= campuses)
    aps = {
        name: tuple(
            AccessPoint(f"02:00:00:{n >> 8:02x}:{n & 255:02x}:{k:02x}", name, f"ap-{k:02d}", f"192.0.2.{k}")
            for k in range(access_points)
        )
        for n, name in enumerate(every)
    }
    places = {name: tuple(Place(name, "Main", f"{100 + k}", "drawn") for k in range(rooms)) for name in every}
    return Inventory(every, aps, places)


def _grounds(kind: str, at: int, aps: tuple[AccessPoint, ...], rooms: tuple[Place, ...]) -> Grounds:
    n = len(aps)
    all_up = Criterion("access_point.reachability", "met", n, 0, 0, n)
    room = Criterion("place.rtt", "met", 2, 0, 0, 2)
    if kind == "short" and at % 5 < 2:
        down = Criterion("access_point.reachability", "short", n - 2, 2, 0, n, (aps[0].id, aps[1].id))
        return Grounds("short", "access_point_down", f"2 down: {aps[0].id}, {aps[1].id}", (down, room))
    if (kind == "unknown" and at % 3 == 0) or (kind == "cut" and at % 2):
        silent = Criterion("place.rtt", "unknown", 1, 0, 1, 2, (), (rooms[0].id,))
        return Grounds("unknown", "agent_silent", "1 of 2 agents sent nothing: 000000000000", (all_up, silent))
    return Grounds("met", "", "", (all_up, room))


def _said(kind: str, back: int) -> DayVerdict:
    """A school day that is over: 60 tries to join, fewer where the devices were cut off."""
    if kind in ("short", "refused") and back % 3 == 1:
        short = Criterion("join.success", "short", 0, 2, 0, 2, ("Main 100", "Main 101"))
        counts = {"join ok": 41, "join authentication": 19}
        return DayVerdict(
            "short", (short,), counts, "authentication", "19 of 60 tries to join failed at: authentication 19"
        )
    if kind in ("unknown", "cut"):
        missing = Criterion("join.success", "unknown", 0, 0, 2, 2, (), ("Main 100", "Main 101"))
        return DayVerdict("unknown", (missing,), {"join ok": 3} if kind == "unknown" else {})
    return DayVerdict("met", (Criterion("join.success", "met", 2, 0, 0, 2),), {"join ok": 60})


def _surveyed(kind: str, rooms: tuple[Place, ...]) -> dict[str, RoomAir]:
    """Four of the five rooms: covered, covered, on the threshold, and short where something is wrong."""
    states = ("met", "met", "unknown", "short" if kind == "short" else "met")
    return {
        room.id: RoomAir(NOW - 86400, {"coverage.primary": state, "coverage.secondary": "met"})
        for room, state in zip(rooms, states, strict=False)
    }


def _incidents(connection: Any, held: Inventory) -> None:
    """One that lasts, one that is over with steps and notes, one of a shared line, a false alarm, a simulated one."""
    names = list(held.campuses)
    aps = {name: tuple(ap.id for ap in held.access_points[name][:2]) for name in names}
    unnamed = "2 agents get no answer from a name server, but do from beyond the gateway"

    def opened(name: str, ago: float, to: float | None, lost: int, cause: str = "access_point_down") -> int:
        words = unnamed if cause == "dns" else f"2 down: {', '.join(aps[name])}"
        begin, end = int(NOW - ago), None if to is None else int(NOW - to)
        rooms = (held.places[name][0].id,)
        part = Part(name, begin, end, lost, rooms, aps[name])
        return incidents.add(connection, Incident(f"campus {name}", begin, end, cause, words, (part,)), NOW - ago + 960)

    def step(one: int, what: str, at: float, by: str = "judge", note: str = "") -> None:
        incidents.write_step(connection, incidents.Step(one, what, NOW - at, by, note))

    lasts = opened(names[0], 2 * 3600, None, 5400)
    step(lasts, "detected", 2 * 3600 - 960, note="access_point_down")
    over = opened(names[0], 3 * 86400, 3 * 86400 - 7200, 6300)
    for what, at, by, note in (
        ("detected", 900, "judge", "access_point_down"), ("acknowledged", 1500, "ana", "on my way"),
        ("on_site", 3600, "ana", ""),
        ("note", 4000, "ana", "the switch in the closet had no power"), ("fixed", 5400, "ana", ""),
        ("verified", 7200, "judge", "the campus is met again"),
    ):  # fmt: skip
        step(over, what, 3 * 86400 - at, by, note)
    if len(names) > 5:
        parts = tuple(
            Part(name, int(NOW - 5 * 86400), int(NOW - 5 * 86400 + 3600), 3600) for name in (names[2], names[5])
        )
        words = "all 2 campuses of uplink north-1 are cut off in this slot"
        line = Incident("uplink north-1", parts[0].from_at, parts[0].to_at, "shared_uplink_cut", words, parts)
        step(incidents.add(connection, line, NOW - 5 * 86400 + 960), "detected", 5 * 86400 - 960)
    false = opened(names[0], 6 * 86400, 6 * 86400 - 1800, 1800, "dns")
    incidents.resolve(connection, false, incidents.FALSE, "a test of ours")
    modelled = next((name for name, one in held.campuses.items() if one.simulated), None)
    if modelled is not None:
        step(opened(modelled, 86400, 86400 - 3600, 3600), "detected", 86400 - 960)


def _room_reports(connection: Any, held: Inventory) -> None:
    """One that nobody has read, and one whose words may be shown, hostile ones."""
    name = next(iter(held.campuses))
    rooms = held.places[name]
    due = (TODAY + datetime.timedelta(days=5)).isoformat()
    room_reports.add(connection, rooms[0].id, NOW - 7200, "board", "UNREAD WORDS", None, due, NOW - 9000)
    shown = room_reports.add(connection, rooms[3].id, NOW - 9 * 86400, "board", f"videos stop {HOSTILE}", None, due)
    room_reports.review(connection, shown, "shown")
    room_reports.add(connection, rooms[4].id, NOW - 86400, "board", "nothing at all", 1, due, NOW - 90000)


def fill(
    store: Store,
    campuses: int = 12,
    simulated: int = 4,
    days: int = 10,
    hours: Hours = HOURS,
    access_points: int = 6,
    rooms: int = 5,
) -> dict[str, Live]:
    """Writes snapshots, agents and the ledger; gives what the judge would call the latest."""
    held = inventory(campuses, simulated, access_points, rooms)
    policy = shipped("baseline-2")
    live: dict[str, Live] = {}

    def write(connection: Any) -> None:
        valid = datetime.date(2026, 7, 1)
        hashes = {}
        for kind, value in (("inventory", held), ("hours", hours), ("policy", policy)):
            hashes[kind] = snapshots.keep(connection, kind, value.to_bytes(), valid, NOW).hash
        begins = NOW - days * 86400
        for n, name in enumerate(held.campuses):
            campus, aps, places = held.campuses[name], held.access_points[name], held.places[name]
            for k in range(2):
                _agent(connection, f"{n:08x}{k:024x}", campus, places[k].id, begins, NOW - 40 - 9000 * (n % 7 == 3))
            kind = KINDS[n % len(KINDS)]
            coverage.keep(connection, name, TODAY.isoformat(), _surveyed(kind, places))
            for back in range(days - 1, -1, -1):
                day = TODAY - datetime.timedelta(days=back)
                record = blank(name, day, ZONE, SLOT)
                weights = instructional(hours, campus, day, SLOT)
                ended = [slot for slot, _ in record.slots() if slot + SLOT + 60 <= NOW]
                judged = []
                for slot in ended:
                    teaching = slot in weights
                    grounds = _grounds(kind, slot // 1800 + back, aps, places) if teaching else Grounds("no_class")
                    judged.append(Judged(slot, weights.get(slot, 0), grounds))
                record, _ = with_judged(record, judged)
                record.places_measured = [places[0].id, places[1].id]
                if back and judged and any(one.grounds.verdict != "no_class" for one in judged):
                    record.day_verdict = _said(kind, back)
                row = ledger.LedgerRow(
                    name, day.isoformat(), 1, NOW, back == 0, "first judged", hashes["policy"], hashes["inventory"],
                    hashes["hours"], record.evidence_digest(), msgspec.json.encode(record), "",
                )  # fmt: skip
                ledger.write(connection, row)
                if back == 0:
                    live[name] = _live(name, judged[-1], aps)

        _incidents(connection, held)
        _room_reports(connection, held)

    store.write(write).result()
    return live


def _live(name: str, judged: Judged, aps: tuple[AccessPoint, ...]) -> Live:
    grounds = judged.grounds
    criteria = tuple(CriterionVerdict(**msgspec.structs.asdict(one)) for one in grounds.criteria)
    states: dict[str, Any] = dict.fromkeys((ap.id for ap in aps), "up")
    for one in criteria:
        if one.id.startswith("access_point"):
            states |= dict.fromkeys(one.failing, "down")
    if grounds.verdict == "met" and len(aps) > 4:
        states[aps[4].id] = "radio_silent"
    if grounds.verdict != "met" and len(aps) > 3:
        states[aps[3].id] = "not_reachable_from_here"
    verdict: Any = grounds.verdict
    return Live(
        name,
        judged.slot,
        SlotVerdict(
            judged.slot, verdict, judged.weight_seconds, criteria, grounds.cause, grounds.cause_evidence, states
        ),
        verdict != "no_class",
    )


def _agent(connection: Any, agent: str, campus: Campus, place: str, begins: float, seen: float) -> None:
    connection.execute(
        schema.agent.insert().values(
            id=agent, public_key=bytes(32), campus=campus.id, state="approved", name="", simulated=campus.simulated,
            version="0.1.0", token="", created_at=begins, approved_at=begins, last_seen_at=seen,
        )
    )  # fmt: skip
    connection.execute(
        schema.placement.insert().values(
            agent=agent, campus=campus.id, place=place, from_at=begins, to_at=None, set_by="test", set_at=begins
        )
    )


class Judged_:
    """A judge whose latest verdicts are these."""

    def __init__(self, live: dict[str, Live]) -> None:
        self._live = live

    def latest(self) -> dict[str, Live]:
        return self._live


def open_store(folder: Path) -> Store:
    return Store(f"sqlite:///{folder / 'collector.db'}", slot_seconds=SLOT)
