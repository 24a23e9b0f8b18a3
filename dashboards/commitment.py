"""Commitment by period: who meets, falls short or cannot be judged over a period, from the ledger as it stands today.

Only the collector's current gauges are asked, for now: late evidence has changed them, and no timeline of Prometheus.
"""

from __future__ import annotations

from typing import Any

from dashboards import frame
from dashboards.asked import INFO, OBJECTIVE, OF, period_state_of
from dashboards.frame import CAMPUS, cell, kept, link, to_board, value_of
from dashboards.panels import GREEN, PERIOD, RED, SHARE, SIMULATED, YELLOW, Query, coloured, number, rows, words

UID = frame.COMMITMENT
CHOSEN = 'period="$period"'
_GROUP = f"on (campus) group_left ($by) {INFO}"
_SECONDS = f"campus_wifi_commitment_class_seconds{{{CHOSEN}}}"
HOURS = "h"


def _campuses(verdict: str) -> Query:
    # Nought only where campuses have a verdict at all, and nothing where none has.
    said = f"campus_wifi_commitment_verdict{{{CHOSEN}}} {OF}"
    return Query(f'count(campus_wifi_commitment_verdict{{{CHOSEN},verdict="{verdict}"}} {OF}) or 0 * count({said})')


def _part(ratio: str) -> str:
    """Seconds of class of which a share is said. Groups add up seconds and divide last: never a mean of shares."""
    return f"campus_wifi_commitment_{ratio}{{{CHOSEN}}} * on (campus, period) {_SECONDS}"


def _of_all(ratio: str) -> Query:
    return Query(f"sum(({_part(ratio)}) {OF}) / sum({_SECONDS} {OF})")


def _named(grouped: str) -> Query:
    """The chosen label as `group`, so that the columns are joined by the same name whichever is chosen."""
    return Query(f'sum by (group) (label_replace({grouped}, "group", "$1", "$by", "(.*)"))')


def _of_group(ratio: str) -> Query:
    return _named(f"sum by ($by) (({_part(ratio)}) * {_GROUP}) / sum by ($by) ({_SECONDS} * {_GROUP})")


def _in_group(verdict: str) -> Query:
    of = f'campus_wifi_commitment_verdict{{{CHOSEN},verdict="{verdict}"}}'
    every = f"campus_wifi_commitment_verdict{{{CHOSEN}}}"
    return _named(f"(count by ($by) ({of} * {_GROUP}) or 0 * count by ($by) ({every} * {_GROUP}))")


def _totals() -> list[Any]:
    said = "campus_wifi_commitment_period_info"
    days = "{{name}}: {{from}} to {{to}}"
    return [
        number("Period", "The chosen period, and its first and last day.", Query(f"{said}{{{CHOSEN}}}", days),
               no_value="the calendar does not say it", width=6, name=True),
        number("Fall short", "Campuses that fall short, whatever late evidence says yet.", _campuses("falls_short"),
               color=RED, no_value="no record", width=3),
        number("Not enough evidence", "Campuses that may meet or fall short: the bounds lie on both sides.",
               _campuses("not_enough_evidence"), color=YELLOW, no_value="no record", width=3),
        number("Meet", "Campuses that meet the objective, unknown time counted as short.", _campuses("meets"),
               color=GREEN, no_value="no record", width=3),
        number("Met at least, all class time", "Seconds of class met over all seconds of class of the chosen campuses.",
               _of_all("met_ratio_lower"), SHARE, no_value="no class time", width=3),
        number("Met at most, all class time", "The same, unknown time counted as met.", _of_all("met_ratio_upper"),
               SHARE, no_value="no class time", width=3),
        number("Objective", "The share of class time that the policy asks of each campus.", Query(OBJECTIVE), SHARE,
               no_value="no policy", width=3),
    ]  # fmt: skip


def _groups() -> Any:
    shares = ("Met at least", "Met at most", "Evidence")
    return rows(
        "By group",
        "Campuses by verdict, and seconds of class met over seconds of class, of each group. Campuses without a value "
        "of the chosen kind stand together.",
        *[_in_group(verdict) for verdict in ("falls_short", "not_enough_evidence", "meets")],
        *[_of_group(ratio) for ratio in ("met_ratio_lower", "met_ratio_upper", "evidence_ratio")],
        by="group",
        names={"group": "Group", "Value #A": "Fall short", "Value #B": "Not enough evidence", "Value #C": "Meet",
               "Value #D": "Met at least", "Value #E": "Met at most", "Value #F": "Evidence"},
        hidden=("Time", *[f"Time {n}" for n in range(1, 7)]),
        overrides={name: {"unit": SHARE, "decimals": 2} for name in shares},
        sort="Fall short", no_value="no campus with a record", height=9,
    )  # fmt: skip


def _each() -> Any:
    ratios = ("met_ratio_lower", "met_ratio_upper", "evidence_ratio", "error_budget_remaining_ratio_lower",
              "error_budget_remaining_ratio_upper")  # fmt: skip
    shares = ("Met at least", "Met at most", "Evidence", "Budget left, at least", "Budget left, at most")
    return rows(
        "Campuses, worst first",
        "The period's verdict with its bounds, the share of class time with evidence, what is left of the time that "
        "may be short (below zero: used up), and the hours of class behind it.",
        Query(f"max by (campus, name, region, board_district, grade_span, simulated) ({INFO})"),
        Query(f"max by (campus) (({period_state_of(CHOSEN)}) {OF})"),
        *[Query(f"max by (campus) (campus_wifi_commitment_{ratio}{{{CHOSEN}}} {OF})") for ratio in ratios],
        Query(f"max by (campus) ({_SECONDS} {OF}) / 3600"),
        by="campus",
        names={"campus": "Campus", "name": "Name", "region": "Region", "board_district": "Board district",
               "grade_span": "Grade span", "simulated": "Simulated", "Value #B": "Verdict",
               **{f"Value #{chr(ord('C') + n)}": name for n, name in enumerate(shares)}, "Value #H": "Class"},
        hidden=("Value #A", "Time", *[f"Time {n}" for n in range(1, 9)]),
        overrides={
            "Campus": link("Open the campus", CAMPUS, cell("campus", "Campus"), *kept("period")),
            "Name": to_board("Its page on the board", f'/campus/{value_of("Campus")}'),
            "Verdict": coloured(PERIOD),
            **{name: {"unit": SHARE, "decimals": 2} for name in shares},
            "Class": {"unit": HOURS, "decimals": 1},
            "Simulated": {"mappings": words(SIMULATED)},
        },
        sort="Verdict", no_value="no campus in the inventory", height=18,
    )  # fmt: skip


def make() -> Any:
    by = frame.listed("by", "Group by", region="Region", board_district="Board district", grade_span="Grade span")
    return frame.dashboard(
        "Wi-Fi: commitment by period", UID, "Who meets the commitment over a period, as the ledger stands today.",
        [frame.period(), by, frame.simulated(), frame.region()], [*_totals(), _groups(), _each()], [],
    )  # fmt: skip
