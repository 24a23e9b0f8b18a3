"""Campus-days written as letters, and a real ledger of them. A day is one text a room: the state of each slot of class,
m, s or u; the campus's own verdict is that of the first text. `.` in it ends an hour of class early: recess."""

import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from collector.inventory import Campus, Inventory, Place, School
from collector.judgement.day_record import Criterion, DayRecord, Grounds, Judged, blank, day_bounds, with_judged
from collector.policies.policy import Policy, baseline
from collector.school_time.hours import Band, Calendar, Hours, Schedule
from collector.store import Store, ledger, schema, snapshots

ZONE = "America/Los_Angeles"
SLOT = 300
OF_ROOMS = frozenset({"place.rtt", "place.loss"})
_WORDS = {"m": "met", "s": "short", "u": "unknown", ".": "no_class"}
# Class from eight to nine: twelve slots, Monday to Friday.
HOUR = Band("K-5", datetime.time(8), datetime.time(9))
SCHEDULE = Schedule({"regular": (HOUR,)}, ("regular",) * 5 + ("none",) * 2)
CLASS_SLOTS = 12


def record(campus: str, day: datetime.date, verdicts: str, rooms: Mapping[str, str] | None = None) -> DayRecord:
    """``verdicts`` from eight o'clock on; ``rooms``: by room the same for its own state."""
    empty = blank(campus, day, ZONE, SLOT)
    begin = day_bounds(day, ZONE)[0] + 8 * 3600
    judged = []
    for slot, _ in empty.slots():
        at = (slot - begin) // SLOT
        letter = verdicts[at] if 0 <= at < len(verdicts) else "."
        states = {room: text[at] for room, text in (rooms or {}).items()} if letter != "." else {}
        grounds = Grounds(_WORDS[letter], criteria=_criteria(states) if letter != "." else ())
        judged.append(Judged(slot, SLOT if letter != "." else 0, grounds))
    return with_judged(empty, judged)[0]


def _criteria(states: Mapping[str, str]) -> tuple[Criterion, ...]:
    failing = tuple(sorted(room for room, state in states.items() if state == "s"))
    missing = tuple(sorted(room for room, state in states.items() if state == "u"))
    met = len(states) - len(failing) - len(missing)
    mine = Criterion("place.rtt", "met", met, len(failing), len(missing), len(states), failing, missing)
    # An access point that is down is no room, whatever it is called.
    other = Criterion("access_point.reachability", "short", 0, 1, 0, 1, ("02:00:00:00:00:01",))
    return mine, other


def _campus(id_: str, name: str, region: str, board_district: str, grades: str) -> Campus:
    schools = (School("19647330000001", name, grades),)
    return Campus(id_, name, region, ZONE, schools=schools, board_district=board_district)


CAMPUSES = {
    "lincoln": _campus("lincoln", "=Lincoln", "North", "1", "K-5"),
    "roosevelt": _campus("roosevelt", "Roosevelt", "North", "2", "9-12"),
    "vermont": _campus("vermont", "Vermont", "South", "2", "K-8"),
    "modelled": Campus("modelled", "Modelled", "North", ZONE, simulated=True, board_district="1"),
}


class District:
    """A store with four campuses whose records begin on the first of September 2026, unless said otherwise."""

    def __init__(self, folder: Path, calendar: Calendar | None = None) -> None:
        self.folder = folder
        (folder / "data").mkdir(exist_ok=True)
        self.store = Store(f"sqlite:///{folder}/data/collector.db")
        self.policy: Policy = baseline()
        places = {name: tuple(Place(name, "main", str(room)) for room in (1, 2)) for name in CAMPUSES}
        documents = {
            "inventory": Inventory(CAMPUSES, {}, places), "hours": Hours({"default": SCHEDULE}, calendar or Calendar()),
            "policy": self.policy,
        }  # fmt: skip
        self.hashes: dict[str, str] = {}

        def keep(connection: Any) -> None:
            for kind, value in documents.items():
                day = datetime.date(2020, 1, 1)
                self.hashes[kind] = snapshots.keep(connection, kind, value.to_bytes(), day, 0.0).hash
            for n, name in enumerate(CAMPUSES):
                at = day_bounds(datetime.date(2026, 9, 1), ZONE)[0]
                values = {"agent": f"{n:032x}", "campus": name, "place": f"{name}/main/1", "from_at": at, "to_at": None}
                connection.execute(schema.placement.insert().values(**values, set_by="test", set_at=0.0))

        self.store.write(keep).result()

    def write(self, *records: DayRecord, open_: bool = False) -> None:
        def write(connection: Any) -> None:
            for one in records:
                before = ledger.newest(connection, one.campus, one.day)
                revision = 1 if before is None else before.revision + 1
                row = ledger.LedgerRow(
                    one.campus, one.day, revision, 0.0, open_, "first judged", self.hashes["policy"],
                    self.hashes["inventory"], self.hashes["hours"], one.evidence_digest(), msgspec.json.encode(one), "",
                )  # fmt: skip
                ledger.write(connection, row)

        self.store.write(write).result()


def noon(day: datetime.date) -> float:
    return day_bounds(day, ZONE)[0] + 12 * 3600.0
