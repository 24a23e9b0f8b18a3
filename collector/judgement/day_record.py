"""One campus's local day as the ledger keeps it: slot verdicts go in, a compact record comes out.

The strip has one letter a slot. What a verdict rests on is kept in spans of equal neighbours, so that a quiet day is a
few lines. Numerators and denominators are kept apart, never a ratio: roll-ups add them up.
"""

from __future__ import annotations

import datetime
import hashlib
import zoneinfo
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Literal

import msgspec
from msgspec import Struct

from collector.judgement.samples import Samples

if TYPE_CHECKING:
    from collector.judgement.evaluate import CriterionVerdict

LETTERS = {"met": "m", "short": "s", "unknown": "u", "no_class": "."}
WORDS = {letter: word for word, letter in LETTERS.items()}
NOT_JUDGED = "-"
"""Not ended yet, or before the campus's record began."""


class Criterion(Struct, frozen=True, omit_defaults=True):
    """One criterion in a slot: how many of ``n`` met it, and who did not or did not say."""

    id: str
    verdict: str
    met: int
    short: int
    unknown: int
    n: int
    failing: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


def kept(one: CriterionVerdict) -> Criterion:
    return Criterion(one.id, one.verdict, one.met, one.short, one.unknown, one.n, one.failing, one.missing)


class DayVerdict(Struct, frozen=True, omit_defaults=True):
    """A school day's verdict, empty where the policy requires nothing of a day. ``outcomes``: how often each "kind
    outcome" was in class time, tests that were skipped on purpose (deferred, blocked) among them."""

    verdict: str
    criteria: tuple[Criterion, ...] = ()
    outcomes: dict[str, int] = {}
    cause: str = ""
    cause_evidence: str = ""


class RoomAir(Struct, frozen=True):
    """A room's last radio measurement of the day: when, and what each survey criterion says of it."""

    at: float
    verdicts: dict[str, Literal["met", "short", "unknown", "no_class"]]


class Grounds(Struct, frozen=True, omit_defaults=True):
    """What a slot's verdict rests on."""

    verdict: str
    cause: str = ""
    cause_evidence: str = ""
    criteria: tuple[Criterion, ...] = ()


class Span(Struct, frozen=True, omit_defaults=True):
    """Consecutive slots [from_slot, to_slot) with the same grounds."""

    from_slot: int
    to_slot: int
    grounds: Grounds


class Judged(Struct, frozen=True):
    """One slot as judged just now; ``evidence`` is the digest over what was looked at, empty where there was none."""

    slot: int
    weight_seconds: int
    grounds: Grounds
    evidence: str = ""
    samples: tuple[Samples, ...] = ()


class DayRecord(Struct, omit_defaults=True):
    """The body of a ledger row."""

    campus: str
    day: str
    slot_seconds: int
    first_slot: int
    strip: str
    weights: dict[int, int] = {}
    spans: list[Span] = []
    evidence: dict[int, str] = {}
    places_measured: list[str] = []
    day_verdict: DayVerdict | None = None
    samples: dict[int, tuple[Samples, ...]] = {}
    rooms: dict[str, RoomAir] = {}

    def totals(self) -> dict[str, tuple[int, int]]:
        """For each verdict, the number of slots of class and their instructional seconds."""
        found = {}
        # Counted as letters: an answer over a district's month adds up millions of slots.
        for word in ("met", "short", "unknown"):
            slots = self.strip.count(LETTERS[word])
            found[word] = (slots, slots * self.slot_seconds)
        for slot, weight in self.weights.items():
            at = (slot - self.first_slot) // self.slot_seconds
            word = WORDS.get(self.strip[at], "") if 0 <= at < len(self.strip) else ""
            if word in found:
                slots, seconds = found[word]
                found[word] = (slots, seconds + weight - self.slot_seconds)
        return found

    def slots(self) -> Iterable[tuple[int, str]]:
        return ((self.first_slot + at * self.slot_seconds, letter) for at, letter in enumerate(self.strip))

    def evidence_digest(self) -> str:
        """Over the digests of all slots, in their order."""
        whole = hashlib.sha256()
        for slot in sorted(self.evidence):
            whole.update(f"{slot} {self.evidence[slot]}\n".encode())
        return whole.hexdigest()

    def causes(self) -> dict[str, int]:
        """For each cause, the instructional seconds that were not met for it."""
        found: dict[str, int] = {}
        for span in self.spans:
            if span.grounds.cause:
                slots = range(span.from_slot, span.to_slot, self.slot_seconds)
                seconds = sum(self.weights.get(slot, self.slot_seconds) for slot in slots)
                found[span.grounds.cause] = found.get(span.grounds.cause, 0) + seconds
        return found


class SlotChange(Struct, frozen=True):
    slot: int
    old: str
    new: str


def day_bounds(day: datetime.date, timezone: str) -> tuple[int, int]:
    """Unix seconds of the local day's begin and of the next one's: 23, 24 or 25 hours apart."""
    zone = zoneinfo.ZoneInfo(timezone)
    begin = datetime.datetime.combine(day, datetime.time(), zone)
    end = datetime.datetime.combine(day + datetime.timedelta(days=1), datetime.time(), zone)
    return int(begin.timestamp()), int(end.timestamp())


def local_day(at: float, timezone: str) -> datetime.date:
    return datetime.datetime.fromtimestamp(at, zoneinfo.ZoneInfo(timezone)).date()


def blank(campus: str, day: datetime.date, timezone: str, slot_seconds: int) -> DayRecord:
    begin, end = day_bounds(day, timezone)
    first = begin - begin % slot_seconds
    count = -(-(end - first) // slot_seconds)
    return DayRecord(campus, day.isoformat(), slot_seconds, first, NOT_JUDGED * count)


def with_judged(record: DayRecord, judged: Iterable[Judged]) -> tuple[DayRecord, list[SlotChange]]:
    """The record with these slots judged anew, and the already judged slots whose verdict this changes."""
    strip = list(record.strip)
    grounds = by_slot(record)
    weights = dict(record.weights)
    evidence = dict(record.evidence)
    samples = dict(record.samples)
    changes = []
    for one in judged:
        at = (one.slot - record.first_slot) // record.slot_seconds
        if not 0 <= at < len(strip):
            raise ValueError(f"slot {one.slot} is not of {record.day}")
        old, new = strip[at], LETTERS[one.grounds.verdict]
        if old not in (NOT_JUDGED, new):
            changes.append(SlotChange(one.slot, WORDS[old], one.grounds.verdict))
        strip[at] = new
        weights.pop(one.slot, None)
        if one.weight_seconds != record.slot_seconds and new != ".":
            weights[one.slot] = one.weight_seconds
        grounds[one.slot] = one.grounds
        evidence.pop(one.slot, None)
        if one.evidence:
            evidence[one.slot] = one.evidence
        samples.pop(one.slot, None)
        if one.samples:
            samples[one.slot] = one.samples
    made = msgspec.structs.replace(
        record,
        strip="".join(strip),
        weights=dict(sorted(weights.items())),
        spans=_spans(grounds, record.slot_seconds),
        evidence=dict(sorted(evidence.items())),
        samples=dict(sorted(samples.items())),
    )
    return made, changes


def by_slot(record: DayRecord) -> dict[int, Grounds]:
    """What each judged slot of class rests on."""
    return {
        slot: span.grounds for span in record.spans for slot in range(span.from_slot, span.to_slot, record.slot_seconds)
    }


def _spans(grounds: Mapping[int, Grounds], slot_seconds: int) -> list[Span]:
    spans: list[Span] = []
    for slot in sorted(grounds):
        one = grounds[slot]
        if one.verdict == "no_class":
            continue
        last = spans[-1] if spans else None
        if last and last.to_slot == slot and last.grounds == one:
            spans[-1] = Span(last.from_slot, slot + slot_seconds, one)
        else:
            spans.append(Span(slot, slot + slot_seconds, one))
    return spans
