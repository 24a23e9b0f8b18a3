"""The names of rooms: what a person types or a list holds goes in, the collector's id of the place comes out."""

from __future__ import annotations

import csv
from pathlib import Path

_LONGEST = 200


class RoomError(Exception):
    """Not a room's name, or not a list of rooms. Says what and the mend."""


def place(text: str, campus: str) -> str:
    """CAMPUS/BUILDING/ROOM of BUILDING/ROOM (on ``campus``) or of the whole. Raises RoomError."""
    parts = [part.strip() for part in text.split("/")]
    if len(parts) == 2:
        parts = [campus, *parts]
    if len(parts) != 3 or not all(parts):
        raise RoomError(f"{text!r}: write BUILDING/ROOM, for instance main/101")
    whole = "/".join(parts)
    if not whole.isprintable() or len(whole) > _LONGEST:
        raise RoomError(f"{text[:40]!r}: write at most {_LONGEST} printable characters")
    return whole


def listed(file: Path, campus: str) -> list[str]:
    """The places of ``campus`` in a room list as ``wifi-collector import`` takes it: CSV with the columns building
    and room, and campus where it names several. Raises RoomError."""
    try:
        with file.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream)
            if not {"building", "room"} <= set(reader.fieldnames or ()):
                raise RoomError(f"{file}: the first line must name the columns building and room")
            rows = [row for row in reader if (row.get("campus") or campus) == campus]
    except (OSError, UnicodeDecodeError, csv.Error) as fault:
        raise RoomError(f"{file}: cannot be read: {fault}") from None
    places = [place(f"{row['building']}/{row['room']}", campus) for row in rows]
    if not places:
        raise RoomError(f"{file}: no room of campus {campus}; is this the list of another campus?")
    return list(dict.fromkeys(places))
