"""The findings as CSV, one a row, for a spreadsheet that somebody works through."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

from collector.commitment.as_csv import safe
from collector.expected.seen import Missing

COLUMNS = ("campus", "finding", "id", "name", "address", "place", "since", "until", "detail")


def rows(found: Missing) -> Iterator[tuple[object, ...]]:
    for finding, aps in (("never_answered", found.never_answered), ("never_heard", found.never_heard)):
        for ap in aps:
            yield found.campus, finding, ap.id, ap.name, ap.address, ap.place, ap.since, None, ap.why
    for one in found.unlisted:
        detail = f"SSID {one.ssid}, channel {one.channel}"
        yield found.campus, "unlisted", one.bssid, "", "", None, one.first_heard, one.last_heard, detail
    for room in found.never_measured:
        yield found.campus, "never_measured", "", "", "", room, found.record_from, None, ""
    for agent in found.agents_without_place:
        yield found.campus, "agent_without_place", agent.agent, agent.name, "", None, agent.since, None, ""


def as_csv(everything: Iterable[Missing]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for found in everything:
        writer.writerows([safe(cell) for cell in row] for row in rows(found))
    return text.getvalue()
