"""Agents and where they stood: enrolled, approved, moved, replaced, revoked, as dated placements.

Evidence is joined to the placement of the time at which it was measured, so each change here gives the evidence of that
time its campus (again) and marks the slots it touches. Functions that change run in :meth:`Store.write`.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, insert, or_, select, update

from collector.judgement.day_record import NOT_JUDGED
from collector.store import audit, doubts, joined, ledger, marks, surroundings
from collector.store.evidence import pack
from collector.store.known import AgentState, Known
from collector.store.schema import agent, evidence, placement, stream
from collector.store.writer import CHANGED_AGENTS


class AgentError(Exception):
    """The change cannot be made. Says why and what would be right."""


class Agent(Struct, frozen=True):
    """One device. ``state``: pending, approved, revoked. ``version``, ``clock_state``: as its newest report said;
    ``waiting_reports``: what its spool still held after its last push. None before the first."""

    id: str
    public_key: bytes
    campus: str
    state: str
    name: str
    simulated: bool
    version: str
    token: str
    created_at: float
    approved_at: float | None
    revoked_at: float | None
    last_seen_at: float | None
    clock_state: str | None = None
    waiting_reports: int | None = None


class Placement(Struct, frozen=True):
    """``agent`` was at ``place`` (None: somewhere on the campus) in [from_at, to_at). ``confirmed_at``: when somebody
    last said that it still stands there."""

    id: int
    agent: str
    campus: str
    place: str | None
    from_at: float
    to_at: float | None
    set_by: str
    set_at: float
    confirmed_at: float | None = None


_AGENT = [agent.c[name] for name in Agent.__struct_fields__]
_PLACEMENT = [placement.c[name] for name in Placement.__struct_fields__]


def every(connection: Connection, campus: str | None = None) -> list[Agent]:
    """Of a campus: those that enrolled there or ever stood there."""
    query = select(*_AGENT).order_by(agent.c.created_at, agent.c.id)
    if campus is not None:
        stood = select(placement.c.agent).where(placement.c.campus == campus)
        query = query.where(or_(agent.c.campus == campus, agent.c.id.in_(stood)))
    return [Agent(*row) for row in connection.execute(query)]


def find(connection: Connection, agent_id: str) -> Agent | None:
    row = connection.execute(select(*_AGENT).where(agent.c.id == agent_id)).first()
    return None if row is None else Agent(*row)


def match(connection: Connection, prefix: str) -> Agent:
    """The one agent whose id begins so (as a person types it). Raises AgentError."""
    prefix = prefix.strip().lower()
    found = [a for a in every(connection) if a.id.startswith(prefix)] if len(prefix) >= 4 else []
    if len(found) == 1:
        return found[0]
    if not found:
        raise AgentError(f"no agent `{prefix}`; see `wifi-collector agents list` (four characters or more)")
    raise AgentError(f"{len(found)} agents begin with `{prefix}`; give more of the id")


def placements(connection: Connection, agent_id: str | None = None, campus: str | None = None) -> list[Placement]:
    query = select(*_PLACEMENT).order_by(placement.c.from_at, placement.c.id)
    if campus is not None:
        query = query.where(placement.c.campus == campus)
    if agent_id is not None:
        query = query.where(placement.c.agent == agent_id)
    return [Placement(*row) for row in connection.execute(query)]


def at_campus(connection: Connection, campus: str, at: float) -> list[Placement]:
    """Who stands at the campus at that instant and is approved: whom the plan may ask."""
    query = (
        select(*_PLACEMENT)
        .join(agent, agent.c.id == placement.c.agent)
        .where(placement.c.campus == campus, placement.c.from_at <= at, agent.c.state == "approved")
        .where(or_(placement.c.to_at.is_(None), placement.c.to_at > at))
        .order_by(placement.c.agent)
    )
    return [Placement(*row) for row in connection.execute(query)]


def approve(connection: Connection, agent_id: str, place: str | None, by: str, now: float, slot_seconds: int) -> Agent:
    """Lets the agent count, from the minute of its enrollment on: what it measured while pending is counted too.
    A modelled agent has always stood where it stands."""
    known = _need(connection, agent_id)
    if known.state == "revoked":
        raise AgentError(f"agent {agent_id} is revoked; enroll the device again with a new key")
    if known.state == "approved":
        raise AgentError(f"agent {agent_id} is approved already; use `agents assign` or `agents move`")
    connection.execute(update(agent).where(agent.c.id == agent_id).values(state="approved", approved_at=now))
    _place(connection, known, known.campus, place, _begin(known), by, now, slot_seconds)
    audit.write(connection, now, by, "agent approved", agent_id, f"campus {known.campus} place {place or '-'}")
    return _need(connection, agent_id)


def assign(
    connection: Connection, agent_id: str, place: str, by: str, now: float, slot_seconds: int,
    from_at: float | None = None,
) -> Agent:  # fmt: skip
    """Says in which room of its campus the agent stands, from now or from an earlier time on."""
    known = _approved(connection, agent_id)
    _place(connection, known, known.campus, place, now if from_at is None else from_at, by, now, slot_seconds)
    audit.write(connection, now, by, "agent assigned", agent_id, f"place {place} from {from_at or now}")
    return _need(connection, agent_id)


def move(
    connection: Connection, agent_id: str, campus: str, place: str | None, by: str, now: float, slot_seconds: int,
    from_at: float | None = None,
) -> Agent:  # fmt: skip
    """The device went to another campus. What it measured before stays where it was measured."""
    known = _approved(connection, agent_id)
    _place(connection, known, campus, place, now if from_at is None else from_at, by, now, slot_seconds)
    connection.execute(update(agent).where(agent.c.id == agent_id).values(campus=campus))
    audit.write(connection, now, by, "agent moved", agent_id, f"campus {campus} place {place or '-'}")
    return _need(connection, agent_id)


def confirm(connection: Connection, agent_id: str, by: str, now: float, slot_seconds: int) -> Agent:
    """The agent stands where it stood, and its surroundings changed around it: what it measured since counts again."""
    known = _approved(connection, agent_id)
    doubtful = surroundings.unconfirmed(connection)
    here = [
        one for one in placements(connection, agent_id) if one.id in doubtful and (one.to_at is None or one.to_at > now)
    ]
    if not here:
        raise AgentError(f"nothing speaks against the place of agent {agent_id}; see `wifi-collector agents list`")
    for one in here:
        connection.execute(update(placement).where(placement.c.id == one.id).values(confirmed_at=now))
        place_evidence(connection, agent_id, doubtful[one.id], slot_seconds, "placement confirmed")
    connection.info[CHANGED_AGENTS] = True
    audit.write(connection, now, by, "placement confirmed", agent_id, f"place {here[-1].place or '-'}")
    return known


def replace(connection: Connection, old_id: str, new_id: str, by: str, now: float, slot_seconds: int) -> Agent:
    """A new device takes the place of a broken one: the old one is revoked, the new one approved at its place."""
    old, new = _approved(connection, old_id), _need(connection, new_id)
    if new.state == "revoked" or old_id == new_id:
        raise AgentError(
            f"agent {new_id} cannot replace {old_id}: it is {new.state if old_id != new_id else 'the same'}"
        )
    if new.simulated != old.simulated:
        raise AgentError("a simulated agent cannot replace a real one, nor the other way round")
    last = placements(connection, old_id)[-1]
    revoke(connection, old_id, by, now, slot_seconds)
    values = {"state": "approved", "approved_at": new.approved_at or now, "campus": last.campus}
    connection.execute(update(agent).where(agent.c.id == new_id).values(**values))
    start = _begin(new) if new.state == "pending" else now
    _place(connection, new, last.campus, last.place, start, by, now, slot_seconds)
    audit.write(connection, now, by, "agent replaced", old_id, f"by {new_id}")
    return _need(connection, new_id)


def revoke(connection: Connection, agent_id: str, by: str, now: float, slot_seconds: int) -> Agent:
    """Nothing more is taken from this key. What it measured stays, up to now."""
    known = _need(connection, agent_id)
    connection.execute(update(agent).where(agent.c.id == agent_id).values(state="revoked", revoked_at=now))
    still = (placement.c.agent == agent_id) & or_(placement.c.to_at.is_(None), placement.c.to_at > now)
    connection.execute(update(placement).where(still).values(to_at=now))
    connection.info[CHANGED_AGENTS] = True
    place_evidence(connection, agent_id, now, slot_seconds, "agent revoked")
    audit.write(connection, now, by, "agent revoked", agent_id, f"campus {known.campus}")
    return _need(connection, agent_id)


def enroll(connection: Connection, values: dict[str, Any]) -> Agent:
    """A new device in the state given. The caller has claimed a token for it in the same transaction."""
    connection.execute(insert(agent).values(**values, approved_at=None, revoked_at=None, last_seen_at=None))
    connection.info[CHANGED_AGENTS] = True
    return _need(connection, values["id"])


def place_evidence(connection: Connection, agent_id: str, from_at: float, slot_seconds: int, reason: str) -> int:
    """Joins the agent's evidence since ``from_at`` to its placements anew; marks the slots that gain or lose some."""
    memory = Known(shared=connection.dialect.name != "sqlite")
    state = memory.agent(connection, agent_id)
    slots: dict[tuple[str, int], str] = {}
    for where, start_at, end_at in _stays_joined(connection, state, from_at):
        slots.update(((where, slot), reason) for slot in marks.slots_of(start_at, end_at, slot_seconds))
    columns = (evidence.c.id, evidence.c.start_at, evidence.c.end_at, evidence.c.campus)
    rows = connection.execute(
        select(*columns)
        .where(evidence.c.agent == agent_id, evidence.c.start_at >= from_at)
        .order_by(evidence.c.start_at)
    ).all()
    changed = 0
    for row in rows:
        campus = state.campus_at(row.start_at)
        for concerned in {campus, row.campus} - {None}:
            slots.update(((concerned, s), reason) for s in marks.slots_of(row.start_at, row.end_at, slot_seconds))
        if campus != row.campus:
            changed += 1
            position = memory.next_position(connection) if campus else None
            connection.execute(update(evidence).where(evidence.c.id == row.id).values(campus=campus, position=position))
    marks.mark(connection, None, slots, slot_seconds, None)
    return changed


def _stays_joined(connection: Connection, state: AgentState, from_at: float) -> Iterator[tuple[str, float, float]]:
    """Campus, start and end of each joined report since ``from_at`` that stays where it is. An hour of which one now
    belongs elsewhere becomes rows again, first of all. Of what has expired the campus stays: there is nothing left to
    judge otherwise."""
    for hour in list(joined.of_agent(connection, state.id, from_at)):
        entries = [one for one in joined.index(hour) if one.start_at is not None and one.start_at >= from_at]
        if hour.expired_at is None and any(state.campus_at(one.start_at or 0.0) != one.campus for one in entries):
            joined.thaw(connection, hour, pack)
            continue
        for one in entries:
            if one.campus is not None and one.start_at is not None and one.end_at is not None:
                yield one.campus, one.start_at, one.end_at


def streams(connection: Connection, agent_id: str) -> dict[str, int]:
    """For each stream of the agent the number up to which everything is kept or known to be lost."""
    rows = connection.execute(select(stream.c.stream, stream.c.through).where(stream.c.agent == agent_id))
    return {row[0]: row[1] for row in rows}


def _begin(known: Agent) -> float:
    return 0.0 if known.simulated else known.created_at // 60 * 60


def _place(
    connection: Connection, known: Agent, campus: str, place: str | None, from_at: float, by: str, now: float,
    slot_seconds: int,
) -> None:  # fmt: skip
    own = placement.c.agent == known.id
    doubts.forget(connection, [one.id for one in placements(connection, known.id) if one.from_at >= from_at])
    held = own & or_(placement.c.to_at.is_(None), placement.c.to_at > from_at)
    left = set(connection.scalars(select(placement.c.campus).where(held)))
    # What was said about later times is replaced; what held before ends here.
    connection.execute(placement.delete().where(own, placement.c.from_at >= from_at))
    still = or_(placement.c.to_at.is_(None), placement.c.to_at > from_at)
    connection.execute(update(placement).where(own, still).values(to_at=from_at))
    row = {"agent": known.id, "campus": campus, "place": place, "from_at": from_at, "set_by": by, "set_at": now}
    number = connection.execute(insert(placement).values(**row).returning(placement.c.id)).scalar_one()
    doubts.retrace(connection, number, known.id)
    connection.info[CHANGED_AGENTS] = True
    place_evidence(connection, known.id, from_at, slot_seconds, "placement")
    _judge_again(connection, {campus, *left}, from_at)


def _judge_again(connection: Connection, campuses: set[str], from_at: float) -> None:
    """Who is expected to say something has changed: slots in which nothing was said are judged again too."""
    day = datetime.datetime.fromtimestamp(from_at - 86400, datetime.UTC).date().isoformat()
    for campus in campuses:
        for row in ledger.newest_of_period(connection, day, "9999-12-31", campus):
            record = row.record
            slots = [slot for slot, letter in record.slots() if letter != NOT_JUDGED]
            marks.mark_slots(
                connection, campus, [one for one in slots if one + record.slot_seconds > from_at], "placement"
            )


def _need(connection: Connection, agent_id: str) -> Agent:
    known = find(connection, agent_id)
    if known is None:
        raise AgentError(f"no agent {agent_id}; see `wifi-collector agents list`")
    return known


def _approved(connection: Connection, agent_id: str) -> Agent:
    known = _need(connection, agent_id)
    if known.state != "approved":
        raise AgentError(f"agent {agent_id} is {known.state}; approve it first")
    return known
