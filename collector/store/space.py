"""Room in SQLite's file that joined or expired evidence has left: given back to the disk, a few pages at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection

from collector.store.database import Store

KEPT_FREE_RATIO = 0.2
"""Of the file; the evidence of the next days lands there."""
_PAGES = 512


def give_back(store: Store, kept_free_ratio: float, until: Callable[[], bool] = lambda: False) -> int:
    """The pages given back. PostgreSQL does this itself; a file that was made without ``auto_vacuum`` cannot, until
    somebody runs VACUUM on it once."""
    if not store.sqlite:
        return 0
    given = 0
    while not until():
        some: int = store.write(lambda connection: _step(connection, kept_free_ratio)).result()
        if some == 0:
            break
        given += some
    return given


def _step(connection: Connection, kept_free_ratio: float) -> int:
    def pragma(name: str) -> int:
        return int(connection.exec_driver_sql(f"PRAGMA {name}").scalar() or 0)

    free = pragma("freelist_count")
    spare = free - int(kept_free_ratio * pragma("page_count"))
    if spare <= 0 or pragma("auto_vacuum") != _INCREMENTAL:
        return 0
    # A page is given back with each step of the statement, and only the driver's own cursor steps to its end.
    raw: Any = connection.connection.driver_connection
    raw.execute(f"PRAGMA incremental_vacuum({min(spare, _PAGES)})").fetchall()
    return free - pragma("freelist_count")


_INCREMENTAL = 2
