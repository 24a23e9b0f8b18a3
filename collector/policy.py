"""The written policy: a TOML file goes in, dated and versioned criteria with their sources come out.

Clause 3.0 gives no number. So each threshold is a line that both parties can read, with where it is from, and a verdict
names the digest of the policy it used.
"""

from __future__ import annotations

import datetime
import difflib
import tomllib
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from agent import wire

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
SHIPPED = {"baseline": "baseline.toml", "baseline-2": "baseline-2.toml"}
"""The policies that are shipped. A new collector begins with ``baseline`` (version 1), which requires only what every
agent can measure. Version 2 requires what radios say, and without evidence a thing is unknown: at a campus whose agents
have no radio it would leave every slot unknown for ever. That is the honest answer to "is the signal there?", and no
answer that anybody should get unasked: version 2 is adopted on a date by somebody who has equipped the campuses."""


_SIGNAL = {"signal_dbm", "secondary_signal_dbm"}
_OF_WINDOW: dict[str, set[str]] = {
    "slot": {"reach_ratio", "rtt_seconds", "loss_ratio", "airtime_ratio", "retry_ratio", *_SIGNAL},
    "day": {"join_ratio", "join_seconds", "download_bits_per_second"},
    "survey": _SIGNAL,
}


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


class Policy(Struct, frozen=True, forbid_unknown_fields=True):
    """A dated, versioned set of criteria with its objectives. *Proposed* until parties stand in ``agreed_by``."""

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
    agreed_by: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.id} version {self.version}"

    @property
    def proposed(self) -> bool:
        return len(self.agreed_by) < 2

    def to_bytes(self) -> bytes:
        return wire.encode(self)

    @property
    def hash(self) -> str:
        return wire.digest(self.to_bytes())

    @classmethod
    def from_bytes(cls, data: bytes) -> Policy:
        return msgspec.json.decode(data, type=cls)


def baseline() -> Policy:
    """The policy that a new collector begins with."""
    return shipped("baseline")


def shipped(name: str) -> Policy:
    """One of the policies that are shipped. Raises PolicyError."""
    file = SHIPPED.get(name)
    if file is None:
        raise PolicyError(f"no policy {name!r} is shipped: write one of {', '.join(SHIPPED)}")
    return parse(file, resources.files("collector").joinpath(f"policies/{file}").read_bytes())


def read(path: Path) -> Policy:
    """A policy file. Raises PolicyError."""
    try:
        return parse(str(path), path.read_bytes())
    except OSError as fault:
        raise PolicyError(f"{path}: cannot be read: {fault.strerror}; check its name, owner and mode") from None


def parse(name: str, data: bytes) -> Policy:
    """A policy from TOML. Unknown keys, wrong types and contradictions are refused. Raises PolicyError."""
    try:
        document = tomllib.loads(data.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise PolicyError(f"{name}: not TOML in UTF-8: {fault}; mend that line") from None
    _known(name, "", document, Policy)
    if not isinstance(document.get("criteria", []), list):
        raise PolicyError(f"{name}: criteria is no list: write each one as [[criteria]]")
    for number, criterion in enumerate(document.get("criteria", []), 1):
        where = f"criteria entry {number}"
        if not isinstance(criterion, dict):
            raise PolicyError(f"{name}: {where}: write it as [[criteria]]")
        _known(name, where, criterion, Criterion)
        if isinstance(criterion.get("source"), dict):
            _known(name, f"{where}: source", criterion["source"], Source)
    try:
        policy = msgspec.convert(document, Policy)
    except msgspec.ValidationError as fault:
        raise PolicyError(f"{name}: {fault}; mend that key") from None
    if not policy.criteria:
        raise PolicyError(f"{name}: no criterion: write at least one [[criteria]]")
    seen: set[str] = set()
    for one in policy.criteria:
        if one.measure not in _OF_WINDOW[one.window]:
            fits = ", ".join(sorted(_OF_WINDOW[one.window]))
            raise PolicyError(f"{name}: criterion {one.id!r}: in the window {one.window} one of {fits} is judged")
        if one.window == "survey" and not one.within_days:
            raise PolicyError(f"{name}: criterion {one.id!r}: say within_days, how old a survey may be")
        if one.id in seen:
            raise PolicyError(f"{name}: criterion {one.id!r} stands twice: give each an id of its own")
        seen.add(one.id)
    return policy


def for_slots(policy: Policy, slot_seconds: int, report_seconds: int) -> Policy:
    """The policy with another slot length. Raises PolicyError where reports do not divide the slot."""
    if slot_seconds < 1 or report_seconds < 1:
        raise PolicyError(f"slot_seconds {slot_seconds} and report_seconds {report_seconds} must be 1 or more")
    if slot_seconds % report_seconds:
        raise PolicyError(
            f"slot_seconds {slot_seconds} is not a multiple of report_seconds {report_seconds}: "
            "choose a report interval that divides the slot"
        )
    return msgspec.structs.replace(policy, slot_seconds=slot_seconds)


def _known(name: str, where: str, table: dict[str, Any], kind: type[Struct]) -> None:
    for key in table:
        if key not in kind.__struct_fields__:
            near = difflib.get_close_matches(key, kind.__struct_fields__, 1)
            mend = f"did you mean `{near[0]}`?" if near else f"known keys: {', '.join(kind.__struct_fields__)}"
            raise PolicyError(f"{name}: {where + ': ' if where else ''}unknown key `{key}`; {mend}")


wire.learn(Policy)
