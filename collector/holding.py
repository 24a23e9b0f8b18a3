"""What holds on a day: the policy, inventory and hours to judge it with, each named by its digest."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Connection

from agent import wire
from collector.inventory import Inventory
from collector.judgement.day_record import local_day
from collector.policies.policy import Policy
from collector.school_time.hours import Calendar, Hours
from collector.store import snapshots

_READ: dict[str, Callable[[bytes], Any]] = {
    "policy": Policy.from_bytes,
    "inventory": Inventory.from_bytes,
    "hours": Hours.from_bytes,
}
_KEPT = 24
DEFAULT_TIMEZONE = "America/Los_Angeles"


class NothingHolds(LookupError):
    """A kind of which no snapshot was ever kept."""


class Held(Struct, frozen=True):
    """``hashes``: the digest of each kind, as the ledger names them. ``policy_kept_at``: when the policy was kept (Unix
    seconds), where it took the place of another; the one that a collector begins with has changed no answer."""

    policy: Policy
    inventory: Inventory
    hours: Hours
    hashes: dict[str, str]
    policy_kept_at: float | None = None

    @property
    def timezone(self) -> str:
        """The time zone of most campuses: the district's own day."""
        zones = Counter(one.timezone for one in self.inventory.campuses.values())
        return max(sorted(zones), key=zones.__getitem__, default=DEFAULT_TIMEZONE)

    @property
    def back_dated(self) -> bool:
        """Whether days were over when somebody decided by what they are judged."""
        return is_back_dated(self.policy, self.policy_kept_at, self.timezone)

    def today(self, now: float) -> datetime.date:
        """The district's date at ``now`` (Unix seconds): a school day is a local day, not Greenwich's."""
        return local_day(now, self.timezone)


class _CalendarOf(Struct):
    """Hours of which nothing but the calendar is read."""

    calendar: Calendar = Calendar()


class Holding:
    """Reads each snapshot's body once: they are immutable."""

    def __init__(self) -> None:
        self._listed: dict[str, list[snapshots.Snapshot]] = {}
        self._read: dict[tuple[str, str], Any] = {}
        self._calendars: dict[str, Calendar] = {}

    def refresh(self, connection: Connection) -> bool:
        """Looks which snapshots there are; says whether something was added since the last look."""
        listed = {kind: snapshots.every(connection, kind) for kind in _READ}
        changed = listed != self._listed
        self._listed = listed
        return changed

    def on(self, connection: Connection, day: datetime.date) -> Held:
        """Raises NothingHolds, naming the kind, where one was never imported."""
        values = {}
        hashes = {}
        for kind in _READ:
            snapshot = snapshots.holding(self._listed.get(kind, []), day)
            if snapshot is None:
                raise NothingHolds(kind)
            hashes[kind] = snapshot.hash
            values[kind] = self._value(connection, kind, snapshot.hash)
        kept_at = kept_later(self._listed["policy"], day)
        return Held(values["policy"], values["inventory"], values["hours"], hashes, kept_at)

    def named(self, connection: Connection, hashes: dict[str, str]) -> Held:
        """What these digests name."""
        values = {kind: self._value(connection, kind, hashes[kind]) for kind in _READ}
        return Held(values["policy"], values["inventory"], values["hours"], dict(hashes))

    def at(self, connection: Connection, now: float) -> Held:
        """What holds on the district's day at ``now`` (Unix seconds). Raises NothingHolds."""
        utc_day = datetime.datetime.fromtimestamp(now, datetime.UTC).date()
        held = self.on(connection, utc_day)
        today = held.today(now)
        return held if today == utc_day else self.on(connection, today)

    def newest_at(self, connection: Connection, now: float) -> Held | None:
        """Looks which snapshots there are, and gives what holds at ``now``; None before the first import."""
        self.refresh(connection)
        try:
            return self.at(connection, now)
        except NothingHolds:
            return None

    def calendars(self, connection: Connection) -> tuple[Calendar, ...]:
        """The calendar of each school year as the newest hours say it, the earliest year first."""
        years: dict[int, Calendar] = {}
        for hash_ in [one.hash for one in self._listed.get("hours", [])]:
            if hash_ not in self._calendars:
                body = snapshots.body(connection, "hours", hash_)
                self._calendars[hash_] = msgspec.json.decode(body, type=_CalendarOf).calendar
            calendar = self._calendars[hash_]
            if calendar.first is not None:
                years[calendar.first.year] = calendar
        return tuple(years[year] for year in sorted(years))

    def _value(self, connection: Connection, kind: str, hash_: str) -> Any:
        key = (kind, hash_)
        if key not in self._read:
            if len(self._read) >= _KEPT:
                self._read.pop(next(iter(self._read)))
            self._read[key] = _READ[kind](snapshots.body(connection, kind, hash_))
        return self._read[key]


def kept_later(listed: list[snapshots.Snapshot], day: datetime.date) -> float | None:
    """When the one that holds on a day was kept, unless it is the first that was kept at all."""
    one = snapshots.holding(listed, day)
    return None if one is None or one.created_at <= min(each.created_at for each in listed) else one.created_at


def is_back_dated(policy: Policy, kept_at: float | None, timezone: str) -> bool:
    return kept_at is not None and local_day(kept_at, timezone) > policy.valid_from


def held_at(connection: Connection, now: float) -> Held | None:
    """What holds at ``now`` (Unix seconds), read for this once; None before the first import. Who asks often keeps a
    Holding."""
    return Holding().newest_at(connection, now)


def day_at(connection: Connection, now: float) -> datetime.date:
    """The district's day at ``now``, read for this once. Before the first import there is none: then Greenwich's."""
    held = held_at(connection, now)
    return held.today(now) if held else datetime.datetime.fromtimestamp(now, datetime.UTC).date()


wire.learn(_CalendarOf)
