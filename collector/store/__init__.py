"""The store: the collector's only SQL. Functions take a connection of :meth:`Store.read` or of :meth:`Store.write`."""

from collector.store.database import Busy, Missing, Outdated, Store, StoreError
from collector.store.evidence import Kept
from collector.store.ingest import Batch, Incoming, Outcome

__all__ = ["Batch", "Busy", "Incoming", "Kept", "Missing", "Outcome", "Outdated", "Store", "StoreError"]
