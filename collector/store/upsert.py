"""Insert, or change what is there: the one statement that SQLite and PostgreSQL write alike but SQLAlchemy splits."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


@lru_cache(maxsize=64)
def _statement(dialect: str, table: Table, change: tuple[str, ...]) -> Any:
    make = postgresql.insert if dialect == "postgresql" else sqlite.insert
    statement = make(table)
    if not change:
        return statement.on_conflict_do_nothing()
    return statement.on_conflict_do_update(
        index_elements=list(table.primary_key.columns), set_={name: statement.excluded[name] for name in change}
    )


def upsert(connection: Connection, table: Table, rows: Sequence[dict[str, Any]], change: tuple[str, ...]) -> None:
    """Inserts ``rows``; where one with the same primary key is there, changes its columns ``change`` (none: leaves it,
    whatever it conflicts with)."""
    connection.execute(_statement(connection.dialect.name, table, change), list(rows))
