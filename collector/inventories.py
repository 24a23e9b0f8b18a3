"""What holds now, for the parts that serve agents: campuses, hours and policy, read once a snapshot."""

from __future__ import annotations

import datetime
import threading

from sqlalchemy import Connection

from collector.holding import Held, Holding, NothingHolds
from collector.policy import Policy
from collector.store import snapshots


class Inventories:
    """Thread-safe. A day here is the UTC day: what agents are told may begin hours before a campus's midnight."""

    def __init__(self) -> None:
        self._holding = Holding()
        self._lock = threading.Lock()

    def held(self, connection: Connection, now: float) -> Held | None:
        """None before the first import."""
        day = datetime.datetime.fromtimestamp(now, datetime.UTC).date()
        with self._lock:
            self._holding.refresh(connection)
            try:
                return self._holding.on(connection, day)
            except NothingHolds:
                return None

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
