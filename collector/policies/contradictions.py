"""What the criteria of a policy say that cannot be so: a policy goes in, faults with their mend come out.

Only what is truly impossible, or would be judged otherwise than it is written: that one profile is stricter than
another is no fault, and two thresholds of which the harder one decides are none either.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from msgspec import Struct

from collector.policies.terms import Agreement, Criterion, Policy

_SIGNAL = frozenset({"signal_dbm", "secondary_signal_dbm"})
OF_WINDOW: dict[str, frozenset[str]] = {
    "slot": frozenset({"reach_ratio", "rtt_seconds", "loss_ratio", "airtime_ratio", "retry_ratio", *_SIGNAL}),
    "day": frozenset({"join_ratio", "join_seconds", "download_bits_per_second"}),
    "survey": _SIGNAL,
}
"""What is measured often enough to be judged in each window."""
_IN_BANDS = frozenset({"airtime_ratio", "retry_ratio", *_SIGNAL})
_WITH_ALLOWANCE = frozenset({"loss_ratio", "join_ratio"})
_UNITS = {"ratio": "ratio", "seconds": "seconds", "dbm": "dBm", "bits_per_second": "bits per second"}
_RANGES = {"ratio": (0.0, 1.0), "seconds": (0.0, None), "dBm": (-120.0, 0.0), "bits per second": (0.0, None)}


class Told(Struct, frozen=True):
    """``entry``: the number of the criterion, 0 for the policy as a whole."""

    entry: int
    key: str
    fault: str
    mend: str


Numbered = Sequence[tuple[int, Criterion]]


def of_policy(policy: Policy, report_seconds: int | None = None) -> list[Told]:
    """``report_seconds``: how often agents report."""
    return [*_of_head(policy, report_seconds), *of_criteria([*enumerate(policy.criteria, 1)])]


def of_criteria(criteria: Numbered) -> list[Told]:
    """Each criterion with the number of its entry."""
    found = [told for number, one in criteria for told in _of_criterion(number, one)]
    found += _twice(criteria)
    for (first, one), (second, other) in itertools.combinations(criteria, 2):
        if _cannot_both_hold(one, other):
            fault = (
                f"`{other.measure} {other.comparison} {other.threshold:g}` and criterion {one.id!r} (entry {first}), "
                f"`{one.measure} {one.comparison} {one.threshold:g}`, cannot both hold"
            )
            found.append(Told(second, "threshold", fault, "mend one of the two thresholds, or take one out"))
    return found


def _of_head(policy: Policy, report_seconds: int | None) -> Iterator[Told]:
    if report_seconds is not None and policy.slot_seconds % report_seconds:
        fault = f"slot_seconds {policy.slot_seconds} is not a multiple of the report interval, {report_seconds} s"
        yield Told(0, "slot_seconds", fault, f"write a multiple of {report_seconds}: reports must divide the slot")
    if not any(one.required and one.window == "slot" for one in policy.criteria):
        fault = "no criterion of the window slot is required: every slot would stay unknown"
        yield Told(0, "criteria", fault, "set required = true in one of them")
    parties = [one.party.casefold() for one in policy.agreed_by if isinstance(one, Agreement)]
    for party in sorted({one for one in parties if parties.count(one) > 1}):
        yield Told(0, "agreed_by", f"the party {party!r} agrees twice", "name each party once")


def _of_criterion(number: int, one: Criterion) -> Iterator[Told]:
    if one.measure not in OF_WINDOW[one.window]:
        fits = ", ".join(sorted(OF_WINDOW[one.window]))
        windows = ", ".join(window for window, measures in OF_WINDOW.items() if one.measure in measures)
        fault = f"{one.measure} is not judged in the window {one.window}"
        yield Told(number, "window", fault, f"write window = {windows}; in {one.window} one of {fits} is judged")
    scope = "access_point" if one.measure == "reach_ratio" else "place"
    if one.scope != scope:
        fault = f"{one.measure} is judged of each {scope}, not of each {one.scope}"
        yield Told(number, "scope", fault, f'write scope = "{scope}"')
    yield from _of_threshold(number, one)
    if one.window == "survey" and not one.within_days:
        yield Told(number, "within_days", "a survey without an age", "say within_days, how old a survey may be")
    if one.window != "survey" and one.within_days:
        yield Told(number, "within_days", f"within_days in the window {one.window}", "leave it out: only a survey ages")
    if one.window == "survey" and one.required:
        fault = "coverage is a line of its own: it decides no slot and no day"
        yield Told(number, "required", fault, "set required = false")
    if one.bands and one.measure not in _IN_BANDS:
        yield Told(number, "bands", f"{one.measure} is not measured by band", "leave bands out")
    if one.allowance and one.measure not in _WITH_ALLOWANCE:
        yield Told(number, "allowance", f"{one.measure} has no allowance", "leave allowance out")


def _of_threshold(number: int, one: Criterion) -> Iterator[Told]:
    unit = next(unit for ending, unit in _UNITS.items() if one.measure.endswith(ending))
    if one.unit != unit:
        yield Told(number, "unit", f"{one.measure} is in {unit}, not in {one.unit!r}", f'write unit = "{unit}"')
        return
    low, high = _RANGES[unit]
    never = (one.comparison == "<" and one.threshold <= low) or (one.comparison == "<=" and one.threshold < low)
    if high is not None:
        never |= (one.comparison == ">" and one.threshold >= high) or (one.comparison == ">=" and one.threshold > high)
    if never:
        fault = f"no {one.measure} can be {one.comparison} {one.threshold:g}: nothing would ever be met"
        span = f"from {low:g} to {high:g}" if high is not None else f"{low:g} or more"
        yield Told(number, "threshold", fault, f"write it in {unit}: {span}")


def _twice(criteria: Numbered) -> Iterator[Told]:
    seen: dict[str, int] = {}
    for number, one in criteria:
        if one.id in seen:
            fault = f"criterion {one.id!r} stands twice, first as entry {seen[one.id]}"
            yield Told(number, "id", fault, "give each an id of its own")
        seen.setdefault(one.id, number)


def _cannot_both_hold(one: Criterion, other: Criterion) -> bool:
    """No value satisfies both, of things in both of which some must satisfy them: with shares of more than one in all,
    at least one thing would have to."""
    if (one.measure, one.scope, one.window) != (other.measure, other.scope, other.window):
        return False
    if one.bands and other.bands and not set(one.bands) & set(other.bands):
        return False
    if one.share + other.share <= 1.0:
        return False
    upper, lower = (one, other) if one.comparison in ("<", "<=") else (other, one)
    if upper.comparison not in ("<", "<=") or lower.comparison not in (">", ">="):
        return False
    if upper.threshold == lower.threshold:
        return upper.comparison == "<" or lower.comparison == ">"
    return upper.threshold < lower.threshold
