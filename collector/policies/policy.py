"""The written policy: a TOML file goes in, dated and versioned criteria with their sources come out.

Clause 3.0 gives no number. So each threshold is a line that both parties can read, with where it is from, and a verdict
names the digest of the policy it used.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import msgspec

from collector.policies import findings
from collector.policies.terms import Agreement, Criterion, Policy, PolicyError, Source

__all__ = [
    "SHIPPED", "Agreement", "Criterion", "Policy", "PolicyError", "Source", "baseline", "for_slots", "named", "parse",
    "read", "shipped",
]  # fmt: skip

SHIPPED = {
    "baseline": "baseline.toml",
    "baseline-2": "baseline-2.toml",
    "baseline-3": "baseline-3.toml",
    "strict": "strict.toml",
    "strict-2": "strict-2.toml",
    "strict-3": "strict-3.toml",
}
"""The policies that are shipped. A new collector begins with ``baseline`` (version 1), which requires only what every
agent can measure. Version 2 requires what radios say, and without evidence a thing is unknown: at a campus whose agents
have no radio it would leave every slot unknown for ever. That is the honest answer to "is the signal there?", and no
answer that anybody should get unasked: version 2 is adopted on a date by somebody who has equipped the campuses.
Version 3 asks what version 2 asks, and takes a beacon's absence for a fault only where it was heard three times.
``strict`` and its versions ask the same questions with the harder figures of the sources, which differ by 2 dB."""


def baseline() -> Policy:
    """The policy that a new collector begins with."""
    return shipped("baseline")


def shipped(name: str) -> Policy:
    """One of the policies that are shipped. Raises PolicyError."""
    file = SHIPPED.get(name)
    if file is None:
        raise PolicyError(f"no policy {name!r} is shipped: write one of {', '.join(SHIPPED)}")
    return parse(file, resources.files("collector.policies").joinpath(file).read_bytes())


def named(name: str) -> Policy:
    """A shipped policy by its name, else a file. Raises PolicyError."""
    if name in SHIPPED:
        return shipped(name)
    if not Path(name).exists():
        raise PolicyError(f"{name}: no such file, and no such policy is shipped: write one of {', '.join(SHIPPED)}")
    return read(Path(name))


def read(path: Path) -> Policy:
    """A policy file. Raises PolicyError."""
    try:
        return parse(str(path), path.read_bytes())
    except OSError as fault:
        raise PolicyError(f"{path}: cannot be read: {fault.strerror}; check its name, owner and mode") from None


def parse(name: str, data: bytes) -> Policy:
    """A policy from TOML. Unknown keys, wrong types and contradictions are refused. Raises PolicyError with the first
    of them, and how many there are beside it."""
    policy, found = findings.look(name, data)
    if found or policy is None:
        more = f" (and {len(found) - 1} more: see `wifi-collector policy check`)" if len(found) > 1 else ""
        raise PolicyError(f"{found[0]}{more}")
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
