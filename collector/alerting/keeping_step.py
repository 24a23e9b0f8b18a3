"""Keeps incidents and Alertmanager in step, both ways, in a thread: acknowledgements and planned work become silences
there, a silence that a person makes there acknowledges the incident here.

Alertmanager may be away for days: what is to be is read from the store at every turn, so only time is lost.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog
from prometheus_client import CollectorRegistry

from collector.administration.refusals import NotDone
from collector.alerting import silences
from collector.alerting.alertmanager import CREATOR, Alertmanager, NotTaken, Silence
from collector.alerting.notifications import scope_of
from collector.alerting.silences import ACKNOWLEDGED, BY_SILENCE, End, Make
from collector.incidents import acts
from collector.metrics import series
from collector.services import Services
from collector.store import Store, incidents

TURN_SECONDS, LONGEST_TURN_SECONDS = 10.0, 120.0
log = structlog.get_logger()


class KeepingStep:
    """``step`` is one turn; ``start`` repeats it until ``stop``."""

    def __init__(
        self, store: Store, manager: Alertmanager, clock: Callable[[], float], registry: CollectorRegistry
    ) -> None:
        self._store = store
        self._manager = manager
        self._clock = clock
        self._made: set[str] = set()
        self._failures = 0
        self._pending = series.instrument(registry, "campus_wifi_silences_pending")
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="silences", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout=30)
        self._manager.close()

    def _run(self) -> None:
        while not self._stopping.is_set():
            wait = TURN_SECONDS
            try:
                self.step()
                self._failures = 0
            except NotTaken as fault:
                if not self._failures:
                    log.warning("silences wait: Alertmanager does not take them; tried again", fault=str(fault))
                self._failures += 1
                wait = min(LONGEST_TURN_SECONDS, TURN_SECONDS * 2 ** min(self._failures, 8))
            except Exception as fault:  # the thread outlives whatever one turn brings: nothing is lost
                log.error("silences: cannot look, trying again", fault=repr(fault)[:300])
            self._stopping.wait(wait)

    def step(self) -> None:
        """One turn. Raises NotTaken; what was not done is counted as pending."""
        now = self._clock()
        with self._store.read() as connection:
            wanted = silences.wanted(connection, now)
        self._pending.set(len(self._made ^ wanted.keys()))
        present = self._manager.silences()
        changes = silences.differences(wanted, present)
        self._made = set(wanted) | {one.key for one in changes if isinstance(one, End)}
        self._made -= {one.wanted.key for one in changes if isinstance(one, Make) and not one.id}
        self._pending.set(len(changes))
        for number, change in enumerate(changes, 1):
            self._do(change)
            self._pending.set(len(changes) - number)
        self._acknowledge(present)

    def _do(self, change: Make | End) -> None:
        if isinstance(change, End):
            self._manager.end(change.id)
            self._made.discard(change.key)
        else:
            one = change.wanted
            self._manager.silence(list(one.matchers), one.starts_at, one.ends_at, one.comment, change.id or None)
            self._made.add(one.key)

    def _acknowledge(self, present: list[Silence]) -> None:
        """Whoever silences the alert of an incident in Alertmanager has said that somebody takes care of it. A silence
        from before the incident says nothing about it."""
        by_id = {one.id: one for one in present if one.stands and one.created_by != CREATOR}
        if not by_id:
            return
        seen = set()
        for alert in self._manager.silenced():
            scope = scope_of(alert.labels)
            for silence in (by_id[one] for one in alert.status.silenced_by if one in by_id):
                if scope and scope not in seen:
                    seen.add(scope)
                    self._acknowledge_one(scope, silence)

    def _acknowledge_one(self, scope: str, silence: Silence) -> None:
        now, made_at = self._clock(), silence.starts_at.timestamp()
        with self._store.read() as connection:
            touching = incidents.of_scope(connection, scope, int(made_at), int(now) + 1)
            lasting = [one for one in touching if one.state == "open"]
            steps = incidents.steps(connection, [one.id for one in lasting])
        for one in lasting:
            known = any(step.step == ACKNOWLEDGED for step in steps.get(one.id, ()))
            if known or made_at < one.fault.from_at:
                continue
            note = f"{BY_SILENCE}, {silence.id}: {silence.comment}"[:2000]
            body = {"incident": one.id, "step": ACKNOWLEDGED, "at": min(made_at, now), "note": note}
            try:
                acts.step(self._store, self._clock, body, silence.created_by[:64] or "nobody named")
            except NotDone as fault:
                log.warning("a silence does not acknowledge", incident=one.id, fault=fault.reason)


def start(services: Services) -> KeepingStep | None:
    """Running; None where no Alertmanager is configured."""
    url = services.config.alertmanager_url
    if not url:
        return None
    manager = Alertmanager(url, services.registry)
    keeping = KeepingStep(services.store, manager, services.clock, services.registry)
    keeping.start()
    return keeping
