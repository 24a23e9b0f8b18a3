"""Which campus slots must be judged (again): whoever changes evidence marks them, the judge takes them away."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, bindparam, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from collector.store.known import Known
from collector.store.schema import dirty


class Dirty(NamedTuple):
    """``mark`` is what :func:`clear` must name, so that a mark set meanwhile stays."""

    campus: str
    slot: int
    mark: int
    reason: str


def slots_of(start_at: float, end_at: float, slot_seconds: int) -> list[int]:
    """Slots that measurements of [start_at, end_at] can end in. One that ends with the slot belongs to the slot."""
    first = int(start_at // slot_seconds) * slot_seconds
    last = max(int((end_at - 1e-6) // slot_seconds) * slot_seconds, first)
    return list(range(first, last + 1, slot_seconds))


def mark(
    connection: Connection,
    memory: Known | None,
    slots: Mapping[tuple[str, int], str],
    slot_seconds: int,
    now: float | None,
) -> None:
    """Marks ``slots`` (campus, slot) with a reason. With ``now``: a slot that is still running is marked once only,
    because nobody judges it before it ends."""
    rows = []
    for (campus, slot), reason in slots.items():
        running = now is not None and slot + slot_seconds > now
        if memory is not None and running:
            if (campus, slot) in memory.marked:
                continue
            memory.marked.add((campus, slot))
        rows.append({"campus": campus, "slot": slot, "mark": 1, "reason": reason})
    if memory is not None and now is not None and len(memory.marked) > 20_000:
        memory.marked = {key for key in memory.marked if key[1] + slot_seconds > now}
    if rows:
        connection.execute(_UPSERT[connection.dialect.name], rows)


def mark_slots(connection: Connection, campus: str, slots: list[int], reason: str) -> None:
    """For a person's or the judge's own reasons: a new policy, a new list, an exclusion."""
    rows = [{"campus": campus, "slot": slot, "mark": 1, "reason": reason} for slot in slots]
    if rows:
        connection.execute(_UPSERT[connection.dialect.name], rows)


def pending(
    connection: Connection, before: float, count: int, day_of: Callable[[str, int], tuple[int, int]]
) -> tuple[list[Dirty], bool]:
    """Marked slots that start before ``before``, the newest days first, and whether others are left.

    Of a campus's local day all marks are taken or none: a day judged in two passes gets a revision for each. No more
    than ``count`` are taken, but always one day. ``day_of``: begin and end (Unix seconds) of the campus's local day
    that a slot lies in.
    """
    found = _marked(connection, count + 1, dirty.c.slot < before)
    if len(found) <= count:
        return found, False
    reach_back_to = found[-1].slot
    days: dict[tuple[str, int, int], list[Dirty]] = {}
    for one in found:
        days.setdefault((one.campus, *day_of(one.campus, one.slot)), []).append(one)
    taken: list[Dirty] = []
    for (campus, begin, end), some in days.items():
        if begin <= reach_back_to:  # it may go on below what was read
            within = (dirty.c.slot >= begin, dirty.c.slot < min(end, before))
            some = _marked(connection, None, dirty.c.campus == campus, *within)  # noqa: PLW2901
        if taken and len(taken) + len(some) > count:
            break
        taken += some
    others = select(dirty.c.slot).where(dirty.c.slot < before).offset(len(taken)).limit(1)
    return taken, connection.scalar(others) is not None


def _marked(connection: Connection, count: int | None, *where: ColumnElement[bool]) -> list[Dirty]:
    query = select(dirty).where(*where).order_by(dirty.c.slot.desc(), dirty.c.campus.desc()).limit(count)
    return [Dirty(row.campus, row.slot, row.mark, row.reason) for row in connection.execute(query)]


def of_campus(connection: Connection, campus: str) -> list[int]:
    """The campus's slots that are still to be judged, or to be judged again."""
    return list(connection.scalars(select(dirty.c.slot).where(dirty.c.campus == campus).order_by(dirty.c.slot)))


def count(connection: Connection) -> int:
    return connection.scalar(select(func.count()).select_from(dirty)) or 0


def clear(connection: Connection, done: list[Dirty]) -> None:
    """Takes marks away, except where a newer one was set since they were read."""
    if done:
        connection.execute(_CLEAR, [{"b_campus": one.campus, "b_slot": one.slot, "b_mark": one.mark} for one in done])


_CLEAR = delete(dirty).where(
    dirty.c.campus == bindparam("b_campus"),
    dirty.c.slot == bindparam("b_slot"),
    dirty.c.mark == bindparam("b_mark"),
)


def _upsert(make: type[sqlite.Insert] | type[postgresql.Insert]) -> sqlite.Insert | postgresql.Insert:
    statement = make(dirty)
    return statement.on_conflict_do_update(
        index_elements=[dirty.c.campus, dirty.c.slot],
        set_={"mark": dirty.c.mark + 1, "reason": statement.excluded.reason},
    )


_UPSERT = {"sqlite": _upsert(sqlite.Insert), "postgresql": _upsert(postgresql.Insert)}
