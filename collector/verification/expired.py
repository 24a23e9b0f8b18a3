"""A campus-day whose evidence has aged out: its reports' digests go in, differences from the ledger's own come out.

Such a day cannot be judged again. But the ledger names, for each slot, the digest over the digests of its reports, and
those are kept: that it rests on these reports and no others can be checked for as long as the chain is kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

from collector.judgement.day_record import WORDS
from collector.store.evidence import Kept
from collector.store.ledger import LedgerRow
from collector.verification.facts import Campus, Difference, Expired

_DAY_SECONDS = 86400
_DIGITS = 32


def too_early(gone: Sequence[Expired]) -> Iterator[Difference]:
    """Evidence may go only when it is as old as the policy of that time said, and nobody held it."""
    for one in gone:
        subject = f"report {one.agent}/{one.stream}/{one.seq}"
        if one.held:
            yield Difference(subject, "it was let go although a hold was on it", one.campus or "")
        elif one.kept_days <= 0 or one.expired_at - one.end_at < one.kept_days * _DAY_SECONDS:
            age = f"{(one.expired_at - one.end_at) / _DAY_SECONDS:.1f} days"
            yield Difference(
                subject, "it was let go before its time", one.campus or "", ledger=f"kept {one.kept_days} days",
                evidence=age,
            )  # fmt: skip


def by_digests(row: LedgerRow, known: Campus, rows: Sequence[Kept], gone: Sequence[Expired]) -> Iterator[Difference]:
    """``rows``: what is left of the day's reports, ``gone``: what is not."""
    record, seconds = row.record, row.record.slot_seconds
    found: dict[int, list[str]] = {}
    every: list[Kept | Expired] = [*rows, *gone]
    for one in every:
        if one.campus == row.campus and one.start_at is not None and one.end_at is not None:
            for slot in range(int(one.start_at // seconds) * seconds, int(one.end_at - 1e-6) + 1, seconds):
                found.setdefault(slot, []).append(one.digest)
    for slot, letter in record.slots():
        if letter not in WORDS or slot in known.pending:
            continue
        digests = "\n".join(sorted(found.get(slot, [])))
        made = hashlib.sha256(digests.encode()).hexdigest()[:_DIGITS] if digests else None
        if made != record.evidence.get(slot):
            subject = f"ledger row {row.campus} {row.day} revision {row.revision}"
            what = "the digest of its evidence"
            yield Difference(subject, what, row.campus, row.day, slot, str(record.evidence.get(slot)), str(made))
