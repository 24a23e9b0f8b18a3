"""Alertmanager's webhook comes in, a step of an incident comes out: who was told, and when.

A page may come before its incident opens, which takes a row of bad slots; so what was told is kept, and the step is
written as soon as there is an incident to write it to, once for each incident and receiver, with its own time.
"""

from __future__ import annotations

import datetime
from typing import Any

from msgspec import Struct, field
from sqlalchemy import Connection

from collector.alerting.alert import Terms
from collector.alerting.rules import alerts
from collector.inventory import Inventory
from collector.store import audit, incidents, notifications
from collector.store.incidents import CONFIRMED, DISPROVED, FALSE, Kept, Step
from collector.store.notifications import NO_INCIDENT, UNRESOLVED, Told

WATCHDOG = "Watchdog"
NOTIFIED = "notified"
OUTCOMES = (CONFIRMED, FALSE, DISPROVED, UNRESOLVED, NO_INCIDENT)
OPENS = frozenset(alert.name for alert in alerts(Terms()) if alert.opens)
WAITS_SECONDS = 7 * 86400.0
"""What opens later than this, by late evidence, is nothing that whoever was told could have acted on."""
_EARLY_SECONDS = 3600
"""An incident's last slot may have ended so long before the alert of it was told."""


class Alert(Struct, frozen=True):
    """One alert of a webhook's body, as Alertmanager writes it (version 4); what is not used is left out."""

    status: str
    labels: dict[str, str]
    starts_at: datetime.datetime = field(name="startsAt")


class Webhook(Struct, frozen=True):
    """A notification: alerts of one group for one receiver."""

    receiver: str
    alerts: list[Alert]


def scope_of(labels: dict[str, str]) -> str:
    """The scope of the incident that an alert with these labels speaks of; empty where it speaks of none."""
    if labels.get("alertname") not in OPENS:
        return ""
    if labels.get("campus"):
        return f"campus {labels['campus']}"[:80]
    return f"uplink {labels['uplink']}"[:80] if labels.get("uplink") else ""


def is_watchdog(webhook: Webhook) -> bool:
    return any(one.labels.get("alertname") == WATCHDOG and one.status == "firing" for one in webhook.alerts)


def told(webhook: Webhook, now: float) -> list[Told]:
    """What it says of faults that open incidents; that one is over is no news, the judge sees it himself."""
    receiver = webhook.receiver[:64]
    return [
        Told(scope, one.labels["alertname"], receiver, one.starts_at.timestamp(), now)
        for one in webhook.alerts
        if one.status == "firing" and (scope := scope_of(one.labels))
    ]


def keep(connection: Connection, some: list[Told], now: float) -> int:
    """Keeps them, and writes each step that is due. Returns how many steps."""
    for one in some:
        notifications.keep(connection, one)
    return attach(connection, now)


def attach(connection: Connection, now: float) -> int:
    """Writes the steps of those whose incident is known now. Returns how many."""
    written = 0
    for number, one in notifications.waiting(connection, now - WAITS_SECONDS).items():
        incident = _incident(connection, one)
        if incident is None:
            continue
        by = f"receiver {one.receiver}"[:64]
        steps = incidents.steps(connection, [incident.id]).get(incident.id, [])
        if not any(step.step == NOTIFIED and step.by == by for step in steps):
            incidents.write_step(connection, Step(incident.id, NOTIFIED, one.told_at, by, one.alert))
            audit.write(connection, now, by, f"incident {NOTIFIED}", f"{incident.id} {one.scope}", one.alert)
            written += 1
        notifications.belongs(connection, number, incident.id)
    return written


def outcomes(connection: Connection, inventory: Inventory, now: float) -> dict[tuple[str, str], int]:
    """What became of the faults of real campuses that somebody was told of, as counts by alert and outcome: each alert
    that opens an incident with each of OUTCOMES. Empty where nobody was ever told of anything."""
    counted = notifications.outcomes(connection, _simulated(inventory), now - WAITS_SECONDS)
    if not counted:
        return {}
    return {(alert, became): counted.get((alert, became), 0) for alert in sorted(OPENS) for became in OUTCOMES}


def _simulated(inventory: Inventory) -> set[str]:
    """Scopes of simulated campuses and of uplinks that none but simulated ones share."""
    real = {one.uplink for one in inventory.campuses.values() if not one.simulated}
    modelled = [one for one in inventory.campuses.values() if one.simulated]
    return {f"campus {one.id}" for one in modelled} | {
        f"uplink {one.uplink}" for one in modelled if one.uplink not in real
    }


def _incident(connection: Connection, one: Told) -> Kept | None:
    """The newest that stands and had begun when it was told; a row of bad slots begins before its alert fires."""
    begin, end = int(one.starts_at) - _EARLY_SECONDS, int(one.told_at) + 1
    found: list[Kept] = [kept for kept in incidents.of_scope(connection, one.scope, begin, end) if kept.stands]
    return max(found, key=lambda kept: kept.fault.from_at, default=None)


def follow(services: Any) -> None:
    """After each judging pass: what was told before its incident opened."""
    now = services.clock()
    with services.store.read() as connection:
        waits = bool(notifications.waiting(connection, now - WAITS_SECONDS))
    if waits:
        services.store.write(lambda connection: attach(connection, now))
