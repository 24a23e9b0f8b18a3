"""What a policy says: criteria with their thresholds and sources, objectives, and who agreed to it and when.

A policy is a document: its bytes are canonical, its digest names it in every verdict. So a field that older documents
do not have is left out of the bytes where a policy does not say it, and the digests of what is kept stay what they are.
"""

from __future__ import annotations

import datetime
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from agent import wire
from collector.digested import Digested

Share = Annotated[float, Meta(gt=0, le=1)]
Measure = Literal[
    "reach_ratio",
    "rtt_seconds",
    "loss_ratio",
    "signal_dbm",
    "secondary_signal_dbm",
    "airtime_ratio",
    "retry_ratio",
    "join_ratio",
    "join_seconds",
    "download_bits_per_second",
]
PARTIES = 2
"""A memorandum has two sides: until both stand in ``agreed_by`` with a date, the policy is proposed."""


class PolicyError(ValueError):
    """A policy that cannot hold: names the file, the key and the mend."""


class Source(Struct, frozen=True, forbid_unknown_fields=True):
    """Where a threshold is from. ``mark``: S seen, R recalled, P proposed by the author."""

    title: str
    body: str
    year: int
    section: str = ""
    mark: Literal["S", "R", "P"] = "P"


class Criterion(Struct, frozen=True, forbid_unknown_fields=True):
    """One requirement. ``share`` of the things in ``scope`` must satisfy ``measure comparison threshold``.

    ``allowance``: packets (or tries) that may be lost before loss counts, where there are too few to tell. ``bands``:
    the radio bands it speaks of, all of them where it names none. ``within_days``: how old a room's last survey may be.
    The last two are left out of the document where a policy does not say them, so that the digest of version 1 stays.
    """

    id: str
    title: str
    measure: Measure
    scope: Literal["access_point", "place", "campus"]
    window: Literal["slot", "day", "survey"]
    statistic: str
    comparison: Literal["<", "<=", ">", ">="]
    threshold: float
    unit: str
    source: Source
    min_samples: Annotated[int, Meta(ge=1)] = 1
    share: Share = 1.0
    required: bool = True
    allowance: Annotated[int, Meta(ge=0)] = 0
    author: str = ""
    reason: str = ""
    bands: tuple[wire.Band, ...] | UnsetType = UNSET
    within_days: Annotated[int, Meta(ge=1, le=3660)] | UnsetType = UNSET

    def satisfied(self, value: float) -> bool:
        """Whether ``value`` satisfies the threshold."""
        if self.comparison == "<":
            return value < self.threshold
        if self.comparison == "<=":
            return value <= self.threshold
        if self.comparison == ">":
            return value > self.threshold
        return value >= self.threshold

    def judged(self, value: float, uncertainty: float = 0.0) -> Literal["met", "short", "unknown"]:
        """A reading so near to the threshold that its uncertainty reaches over it proves neither side."""
        ends = {self.satisfied(value - uncertainty), self.satisfied(value), self.satisfied(value + uncertainty)}
        if len(ends) == 2:
            return "unknown"
        return "met" if True in ends else "short"

    def speaks_of(self, band: str | None) -> bool:
        """Whether a reading in this band counts."""
        return not self.bands or band in self.bands


class Agreement(Struct, frozen=True, forbid_unknown_fields=True):
    """A party stands by the policy since ``date``."""

    party: Annotated[str, Meta(min_length=1, max_length=120)]
    date: datetime.date


class Policy(Digested, frozen=True, forbid_unknown_fields=True):
    """A dated, versioned set of criteria with its objectives.

    ``agreed_by``: a plain name stands in documents that were kept before agreements had a date; it is shown, and does
    not count. ``min_beacon_stretches``: see :attr:`beacon_stretches`; left out of the document where a policy does not
    say it.
    """

    id: str
    version: int
    profile: str
    valid_from: datetime.date
    criteria: tuple[Criterion, ...]
    title: str = ""
    author: str = ""
    reason: str = ""
    slot_seconds: Annotated[int, Meta(ge=1, le=3600)] = 300
    slot_objective: Share = 0.95
    day_objective: Share = 0.95
    agreed_by: tuple[Agreement | str, ...] = ()
    min_beacon_stretches: Annotated[int, Meta(ge=1, le=3)] | UnsetType = UNSET

    @property
    def beacon_stretches(self) -> int:
        """In how many separate five minutes an agent must have heard a beacon before its absence counts."""
        return 1 if self.min_beacon_stretches is UNSET else self.min_beacon_stretches

    @property
    def name(self) -> str:
        return f"{self.id} version {self.version}"

    @property
    def parties(self) -> tuple[str, ...]:
        """Who agreed, as people read it, each party once."""
        said = [one if isinstance(one, str) else f"{one.party} ({one.date})" for one in self.agreed_by]
        return tuple(dict.fromkeys(said))

    @property
    def proposed(self) -> bool:
        """Fewer than both parties have agreed, each with a date."""
        dated = {one.party.casefold() for one in self.agreed_by if isinstance(one, Agreement)}
        return len(dated) < PARTIES


wire.learn(Policy)
