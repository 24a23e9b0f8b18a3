"""Which listed schools the commitment speaks of: schools that the district runs and that teach grades TK-12.

An independent ("directly funded") charter is not the district's, a locally funded ("affiliated") one is. Adult schools,
preschools and regional occupational centres teach no grade of TK-12.
"""

from __future__ import annotations

from collections import Counter

from msgspec import Struct

from collector.grades import HIGHEST, LOWEST, grade, span
from collector.lists.cells import BadCell
from collector.lists.directory import Listed

# School Ownership Codes: preschool, adult education centre, regional occupational centre or programme.
_OTHER_KINDS = frozenset({"08", "70", "98"})
_LOCALLY_FUNDED = "locally funded"
_ONLY_VIRTUAL = "F"  # the directory's "exclusively virtual": no classroom anywhere


class Wanted(Struct, frozen=True):
    """``charters``: independent ones too; ``virtual``: schools without any classroom too; ``grades``: from and to."""

    charters: bool = False
    virtual: bool = False
    grades: tuple[int, int] = (LOWEST, HIGHEST)
    district: str = ""


class Chosen(Struct, frozen=True):
    """``closed``: CDS codes of those that teach no more; ``counts``: how many schools each rule left out."""

    schools: list[Listed]
    closed: list[str]
    counts: dict[str, int]


def choose(schools: list[Listed], wanted: Wanted) -> Chosen:
    """Raises BadCell where the file holds several districts and none is asked for."""
    schools = _of_district(schools, wanted.district)
    why = [(school, _left_out(school, wanted)) for school in schools]
    reasons = Counter(reason for _, reason in why if reason)
    kept = [school for school, reason in why if not reason]
    counts = {"listed": len(schools), "active": sum(school.active for school in schools)}
    closed = [school.cds_code for school in schools if school.closed]
    return Chosen(kept, closed, {**counts, **dict(sorted(reasons.items())), "taken": len(kept)})


def grades(text: str) -> tuple[int, int]:
    """A span of grades as it is typed: TK-12, K-5, 9-12, 12. Raises ValueError."""
    first, dash, last = text.partition("-")
    since, until = grade(first), grade(last if dash else first)
    if since is None or until is None or since > until:
        raise ValueError(f"{text!r} is not a span of grades: write TK-12, K-5 or 9-12")
    return since, until


def _of_district(schools: list[Listed], district: str) -> list[Listed]:
    found = {school.cds_code[:7]: school.district for school in schools}
    if not district and len(found) == 1:
        return schools
    named = {code for code, name in found.items() if district.lower() in {code, name.lower()}}
    if not named:
        shown = ", ".join(f"{code} {name}" for code, name in sorted(found.items())[:3])
        reason = f"district {district!r} is not in the file" if district else f"the file holds {len(found)} districts"
        raise BadCell(f"{reason} ({shown}, ...)", "give --district and the first 7 digits of its CDS codes")
    return [school for school in schools if school.cds_code[:7] in named]


def _left_out(school: Listed, wanted: Wanted) -> str:
    if not school.active:
        return "not active"
    if school.soc in _OTHER_KINDS:
        return "adult, preschool or occupational"
    if school.charter and school.funding != _LOCALLY_FUNDED and not wanted.charters:
        return "independent charter"
    if school.virtual == _ONLY_VIRTUAL and not wanted.virtual:
        return "exclusively virtual"
    if not _teaches(school.grades, wanted.grades):
        return "other grades"
    return ""


def _teaches(listed: str, asked: tuple[int, int]) -> bool:
    """A school whose grades are not said counts: it is the district's, and leaving it out would hide it."""
    if not listed:
        return True
    found = span(listed)
    return found is not None and found[0] <= asked[1] and found[1] >= asked[0]
