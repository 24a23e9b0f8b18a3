"""The district as it says it is: campuses, schools, access points, rooms. An immutable snapshot named by its digest.

Removals are dated, never silent: an access point leaves with ``valid_to``, so the number that must work on a day
cannot shrink without a trace.
"""

from __future__ import annotations

import datetime

from msgspec import Struct, field

from agent import wire
from collector import grades
from collector.digested import Digested

WALKING = "walking"
"""The place of a device that a technician carries from room to room: it stands nowhere, watches no access point, and no
slot waits for it. Its reports name the rooms that it measured."""


class School(Struct, frozen=True):
    """A school on a campus; ``cds_code`` is its 14-digit county-district-school code, text; ``grades`` as K-5."""

    cds_code: str
    name: str = ""
    grades: str = ""


class Campus(Struct, frozen=True):
    """A physical site. ``uplink`` names a line that campuses share; ``bells`` the bell schedule it keeps;
    ``edge_address`` an address of its edge that the collector itself may ask; ``ssids``: what its own Wi-Fi is called;
    ``join``: those of them that agents try to join as a pupil's device does; ``address``: street and town, by which a
    school that opens there is known; ``board_district``: the board member's part of the district that it lies in."""

    id: str
    name: str
    region: str = ""
    timezone: str = "America/Los_Angeles"
    uplink: str = ""
    simulated: bool = False
    edge_address: str = ""
    schools: tuple[School, ...] = ()
    bells: str = ""
    ssids: tuple[str, ...] = ()
    join: tuple[str, ...] = ()
    address: str = ""
    board_district: str = ""

    @property
    def grade_span(self) -> str:
        """elementary, middle or high by the grades of its schools, span where they are of several; empty where they are
        not known."""
        return grades.span_of(school.grades for school in self.schools)


class AccessPoint(Struct, frozen=True):
    """``id`` is its Ethernet MAC or serial, never its name or address. Valid on days in [valid_from, valid_to). Without
    an ``address`` nobody can ask it: it counts, as unknown."""

    id: str
    campus: str
    name: str
    address: str
    place: str | None = None
    method: str = "icmp"
    port: int | None = None
    bssids: tuple[str, ...] = ()
    valid_from: datetime.date | None = None
    valid_to: datetime.date | None = None

    def on(self, day: datetime.date) -> bool:
        """Whether it stands in the inventory on this day."""
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day < self.valid_to)


class Place(Struct, frozen=True):
    """A room of the campus's room list. ``chosen``: drawn, complaint or chosen; ``chosen_by``: who did."""

    campus: str
    building: str
    room: str
    chosen: str = "chosen"
    chosen_by: str = ""

    @property
    def id(self) -> str:
        return f"{self.campus}/{self.building}/{self.room}"


class Inventory(Digested, frozen=True):
    """Access points and places are kept by campus id."""

    campuses: dict[str, Campus] = field(default_factory=dict)
    access_points: dict[str, tuple[AccessPoint, ...]] = field(default_factory=dict)
    places: dict[str, tuple[Place, ...]] = field(default_factory=dict)

    def access_points_on(self, campus: str, day: datetime.date) -> tuple[AccessPoint, ...]:
        return tuple(ap for ap in self.access_points.get(campus, ()) if ap.on(day))


wire.learn(Inventory)
