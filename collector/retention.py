"""How long what is kept: the configuration's policy goes in, what would go and when comes out, and holds against it."""

from __future__ import annotations

import datetime
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from collector.administration.refusals import NotDone
from collector.holding import held_at
from collector.judgement.day_record import day_bounds
from collector.store import expiry, holds

if TYPE_CHECKING:
    from collector.config import Config
    from collector.store import Store

_DAY_SECONDS = 86400
Body = dict[str, Any]


def records_until(config: Config) -> datetime.date:
    """Ledger, digests and records are kept to this day at least; nothing deletes them by itself."""
    return config.term_to + datetime.timedelta(days=config.records_days_after_term)


def plan(connection: Connection, config: Config, now: float) -> Body:
    """What the next passes let go, by campus."""
    days = config.evidence_days
    found = expiry.old(connection, now - days * _DAY_SECONDS) if days else []
    return {
        "evidence_days": days,
        "evidence_before": _day(now - days * _DAY_SECONDS) if days else None,
        "records_until": records_until(config).isoformat(),
        "campuses": [
            {
                "campus": one.campus,
                "reports": one.reports - one.held,
                "held_reports": one.held,
                "from": _day(one.first_at),
                "to": _day(one.last_at),
                "bytes": one.bytes,
            }
            for one in found
        ],
    }


def apply(store: Store, config: Config, clock: Callable[[], float], stopping: threading.Event | None = None) -> int:
    """Lets go what is past its time, a small transaction each step. Returns how many joined hours that were."""
    days, gone = config.evidence_days, 0
    while days and not (stopping and stopping.is_set()):
        now = clock()
        some: int = store.write(
            lambda connection, now=now: expiry.let_go(connection, now - days * _DAY_SECONDS, days, now)  # type: ignore[misc]
        ).result()
        if some == 0:
            break
        gone += some
    return gone


def add_hold(store: Store, clock: Callable[[], float], body: Body, by: str) -> Body:
    """Raises NotDone for what is no campus, no period or no reason."""
    campus, reason = str(body["campus"]), str(body["reason"]).strip()
    with store.read() as connection:
        held = held_at(connection, clock())
    known = held.inventory.campuses.get(campus) if held else None
    if known is None:
        raise NotDone(f"campus {campus!r} is not known", "see `wifi-collector commitment`", status=2)
    if not reason:
        raise NotDone("no reason was given", "say with --reason why the evidence must stay", status=2)
    since, until = (datetime.date.fromisoformat(body[name]) for name in ("from", "to"))
    if since > until:
        raise NotDone(f"{since} is after {until}", "exchange the two", status=2)
    instants = (day_bounds(since, known.timezone)[0], day_bounds(until, known.timezone)[1])
    days = (since.isoformat(), until.isoformat())
    now = clock()
    number = store.write(lambda c: holds.add(c, campus, days, instants, reason, by, now)).result()
    return {"hold": number, "campus": campus, "from": days[0], "to": days[1], "reason": reason, "set_by": by}


def release_hold(store: Store, clock: Callable[[], float], body: Body, by: str) -> Body:
    number, now = int(body["hold"]), clock()
    released = store.write(lambda c: holds.release(c, number, by, now)).result()
    if released is None:
        raise NotDone(f"no hold {number} lasts", "see `wifi-collector hold list`", status=2)
    return {"hold": number, "campus": released.campus, "released_by": by}


def _day(at: float) -> str:
    return datetime.datetime.fromtimestamp(at, datetime.UTC).date().isoformat()
