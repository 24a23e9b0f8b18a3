"""What holds now, for the parts that serve agents: campuses, hours and policy, read once a snapshot."""

from __future__ import annotations

import datetime
import threading

from sqlalchemy import Connection

from collector.holding import Held, Holding
from collector.policies.policy import Policy
from collector.store import snapshots


class Inventories:
    """Thread-safe. What holds on the district's own day."""

    def __init__(self) -> None:
        self._holding = Holding()
        self._lock = threading.Lock()

    def held(self, connection: Connection, now: float) -> Held | None:
        """None before the first import."""
        with self._lock:
            return self._holding.newest_at(connection, now)

    def policy(self, connection: Connection, now: float) -> Policy:
        """The policy alone: there is always one once the collector has started."""
        day = datetime.datetime.fromtimestamp(now, datetime.UTC).date()
        snapshot = snapshots.holding(snapshots.every(connection, "policy"), day)
        assert snapshot is not None
        return Policy.from_bytes(snapshots.body(connection, "policy", snapshot.hash))

    def is_simulated(self, connection: Connection, campus: str, now: float) -> bool:
        held = self.held(connection, now)
        known = held.inventory.campuses.get(campus) if held else None
        return known is not None and known.simulated
