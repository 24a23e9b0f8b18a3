"""How far the audit log was verified in this process: whoever opens its page waits for what is new and what it shows to
be verified, and for no more.

The whole chain is looked at once at the start, in a thread; ``audit verify`` looks at all of it whenever it is asked.
"""

from __future__ import annotations

import contextlib
import threading

import structlog
from sqlalchemy import Connection

from collector.store import Store, audit

log = structlog.get_logger()


class AuditLog:
    """Safe from any thread."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._head = audit.NOTHING

    def start(self, ending: contextlib.ExitStack) -> None:
        """``ending`` waits for it, a little."""
        thread = threading.Thread(target=self._whole, name="audit", daemon=True)
        thread.start()
        ending.callback(thread.join, 10)

    def first_fault(self, connection: Connection, shown: int) -> int | None:
        """The number of the first line that does not follow from the one before it, among those that were not verified
        yet and the ``shown`` newest ones; None where all do. Where what was verified is no longer there, all lines are
        looked at again."""
        with self._lock:
            head = self._head
            if not audit.stands(connection, head):
                # Without a fault among those that are left, it is its end that was taken away.
                return audit.first_fault(connection) or head.number
            fault = audit.first_fault(connection, min(head.number, audit.before_newest(connection, shown)))
            if fault is None:
                self._head = audit.head(connection)
            return fault

    def _whole(self) -> None:
        try:
            with self._store.read() as connection:
                fault = self.first_fault(connection, 0)
        except Exception as failed:  # whoever opens the page has all of it looked at then
            log.error("audit log: cannot be verified at the start", fault=repr(failed)[:300])
            return
        if fault is not None:
            log.error("audit log: a line does not follow from the one before it", line=fault)
