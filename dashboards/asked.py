"""PromQL that several dashboards share: which campuses are meant, and one number for a state.

No threshold stands here: what the policy asks is asked of the collector's own series, so that a policy that is adopted
tonight is what the lines and verdicts of tomorrow are held against.
"""

from __future__ import annotations

from collector.metrics.series import THRESHOLDS
from dashboards.panels import Query

INFO = 'campus_wifi_campus_info{simulated="$simulated",region=~"$region"}'
OF = f"* on (campus) group_left () {INFO}"
"""Only campuses of the chosen kind and regions; real and simulated ones are never added up together."""
KIND = 'simulated="$simulated",region=~"$region"'
"""The same of what rules have added up by region."""
OBJECTIVE = "campus_wifi_commitment_objective_ratio"


def state_of(verdicts: str, among: str = "") -> str:
    """One number a campus for its verdict: 0 met, 1 unknown, 2 short; none out of class. ``verdicts``: the label
    matchers of the campuses; ``among``: a query of the few that are meant, who are chosen before anything is added up
    (a ninth of the cost over 1,000 campuses)."""
    comma = "," if verdicts else ""
    short = f'campus_wifi_campus_verdict{{{verdicts}{comma}verdict="short"}}'
    unknown = f'campus_wifi_campus_verdict{{{verdicts}{comma}verdict="unknown"}}'
    only = f" and on (campus) {among}" if among else ""
    return f"2 * max by (campus) ({short}{only}) + on (campus) max by (campus) ({unknown}{only})"


def period_state_of(matchers: str, by: str = "campus") -> str:
    """One number for a period's verdict: 0 meets, 1 not enough evidence, 2 falls short."""
    given = 'campus_wifi_commitment_verdict{{{},verdict="{}"}}'
    words = ("meets", "not_enough_evidence", "falls_short")
    return " or ".join(
        f"{number} * max by ({by}) ({given.format(matchers, word)})" for number, word in enumerate(words)
    )


def criterion_state_of(campus: str) -> str:
    """One number a criterion, by the rule that the judge follows: 2 short where not even the unknown would make the
    asked share, 0 met where it is reached without them, else 1."""
    share = "on (criterion) group_left () campus_wifi_policy_share_ratio"
    lower = f"campus_wifi_criterion_met_ratio_lower{{{campus}}} + 1e-9"
    upper = f"campus_wifi_criterion_met_ratio_upper{{{campus}}} + 1e-9"
    return f"max by (criterion) (1 + ({upper} < bool {share})) - max by (criterion) ({lower} >= bool {share})"


def thresholds() -> str:
    """The policy's thresholds of every measure, by criterion; of rates in bits, as people know them."""
    return " or ".join(in_bits(f"campus_wifi_policy_{measure}") for measure in THRESHOLDS)


def in_bits(rate: str) -> str:
    """A rate as people know it: series hold bytes a second, by the convention of Prometheus."""
    return f"8 * {rate}" if "_bytes_per_second" in rate else rate


def policy(measure: str) -> Query:
    """The policy's threshold as a line of a graph, one for each criterion of the measure. A survey's is of a room's one
    measurement, not of a graph."""
    graphed = 'campus_wifi_policy_criterion_info{window!="survey"}'
    return Query(f"{in_bits(f'campus_wifi_policy_{measure}')} and on (criterion) {graphed}", "asked: {{criterion}}")
