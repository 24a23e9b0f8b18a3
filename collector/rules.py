"""Slot length and policy go in, a Prometheus rule file comes out: recordings, and alerts that people can live with.

Every waiting time is counted in slots, so that a test with slots of seconds runs the very rules of a district with
slots of five minutes. Alerts speak of campuses; rooms, agents and access points are what their page shows. Verdicts are
absent out of class, so nothing about them fires then. The file is JSON, which every YAML reader reads.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from collector import series

JOB = "campus_wifi"
SHORT_SLOTS, SILENT_SLOTS, AGENT_SILENT_SLOTS = 3, 6, 3
RUNBOOKS = "https://campus-wifi.example/runbooks"
"""Where deploy/runbooks.md is published; `wifi-collector rules --runbooks URL` sets the district's own place."""

# Each campus alert gets what routing, grouping and inhibition go by: facts of the inventory, not of agents.
_FACTS = f"* on (campus) group_left (name, region, uplink, simulated) {series.CAMPUS_INFO.name}"
_REAL = f'{series.CAMPUS_INFO.name}{{simulated="false"}}'


class Alert(NamedTuple):
    """One alert. ``slots``: how long its condition holds before it fires."""

    name: str
    expr: str
    slots: float
    severity: str
    scope: str
    summary: str
    description: str


def _campus(expr: str) -> str:
    return f"({expr}) {_FACTS}"


def _cause(cause: str) -> str:
    return f'{series.CAMPUS_CAUSE.name}{{cause="{cause}"}} == 1'


def alerts(slot_seconds: int) -> list[Alert]:
    """All alerts. A verdict stands for one slot, so `n` slots in a row hold for more than n - 1 and at most n slots:
    half a slot less than n proves the n-th and forgives a late scrape."""
    verdict = series.CAMPUS_VERDICT.name
    return [
        Alert(
            "CampusShort", _campus(f'{verdict}{{verdict="short"}} == 1'), SHORT_SLOTS - 0.5, "page", "campus",
            "{{ $labels.name }} falls short now",
            f"Campus {{{{ $labels.campus }}}} has been short of the policy for {SHORT_SLOTS} slots of class. "
            "Its page shows which access points or rooms, and the cause where the evidence names one.",
        ),
        Alert(
            "CampusWithoutEvidence", _campus(f'{verdict}{{verdict="unknown"}} == 1'), SILENT_SLOTS - 0.5, "ticket",
            "campus", "{{ $labels.name }}: nobody knows",
            f"Campus {{{{ $labels.campus }}}} has had {SILENT_SLOTS} slots of class without enough evidence to say "
            "whether the policy is met. This says nothing about its Wi-Fi.",
        ),
        Alert(
            "CampusCutOff", _campus(_cause("campus_cut_off")), 0.5, "page", "campus", "{{ $labels.name }} is cut off",
            "Two agents of campus {{ $labels.campus }} went silent in one slot, or its edge does not answer the "
            "collector.",
        ),
        Alert(
            "SharedUplinkCut",
            # The campuses behind one uplink are one fault: one alert for it, with how many they are.
            f'count by (region, uplink, simulated) (({_cause("shared_uplink_cut")}) '
            f'* on (campus) group_left (region, uplink, simulated) {series.CAMPUS_INFO.name}{{uplink!=""}})',
            0.5, "page", "uplink", "Uplink {{ $labels.uplink }} is cut: {{ $value }} campuses are behind it",
            "All campuses behind uplink {{ $labels.uplink }} with agents went silent together.",
        ),
        Alert(
            "AgentSilent",
            _campus(f"time() - {series.AGENT_LAST_REPORT.name} > {AGENT_SILENT_SLOTS * slot_seconds}"), 0.0, "ticket",
            "agent", "An agent at {{ $labels.name }} is silent",
            "The collector has kept no report of agent {{ $labels.agent }} (place {{ $labels.place }}) for "
            "{{ $value | humanizeDuration }}. This says nothing about the Wi-Fi there.",
        ),
        Alert(
            "AccessPointDown",
            f"({_campus(f'{series.AP_UP.name} == 0')}) and on (campus) {series.CAMPUS_IN_CLASS.name} == 1",
            SHORT_SLOTS - 0.5, "ticket", "ap", "Access points are down at {{ $labels.name }}",
            f"Access point {{{{ $labels.ap }}}} of campus {{{{ $labels.campus }}}} has not answered any agent for "
            f"{SHORT_SLOTS} slots, and it answered before.",
        ),
        Alert(
            "MonitorSuspectsItself", f'count by (cause) ({_cause("monitor_suspect")})', 0.5, "page", "monitoring",
            "{{ $value }} campuses turned short at once: look at the monitoring first",
            "More than a fifth of the district turned short in one slot. A shared target, the collector's network or "
            "the collector itself is likelier than that many campuses.",
        ),
        Alert(
            "CollectorAbsent", f'absent(up{{job="{JOB}"}} == 1)', 1.0, "page", "monitoring",
            "The collector does not answer",
            "Prometheus cannot read the collector's metrics: nothing is judged, and no other alert here can fire. "
            "Agents keep their reports and send them later.",
        ),
        Alert(
            "JudgingStalled", f"time() - {series.JUDGED_SLOT.name} > {4 * slot_seconds}", 1.0, "page", "monitoring",
            "The collector has stopped judging",
            "No slot has been judged for {{ $value | humanizeDuration }}, so what is shown of the campuses is old.",
        ),
        Alert(
            "ForwardingStalled", f"campus_wifi_remote_write_lag_seconds > {3 * slot_seconds}", 1.0, "ticket",
            "monitoring", "Measurements do not reach Prometheus",
            "The oldest report that waits to be forwarded is {{ $value | humanizeDuration }} old. Verdicts do not "
            "depend on it; graphs of measurements do.",
        ),
        Alert(
            "ForwardingRefused", f"increase(campus_wifi_remote_write_refused_reports_total[{12 * slot_seconds}s]) > 0",
            0.0, "ticket", "monitoring", "Prometheus refused measurements for good",
            "Some samples were refused: usually they are older than the receiver's out-of-order window. The evidence "
            "is kept and judged all the same.",
        ),
        Alert(
            "Watchdog", "vector(1)", 0.0, "watchdog", "monitoring", "Alerting works",
            "Always firing. Its receiver must raise the alarm when this stops coming.",
        ),
    ]  # fmt: skip


def recordings() -> list[dict[str, str]]:
    """What dashboards read instead of joining thousands of series again for every viewer. Real campuses only."""
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
    ]


def rule_file(slot_seconds: int, runbooks: str = RUNBOOKS) -> dict[str, Any]:
    """The whole file. Rules are looked at ten times a slot, at least every half minute and at most every second."""
    every = f"{max(1, min(30, slot_seconds // 10))}s"
    return {
        "groups": [
            {"name": "campus_wifi_recordings", "interval": every, "rules": recordings()},
            {
                "name": "campus_wifi_alerts",
                "interval": every,
                "rules": [_rule(alert, slot_seconds, runbooks) for alert in alerts(slot_seconds)],
            },
        ]
    }


def _rule(alert: Alert, slot_seconds: int, runbooks: str) -> dict[str, Any]:
    return {
        "alert": alert.name,
        "expr": alert.expr,
        "for": f"{round(alert.slots * slot_seconds)}s",
        "labels": {"severity": alert.severity, "scope": alert.scope},
        "annotations": {
            "summary": alert.summary,
            "description": alert.description,
            "runbook_url": f"{runbooks}#{alert.name.lower()}",
        },
    }


def to_text(rules: dict[str, Any]) -> str:
    return json.dumps(rules, indent=2) + "\n"
