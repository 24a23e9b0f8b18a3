"""What an answer costs: a month, a semester and a school year of a large district, and the gauges of `/metrics`.

    python -m tests.bench.commitment [--campuses N] [--rounds N]

A real ledger in a folder of its own, written by the store's own door: every school day of a year for each campus, the
slots' grounds and digests in it. Seconds of this process, medians; the month's answer has its trend against the month
before. Limit: 1 s a month of 1,000 campuses.
"""

import argparse
import datetime
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

import msgspec

from collector.commitment import answers
from collector.commitment.period import GAUGES, Known, parse
from collector.inventory import Campus, Inventory, Place
from collector.judgement.day_record import Criterion, DayRecord, Grounds, Judged, RoomAir, blank, with_judged
from collector.policies.policy import baseline
from collector.school_time.hours import Band, Calendar, Hours, Schedule, Semester, instructional
from collector.store import Store, ledger, snapshots

ZONE = "America/Los_Angeles"
FIRST, LAST = datetime.date(2025, 8, 14), datetime.date(2026, 6, 10)
NOW = datetime.datetime(2026, 6, 10, 23, tzinfo=datetime.UTC).timestamp()
LIMIT_SECONDS = 1.0
_DAY = datetime.timedelta(days=1)
BELLS = Schedule(
    {"regular": (Band("K-12", datetime.time(8), datetime.time(14, 30)),)}, ("regular",) * 5 + ("none",) * 2
)
CALENDAR = Calendar(
    FIRST, LAST, {}, {},
    (Semester("fall", FIRST, datetime.date(2025, 12, 19)), Semester("spring", datetime.date(2026, 1, 12), LAST)),
)  # fmt: skip


def district(count: int) -> Inventory:
    names = [f"campus-{n:04d}" for n in range(count)]
    campuses = {
        name: Campus(name, f"Campus {n}", region=f"r{n % 6}", board_district=str(n % 7 + 1), timezone=ZONE)
        for n, name in enumerate(names)
    }
    return Inventory(campuses, {}, {name: tuple(Place(name, "main", str(room)) for room in range(5)) for name in names})


def grounds(campus: str, kind: int, hour: int) -> Grounds:
    """A good campus, one with a room that is short each day, one with a silent agent, one that is short."""
    room = f"{campus}/main/1"
    bad = hour % 3 == kind % 3
    short = Criterion("place.rtt", "met", 1, 1, 0, 2, (room,))
    missing = Criterion("place.rtt", "unknown", 1, 0, 1, 2, (), (room,))
    if kind == 1 and bad:
        return Grounds("met", criteria=(short,))
    if kind == 2 and bad:
        return Grounds("unknown", "agent_silent", "one agent said nothing", (missing,))
    if kind == 3 and bad:
        return Grounds("short", "dns", "two targets failed", (Criterion("place.rtt", "short", 0, 2, 0, 2, (room,)),))
    return Grounds("met", criteria=(Criterion("place.rtt", "met", 2, 0, 0, 2),))


def record(campus: str, kind: int, day: datetime.date, weights: dict[int, int]) -> DayRecord:
    empty = blank(campus, day, ZONE, 300)
    judged = [
        Judged(slot, weights[slot], grounds(campus, kind, slot // 3600), f"{slot:032x}")
        if slot in weights
        else Judged(slot, 0, Grounds("no_class"))
        for slot, _ in empty.slots()
    ]
    made, _ = with_judged(empty, judged)
    made.places_measured = [f"{campus}/main/{room}" for room in range(2)]
    made.rooms = {f"{campus}/main/0": RoomAir(float(empty.first_slot), {"coverage": "met"})}
    return made


def fill(store: Store, count: int) -> None:
    """Each day is made once for a campus of each kind; the others get it under their own name."""
    hours, inventory = Hours({"default": BELLS}, CALENDAR), district(count)
    hashes = {}

    def keep(connection: Any) -> None:
        for name, value in (("inventory", inventory), ("hours", hours), ("policy", baseline())):
            hashes[name] = snapshots.keep(connection, name, value.to_bytes(), FIRST, NOW).hash

    store.write(keep).result()
    some = inventory.campuses["campus-0000"]
    day = FIRST
    while day <= LAST:
        weights = instructional(hours, some, day, 300)
        if weights:
            made = [msgspec.json.encode(record("CAMPUS", kind, day, weights)) for kind in range(4)]

            def write(connection: Any, day: datetime.date = day, made: list[bytes] = made) -> None:
                for n, name in enumerate(inventory.campuses):
                    body = made[n % 4].replace(b"CAMPUS", name.encode())
                    row = ledger.LedgerRow(
                        name, day.isoformat(), 1, NOW, False, "first judged", hashes["policy"], hashes["inventory"],
                        hashes["hours"], "", body, "",
                    )  # fmt: skip
                    ledger.write(connection, row)

            store.write(write).result()
            if sys.stderr.isatty():
                sys.stderr.write(f"\r{day} written")
        day += _DAY


def seconds(work: Callable[[], Any]) -> tuple[float, float]:
    """By the clock on the wall, and of CPU."""
    began, used = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - began, time.process_time() - used


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--campuses", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, Store(f"sqlite:///{folder}/collector.db") as store:
        began = time.perf_counter()
        fill(store, asked.campuses)
        load = f"load {os.getloadavg()[0]:.1f}"
        print(f"{asked.campuses} campuses, {FIRST} to {LAST}, written in {time.perf_counter() - began:.0f} s; {load}")
        known = Known(LAST, (CALENDAR,))
        questions: list[tuple[str, Callable[[], Any]]] = [
            (text, lambda text=text: answers.answer(store, answers.Asked(period=text, by="region"), now=NOW))
            for text in ("month:2026-05", "semester:spring", "school_year", "term")
        ]
        shown = {label: parse(kind, known) for label, kind in GAUGES.items()}
        questions.append(("all gauges", lambda: answers.of_periods(store, shown, now=NOW)))
        for text, ask in questions:
            took = [seconds(ask) for _ in range(asked.rounds)]
            wall, cpu = (statistics.median(column) for column in zip(*took, strict=True))
            limit = f"   (limit {LIMIT_SECONDS:.0f})" if text.startswith("month") else ""
            print(f"  {text:18} {wall:7.2f} s, {cpu:.2f} s CPU{limit}")


if __name__ == "__main__":
    main()
