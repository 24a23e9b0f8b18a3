"""A controller's own words for a place become a campus: the district writes the table, nothing is guessed.

A controller files access points under paths (``Global/East/Lincoln High/Floor 2``, ``Top > East > Lincoln High``). The
longest part of the path from its beginning that stands in the table decides, so that one line covers every floor.
"""

from __future__ import annotations

import re

from msgspec import Struct

from collector.inventory import Inventory
from collector.lists.sheet import Fault, Refused, read

LEFT_OUT = "none"
"""Instead of a campus: access points of this site are of no campus (a warehouse, an office)."""
_COLUMNS = (("site", "campus"), ())
_ALIASES = {"group": "site", "network": "site", "folder": "site", "location": "site", "campus_id": "campus"}


class Sites(Struct, frozen=True):
    """``campuses``: the campus id of each site as it is compared. ``everywhere``: the campus of every row, where the
    whole list is of one campus."""

    campuses: dict[str, str] = {}
    everywhere: str = ""

    def campus(self, site: str, present: Inventory) -> str | None:
        """A site named exactly as a campus's id needs no line. None where nothing says the campus."""
        if self.everywhere:
            return self.everywhere
        parts = _parts(site)
        for count in range(len(parts), 0, -1):
            found = self.campuses.get("/".join(parts[:count]))
            if found is not None:
                return found
        return site if site in present.campuses else None


def parse(name: str, data: bytes, present: Inventory) -> Sites:
    """The table of --sites, a CSV file with the columns site and campus. Raises Refused."""
    sheet, faults = read(name, data, _COLUMNS, _ALIASES, lambda _: None)
    campuses: dict[str, str] = {}
    for row in sheet.rows:
        site, campus = "/".join(_parts(row["site"])), row["campus"]
        if not site:
            faults.append(Fault(row.line, "site is empty", "write the site's name as the controller has it"))
        elif campus.lower() == LEFT_OUT:
            campuses[site] = LEFT_OUT
        elif campus not in present.campuses:
            mend = f"import it first with `import campuses`, mend its id, or write {LEFT_OUT} for a site of no campus"
            faults.append(Fault(row.line, f"campus {campus!r} is not known", mend))
        elif campuses.setdefault(site, campus) != campus:
            faults.append(Fault(row.line, f"site {row['site']!r} is {campuses[site]} already", "give it one campus"))
    if faults:
        raise Refused(name, faults)
    return Sites(campuses)


def _parts(site: str) -> list[str]:
    return [" ".join(part.split()).casefold() for part in re.split(r"[/>]", site) if part.strip()]
