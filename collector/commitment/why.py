"""The grounds of a campus's answer: its records go in, what was short or unknown, when and why comes out. Pure."""

from __future__ import annotations

import datetime
import zoneinfo
from collections.abc import Iterable
from typing import Any

from collector.inventory import Campus
from collector.judgement.day_record import Criterion, DayRecord, Span


def grounds(records: list[DayRecord], campus: Campus) -> dict[str, Any]:
    return {
        "spans": [_span(record, span, campus) for record in records for span in record.spans if _tells(span)],
        "days": [_day(record) for record in records if _day_tells(record)],
    }


def _day_tells(record: DayRecord) -> bool:
    return record.day_verdict is not None and record.day_verdict.verdict in ("short", "unknown")


def _tells(span: Span) -> bool:
    return span.grounds.verdict in ("short", "unknown")


def _span(record: DayRecord, span: Span, campus: Campus) -> dict[str, Any]:
    said = span.grounds
    return {
        "day": record.day,
        "from": local(span.from_slot, campus)[11:16],
        "to": local(span.to_slot, campus)[11:16],
        "from_at": span.from_slot,
        "to_at": span.to_slot,
        "verdict": said.verdict,
        "cause": said.cause,
        "cause_evidence": said.cause_evidence,
        "criteria": _not_met(said.criteria),
    }


def _day(record: DayRecord) -> dict[str, Any]:
    said = record.day_verdict
    assert said is not None
    return {
        "day": record.day,
        "verdict": said.verdict,
        "cause": said.cause,
        "cause_evidence": said.cause_evidence,
        "outcomes": said.outcomes,
        "criteria": _not_met(said.criteria),
    }


def _not_met(criteria: Iterable[Criterion]) -> list[dict[str, Any]]:
    return [
        {
            "id": one.id,
            "verdict": one.verdict,
            "met": one.met,
            "of": one.n,
            "failing": list(one.failing),
            "missing": list(one.missing),
        }
        for one in criteria
        if one.verdict != "met"
    ]


def local(at: float, campus: Campus) -> str:
    return datetime.datetime.fromtimestamp(at, zoneinfo.ZoneInfo(campus.timezone)).isoformat(timespec="minutes")
