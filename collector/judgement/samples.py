"""What a slot adds to its day: tries to join and leased tests go in, each agent's counts and figures come out.

The day is judged from these, which the ledger keeps with the slot that they were measured in, so that late evidence
replaces its own slot's share and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from agent import wire
from collector.judgement import testimony

NOT_TRIED = frozenset({"deferred", "blocked"})
"""Outcomes of a measurement that was skipped on purpose: recorded and shown, and no sample."""
ROUNDED = 3
JOINING = ("authenticate", "associate", "eap", "handshake", "dhcp", "dns")
"""The stages that the policy's time to join adds up."""


class Samples(Struct, omit_defaults=True):
    """Of one agent in one room. ``outcomes``: how often each "kind outcome" was; ``join_seconds``: of those that
    joined, from the first frame to the first name resolved (a device knows its channels: the scan is our test's own);
    ``slowest``: how often each of those stages took longest; ``downloads``: bits per second."""

    agent: str = ""
    room: str = ""
    outcomes: dict[str, int] = {}
    join_seconds: list[float] = []
    downloads: list[float] = []
    slowest: dict[str, int] = {}

    @property
    def joins(self) -> tuple[int, int]:
        """Tries that joined, and all tries."""
        tries = {key: count for key, count in self.outcomes.items() if key.startswith("join ")}
        return tries.get("join ok", 0), sum(
            count for key, count in tries.items() if key.removeprefix("join ") not in NOT_TRIED
        )

    def add(self, other: Samples) -> None:
        for key, count in other.outcomes.items():
            self.outcomes[key] = self.outcomes.get(key, 0) + count
        for stage, count in other.slowest.items():
            self.slowest[stage] = self.slowest.get(stage, 0) + count
        self.join_seconds += other.join_seconds
        self.downloads += other.downloads


def take(samples: Samples, report: testimony.Report, window: tuple[float, float] | None) -> None:
    """Takes in the rows of a report whose end lies in ``window``, seconds from its start; all of them for None."""
    for kind, table in (("join", report.join), ("throughput", report.throughput)):
        if table is None:
            continue
        for n, (at, outcome) in enumerate(zip(table.at, table.outcome, strict=True)):
            if window is not None and not window[0] <= at < window[1]:
                continue
            key = f"{kind} {_stage(table, n)}"
            samples.outcomes[key] = samples.outcomes.get(key, 0) + 1
            if outcome != "ok":
                continue
            if isinstance(table, wire.Join):
                stages = {stage: getattr(table, f"{stage}_seconds")[n] or 0.0 for stage in JOINING}
                samples.join_seconds.append(round(sum(stages.values()), ROUNDED))
                slowest = max(stages, key=stages.__getitem__)
                samples.slowest[slowest] = samples.slowest.get(slowest, 0) + 1
            elif (rate := table.download_bits_per_second[n]) is not None:
                samples.downloads.append(rate)


def _stage(table: wire.Join | wire.Throughput, n: int) -> str:
    """The outcome; but SAE proves the password in the authentication frames: an access point that answers them with a
    refusal has refused the password, and did not fail to answer."""
    outcome = table.outcome[n]
    if isinstance(table, wire.Join) and outcome == "authenticate" and table.method[n] == "sae":
        return "authentication" if table.reason_code[n] else outcome
    return outcome


def by_agent(samples: Iterable[Samples]) -> dict[tuple[str, str], Samples]:
    """Added up by agent and room. The figures stand in order, so that the order of reports changes nothing."""
    found: dict[tuple[str, str], Samples] = {}
    for one in samples:
        key = (one.agent, one.room)
        found.setdefault(key, Samples(*key, {}, [], [], {})).add(one)
    for one in found.values():
        one.outcomes = dict(sorted(one.outcomes.items()))
        one.slowest = dict(sorted(one.slowest.items()))
        one.join_seconds.sort()
        one.downloads.sort()
    return dict(sorted(found.items()))
