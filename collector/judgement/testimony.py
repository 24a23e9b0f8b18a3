"""What the judge reads of a report: signed bytes go in, the columns that verdicts rest on come out, and no others.

A report was checked whole when it was received. Judging reads each of millions again, most of whose columns decide
nothing: to leave those unread takes a third of the time (see tests/bench/judge.py).
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from agent import wire


class Reach(Struct):
    at: list[float]
    target: list[str]
    sent: list[int]
    received: list[int]


class Path(Struct):
    at: list[float]
    rung: list[str]
    target: list[str]
    sent: list[int]
    received: list[int]
    rtt_mean_seconds: list[float | None]


class Testimony(Struct):
    """A report's fields by the report's own names and units."""

    duration_seconds: float
    place: str | None = None
    reach: Reach | None = None
    path: Path | None = None
    throughput: wire.Throughput | None = None
    airspace: wire.Airspace | None = None
    channels: wire.Channels | None = None
    link: wire.Link | None = None
    join: wire.Join | None = None
    not_run: list[wire.NotRun] = []


class _Whereabouts(Struct):
    duration_seconds: float
    place: str | None = None


Report = wire.Report | Testimony
wire.learn(Testimony, _Whereabouts)
_testimony = msgspec.json.Decoder(Testimony)
_whereabouts = msgspec.json.Decoder(_Whereabouts)


def of(document: bytes) -> Report:
    """Raises WireError where the document is no report."""
    try:
        return read(document)
    except msgspec.MsgspecError:
        return wire.decode_report(document)[0]  # of a newer agent: its columns are known by their names


def read(document: bytes) -> Testimony:
    """Raises MsgspecError where the document is none of a report of today."""
    return _testimony.decode(document)


def whereabouts(document: bytes) -> Testimony:
    """Where and how long, of a report whose measurements nobody asks for."""
    found = _whereabouts.decode(document)
    return Testimony(found.duration_seconds, found.place)
