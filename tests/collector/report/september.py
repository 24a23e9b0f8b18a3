"""A September of four campuses whose lists hold names that try to be markup, with an incident and planned work."""

from pathlib import Path
from typing import Any

import msgspec

from collector.incidents.finding import Incident, Part
from collector.inventory import Campus, Inventory, Place
from collector.store import exclusions, incidents, snapshots
from tests.collector.commitment.days import CAMPUSES, District, noon, record
from tests.collector.commitment.test_answers import SCHOOL_DAYS, D

NOW = noon(D(2026, 10, 2))
PERIOD = ("--period", "month:2026-09")
HOSTILE = (
    '#panic("x") $x$ *b* _i_ @ref `c` \\ <script>alert(1)</script> {{ 1 }} & \u202egnp.exe \u05d1\u05d9\u05ea \u0378'
)
LONG = "W" * 89
SECRET = "Ms Doe of room 12"
"""What somebody wrote of a person; it may stand in no report."""


def district(folder: Path) -> District:
    """Lincoln meets though a room of it is short; Roosevelt falls short; Vermont lacks evidence; one is simulated."""
    made = District(folder)
    for day in SCHOOL_DAYS:
        if day.month == 9:
            made.write(
                record("lincoln", day, "m" * 12, {"lincoln/main/1": "ssssmmmmmmmm", "lincoln/main/2": "m" * 12}),
                record("roosevelt", day, "ssssmmmmmmmm", {"roosevelt/main/1": "s" * 4 + "m" * 8}),
                record("vermont", day, "mmmmmmmmmmuu", {"vermont/main/1": "mmmmmmmmmsuu"}),
                record("modelled", day, "s" * 12, {"modelled/main/1": "s" * 12}),
            )
    made.store.write(_renamed).result()
    return made


def _renamed(connection: Any) -> None:
    called = {"roosevelt": HOSTILE, "vermont": LONG, "lincoln": "Lincoln"}
    campuses: dict[str, Campus] = {
        key: msgspec.structs.replace(
            one, name=called.get(key, one.name), region="#North" if key != "vermont" else "South"
        )
        for key, one in CAMPUSES.items()
    }
    places = {key: tuple(Place(key, "main", str(room)) for room in (1, 2)) for key in campuses}
    snapshots.keep(connection, "inventory", Inventory(campuses, {}, places).to_bytes(), D(2026, 8, 1), 1.0)
    begin = int(noon(D(2026, 9, 9)) - 4 * 3600)
    part = Part("roosevelt", begin, begin + 3600, 1200, ("roosevelt/main/1",))
    one = incidents.add(
        connection, Incident("campus roosevelt", begin, begin + 3600, "dns", "two targets", (part,)), begin
    )
    for step, after in (("detected", 900), ("acknowledged", 1500), ("fixed", 3000)):
        incidents.write_step(connection, incidents.Step(one, step, begin + after, SECRET, SECRET))
    asked = exclusions.ask(connection, "roosevelt", begin - 3600, begin + 3600, f"new switch {HOSTILE}", SECRET, 0.0)
    exclusions.approve(connection, asked, f"{SECRET} too", 1.0)
    wrong = exclusions.ask(connection, "vermont", begin - 3600, begin + 3600, "cabling of the gym", SECRET, 0.0)
    exclusions.approve(connection, wrong, f"{SECRET} too", 1.0)
    exclusions.withdraw(connection, wrong, SECRET, "the work was called off", begin - 7200)
