"""From the times of single answers to the figures of a row, the same for every method of asking."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from agent import wire

_DIGITS = 7  # a tenth of a microsecond: finer is noise, and noise does not compress


class Asked(NamedTuple):
    """What asking one target gave. ``at``: CLOCK_BOOTTIME at the end."""

    target: str
    method: wire.Method
    outcome: str
    reason: str | None
    stamp: wire.Stamp | None
    sent: int
    received: int
    rtts: Sequence[float]
    at: float
    duration_seconds: float


def boottime() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def jitter(rtts: Sequence[float]) -> float | None:
    """Mean of the absolute differences of successive round trips (RFC 3550's |D|, averaged plainly rather than
    smoothed, so that a row's figure depends on that row alone). None with fewer than two."""
    if len(rtts) < 2:
        return None
    return sum(abs(b - a) for a, b in pairwise(rtts)) / (len(rtts) - 1)


def columns(rows: Sequence[Asked]) -> dict[str, list[Any]]:
    """The columns of :class:`wire.Echo`. ``loss_ratio`` is 1 - received/sent, null where nothing was sent: a send
    that failed is this device's trouble and proves nothing about the target."""
    found: dict[str, list[Any]] = {name: [] for name in wire.Echo.__struct_fields__}
    for row in rows:
        rtts = row.rtts
        values = (
            round(row.at, 6), round(max(row.duration_seconds, 0.0), 6), row.outcome, row.reason,
            row.target, row.method, row.stamp, row.sent, row.received,
            round(min(rtts), _DIGITS) if rtts else None,
            round(min(max(sum(rtts) / len(rtts), min(rtts)), max(rtts)), _DIGITS) if rtts else None,
            round(max(rtts), _DIGITS) if rtts else None,
            None if (spread := jitter(rtts)) is None else round(spread, _DIGITS),
            round(1 - row.received / row.sent, 4) if row.sent else None,
        )  # fmt: skip
        for name, value in zip(wire.Echo.__struct_fields__, values, strict=True):
            found[name].append(value)
    return found
