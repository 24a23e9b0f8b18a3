"""The answer as CSV for a spreadsheet: its campuses, its groups or one of its lists. Names are data: a cell that a
spreadsheet would run as a formula is disarmed."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

COLUMNS = (
    "campus", "name", "region", "simulated", "verdict", "met_ratio_lower", "met_ratio_upper", "evidence_ratio",
    "met_seconds", "short_seconds", "unknown_seconds", "days_met", "days_short", "days_unknown", "rooms_measured",
    "rooms_listed", "rooms_covered", "record_from", "from", "to",
    "objective", "policy", "without_exclusions_verdict", "without_exclusions_lower", "without_exclusions_upper",
    "excluded_seconds", "board_district", "grade_span", "budget_allowed_seconds", "budget_left_seconds_lower",
    "budget_left_seconds_upper", "trend", "trend_lower_change", "trend_upper_change", "proposed",
)  # fmt: skip
GROUP_COLUMNS = (
    "group", "simulated", "campuses", "falls_short", "not_enough_evidence", "meets", "met_ratio_lower",
    "met_ratio_upper", "evidence_ratio", "met_seconds", "short_seconds", "unknown_seconds", "days_met", "days_short",
    "days_unknown", "budget_allowed_seconds", "budget_left_seconds_lower", "budget_left_seconds_upper", "trend",
    "trend_lower_change", "trend_upper_change", "without_exclusions_falls_short", "without_exclusions_lower",
    "without_exclusions_upper", "excluded_seconds", "by", "from", "to", "objective", "policy", "proposed",
)  # fmt: skip
LIST_COLUMNS = {
    "rooms_short": (
        "campus", "name", "simulated", "room", "campus_verdict", "short_seconds", "unknown_seconds", "class_seconds",
        "short_ratio",
    ),
    "rooms_silent_while_short": (
        "campus", "name", "simulated", "room", "since_at", "silent_seconds", "is_silent",
    ),
    "campuses_below_evidence_floor": (
        "campus", "name", "simulated", "evidence_ratio", "unknown_seconds", "class_seconds", "record_from",
    ),
}  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\0")


def as_csv(answer: dict[str, Any], listed: str | None = None) -> str:
    """``listed``: the list that is wanted, instead of campuses or groups."""
    if listed is not None:
        return _written(LIST_COLUMNS[listed], answer["lists"][listed])
    if answer["by"] != "campus":
        return _written(GROUP_COLUMNS, ({**answer, **_flat(one)} for one in answer["groups"]))
    return _written(COLUMNS, ({**answer, **_flat(one)} for one in answer["campuses"]))


def _flat(one: dict[str, Any]) -> dict[str, Any]:
    """What a campus and a group say alike, one value a column."""
    without, budget = one["without_exclusions"], one["error_budget"]
    return {
        **one,
        **{f"{verdict}_seconds": seconds for verdict, seconds in one["seconds"].items()},
        **{f"days_{verdict}": one["days"][verdict] for verdict in ("met", "short", "unknown")},
        "rooms_covered": min((line["met"] for line in one.get("coverage", ())), default=None),
        "rooms_measured": one["rooms"]["measured"],
        "rooms_listed": one["rooms"]["listed"],
        "without_exclusions_verdict": without.get("verdict"),
        "without_exclusions_falls_short": without.get("falls_short"),
        "without_exclusions_lower": without["met_ratio_lower"],
        "without_exclusions_upper": without["met_ratio_upper"],
        "excluded_seconds": one["instructional_seconds"] - without["instructional_seconds"],
        "budget_allowed_seconds": budget["allowed_seconds"],
        "budget_left_seconds_lower": budget["left_seconds_lower"],
        "budget_left_seconds_upper": budget["left_seconds_upper"],
        "trend": one["trend"]["direction"] or one["trend"]["why_not"],
        "trend_lower_change": one["trend"]["met_ratio_lower_change"],
        "trend_upper_change": one["trend"]["met_ratio_upper_change"],
    }


def _written(columns: Sequence[str], rows: Iterable[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([safe(row[column]) for column in columns])
    return text.getvalue()


def safe(value: object) -> object:
    """Text that begins as a formula does gets an apostrophe before it (OWASP ASVS 5.0, 1.2.10). Numbers are ours."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str) and value.lstrip(" ").startswith(_FORMULA):
        return "'" + value
    return "" if value is None else value
