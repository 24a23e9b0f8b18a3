"""What shape cannot say about a report: a decoded report and its sender go in, a reason to refuse it or nothing comes
out. A wrong clock is no reason: the store flags what lies in the future, and evidence is never dropped for it."""

from __future__ import annotations

from operator import gt
from typing import cast

from agent import wire
from collector.ingest.authenticate import KnownAgent

MAX_ROWS = 5000
MAX_LISTED = 500
SLACK_SECONDS = 1.0
RTT_SECONDS = 3600.0
EARLIEST = 1_577_836_800.0  # 2020: no report of this system is older
LATEST = 4_102_444_800.0  # 2100


def reason_to_refuse(report: wire.Report, sender: KnownAgent) -> str:
    """Empty where the report may count; else the reason, in words of a closed set, so that it can be counted."""
    if report.agent != sender.id:
        return "report of another agent"
    if report.simulated != sender.simulated:
        return "simulated and real mixed"
    if report.start_at is not None and not EARLIEST <= report.start_at <= LATEST:
        return "start_at out of range"
    if max(len(report.not_run), len(report.losses), len(report.anchors)) > MAX_LISTED:
        return "too many entries"
    end = report.duration_seconds + SLACK_SECONDS
    for table in map(report.__getattribute__, wire.KINDS):
        if table is None or not table.at:
            continue
        if len(table.at) > MAX_ROWS:
            return "too many rows"
        if min(table.at) < -SLACK_SECONDS or max(table.at) > end:
            return "measurement outside the report's window"
        if isinstance(table, wire.Echo) and (reason := _echo(table)):
            return reason
    if any(lost.last_seq < lost.first_seq for lost in report.losses):
        return "loss ends before it begins"
    return ""


def _echo(table: wire.Echo) -> str:
    if any(map(gt, table.received, table.sent)):
        return "more received than sent"
    least, mean, most = table.rtt_min_seconds, table.rtt_mean_seconds, table.rtt_max_seconds
    slowest = [value for value in most if value is not None]
    if slowest and max(slowest) > RTT_SECONDS:
        return "round-trip time out of range"
    if _disordered(least, mean) or _disordered(mean, most):
        return "round-trip times out of order"
    return ""


def _disordered(less: list[float | None], more: list[float | None]) -> bool:
    """Whether a value is above its neighbour. Mostly every target answered and there is no None to look for."""
    if None in less or None in more:
        return any(a is not None and b is not None and a > b for a, b in zip(less, more, strict=True))
    return any(map(gt, cast("list[float]", less), cast("list[float]", more)))
