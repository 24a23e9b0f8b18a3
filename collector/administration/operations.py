"""An administrator's writes, one table for both ways: the server's admin socket, and the command line where no server
runs. A body of plain values goes in, a body of plain values comes out; NotDone says why not and what to do."""

from __future__ import annotations

import datetime
import getpass
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from sqlalchemy import Connection

from collector import exclusions, keeping, retention
from collector.access import administration
from collector.administration.refusals import NotDone
from collector.agents.joining import join_string
from collector.compaction.compactor import Mark
from collector.holding import held_at
from collector.incidents import acts, room_reports
from collector.inventory import WALKING
from collector.lists import drawn_rooms, list_imports
from collector.policies import adopting
from collector.store import agents, audit, backups, tokens
from collector.store.agents import AgentError

if TYPE_CHECKING:
    from collector.config import Config
    from collector.holding import Held
    from collector.judgement.judge import Judge
    from collector.store import Store

Body = dict[str, Any]
Progress = Callable[[int, int], None]
_SLOT_SECONDS = 300


def no_news(_done: int, _all: int) -> None:
    return None


class Task(Struct, frozen=True):
    """What every operation is given. ``judge``: the running server's, None where no server runs; ``progress`` is told
    how much of long work is done, and of how much."""

    store: Store
    config: Config
    clock: Callable[[], float]
    body: Body
    by: str
    judge: Judge | None = None
    progress: Progress = no_news


def perform(
    store: Store,
    config: Config,
    clock: Callable[[], float],
    verb: str,
    body: Body,
    *,
    judge: Judge | None = None,
    progress: Progress = no_news,
) -> Body:
    """Does one thing and returns what was done. Raises NotDone."""
    operation = OPERATIONS.get(verb)
    if operation is None:
        raise NotDone(f"no operation {verb!r}", f"there are {', '.join(OPERATIONS)}", status=2)
    by = str(body.get("by") or getpass.getuser())[:64]
    # What comes through no door of the server was typed on this machine.
    origin = audit.origin() if audit.origin().way else audit.Origin("command line")
    try:
        with audit.coming_by(origin):
            return operation(Task(store, config, clock, body, by, judge, progress))
    except KeyError as missing:
        raise NotDone(f"{verb}: {missing} is missing", "use the command line of the same version", status=2) from None
    except AgentError as fault:
        raise NotDone(str(fault)) from None


def _held(task: Task) -> Held | None:
    with task.store.read() as connection:
        return held_at(connection, task.clock())


def _make_tokens(task: Task) -> Body:
    held = _held(task)
    known = held.inventory.campuses if held else {}
    wanted = task.body["tokens"]
    for one in wanted:
        if one["campus"] not in known:
            hint = "import it first: wifi-collector import campuses FILE --apply"
            raise NotDone(f"campus {one['campus']!r} is not known", hint, status=2)
    now = task.clock()
    seconds = float(task.body.get("hours", 72.0)) * 3600
    automatic = bool(task.body.get("auto_approve", getattr(task.config, "auto_approve", False)))

    def make(connection: Connection) -> list[str]:
        return [
            tokens.create(
                connection,
                campus=one["campus"],
                now=now,
                by=task.by,
                keys=int(one.get("agents", 1)),
                ttl_seconds=seconds,
                place=one.get("place"),
                auto_approve=automatic,
            )
            for one in wanted
        ]

    secrets = task.store.write(make).result()
    expires = datetime.datetime.fromtimestamp(now + seconds, datetime.UTC).isoformat(timespec="seconds")
    made = [
        {
            "campus": one["campus"],
            "agents": int(one.get("agents", 1)),
            "expires_at": expires,
            "join": join_string(task.config, secret),
        }
        for one, secret in zip(wanted, secrets, strict=True)
    ]
    return {"tokens": made}


def _change_agent(task: Task, change: Callable[[Connection, str, float, int], agents.Agent], said: str) -> Body:
    held = _held(task)
    seconds = held.policy.slot_seconds if held else _SLOT_SECONDS
    now = task.clock()

    def write(connection: Connection) -> agents.Agent:
        return change(connection, agents.match(connection, task.body["agent"]).id, now, seconds)

    agent = task.store.write(write).result()
    place = task.body.get("place")
    return {
        "agent": agent.id,
        "campus": agent.campus,
        "state": agent.state,
        "place": place,
        "said": f"agent {agent.id[:12]} of {agent.campus}: {said}" + (f", at {place}" if place else ""),
    }


def _place(task: Task, campus: str | None = None) -> str | None:
    """The place as it was named, if it is one of an imported room list."""
    place = task.body.get("place")
    if place is None or place == WALKING:
        return place
    held = _held(task)
    of = str(place).split("/", 1)[0]
    rooms = {room.id for room in held.inventory.places.get(of, ())} if held else set()
    if place not in rooms:
        hint = "name it CAMPUS/BUILDING/ROOM as in the room list, or import the list: wifi-collector import rooms FILE"
        raise NotDone(f"place {place!r} is in no room list", hint, status=2)
    if campus is not None and of != campus:
        raise NotDone(f"place {place} is not of campus {campus}", "to take a device there use `agents move`", status=2)
    return str(place)


def _approve(task: Task) -> Body:
    with task.store.read() as connection:
        campus = agents.match(connection, task.body["agent"]).campus
    place = _place(task, campus)
    return _change_agent(task, lambda c, a, now, s: agents.approve(c, a, place, task.by, now, s), "approved")


def _assign(task: Task) -> Body:
    with task.store.read() as connection:
        campus = agents.match(connection, task.body["agent"]).campus
    place = _place(task, campus)
    if place is None:
        raise NotDone("no place was named", "give --place CAMPUS/BUILDING/ROOM", status=2)
    at = task.body.get("at")
    return _change_agent(task, lambda c, a, now, s: agents.assign(c, a, place, task.by, now, s, at), "assigned")


def _move(task: Task) -> Body:
    place = _place(task)
    if place is None or place == WALKING:
        raise NotDone("no room was named", "give --place CAMPUS/BUILDING/ROOM", status=2)
    campus = place.split("/", 1)[0]
    held = _held(task)
    with task.store.read() as connection:
        agent = agents.match(connection, task.body["agent"])
    if held and held.inventory.campuses[campus].simulated != agent.simulated:
        raise NotDone("a simulated agent stands only at simulated campuses, a real one only at real ones", status=2)
    at = task.body.get("at")
    return _change_agent(task, lambda c, a, now, s: agents.move(c, a, campus, place, task.by, now, s, at), "moved")


def _confirm(task: Task) -> Body:
    return _change_agent(task, lambda c, a, now, s: agents.confirm(c, a, task.by, now, s), "confirmed where it stands")


def _replace(task: Task) -> Body:
    def change(connection: Connection, agent: str, now: float, seconds: int) -> agents.Agent:
        successor = agents.match(connection, task.body["successor"]).id
        return agents.replace(connection, agent, successor, task.by, now, seconds)

    return _change_agent(task, change, f"takes the place of {task.body['agent']}")


def _revoke(task: Task) -> Body:
    return _change_agent(task, lambda c, a, now, s: agents.revoke(c, a, task.by, now, s), "revoked")


def _evaluate(task: Task) -> Body:
    from collector.judgement.judge import Judge, Stopped  # noqa: PLC0415 - the judge is heavy, and only this operation needs it
    from collector.rejudging.workers import WorkerLost  # noqa: PLC0415

    # Where a server runs its own judge does it: two would judge the same late evidence, each without the other.
    judge = task.judge or Judge(task.store, task.clock, float(getattr(task.config, "grace_seconds", 60.0)))
    since = datetime.date.fromisoformat(task.body["from"])
    until = datetime.date.fromisoformat(task.body["to"])
    campus = task.body.get("campus")
    held = _held(task)
    if held is None:
        raise NotDone("nothing is imported yet", "import campuses and access points first")
    if campus is not None and campus not in held.inventory.campuses:
        raise NotDone(f"campus {campus!r} is not known", "see `wifi-collector commitment`", status=2)
    reason = str(task.body.get("reason") or "evaluated again")[:64]
    processes = task.body.get("processes")
    try:
        done = judge.again(since, until, campus, reason, processes=processes, progress=task.progress)
    except (Stopped, WorkerLost) as fault:
        raise NotDone(str(fault), "run it once more: what was judged is written, and judged again alike") from None
    return {"slots": done.slots, "campus_days": done.campus_days, "changed": done.changed}


def _backup(task: Task) -> Body:
    try:
        return backups.backup(task.store, Path(task.body["file"]))
    except backups.BadBackup as fault:
        raise NotDone(fault.reason, fault.hint) from None


def _compact(task: Task) -> Body:
    campus, since = task.body.get("mark") or ("", 0.0)
    mark = Mark(str(campus), float(since))
    return keeping.join_for(task.store, task.config, task.clock, mark, min(float(task.body["seconds"]), 30.0))


def _plain(act: Callable[[Store, Callable[[], float], Body, str], Body]) -> Callable[[Task], Body]:
    """An act that needs nothing of the configuration."""
    return lambda task: act(task.store, task.clock, task.body, task.by)


OPERATIONS: dict[str, Callable[[Task], Body]] = {
    "import": _plain(list_imports.take_in),
    "sample-rooms": _plain(drawn_rooms.draw_rooms),
    "policy-adopt": _plain(adopting.adopt),
    "token-create": _make_tokens,
    "account-add": _plain(administration.add),
    "account-role": _plain(administration.give_role),
    "account-disable": _plain(administration.disable),
    "account-enable": _plain(administration.enable),
    "account-reset": _plain(administration.reset),
    "api-token-create": _plain(administration.create_token),
    "api-token-replace": _plain(administration.replace_token),
    "api-token-revoke": _plain(administration.revoke_token),
    "agents-approve": _approve,
    "agents-assign": _assign,
    "agents-move": _move,
    "agents-confirm": _confirm,
    "agents-replace": _replace,
    "agents-revoke": _revoke,
    "exclusions-add": _plain(exclusions.add),
    "exclusions-approve": _plain(exclusions.approve),
    "exclusions-withdraw": _plain(exclusions.withdraw),
    "incident-step": _plain(acts.step),
    "incident-note": _plain(acts.note),
    "incident-close": _plain(acts.close),
    "room-report-add": _plain(room_reports.add),
    "room-report-review": _plain(room_reports.review),
    "evaluate": _evaluate,
    "compact": _compact,
    "hold-add": _plain(retention.add_hold),
    "hold-release": _plain(retention.release_hold),
    "retention-apply": lambda task: {"hours": retention.apply(task.store, task.config, task.clock)},
    "backup": _backup,
}
