"""Acknowledged incidents and approved planned work go in, silences in Alertmanager come out, and no other way round:
what there is to be is read from the store each time and compared with what there is, so nothing can be lost on the way.

A silence names what it is for in its comment. One that a person ended in Alertmanager is not made again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from msgspec import Struct
from sqlalchemy import Connection

from collector.alerting.alertmanager import CREATOR, Matcher, Silence
from collector.alerting.notifications import OPENS
from collector.store import exclusions, incidents
from collector.store.incidents import Kept, Step

ACKNOWLEDGED = "acknowledged"
BY_SILENCE = "by a silence in Alertmanager"
"""How the note of an acknowledgement begins that was made there: its silence is the person's own."""
AHEAD_SECONDS = 14 * 86400.0
"""Planned work is silenced from two weeks before it begins."""
LASTING_SECONDS = 7 * 86400.0
"""An incident's silence is made for so long, and made longer while the incident lasts: if this collector dies, it ends
by itself."""
_RENEW_SECONDS = 86400.0
_FOR_EVER = 1 << 40
_KEY = re.compile(rf"^{CREATOR} ((?:incident|exclusion) \d+)\b")


class Wanted(Struct, frozen=True):
    """A silence that there is to be, from and to Unix seconds. ``fixed``: it ends exactly then."""

    key: str
    matchers: tuple[Matcher, ...]
    starts_at: float
    ends_at: float
    fixed: bool

    @property
    def comment(self) -> str:
        why = "planned work, approved" if self.fixed else "somebody takes care of it"
        return f"{CREATOR} {self.key}: {why}"


class Make(Struct, frozen=True):
    """``id``: the silence to change; empty for a new one."""

    wanted: Wanted
    id: str = ""


class End(Struct, frozen=True):
    key: str
    id: str


def wanted(connection: Connection, now: float) -> dict[str, Wanted]:
    """Every silence that there is to be now. No name of a person is in it."""
    found = [*_of_incidents(connection, now), *_of_exclusions(connection, now)]
    return {one.key: one for one in found}


def differences(wanted: Mapping[str, Wanted], present: Iterable[Silence]) -> list[Make | End]:
    """What must be done so that Alertmanager holds what is wanted."""
    ours: dict[str, list[Silence]] = {}
    for silence in present:
        if silence.created_by == CREATOR and (named := _KEY.match(silence.comment)):
            ours.setdefault(named[1], []).append(silence)
    changes: list[Make | End] = []
    for key, one in wanted.items():
        known = ours.get(key, [])
        standing = [known_one for known_one in known if known_one.stands]
        if not standing:
            if not any(known_one.was_ended for known_one in known):
                changes.append(Make(one))
            continue
        newest = max(standing, key=lambda known_one: known_one.ends_at)
        missing = one.ends_at - newest.ends_at.timestamp()
        if abs(missing) > 1 if one.fixed else missing > _RENEW_SECONDS:
            changes.append(Make(one, newest.id))
    for key in ours.keys() - wanted.keys():
        changes += [End(key, silence.id) for silence in ours[key] if silence.stands]
    return changes


def is_own_silence(step: Step) -> bool:
    """Whether somebody acknowledged here, and not by a silence of their own there."""
    return step.step == ACKNOWLEDGED and not step.note.startswith(BY_SILENCE)


def _of_incidents(connection: Connection, now: float) -> list[Wanted]:
    lasting = incidents.of_period(connection, 0, _FOR_EVER, only_open=True)
    steps = incidents.steps(connection, [one.id for one in lasting])
    return [
        Wanted(f"incident {one.id}", _matchers(one), now, now + LASTING_SECONDS, fixed=False)
        for one in lasting
        if any(is_own_silence(step) for step in steps.get(one.id, ()))
    ]


def _matchers(one: Kept) -> tuple[Matcher, ...]:
    label, _, value = one.fault.scope.partition(" ")
    return Matcher("alertname", "|".join(sorted(OPENS)), is_regex=True), Matcher(label, value)


def _of_exclusions(connection: Connection, now: float) -> list[Wanted]:
    return [
        Wanted(f"exclusion {one.id}", (Matcher("campus", one.campus),), max(one.from_at, now), one.to_at, fixed=True)
        for one in exclusions.approved(connection, now, now + AHEAD_SECONDS)
    ]
