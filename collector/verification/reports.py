"""Each report against its signature and against what the collector says of it; then what all of them say together.

A report is believed for its signature alone. What the collector wrote beside it (whose, which number, when, where) must
follow from the signed document, from an anchor that the agent signed, and from the agent's placements.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator

import zstandard
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from agent import wire
from collector.compaction.opened import BlockError
from collector.judgement.beacons import MOST, stretch
from collector.store.evidence import FUTURE_SECONDS, Kept
from collector.verification.facts import Campus, Difference, Gap, Stream

_FIRST_SECONDS = 1.0
"""A measurement may begin this much before its report does: so near, two first answers may change their order."""
_Pair = tuple[str, str]


class Reports:
    """The reports of one campus's period."""

    def __init__(self, campus: Campus, keys: dict[str, bytes]) -> None:
        self._campus = campus
        self._keys = keys
        self._names: set[tuple[str, str, int]] = set()
        self._seqs: dict[_Pair, set[int]] = {}
        self._lost: dict[_Pair, list[tuple[int, int]]] = {}
        self._answered: dict[_Pair, float] = {}
        self._heard: dict[_Pair, dict[int, float]] = {}
        self._said_answered: set[tuple[_Pair, float]] = set()
        self._said_heard: set[tuple[_Pair, float]] = set()
        self._instants = {pair: frozenset(one.at) for pair, one in campus.beside.heard.items()}
        self._anchors: dict[_Pair, set[float]] = {}
        self._by_anchor: list[tuple[Kept, wire.Report]] = []

    @property
    def count(self) -> int:
        """Two copies of a report are one."""
        return len(self._names)

    def witnesses(self) -> Iterator[Difference]:
        """Those of other days: signed like any other, but no part of the period's numbers."""
        for row in self._campus.witnesses:
            if (fault := self._fault(row)) is not None:
                yield fault

    def look(self, row: Kept) -> Difference | None:
        """Each copy is looked at by itself, also where it came before: only what was looked at is judged with."""
        self._seqs.setdefault((row.agent, row.stream), set()).add(row.seq)
        return self._fault(row)

    def _fault(self, row: Kept) -> Difference | None:
        try:
            document = row.document()
            report = wire.decode_report(document)[0]
        except (zstandard.ZstdError, BlockError, wire.WireError, MemoryError) as fault:
            return _of(row, "its document cannot be read", evidence=str(fault)[:200])
        if wire.digest(document) != row.digest:
            return _of(row, "its document is not the one that was kept", row.digest, wire.digest(document))
        key = self._keys.get(row.agent)
        if key is None or wire.fingerprint(key) != row.agent:
            return _of(row, "no key of this agent is registered, or a key that is not its own")
        if not signed(key, document, row.signature):
            return _of(row, "its signature is not by the agent's registered key")
        said = (report.agent, report.stream, report.seq)
        if said != (row.agent, row.stream, row.seq):
            return _of(row, "it is kept under another name than it was signed", evidence="/".join(map(str, said)))
        self._names.add(said)
        self._take(row, report)
        return self._misplaced(row, report)

    def _misplaced(self, row: Kept, report: wire.Report) -> Difference | None:
        start, end = row.start_at, row.end_at
        if start is None or end is None or abs(end - start - report.duration_seconds) > 1e-6:
            return _of(row, "it is kept with another length than it was signed")
        if report.start_at is None:
            self._by_anchor.append((row, report))
        elif report.start_at != start:
            return _of(row, "it is kept at another time than it was signed", str(start), str(report.start_at))
        flag = "future" if end > row.received_at + FUTURE_SECONDS else ""
        if flag != row.flag and report.start_at is not None:
            return _of(row, "it is flagged otherwise than its time says", row.flag or "no flag", flag or "no flag")
        stands = any(
            one.agent == row.agent and one.from_at <= start and (one.to_at is None or start < one.to_at)
            for one in self._campus.beside.standings
        )
        if stands != (row.campus == self._campus.campus):
            where = self._campus.campus if stands else f"not {self._campus.campus}"
            return _of(row, "it is kept for another campus than its agent stood at", row.campus or "none", where)
        return None

    def _take(self, row: Kept, report: wire.Report) -> None:
        """What the document says about more than its own minute."""
        for lost in report.losses:
            self._lost.setdefault((row.agent, lost.stream), []).append((lost.first_seq, lost.last_seq))
        for anchor in report.anchors:
            self._anchors.setdefault((row.agent, anchor.boot_id), set()).add(anchor.offset_seconds)
        start = row.start_at or 0.0
        if report.reach is not None:
            reach = zip(report.reach.target, report.reach.received, report.reach.at, strict=True)
            for target, received, at in reach:
                if received:
                    pair = (row.agent, target)
                    _note(self._answered, self._campus.beside.answered, self._said_answered, pair, start + at)
        if report.airspace is not None:
            air = zip(report.airspace.bssid, report.airspace.listed, report.airspace.at, strict=True)
            for bssid, listed, at in air:
                if listed:
                    self._hear((row.agent, bssid), start + at)

    def _hear(self, pair: _Pair, at: float) -> None:
        claim = self._campus.beside.heard.get(pair)
        if claim is not None:
            if at in self._instants[pair]:
                self._said_heard.add((pair, at))
            if len(claim.at) == MOST and at >= claim.at[-1]:
                return  # it can be none of the first
        found = self._heard.setdefault(pair, {})
        found[stretch(at)] = min(at, found.get(stretch(at), at))

    def together(self) -> Iterator[Difference]:
        """After the last report: who answered first, whose clock was placed by whom, and what was taken away."""
        yield from self._firsts("answered", self._campus.beside.answered, self._answered, self._said_answered)
        yield from self._beacons()
        for row, report in self._by_anchor:
            offsets = self._anchors.get((row.agent, report.boot_id), set())
            if not any(report.clock.boottime_seconds + one == row.start_at for one in offsets):
                yield _of(row, "no signed anchor gives it the time at which it is kept", str(row.start_at))
        for stream in self._campus.streams:
            for gap in self._missing(stream):
                if gap.first <= stream.through:
                    numbers = f"numbers {gap.first} to {min(gap.last, stream.through)}"
                    subject = f"stream {gap.stream} of agent {gap.agent}"
                    yield Difference(subject, f"{numbers} were acknowledged and are not kept", self._campus.campus)

    def gaps(self) -> list[Gap]:
        return [gap for stream in self._campus.streams for gap in self._missing(stream)]

    def _missing(self, stream: Stream) -> Iterator[Gap]:
        key = (stream.agent, stream.stream)
        seqs = self._seqs.get(key)
        if not seqs:
            return
        known = sorted([*((one, one) for one in seqs), *stream.kept, *stream.lost, *self._lost.get(key, [])])
        reached = min(seqs) - 1
        for first, last in known:
            if first > max(seqs):
                break
            if first > reached + 1:
                yield Gap(stream.agent, stream.stream, reached + 1, first - 1)
            reached = max(reached, last)

    def _beacons(self) -> Iterator[Difference]:
        """Likewise of each beacon's first stretches."""
        heard = self._campus.beside.heard
        first = {pair: min(found.values()) for pair, found in self._heard.items()}
        claimed = {pair: one.at[0] for pair, one in heard.items()}
        yield from self._firsts("was heard by", claimed, first, self._said_heard)
        for pair, one in sorted(heard.items()):
            subject = f"{pair[1]} was heard by agent {pair[0]}"
            for at in one.at[1:]:
                if (pair, at) not in self._said_heard and not self._aged(pair[0], at):
                    yield Difference(subject, "no signed report says so", self._campus.campus, ledger=str(at))
            known = {stretch(at): at for at in one.at}
            for number, at in sorted(self._heard.get(pair, {}).items()):
                if at < one.counted_from or at <= one.at[0] + _FIRST_SECONDS:
                    continue
                end = one.at[-1] if len(one.at) == MOST else float("inf")
                if at < known.get(number, end) - _FIRST_SECONDS:
                    yield Difference(
                        subject, "a report is earlier than the ones that are kept in mind", self._campus.campus,
                        ledger=", ".join(map(str, one.at)), evidence=str(at),
                    )  # fmt: skip

    def _aged(self, agent: str, at: float) -> bool:
        return any(agent == one and begin - 1 <= at <= end + 1 for one, begin, end in self._campus.expired)

    def _firsts(
        self, verb: str, claimed: dict[_Pair, float], found: dict[_Pair, float], said: set[tuple[_Pair, float]]
    ) -> Iterator[Difference]:
        """A first answer must be signed by somebody, and nothing signed may be earlier."""
        for pair, at in sorted(found.items()):
            agent, target = pair
            claim = claimed.get(pair)
            if claim is None or at < claim - _FIRST_SECONDS:
                subject = f"{target} {verb} agent {agent}"
                yield Difference(
                    subject, "a report is earlier than the first that is kept in mind", self._campus.campus,
                    ledger="never" if claim is None else str(claim), evidence=str(at),
                )  # fmt: skip
        for pair, at in sorted(claimed.items()):
            if (pair, at) not in said and not self._aged(pair[0], at):
                subject = f"{pair[1]} {verb} agent {pair[0]}"
                yield Difference(subject, "no signed report says so", self._campus.campus, ledger=str(at))


def signed(key: bytes, document: bytes, signature: str) -> bool:
    """Whether the signature over a report is by this key; False for anything malformed. Base64 in its one canonical
    form: a changed letter whose bits nobody reads is a changed signature too."""
    try:
        raw = base64.b64decode(signature, validate=True)
        if base64.b64encode(raw).decode() != signature:
            return False
        Ed25519PublicKey.from_public_bytes(key).verify(raw, wire.signing_input("report", document))
    except (InvalidSignature, ValueError, binascii.Error):
        return False
    return True


def _note(
    found: dict[_Pair, float], claimed: dict[_Pair, float], said: set[tuple[_Pair, float]], pair: _Pair, at: float
) -> None:
    found[pair] = min(at, found.get(pair, at))
    if claimed.get(pair) == at:
        said.add((pair, at))


def _of(row: Kept, what: str, ledger: str = "", evidence: str = "") -> Difference:
    subject = f"report {row.agent}/{row.stream}/{row.seq}"
    return Difference(subject, what, row.campus or "", ledger=ledger, evidence=evidence)
