"""The school directory's schools and the present inventory go in, the campuses as they would become come out.

Ids are stable: a school stays on the campus that holds its CDS code, and only a site that nothing names gets a new id.
What the operator has written of a campus (its name, uplink, bells, Wi-Fi) is never overwritten. No campus is removed.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator

import msgspec
from msgspec import Struct

from collector.inventory import Campus, Inventory, School
from collector.lists import cells, sites
from collector.lists.cells import BadCell
from collector.lists.directory import Listed
from collector.lists.importing import Change, Proposal
from collector.lists.sheet import Fault, Refused, read
from collector.lists.sites import Near, Site


class Schools(Struct, frozen=True):
    """What an import of the directory is asked with: the chosen schools, the CDS codes of those that teach no more, the
    operator's own campus ids by CDS code, and the distance within which a person confirmed that sites are one."""

    schools: list[Listed]
    closed: list[str]
    ids: dict[str, str] = {}
    join_within_metres: float = 0.0


class Outcome(Struct, frozen=True):
    """``proposed``: sites so near one another that they may be one; ``notes``: what a person should look at."""

    proposal: Proposal
    addresses: int
    proposed: list[Near]
    notes: list[str]


def propose(name: str, asked: Schools, present: Inventory, valid_from: datetime.date) -> Outcome:
    """Raises Refused, naming rows, where a campus's id is not clear."""
    real = {campus.id: campus for campus in present.campuses.values() if not campus.simulated}
    held = {school.cds_code: campus.id for campus in real.values() for school in campus.schools}
    found, faults = sites.gather(asked.schools, {**held, **asked.ids}, real)
    faults += [
        Fault(0, f"campus {id_} is simulated", "give the real campus an id of its own in the file of --ids")
        for id_ in sorted({*asked.ids.values()} & (present.campuses.keys() - real.keys()))
    ]
    if faults:
        raise Refused(name, faults)
    addresses = len({sites.address_key(one.street, one.town) or one.cds_code for one in asked.schools})
    if asked.join_within_metres:
        found = sites.join(found, asked.join_within_metres)
    named = _named(found, {*present.campuses, *asked.ids.values()})
    campuses = dict(present.campuses)
    # A school that moves to another campus by the operator's file leaves the one that held it.
    moved = {school.cds_code: site.id for site in named for school in site.schools}
    changes = []
    for site in named:
        old = real.get(site.id)
        campus = _campus(site, old, asked.closed, moved)
        if old is None:
            changes.append(Change("added", campus.id, f"{campus.name}, {campus.address}{_also(site)}"))
        elif campus != old:
            changes.append(Change("changed", campus.id, "; ".join(_said(old, campus))))
        campuses[campus.id] = campus
    for campus in real.values():
        left = [school for school in campus.schools if moved.get(school.cds_code, campus.id) == campus.id]
        if campus.id not in {site.id for site in named} and len(left) != len(campus.schools):
            campuses[campus.id] = msgspec.structs.replace(campus, schools=tuple(left))
            changes.append(Change("changed", campus.id, "; ".join(_said(campus, campuses[campus.id]))))
    proposal = Proposal(
        msgspec.structs.replace(present, campuses=campuses), valid_from, len(asked.schools), changes, []
    )
    near = sites.near(named, max(sites.PROPOSED_METRES, asked.join_within_metres))
    return Outcome(proposal, addresses, near, list(_notes(real, moved, set(asked.closed))))


def ids(name: str, data: bytes, listed: list[Listed]) -> dict[str, str]:
    """The operator's own campus id of each CDS code, from a CSV file. Raises Refused."""
    sheet, faults = read(name, data, (("cds_code", "id"), ()), {"campus": "id"}, lambda _: None)
    known = {school.cds_code for school in listed}
    found: dict[str, str] = {}
    for row in sheet.rows:
        code = row["cds_code"]
        try:
            id_ = cells.identifier("id", row["id"])
        except BadCell as bad:
            faults.append(Fault(row.line, bad.reason, bad.mend))
            continue
        if code not in known:
            faults.append(Fault(row.line, f"CDS code {code!r} is not in the directory", "mend it or leave it out"))
        elif found.setdefault(code, id_) != id_:
            faults.append(Fault(row.line, f"CDS code {code} has the id {found[code]} already", "give it one id"))
    if faults:
        raise Refused(name, faults)
    return found


def _named(found: list[Site], taken: set[str]) -> list[Site]:
    """New ids are given in the order of the oldest schools' CDS codes: the same file gives the same ids."""
    taken = set(taken)
    named = []
    for site in sorted(found, key=lambda one: one.oldest.cds_code):
        id_ = site.id or sites.slug(site, taken)
        taken.add(id_)
        named.append(Site(id_, site.schools))
    return named


def _campus(site: Site, old: Campus | None, closed: list[str], moved: dict[str, str]) -> Campus:
    schools = tuple(School(school.cds_code, school.name, school.grades) for school in site.schools)
    address = sites.address(site.oldest)
    if old is None:
        return Campus(id=site.id, name=site.oldest.name, schools=schools, address=address)
    listed = {school.cds_code for school in schools}
    # A school that this import was not asked for (a charter, other grades) stays; one that closed or moved does not.
    gone = listed | set(closed) | {code for code, id_ in moved.items() if id_ != site.id}
    kept = tuple(school for school in old.schools if school.cds_code not in gone)
    return msgspec.structs.replace(old, schools=schools + kept, address=address)


def _also(site: Site) -> str:
    more = len(site.schools) - 1
    return f" (and {more} more school{'s' if more > 1 else ''})" if more else ""


def _said(old: Campus, new: Campus) -> Iterator[str]:
    before = {school.cds_code: school for school in old.schools}
    after = {school.cds_code: school for school in new.schools}
    yield from (f"school {code} {one.name} added" for code, one in after.items() if code not in before)
    yield from (f"school {code} {one.name} gone" for code, one in before.items() if code not in after)
    for code in sorted(after.keys() & before.keys()):
        if before[code].name != after[code].name:
            yield f"school {code} renamed: {before[code].name or '-'} -> {after[code].name}"
        if before[code].grades != after[code].grades:
            yield f"school {code} grades: {before[code].grades or '-'} -> {after[code].grades or '-'}"
    if old.address != new.address:
        yield f"address: {old.address or '-'} -> {new.address}"
    if before == after and old.address == new.address:
        yield "schools in another order"


def _notes(real: dict[str, Campus], moved: dict[str, str], closed: set[str]) -> Iterator[str]:
    for campus in real.values():
        codes = {school.cds_code for school in campus.schools}
        left = {moved[code] for code in codes if code in moved} - {campus.id}
        if codes and codes <= closed:
            yield f"campus {campus.id}: every school of it is closed in the directory; it stays a campus"
        elif left and all(moved.get(code) not in (None, campus.id) for code in codes):
            yield f"campus {campus.id}: its schools move to {', '.join(sorted(left))}; it stays, without a school"
