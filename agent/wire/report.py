"""A report: one agent's measurements of one wall-clock window, and how its bytes are read.

Instants inside a report are seconds after its start, so that a report made while the clock was unknown can be placed
later by an anchor and never needs to change.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from agent.wire.document import SCHEMA, ClockState, Count, Hex32, Hex64, Reason, Seconds, Text, WireError, learn
from agent.wire.tables import KINDS, Airspace, Channels, Host, Join, Link, Path, Reach, Throughput


class NotRun(Struct, forbid_unknown_fields=True):
    """A probe that could not run: agent health, never a fact about the Wi-Fi."""

    at: float
    probe: Text
    reason: Reason
    hint: Reason = ""


class Loss(Struct, forbid_unknown_fields=True):
    """A tombstone: reports that the agent had and gave up, so that loss is never silent."""

    kind: Text
    count: Count
    first_seq: Count
    last_seq: Count
    stream: Hex32
    reason: Reason
    from_at: float | None = None
    to_at: float | None = None


class Anchor(Struct, forbid_unknown_fields=True):
    """Places reports of a boot whose clock was unknown: Unix time = boot time + ``offset_seconds``."""

    boot_id: Hex32
    offset_seconds: float
    error_seconds: Seconds | None = None


class Clock(Struct, forbid_unknown_fields=True):
    """``boottime_seconds`` is CLOCK_BOOTTIME at the report's start; ``offset_seconds`` what NTP says we are off."""

    state: ClockState
    boottime_seconds: Seconds
    offset_seconds: float | None = None
    error_seconds: Seconds | None = None


class Report(Struct, omit_defaults=True, forbid_unknown_fields=True):
    """One agent's window, numbered densely by ``seq`` within a random ``stream``. ``start_at`` is Unix seconds (UTC),
    ``None`` while the clock is unknown: then ``clock.boottime_seconds`` and a later report's ``anchors`` place it.
    ``place``: the room (CAMPUS/BUILDING/ROOM) that a walking technician measured; an agent that stays says none."""

    schema: int
    agent: Hex32
    agent_version: Text
    stream: Hex32
    seq: Annotated[int, Meta(ge=1, le=2**62)]
    boot_id: Hex32
    start_at: float | None
    duration_seconds: Annotated[float, Meta(gt=0, le=3600)]
    clock: Clock
    plan: Hex64 | None
    reach: Reach | None = None
    path: Path | None = None
    throughput: Throughput | None = None
    airspace: Airspace | None = None
    channels: Channels | None = None
    link: Link | None = None
    join: Join | None = None
    host: Host | None = None
    not_run: list[NotRun] = []
    losses: list[Loss] = []
    anchors: list[Anchor] = []
    simulated: bool = False
    place: Annotated[str, Meta(max_length=200)] | None = None


_report = msgspec.json.Decoder(Report)
learn(*KINDS.values())
_PARTS: dict[str, type[Struct]] = {**KINDS, "clock": Clock, "not_run": NotRun, "losses": Loss, "anchors": Anchor}


def decode_report(data: bytes) -> tuple[Report, int]:
    """A report and how many of its keys this version does not know. Raises WireError with the path to the fault."""
    try:
        report, unknown = _decoded(data)
    except (msgspec.MsgspecError, ValueError, RecursionError) as fault:
        raise WireError(_unknown_schema(data) or str(fault)) from None
    if report.schema != SCHEMA:
        raise WireError(_other_schema(report.schema))
    return report, unknown


def _decoded(data: bytes) -> tuple[Report, int]:
    try:
        return _report.decode(data), 0
    except msgspec.ValidationError as fault:
        if "unknown field" not in str(fault):
            raise
    raw = msgspec.json.decode(data)  # seldom: a newer agent
    unknown = _drop_unknown(raw, Report)
    return msgspec.convert(raw, Report), unknown


def _unknown_schema(data: bytes) -> str:
    """A report of a newer schema is refused for that, not for the shape that follows from it."""
    try:
        schema = msgspec.json.decode(data, type=dict[str, Any])["schema"]
    except (msgspec.MsgspecError, LookupError, ValueError, RecursionError):
        return ""
    return _other_schema(schema) if isinstance(schema, int) and schema != SCHEMA else ""


def _other_schema(schema: int) -> str:
    return f"unknown schema {schema}: this side reads schema {SCHEMA} - at `$.schema`"


def _drop_unknown(raw: Any, kind: type[Struct]) -> int:
    if not isinstance(raw, dict):
        return sum(_drop_unknown(one, kind) for one in raw) if isinstance(raw, list) else 0
    unknown = raw.keys() - set(kind.__struct_encode_fields__)
    for key in unknown:
        del raw[key]
    return len(unknown) + sum(_drop_unknown(raw.get(name), of) for name, of in _PARTS.items() if kind is Report)
