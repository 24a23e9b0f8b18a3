"""What people do about an incident: steps, notes and the last word. Each act is a line of its own and one in the audit
log; none of them changes what the judge found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection

from collector.administration.refusals import NotDone
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
        raise NotDone("a step cannot be in the future", "give --at a time that has passed", status=2)

    def write(connection: Connection) -> None:
        one = _standing(connection, body)
        if at < one.fault.from_at:
            raise NotDone("a step cannot come before the incident's begin", f"see `incident show {one.id}`", status=2)
        _keep(connection, one, Step(one.id, name, at, by, _text(body, "note")), now)

    store.write(write).result()
    return {"incident": int(body["incident"]), "step": name, "at": at, "by": by}


def note(store: Store, clock: Callable[[], float], body: Body, by: str) -> Body:
    now = clock()
    text = _text(body, "note")
    if not text:
        raise NotDone("an empty note says nothing", "write what is to be remembered", status=2)

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
        raise NotDone("no reason", "say why in a sentence", status=2)

    def write(connection: Connection) -> None:
        one = _standing(connection, body)
        if one.resolution:
            raise NotDone(f"incident {one.id} is closed already as {one.resolution}: {one.resolution_reason}")
        if resolution == CONFIRMED and one.fault.to_at is None:
            hint = "it is over after a row of met slots; if it is none, close it as false"
            raise NotDone(f"incident {one.id} still lasts", hint)
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
        raise NotDone(f"incident {one.id} was {one.resolution_reason}", "a note can still be added: incident note")
    return one


def _keep(connection: Connection, one: Kept, said: Step, now: float) -> None:
    incidents.write_step(connection, said)
    audit.write(connection, now, said.by, f"incident {said.step}", f"{one.id} {one.fault.scope}", said.note)


def _text(body: Body, key: str) -> str:
    text = str(body.get(key) or "").strip()
    if len(text) > _MAX_NOTE:
        raise NotDone(f"{key} is {len(text)} characters long", f"at most {_MAX_NOTE} are kept", status=2)
    return text
