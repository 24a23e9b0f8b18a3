"""Incidents as they are kept: what the judge found, what people said of it, and each step that was taken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, delete, func, insert, or_, select, update

from collector.incidents.finding import Incident, Part
from collector.store import schema

CONFIRMED, FALSE, DISPROVED = "confirmed", "false", "disproved"
DETECTED, VERIFIED, NOTE = "detected", "verified", "note"
_incident, _campus, _step = schema.incident, schema.incident_campus, schema.incident_step


class Kept(Struct, frozen=True):
    """``opened_at``: when it was first seen, which late evidence does not move. ``resolution`` is empty until somebody
    confirmed it or called it false, or late evidence disproved it."""

    id: int
    fault: Incident
    opened_at: float
    resolution: str
    resolution_reason: str

    @property
    def state(self) -> str:
        return "open" if self.fault.to_at is None and not self.resolution else "closed"

    @property
    def stands(self) -> bool:
        return self.resolution != DISPROVED


class Step(Struct, frozen=True):
    """What somebody did, or ``judge`` saw, about an incident."""

    incident: int
    step: str
    at: float
    by: str
    note: str


def add(connection: Connection, fault: Incident, now: float) -> int:
    values = _values(fault) | {"opened_at": now, "resolution": "", "resolution_reason": ""}
    key = connection.execute(insert(_incident).values(values)).inserted_primary_key
    assert key is not None
    _keep_parts(connection, int(key[0]), fault)
    return int(key[0])


def change(connection: Connection, one: int, fault: Incident) -> None:
    connection.execute(update(_incident).where(_incident.c.id == one).values(_values(fault)))
    connection.execute(delete(_campus).where(_campus.c.incident == one))
    _keep_parts(connection, one, fault)


def resolve(connection: Connection, one: int, resolution: str, reason: str) -> None:
    said = {"resolution": resolution, "resolution_reason": reason}
    connection.execute(update(_incident).where(_incident.c.id == one).values(said))


def write_step(connection: Connection, step: Step) -> None:
    connection.execute(insert(_step).values(msgspec.structs.asdict(step)))


def find(connection: Connection, one: int) -> Kept | None:
    found = _read(connection, [_incident.c.id == one])
    return found[0] if found else None


def of_scope(connection: Connection, scope: str, begin: int, end: int) -> list[Kept]:
    """Those of a campus or an uplink that touch [begin, end), the disproved ones too."""
    return _read(connection, [_incident.c.scope == scope, *_touching(begin, end)])


def of_period(
    connection: Connection, begin: int, end: int, campus: str | None = None, *, only_open: bool = False
) -> list[Kept]:
    """Those that touch [begin, end), the disproved ones too, newest first."""
    where = _touching(begin, end)
    if only_open:
        where += [_incident.c.to_at.is_(None), _incident.c.resolution == ""]
    if campus is not None:
        where.append(_incident.c.id.in_(select(_campus.c.incident).where(_campus.c.campus == campus)))
    return sorted(_read(connection, where), key=lambda one: (-one.fault.from_at, -one.id))


def lasting_campuses(connection: Connection) -> set[str]:
    """Campuses of incidents that are not over."""
    query = select(_campus.c.campus).join(_incident, _incident.c.id == _campus.c.incident)
    query = query.where(_incident.c.to_at.is_(None), _incident.c.resolution != DISPROVED)
    return set(connection.scalars(query))


def closed(connection: Connection, simulated: set[str]) -> dict[tuple[str, str], int]:
    """How many have their last word, by cause and resolution; those that only simulated campuses had are not in it."""
    query = select(_incident.c.id, _incident.c.cause, _incident.c.resolution, _campus.c.campus)
    query = query.join(_campus, _campus.c.incident == _incident.c.id).where(_incident.c.resolution != "")
    of = {row.id: (row.cause, row.resolution) for row in connection.execute(query) if row.campus not in simulated}
    return dict(Counter(of.values()))


def open_by_campus(connection: Connection) -> dict[str, dict[str, int]]:
    """For each campus, how many incidents of each cause last there now and nobody has closed."""
    query = select(_campus.c.campus, _incident.c.cause, func.count()).join(
        _incident, _incident.c.id == _campus.c.incident
    )
    lasting = (_incident.c.to_at.is_(None), _incident.c.resolution == "", _campus.c.to_at.is_(None))
    found: dict[str, dict[str, int]] = {}
    for campus, cause, count in connection.execute(query.where(*lasting).group_by(_campus.c.campus, _incident.c.cause)):
        found.setdefault(campus, {})[cause] = count
    return found


def steps(connection: Connection, ids: Iterable[int]) -> dict[int, list[Step]]:
    """Each incident's steps in order of writing."""
    columns = [getattr(_step.c, name) for name in Step.__struct_fields__]
    found: dict[int, list[Step]] = {}
    for some in _chunks(sorted(ids)):
        for row in connection.execute(select(*columns).where(_step.c.incident.in_(some)).order_by(_step.c.id)):
            found.setdefault(row.incident, []).append(Step(*row))
    return found


def _touching(begin: int, end: int) -> list[Any]:
    return [or_(_incident.c.to_at.is_(None), _incident.c.to_at > begin), _incident.c.from_at < end]


def _read(connection: Connection, where: Sequence[Any]) -> list[Kept]:
    rows = connection.execute(select(_incident).where(*where).order_by(_incident.c.from_at, _incident.c.id)).all()
    parts: dict[int, list[Part]] = {}
    for some in _chunks([row.id for row in rows]):
        query = select(_campus).where(_campus.c.incident.in_(some)).order_by(_campus.c.campus)
        for row in connection.execute(query):
            rooms, aps = (tuple(msgspec.json.decode(text)) for text in (row.rooms, row.access_points))
            part = Part(row.campus, row.from_at, row.to_at, row.lost_seconds, rooms, aps)
            parts.setdefault(row.incident, []).append(part)
    return [
        Kept(
            row.id,
            Incident(row.scope, row.from_at, row.to_at, row.cause, row.cause_evidence, tuple(parts.get(row.id, ()))),
            row.opened_at,
            row.resolution,
            row.resolution_reason,
        )
        for row in rows
    ]


def _chunks(ids: list[int], most: int = 500) -> Iterable[list[int]]:
    """SQLite takes a bounded number of parameters."""
    return (ids[at : at + most] for at in range(0, len(ids), most))


def _values(fault: Incident) -> dict[str, Any]:
    return {
        "scope": fault.scope,
        "from_at": fault.from_at,
        "to_at": fault.to_at,
        "cause": fault.cause,
        "cause_evidence": fault.cause_evidence,
    }


def _keep_parts(connection: Connection, one: int, fault: Incident) -> None:
    rows = [
        {
            "incident": one,
            "campus": part.campus,
            "from_at": part.from_at,
            "to_at": part.to_at,
            "lost_seconds": part.lost_seconds,
            "rooms": msgspec.json.encode(part.rooms).decode(),
            "access_points": msgspec.json.encode(part.access_points).decode(),
        }
        for part in fault.parts
    ]
    connection.execute(insert(_campus), rows)
