"""The ledger's chain of digests: every row in its order of sealing goes in, each row that breaks it comes out.

Each sealed revision's link covers the link before it and all that the revision says, so that a row changed, dropped or
slipped in breaks the chain there. Rows that are still open are in no chain yet: their body is judged again instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from collector.store.ledger import LedgerRow, Written, link
from collector.verification.facts import Difference


class Chain:
    """``last``: the newest link, to compare with one that somebody wrote down; it vouches for all before it."""

    def __init__(self, order: int, before: str) -> None:
        self._order = order
        self.last = before
        self.count = 0
        self._revisions: dict[tuple[str, str], int] = {}

    def broken(self, rows: Iterable[Written]) -> Iterator[Difference]:
        for one in rows:
            self.count += 1
            fault = _unsealed(one) if one.order is None else self._unlinked(one)
            fault = fault or self._skipped(one.row) or (_beside(one) if one.row.body else None)
            if one.order is not None:
                self.last = one.row.chain
            if fault is not None:
                yield fault

    def _unlinked(self, one: Written) -> Difference | None:
        row = one.row
        self._order += 1
        if one.order != self._order:
            found, self._order = self._order, one.order or 0
            return _of(row, "rows of the chain are missing before it", f"number {one.order}", f"number {found}")
        if row.open:
            return _of(row, "it is in the chain and says that it is open")
        made = link(self.last, row, one.body_digest)
        if made != row.chain:
            return _of(row, "its link of the chain does not follow from what it says", row.chain, made)
        return None

    def _skipped(self, row: LedgerRow) -> Difference | None:
        """Revisions of a day are numbered from one. Of another campus's day a bundle may show the later ones only."""
        key = (row.campus, row.day)
        before = self._revisions.get(key, 0 if row.body else row.revision - 1)
        self._revisions[key] = row.revision
        if row.revision == before + 1:
            return None
        return _of(row, f"it comes after revision {before}")


def _unsealed(one: Written) -> Difference | None:
    if not one.row.open or one.row.chain:
        return _of(one.row, "it is closed and in no chain")
    try:
        if msgspec.json.encode(one.row.record) != one.row.body:
            return _of(one.row, "its body is not as the collector writes one")
    except (msgspec.MsgspecError, ValueError) as fault:
        return _of(one.row, "its body cannot be read", str(fault)[:200])
    return None


def _beside(one: Written) -> Difference | None:
    """What the table keeps beside the body, for quick looks, must say the same as the body."""
    try:
        record = one.row.record
    except (msgspec.MsgspecError, ValueError) as fault:
        return _of(one.row, "its body cannot be read", str(fault)[:200])
    if (record.campus, record.day) != (one.row.campus, one.row.day):
        return _of(one.row, "its body is of another day", one.row.day, f"{record.campus} {record.day}")
    if record.strip != one.strip:
        return _of(one.row, "its strip is not its body's", one.strip, record.strip)
    if record.evidence_digest() != one.row.evidence:
        return _of(one.row, "its digest of evidence is not its body's", one.row.evidence, record.evidence_digest())
    return None


def _of(row: LedgerRow, what: str, ledger: str = "", evidence: str = "") -> Difference:
    subject = f"ledger row {row.campus} {row.day} revision {row.revision}"
    return Difference(subject, what, row.campus, row.day, ledger=ledger, evidence=evidence)
