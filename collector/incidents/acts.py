"""What people do about an incident: steps, notes and the last word. Each act is a line of its own and one in the audit
log; none of them changes what the judge found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection

from collector.administration.refusals import NotDone
from collector.incidents import words
from collector.store import Store, audit, incidents
from collector.store.incidents import CONFIRMED, FALSE, NOTE, VERIFIED, Kept, Step

STEPS = ("notified", "acknowledged", "on_site", "fixed", VERIFIED)
"""In the order in which they usually happen. ``detected`` is the judge's own, and so is ``verified`` where a row of met
slots proves it."""
_MAX_NOTE = 2000
Body = dict[str, Any]


def step(store: Store, clock: Callable[[], float], body: Body, by: str) -> Body:
    """One of STEPS at ``at`` (default: now). Raises NotDone."""
    name, now = str(body["step"]), clock()
    if name not in STEPS:
        raise NotDone(f"no step {name!r}", f"there are {', '.join(STEPS)}", status=2)
    at = float(body.get("at") or now)
    if at > now:
        raise NotDone(words.IN_THE_FUTURE.say(), "give --at a time that has passed", status=2)

    def write(connection: Connection) -> None:
        one = _standing(connection, body)
        if at < one.fault.from_at:
            raise NotDone(words.BEFORE_ITS_BEGIN.say(), f"see `incident show {one.id}`", status=2)
        _keep(connection, one, Step(one.id, name, at, by, _text(body, "note")), now)

    store.write(write).result()
    return {"incident": int(body["incident"]), "step": name, "at": at, "by": by}


def note(store: Store, clock: Callable[[], float], body: Body, by: str) -> Body:
    now = clock()
    text = _text(body, "note")
    if not text:
        raise NotDone(words.EMPTY_NOTE.say(), words.WRITE_IT.say(), status=2)

    def write(connection: Connection) -> None:
        one = _found(connection, body)
        _keep(connection, one, Step(one.id, NOTE, now, by, text), now)

    store.write(write).result()
    return {"incident": int(body["incident"]), "step": NOTE, "at": now, "by": by}


def close(store: Store, clock: Callable[[], float], body: Body, by: str) -> Body:
    """The last word: ``as`` confirmed or false, with a reason. What the evidence still shows as lasting can only be
    called false. Raises NotDone."""
    resolution, reason, now = str(body["as"]), _text(body, "reason"), clock()
    if resolution not in (CONFIRMED, FALSE):
        raise NotDone(f"an incident is not closed as {resolution!r}", f"write {CONFIRMED} or {FALSE}", status=2)
    if not reason:
        raise NotDone(words.NO_REASON.say(), words.SAY_WHY.say(), status=2)

    def write(connection: Connection) -> None:
        one = _standing(connection, body)
        if one.resolution:
            said = words.CLOSED_ALREADY.say(incident=one.id, resolution=one.resolution, reason=one.resolution_reason)
            raise NotDone(said)
        if resolution == CONFIRMED and one.fault.to_at is None:
            raise NotDone(words.STILL_LASTS.say(incident=one.id), words.CLOSE_AS_FALSE.say())
        incidents.resolve(connection, one.id, resolution, reason)
        _keep(connection, one, Step(one.id, NOTE, now, by, f"closed as {resolution}: {reason}"), now)

    store.write(write).result()
    return {"incident": int(body["incident"]), "resolution": resolution, "reason": reason, "by": by}


def _found(connection: Connection, body: Body) -> Kept:
    one = incidents.find(connection, int(body["incident"]))
    if one is None:
        raise NotDone(f"no incident {body['incident']}", "see `wifi-collector incident list`", status=2)
    return one


def _standing(connection: Connection, body: Body) -> Kept:
    one = _found(connection, body)
    if not one.stands:
        said = words.STANDS_NO_MORE.say(incident=one.id, disproved=one.resolution_reason)
        raise NotDone(said, words.NOTE_ALL_THE_SAME.say())
    return one


def _keep(connection: Connection, one: Kept, said: Step, now: float) -> None:
    incidents.write_step(connection, said)
    audit.write(connection, now, said.by, f"incident {said.step}", f"{one.id} {one.fault.scope}", said.note)


def _text(body: Body, key: str) -> str:
    text = str(body.get(key) or "").strip()
    if len(text) > _MAX_NOTE:
        raise NotDone(words.TOO_LONG.say(what=key, n=len(text)), words.AT_MOST.say(n=_MAX_NOTE), status=2)
    return text
