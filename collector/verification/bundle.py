"""A campus's month as one file that anybody can check: what a verification needs goes in, a zip comes out, and back.

Every member is listed in ``manifest.json`` with its SHA-256; ``manifest.sha256`` is the manifest's own. Nothing in a
bundle is taken on the word of that: the signatures of the agents and the chain of the ledger stand for themselves.
"""

from __future__ import annotations

import base64
import calendar
import datetime
import hashlib
import math
from typing import Any

import msgspec
from msgspec import Raw, Struct

from collector.judgement.beacons import Heard
from collector.judgement.judging import Beside
from collector.store.evidence import Kept, pack
from collector.store.judging import Standing
from collector.store.ledger import LedgerRow, Written
from collector.verification.facts import Campus, Stream

FORMAT = "campus-wifi evidence bundle"
SCHEMA = 1
MANIFEST, MANIFEST_DIGEST = "manifest.json", "manifest.sha256"
LEDGER, CONTEXT, WITNESSES, EXPIRED, SUMMARY, README = (
    "ledger.jsonl", "context.json", "reports/witnesses.jsonl", "reports/expired.jsonl", "summary.csv", "README.txt",
)  # fmt: skip
_First = tuple[str, str, float]
_NONE = Raw(b"")


class Manifest(Struct, frozen=True, forbid_unknown_fields=True):
    """``chain_number`` and ``chain_before``: the ledger's link before the first one of this bundle."""

    format: str
    schema: int
    report_schema: int
    campus: str
    month: str
    made_at: str
    chain_number: int
    chain_before: str
    members: dict[str, str]


class Revision(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A line of the ledger. Another campus's revision is only a link of the chain: its body stays at the collector."""

    campus: str
    day: str
    revision: int
    written_at: float
    open: bool
    reason: str
    policy: str
    inventory: str
    hours: str
    evidence: str
    chain: str
    body_digest: str
    strip: str = ""
    number: int | None = None
    body: Raw = _NONE


class Line(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A report as it was signed, with what the collector keeps beside it."""

    id: int
    agent: str
    stream: str
    seq: int
    digest: str
    signature: str
    received_at: float
    report: Raw = _NONE
    report_base64: str = ""
    campus: str | None = None
    start_at: float | None = None
    end_at: float | None = None
    flag: str = ""


class Context(Struct, frozen=True, forbid_unknown_fields=True):
    """What is known beside the reports; ``keys``: each agent's public key, raw Ed25519 in base64."""

    begins: float
    last: int
    pending: list[int]
    keys: dict[str, str]
    placements: list[Standing]
    first_answers: list[_First]
    first_beacons: list[_First]
    collector_gaps: list[tuple[float, float]]
    exclusions: list[tuple[float, float, str]]
    streams: list[Stream]
    edge_failed: list[int] = []
    expired: list[tuple[str, float, float]] = []
    later_beacons: list[tuple[str, str, list[float], float]] = []


def month_of(text: str) -> tuple[datetime.date, datetime.date]:
    """The first and the last day of a month like 2026-09. Raises ValueError."""
    first = datetime.datetime.strptime(text, "%Y-%m").replace(tzinfo=datetime.UTC).date()
    if first.strftime("%Y-%m") != text:
        raise ValueError(text)
    return first, first.replace(day=calendar.monthrange(first.year, first.month)[1])


def revision_line(one: Written, campus: str) -> bytes:
    row = msgspec.structs.asdict(one.row)
    body = row.pop("body")
    mine = one.row.campus == campus
    said = Revision(
        **row, body_digest=one.body_digest, number=one.order, strip=one.strip if mine else "",
        body=Raw(body) if mine else _NONE,
    )  # fmt: skip
    return msgspec.json.encode(said)


def written_of(line: bytes) -> Written:
    said = msgspec.json.decode(line, type=Revision)
    body = bytes(said.body)
    digest = hashlib.sha256(body).hexdigest() if body else said.body_digest
    names = [name for name in LedgerRow.__struct_fields__ if name != "body"]
    row = LedgerRow(**{name: getattr(said, name) for name in names}, body=body)
    return Written(row, digest, said.strip, said.number)


def report_line(row: Kept) -> bytes:
    document = row.document()
    plain = b"\n" not in document
    said: dict[str, Any] = {
        name: getattr(row, name) for name in Line.__struct_fields__ if not name.startswith("report")
    }
    said |= {"report": Raw(document)} if plain else {"report_base64": base64.b64encode(document).decode()}
    return msgspec.json.encode(Line(**said))


def kept_of(line: bytes) -> Kept:
    said = msgspec.json.decode(line, type=Line)
    document = base64.b64decode(said.report_base64) if said.report_base64 else bytes(said.report)
    beside = {name: getattr(said, name) for name in Line.__struct_fields__ if not name.startswith("report")}
    return Kept(**beside, position=None, body=pack(document))


def context_of(campus: Campus, keys: dict[str, bytes]) -> Context:
    """Only the keys of agents that stood at the campus."""
    stood = {one.agent for one in campus.beside.standings} | {row.agent for row in campus.witnesses}
    beside = campus.beside
    return Context(
        begins=campus.begins,
        last=campus.last,
        pending=sorted(campus.pending),
        keys={agent: base64.b64encode(key).decode() for agent, key in sorted(keys.items()) if agent in stood},
        placements=beside.standings,
        first_answers=[(agent, ap, at) for (agent, ap), at in sorted(beside.answered.items())],
        first_beacons=[(agent, bssid, one.at[0]) for (agent, bssid), one in sorted(beside.heard.items())],
        later_beacons=[
            (agent, bssid, list(one.at[1:]), one.counted_from) for (agent, bssid), one in sorted(beside.heard.items())
        ],
        collector_gaps=list(beside.gaps),
        exclusions=list(beside.exclusions),
        streams=campus.streams,
        edge_failed=list(beside.edge_failed),
        expired=campus.expired,
    )


def campus_of(name: str, context: Context, witnesses: list[Kept]) -> Campus:
    again = {(agent, bssid): (at, since) for agent, bssid, at, since in context.later_beacons}
    beside = Beside(
        standings=context.placements,
        answered={(agent, ap): at for agent, ap, at in context.first_answers},
        heard={
            (agent, bssid): Heard((at, *later[0]), later[1])
            for agent, bssid, at in context.first_beacons
            for later in (again.get((agent, bssid), ([], math.inf)),)
        },
        gaps=tuple(context.collector_gaps),
        exclusions=tuple(context.exclusions),
        edge_failed=tuple(context.edge_failed),
    )
    pending = frozenset(context.pending)
    last = (context.streams, witnesses, context.expired)
    return Campus(name, context.begins, context.last, pending, beside, *last)
