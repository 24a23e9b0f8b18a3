"""Slot length, objective and addresses go in, a Prometheus rule file comes out: recordings, and alerts that people can
live with.

Alerts speak of campuses; rooms, agents and access points are what their page shows. The file is JSON, which every YAML
reader reads.
"""

from __future__ import annotations

import json
from typing import Any

from collector.alerting import budget, campuses, monitoring
from collector.alerting.alert import AGENT_SILENT_SLOTS, Alert, Terms
from collector.metrics import series

# The dashboard that an alert of this scope leads to.
_DASHBOARDS = {"monitoring": "reporting", "region": "district", "uplink": "district"}
_REAL = f'{series.CAMPUS_INFO.name}{{simulated="false"}}'


def alerts(terms: Terms = Terms()) -> list[Alert]:  # noqa: B008  frozen
    """All alerts."""
    return [*campuses.alerts(terms), *budget.alerts(terms), *monitoring.alerts(terms)]


def recordings(terms: Terms) -> list[dict[str, str]]:
    """What dashboards read instead of joining thousands of series again for every viewer: real campuses only, or real
    and simulated ones apart by their label."""
    verdict, ap_up = series.CAMPUS_VERDICT.name, series.AP_UP.name
    real = f"* on (campus) group_left (region) {_REAL}"
    return [
        {
            "record": "region_verdict:campus_wifi_campuses:count",
            "expr": f"sum by (region, verdict) ({verdict} {real})",
        },
        {"record": "region:campus_wifi_campuses:count", "expr": f"count by (region) ({_REAL})"},
        {"record": "campus:campus_wifi_ap_up:count", "expr": f"count by (campus) ({ap_up})"},
        {"record": "campus:campus_wifi_ap_up:sum", "expr": f"sum by (campus) ({ap_up})"},
        *_by_kind(terms),
    ]


def _by_kind(terms: Terms) -> list[dict[str, str]]:
    by = "by (region, simulated"
    join = f"* on (campus) group_left (region, simulated) {series.CAMPUS_INFO.name}"
    age = f"(time() - {series.AGENT_LAST_REPORT.name}) > bool {AGENT_SILENT_SLOTS * terms.slot_seconds}"
    found = {
        "region_version:campus_wifi_agents:count": f"count {by}, version) ({series.AGENT_INFO.name} {join})",
        "region_state:campus_wifi_agents:count": f"count {by}, state) ({series.AGENT_CLOCK.name} {join})",
        "region:campus_wifi_agents_silent:count": f"sum {by}) (({age}) {join})",
        **{
            f"region:campus_wifi_ap_up:{what}": f"sum {by}) (campus:campus_wifi_ap_up:{what} {join})"
            for what in ("count", "sum")
        },
    }
    return [{"record": name, "expr": expr} for name, expr in found.items()]


def rule_file(terms: Terms = Terms()) -> dict[str, Any]:  # noqa: B008  frozen
    """The whole file. Rules are looked at ten times a slot, at least every half minute and at most every second; those
    of the budget, which read a week, once a slot."""
    every = f"{max(1, min(30, terms.slot_seconds // 10))}s"
    now = [*campuses.alerts(terms), *monitoring.alerts(terms)]
    burns = [_rule(alert, terms) for alert in budget.alerts(terms)]
    return {
        "groups": [
            {"name": "campus_wifi_recordings", "interval": every, "rules": recordings(terms)},
            {"name": "campus_wifi_alerts", "interval": every, "rules": [_rule(alert, terms) for alert in now]},
            {"name": "campus_wifi_budget", "interval": terms.slots(1), "rules": [*budget.recordings(), *burns]},
        ]
    }


def _rule(alert: Alert, terms: Terms) -> dict[str, Any]:
    return {
        "alert": alert.name,
        "expr": alert.expr,
        "for": terms.slots(alert.slots),
        **({"keep_firing_for": terms.slots(alert.keep_slots)} if alert.keep_slots else {}),
        "labels": {"severity": alert.severity, "scope": alert.scope},
        "annotations": {
            "summary": alert.summary,
            "description": alert.description,
            "runbook_url": f"{terms.runbooks}#{alert.name.lower()}",
            "dashboard_url": _dashboard(alert, terms),
            "board_url": f"{terms.board}/" + ("" if alert.scope in _DASHBOARDS else "campus/{{ $labels.campus }}"),
        },
    }


def _dashboard(alert: Alert, terms: Terms) -> str:
    if uid := _DASHBOARDS.get(alert.scope):
        return f"{terms.grafana}/d/{uid}"
    return f"{terms.grafana}/d/campus?var-campus={{{{ $labels.campus }}}}"


def to_text(rules: dict[str, Any]) -> str:
    return json.dumps(rules, indent=2) + "\n"
