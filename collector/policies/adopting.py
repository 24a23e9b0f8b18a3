"""``policy adopt`` carried out: a policy goes in, a snapshot that holds from a day on comes out.

What held before stays what the days before are judged by. Days that the new policy touches are judged again, and the
ledger's new revisions say so.
"""

from __future__ import annotations

import base64
import datetime
from collections.abc import Callable
from typing import Any

import msgspec
from sqlalchemy import Connection

from collector.administration.refusals import NotDone
from collector.holding import day_at
from collector.lists.list_imports import mark_again
from collector.policies import contradictions
from collector.policies.policy import Policy
from collector.store import Store, audit, snapshots


def adopt(store: Store, clock: Callable[[], float], body: dict[str, Any], by: str) -> dict[str, Any]:
    """Keeps the policy in ``document`` (base64) from ``valid_from`` on. Raises NotDone."""
    day = datetime.date.fromisoformat(str(body["valid_from"]))
    try:
        adopted = Policy.from_bytes(base64.b64decode(str(body["document"])))
    except (msgspec.MsgspecError, ValueError) as fault:
        hint = "use the command line of the collector's version"
        raise NotDone(f"the policy cannot be read: {fault}", hint, status=2) from None
    adopted = msgspec.structs.replace(adopted, valid_from=day)
    now = clock()
    _refuse(adopted, now)
    with store.read() as connection:
        today = day_at(connection, now)
        standing = snapshots.every(connection, "policy")
        last = standing[-1] if standing else None
        if last is not None and last.valid_from > day:
            hint = f"give --from {last.valid_from} or later: what held before is history"
            raise NotDone(f"a policy that holds from {last.valid_from} on is kept already", hint, status=2)
        if last is not None:
            seconds = Policy.from_bytes(snapshots.body(connection, "policy", last.hash)).slot_seconds
            if seconds != adopted.slot_seconds:
                reason = f"slots of {adopted.slot_seconds} seconds where this collector keeps slots of {seconds}"
                raise NotDone(reason, f"set slot_seconds = {seconds} in the policy", status=2)

    def keep(connection: Connection) -> tuple[str, int]:
        kept = snapshots.keep(connection, "policy", adopted.to_bytes(), day, now)
        if last is not None and kept.hash == last.hash and kept.valid_from == last.valid_from:
            return kept.hash, 0
        audit.write(connection, now, by, "policy adopted", kept.hash, f"{adopted.name} valid from {day}")
        return kept.hash, mark_again(connection, day, "policy")

    digest, marked = store.write(keep).result()
    return {
        "policy": adopted.name,
        "valid_from": day.isoformat(),
        "hash": digest,
        "slots_judged_again": marked,
        "back_dated": last is not None and day < today,
    }


def _refuse(policy: Policy, now: float) -> None:
    """What the command line has looked at already, and what needs today's date. Raises NotDone."""
    told = contradictions.of_policy(policy)
    if told:
        raise NotDone(f"{policy.name}: {told[0].fault}", told[0].mend, status=2)
    # Somewhere on earth it is tomorrow already.
    tomorrow = datetime.datetime.fromtimestamp(now, datetime.UTC).date() + datetime.timedelta(days=1)
    for one in policy.agreed_by:
        if isinstance(one, str):
            raise NotDone(f"the party {one!r} has no date", "give each party the date on which it agreed", status=2)
        if one.date > tomorrow:
            raise NotDone(f"{one.party} is to agree on {one.date} only", "adopt it when it has agreed", status=2)
