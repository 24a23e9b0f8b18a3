"""The lists that make up the inventory, by the word with which ``import`` is asked for each."""

from __future__ import annotations

import datetime

from msgspec import Struct

from collector.controllers import access_points, sites
from collector.inventory import Inventory
from collector.lists import importing
from collector.lists.importing import Proposal
from collector.lists.sheet import Advance, Fault, Refused

KINDS = ("campuses", "access-points", "rooms")


class Places(Struct, frozen=True):
    """How a controller's list says the campus: by a table of its sites (a CSV file's name and bytes), or all of it is
    of one campus."""

    name: str = ""
    data: bytes = b""
    campus: str = ""


def propose(
    kind: str,
    name: str,
    data: bytes,
    present: Inventory,
    valid_from: datetime.date,
    advance: Advance,
    places: Places = Places(),  # noqa: B008 - immutable
) -> Proposal:
    """Raises Refused, naming lines."""
    if kind == "campuses":
        return importing.campuses(name, data, present, valid_from, advance)
    if kind == "rooms":
        return importing.rooms(name, data, present, valid_from, advance)
    known = sites.parse(places.name, places.data, present) if places.name else sites.Sites()
    if places.campus:
        if places.campus not in present.campuses:
            mend = "import it first with `import campuses`, or mend its id"
            raise Refused(name, [Fault(0, f"campus {places.campus!r} of --campus is not known", mend)])
        known = sites.Sites(everywhere=places.campus)
    return access_points.propose(name, data, present, valid_from, advance, known)
