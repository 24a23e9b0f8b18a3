"""When no throughput test may run: dated windows of state tests, from collector.toml, in each campus's own time.

[[blocked]]
from = 2027-04-12T08:00:00      # or a date: from its midnight
to = 2027-04-12T15:30:00        # or a date: to the end of that day
campuses = ["lincoln"]          # left out: the whole district
reason = "testing"              # left out: testing
"""

from __future__ import annotations

import datetime
import zoneinfo
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

_KEYS = {"from", "to", "campuses", "reason"}
_LONGEST = 60


class Window(Struct, frozen=True):
    """[begins, ends) in local time. No ``campuses`` means all."""

    begins: datetime.datetime
    ends: datetime.datetime
    campuses: tuple[str, ...] = ()
    reason: str = "testing"


def parse(entries: Any) -> tuple[Window, ...]:
    """The windows of ``[[blocked]]``. Raises ValueError, which says the entry and the mend."""
    if not isinstance(entries, list) or not all(isinstance(one, dict) for one in entries):
        raise ValueError("write its entries as [[blocked]] with `from` and `to`")
    return tuple(_window(f"entry {number}", entry) for number, entry in enumerate(entries, 1))


def until(windows: Sequence[Window], campus: str, timezone: str, now: float) -> tuple[float, str] | None:
    """When the block that holds on a campus ends (Unix seconds) and its reason, or None where none holds. Windows that
    follow one another without a gap are one block."""
    zone = zoneinfo.ZoneInfo(timezone)
    spans = sorted(
        (one.begins.replace(tzinfo=zone).timestamp(), one.ends.replace(tzinfo=zone).timestamp(), one.reason)
        for one in windows
        if not one.campuses or campus in one.campuses
    )
    found: tuple[float, str] | None = None
    for begins, ends, reason in spans:
        if begins <= now < ends or (found and begins <= found[0]):
            found = (max(ends, found[0]), found[1]) if found else (ends, reason)
    return found


def _window(where: str, entry: dict[str, Any]) -> Window:
    if unknown := sorted(entry.keys() - _KEYS):
        raise ValueError(f"{where}: unknown key `{unknown[0]}`; known: {', '.join(sorted(_KEYS))}")
    begins = _instant(where, "from", entry.get("from"), datetime.timedelta())
    ends = _instant(where, "to", entry.get("to"), datetime.timedelta(days=1))
    if ends <= begins:
        raise ValueError(f"{where}: from {begins} to {ends} is no span of time: mend the dates")
    campuses, reason = entry.get("campuses", []), entry.get("reason", "testing")
    if not isinstance(campuses, list) or not all(isinstance(one, str) for one in campuses) or campuses == [""]:
        raise ValueError(f'{where}: `campuses` is {campuses!r}; write their ids: campuses = ["lincoln"]')
    if not isinstance(reason, str) or not 0 < len(reason) <= _LONGEST:
        raise ValueError(f"{where}: `reason` is {reason!r}; write at most {_LONGEST} characters in quotes")
    return Window(begins, ends, tuple(campuses), reason)


def _instant(where: str, key: str, value: Any, whole_day: datetime.timedelta) -> datetime.datetime:
    if isinstance(value, datetime.datetime) and value.tzinfo is None:
        return value
    if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        return datetime.datetime.combine(value, datetime.time()) + whole_day
    raise ValueError(f"{where}: `{key}` is {value!r}; write local time (2027-04-12T08:00:00) or a date")
