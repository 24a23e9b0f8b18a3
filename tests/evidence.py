"""Builds evidence for tests of the judge: one report of one agent, from what it asked and what answered."""

import hashlib
from collections.abc import Mapping
from types import MappingProxyType

from agent import wire
from collector.judgement.statistic import Placed

Counts = Mapping[str, tuple[int, int]]
RTT_SECONDS = 0.004
_NOTHING: Mapping = MappingProxyType({})


def _echo(counts: list[tuple[str, int, int]], at: float, rtt: float) -> dict[str, list]:
    rows = len(counts)
    answered = [received > 0 for _, _, received in counts]
    rtts = [rtt if yes else None for yes in answered]
    return {
        "at": [at] * rows,
        "duration_seconds": [1.0] * rows,
        "outcome": ["ok" if yes else "timeout" for yes in answered],
        "reason": [None] * rows,
        "target": [target for target, _, _ in counts],
        "method": ["icmp"] * rows,
        "stamp": ["kernel"] * rows,
        "sent": [sent for _, sent, _ in counts],
        "received": [received for _, _, received in counts],
        "rtt_min_seconds": rtts,
        "rtt_mean_seconds": rtts,
        "rtt_max_seconds": rtts,
        "jitter_seconds": [None] * rows,
        "loss_ratio": [1 - received / sent if sent else None for _, sent, received in counts],
    }


def report(
    agent: str,
    start_at: float,
    reach: Counts = _NOTHING,
    path: Mapping[tuple[str, str], tuple[int, int]] = _NOTHING,
    rtt: float = RTT_SECONDS,
    duration: float = 60.0,
    seq: int = 1,
    not_run: str = "",
    **tables: wire.Table,
) -> wire.Report:
    """``reach``: {access point: (sent, received)}; ``path``: {(rung, target): (sent, received)}; ``tables``: as made by
    the functions of tests/air_evidence.py."""
    if reach:
        tables["reach"] = wire.Reach(**_echo([(ap, s, r) for ap, (s, r) in reach.items()], duration / 2, rtt))
    if path:
        rungs = [rung for rung, _ in path]
        echo = _echo([(target, s, r) for (_, target), (s, r) in path.items()], duration / 2, rtt)
        tables["path"] = wire.Path(rung=rungs, **echo)
    return wire.Report(
        schema=1,
        agent=agent_id(agent),
        agent_version="0.1.0",
        stream="0" * 32,
        seq=seq,
        boot_id="1" * 32,
        start_at=start_at,
        duration_seconds=duration,
        clock=wire.Clock("synced", 100.0),
        plan=None,
        not_run=[wire.NotRun(duration / 2, not_run, "no interface")] if not_run else [],
        **tables,
    )


def agent_id(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:32]


def placed(made: wire.Report, place: str | None = None, confirmed: bool = True, survey: bool = False) -> Placed:
    return Placed(
        agent=made.agent,
        place=place,
        start_at=made.start_at,
        report=made,
        digest=wire.digest(wire.encode(made)),
        received_at=made.start_at + 61,
        confirmed=confirmed,
        survey=survey,
    )


GOOD_PATH = {("gateway", "gateway"): (5, 5), ("collector", "collector"): (5, 5), ("internet", "one"): (5, 5)}
CUT_PATH = {("gateway", "gateway"): (5, 5), ("collector", "collector"): (5, 0), ("internet", "one"): (5, 0)}
DEAF_PATH = {("gateway", "gateway"): (5, 0), ("collector", "collector"): (5, 0), ("internet", "one"): (5, 0)}
