"""Holds: evidence of a campus and a period that does not expire until somebody releases it."""

from __future__ import annotations

from msgspec import Struct
from sqlalchemy import Connection, insert, select, update

from collector.store import audit
from collector.store.schema import hold


class Hold(Struct, frozen=True):
    """Days are the campus's own, both included; [from_at, to_at) are their instants."""

    id: int
    campus: str
    from_day: str
    to_day: str
    from_at: float
    to_at: float
    reason: str
    set_by: str
    set_at: float
    released_by: str | None
    released_at: float | None

    def holds(self, from_at: float, to_at: float, now: float) -> bool:
        """Whether it held anything of [from_at, to_at] at ``now``."""
        lasts = self.set_at <= now and (self.released_at is None or now < self.released_at)
        return lasts and self.from_at <= to_at and from_at < self.to_at


def add(
    connection: Connection, campus: str, days: tuple[str, str], instants: tuple[float, float], reason: str, by: str,
    now: float,
) -> int:  # fmt: skip
    values = {
        "campus": campus, "from_day": days[0], "to_day": days[1], "from_at": instants[0], "to_at": instants[1],
        "reason": reason, "set_by": by, "set_at": now,
    }  # fmt: skip
    number = int(connection.execute(insert(hold).values(values).returning(hold.c.id)).scalar_one())
    audit.write(connection, now, by, "hold set", campus, f"hold {number}, {days[0]} to {days[1]}: {reason}")
    return number


def release(connection: Connection, number: int, by: str, now: float) -> Hold | None:
    """None where there is no such hold that lasts."""
    lasting = (hold.c.id == number, hold.c.released_at.is_(None))
    if connection.execute(update(hold).where(*lasting).values(released_by=by, released_at=now)).rowcount == 0:
        return None
    found = next(one for one in every(connection) if one.id == number)
    audit.write(connection, now, by, "hold released", found.campus, f"hold {number}")
    return found


def every(connection: Connection, campus: str | None = None) -> list[Hold]:
    """Released ones too: who held what back, and when, stays known."""
    query = select(*(hold.c[name] for name in Hold.__struct_fields__)).order_by(hold.c.id)
    return [Hold(*row) for row in connection.execute(query if campus is None else query.where(hold.c.campus == campus))]
