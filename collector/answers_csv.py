"""The answer as CSV for a spreadsheet. Names are data: a cell that a spreadsheet would run as a formula is disarmed."""

from __future__ import annotations

import csv
import io
from typing import Any

COLUMNS = (
    "campus", "name", "region", "simulated", "verdict", "met_ratio_lower", "met_ratio_upper", "evidence_ratio",
    "met_seconds", "short_seconds", "unknown_seconds", "days_met", "days_short", "days_unknown", "rooms_measured",
    "rooms_listed", "rooms_covered", "record_from", "from", "to",
    "objective", "policy", "without_exclusions_verdict", "without_exclusions_lower", "without_exclusions_upper",
    "excluded_seconds",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\0")


def as_csv(answer: dict[str, Any]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in answer["campuses"]:
        flat = {
            **answer,
            **one,
            **{f"{verdict}_seconds": seconds for verdict, seconds in one["seconds"].items()},
            **{f"days_{verdict}": one["days"][verdict] for verdict in ("met", "short", "unknown")},
            "rooms_covered": min((line["met"] for line in one["coverage"]), default=None),
            "rooms_measured": one["rooms"]["measured"],
            "rooms_listed": one["rooms"]["listed"],
            "without_exclusions_verdict": one["without_exclusions"]["verdict"],
            "without_exclusions_lower": one["without_exclusions"]["met_ratio_lower"],
            "without_exclusions_upper": one["without_exclusions"]["met_ratio_upper"],
            "excluded_seconds": one["instructional_seconds"] - one["without_exclusions"]["instructional_seconds"],
            "simulated": "yes" if one["simulated"] else "no",
        }
        writer.writerow([safe(flat[column]) for column in COLUMNS])
    return text.getvalue()


def safe(value: object) -> object:
    """Text that begins as a formula does gets an apostrophe before it (OWASP ASVS 5.0, 1.2.10). Numbers are ours."""
    if isinstance(value, str) and value.lstrip(" ").startswith(_FORMULA):
        return "'" + value
    return "" if value is None else value
