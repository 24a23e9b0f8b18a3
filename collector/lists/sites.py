"""Schools become sites: one site for all schools at one address, which share its radio.

What a school is known by already wins: the operator's own file of ids, then the campus that holds its CDS code. Sites
near one another are only proposed, for a school across the street has other access points; a person confirms them.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable

from msgspec import Struct

from collector.inventory import Campus
from collector.lists.directory import Listed
from collector.lists.sheet import Fault

PROPOSED_METRES = 100.0
_EARTH_RADIUS_METRES = 6371008.8
_METRES_PER_LATITUDE_DEGREE = math.radians(1) * _EARTH_RADIUS_METRES
_STREET_WORDS = {
    "st": "street", "ave": "avenue", "av": "avenue", "blvd": "boulevard", "dr": "drive", "pl": "place", "rd": "road",
    "ln": "lane", "ct": "court", "ter": "terrace", "hwy": "highway", "pkwy": "parkway", "cir": "circle",
}  # fmt: skip
_COMPASS = {"n": "north", "s": "south", "e": "east", "w": "west"}


class Site(Struct, frozen=True):
    """``id`` is empty for one that no campus and no file of ids names yet. Schools oldest first."""

    id: str
    schools: tuple[Listed, ...]

    @property
    def oldest(self) -> Listed:
        return self.schools[0]


class Near(Struct, frozen=True):
    """Two sites that may be one."""

    metres: float
    first: Site
    second: Site


def address_key(street: str, town: str) -> str:
    """One text for the ways in which one address is written. The postcode is no part of it: two stand for one address
    in the published file. A missing North or South is not guessed."""
    words = re.sub(r"[^a-z0-9]+", " ", _plain(street).lower()).split()
    last = len(words) - 1
    if words and last >= 2 and words[-1] in _STREET_WORDS:
        words[-1] = _STREET_WORDS[words[-1]]
    if last >= 2 and words[1] in _COMPASS:
        words[1] = _COMPASS[words[1]]
    return f"{' '.join(words)}, {_plain(town).lower().strip()}" if words else ""


def address(school: Listed) -> str:
    """As a campus keeps it and people read it."""
    return ", ".join(part for part in (school.street, school.town) if part)


def _street_and_town(text: str) -> tuple[str, str]:
    street, _, town = text.rpartition(", ")
    return street, town


def gather(
    schools: Iterable[Listed], known: dict[str, str], present: dict[str, Campus]
) -> tuple[list[Site], list[Fault]]:
    """The sites of the schools. ``known``: the campus id of a CDS code."""
    by_id: dict[str, list[Listed]] = defaultdict(list)
    by_address: dict[str, list[Listed]] = defaultdict(list)
    ids_at: dict[str, set[str]] = defaultdict(set)
    for campus in present.values():
        if campus.address:
            ids_at[address_key(*_street_and_town(campus.address))].add(campus.id)
    for school in schools:
        key = address_key(school.street, school.town) or school.cds_code
        if school.cds_code in known:
            by_id[known[school.cds_code]].append(school)
            ids_at[key].add(known[school.cds_code])
        else:
            by_address[key].append(school)
    faults = []
    unnamed = []
    for key, found in by_address.items():
        ids = sorted(ids_at.get(key, ()))
        if len(ids) > 1:
            mend = f"say with --ids to which of {', '.join(ids)} it belongs"
            faults += [Fault(one.line, f"{one.name} is new where {len(ids)} campuses stand", mend) for one in found]
        elif ids:
            by_id[ids[0]] += found
        else:
            unnamed.append(_site("", found))
    return [_site(id_, found) for id_, found in sorted(by_id.items())] + unnamed, faults


def near(sites: list[Site], metres: float) -> list[Near]:
    """Pairs of sites at most this far apart, nearest first. A grid of cells as wide as the distance keeps it fast."""
    cells: dict[tuple[int, int], list[tuple[int, Listed]]] = defaultdict(list)
    size = max(metres, 1.0) / _METRES_PER_LATITUDE_DEGREE
    nearest: dict[tuple[int, int], float] = {}
    for number, site in enumerate(sites):
        for school in site.schools:
            if school.latitude is None or school.longitude is None:
                continue
            row, column = int(school.latitude // size), int(school.longitude // size)
            # A degree of longitude is at least 0.74 of one of latitude in California: two cells aside are looked at.
            around = ((row + north, column + east) for north in (-1, 0, 1) for east in (-2, -1, 0, 1, 2))
            for other, neighbour in (entry for cell in around for entry in cells.get(cell, ())):
                away = _distance(school, neighbour)
                if other != number and away <= metres:
                    nearest[other, number] = min(away, nearest.get((other, number), away))
            cells[row, column].append((number, school))
    found = [Near(away, sites[first], sites[second]) for (first, second), away in nearest.items()]
    return sorted(found, key=lambda pair: (pair.metres, pair.first.oldest.cds_code, pair.second.oldest.cds_code))


def join(sites: list[Site], metres: float) -> list[Site]:
    """Sites as near as that become one, nearest first; two that are campuses already are never joined."""
    group = {site.oldest.cds_code: site for site in sites}
    stands_in = {site.oldest.cds_code: site.oldest.cds_code for site in sites}

    def top(code: str) -> str:
        while stands_in[code] != code:
            code = stands_in[code]
        return code

    for pair in near(sites, metres):
        first, second = (top(site.oldest.cds_code) for site in (pair.first, pair.second))
        ids = {group[first].id, group[second].id} - {""}
        if first == second or len(ids) > 1:
            continue
        group[first] = _site(next(iter(ids), ""), [*group[first].schools, *group.pop(second).schools])
        stands_in[second] = first
    return list(group.values())


def slug(site: Site, taken: set[str]) -> str:
    """An id from the oldest school's name and the town, as no other campus has it."""
    words = re.sub(r"[^a-z0-9]+", "-", _plain(f"{site.oldest.name} {site.oldest.town}").lower()).strip("-")
    base = words if len(words) <= 56 else words[:57].rpartition("-")[0] or words[:56]
    found, number = base or "campus", 1
    while found in taken:
        number += 1
        found = f"{base}-{number}"
    return found


def _site(id_: str, schools: list[Listed]) -> Site:
    """The oldest school first; one whose opening is not known after those that have one."""
    return Site(id_, tuple(sorted(schools, key=lambda one: (one.opened is None, one.opened or 0, one.cds_code))))


def _distance(first: Listed, second: Listed) -> float:
    """Metres on a plane: exact to a millimetre within a kilometre."""
    if first.latitude is None or first.longitude is None or second.latitude is None or second.longitude is None:
        return math.inf
    north = math.radians(second.latitude - first.latitude)
    east = math.radians(second.longitude - first.longitude)
    return _EARTH_RADIUS_METRES * math.hypot(
        north, east * math.cos(math.radians((first.latitude + second.latitude) / 2))
    )


def _plain(text: str) -> str:
    """Letters without their accents: an id and a comparison, never what people read."""
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
