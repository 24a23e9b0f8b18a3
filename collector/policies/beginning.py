"""What a new collector begins with: a shipped policy, and hours in which nobody is in class until bells come."""

from __future__ import annotations

import datetime
from collections.abc import Callable

import msgspec
from sqlalchemy import Connection

from collector.policies import policy
from collector.school_time.hours import Hours
from collector.store import Store, snapshots


def ensure_policy(
    store: Store, clock: Callable[[], float], *, demonstration: bool, report_seconds: int, name: str = "baseline"
) -> None:
    """Keeps the shipped policy of that name where none is kept yet; in demonstration mode its slots are three reports
    long and every campus is always in class. Without bells nothing is in class, and the answers say so.

    A policy that is meant for a later day holds from today on where somebody begins with it: else its lists and bells
    could be imported for that day only."""
    wanted = policy.shipped(name)
    if demonstration:
        wanted = policy.for_slots(wanted, 3 * report_seconds, report_seconds)
    now = clock()
    # No campus is known yet, and so no time zone: where it is still the day before, that day is today.
    today = datetime.datetime.fromtimestamp(now, datetime.UTC).date() - datetime.timedelta(days=1)
    if wanted.valid_from > today:
        wanted = msgspec.structs.replace(wanted, valid_from=today)

    def keep(connection: Connection) -> None:
        standing = snapshots.every(connection, "policy")
        if not standing or demonstration:
            snapshots.keep(connection, "policy", wanted.to_bytes(), _valid_from(standing, wanted.valid_from), now)
        hours = snapshots.every(connection, "hours")
        if not hours or demonstration:
            made = Hours(always=demonstration)
            snapshots.keep(connection, "hours", made.to_bytes(), _valid_from(hours, wanted.valid_from), now)

    store.write(keep).result()


def _valid_from(standing: list[snapshots.Snapshot], day: datetime.date) -> datetime.date:
    return max(day, standing[-1].valid_from) if standing else day
