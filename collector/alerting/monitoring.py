"""Alerts about the monitoring itself, day and night: what cannot be seen must not look well."""

from __future__ import annotations

from collector.alerting.alert import IN_CLASS, INFO, Alert, Terms, cause, firing, verdict
from collector.judgement import causes
from collector.metrics import series

JOB = "campus_wifi"
WATCHDOG_SECONDS = 1200
"""Alertmanager sends the watchdog round every five minutes, however long a slot is: four rounds missed."""
_LEAST_DISK = 0.1


def alerts(terms: Terms) -> list[Alert]:
    slot = terms.slot_seconds
    seconds = terms.slots
    return [
        Alert(
            "MonitorSuspectsItself", _suspects(), 0.5, "page", "monitoring",
            "{{ $value }} campuses turned short at once: look at the monitoring first",
            "More than a fifth of the district turned short in one slot. A shared target, the collector's network or "
            "the collector itself is likelier than that many campuses. Their own pages are held back while more than a "
            "fifth is short.",
        ),
        Alert(
            "CollectorAbsent", f'absent(up{{job="{JOB}"}} == 1)', 1.0, "page", "monitoring",
            "The collector does not answer",
            "Prometheus cannot read the collector's metrics: nothing is judged, and no other alert here can fire. "
            "Agents keep their reports and send them later.",
        ),
        Alert(
            "IngestStalled", _no_reports(slot), 0.3, "page", "monitoring",
            "No agent's report has been kept for {{ $value | humanizeDuration }}",
            "All agents of the district went silent together, which is the collector, its disk or its network and not "
            "each campus: their own alerts are held back. Agents keep their reports and send them later.",
            # What was cut off only for us is live until the next slot has been judged.
            keep_slots=2.5,
        ),
        Alert(
            "JudgingStalled", f"time() - {series.JUDGED_SLOT.name} > {4 * slot}", 1.0, "page", "monitoring",
            "The collector has stopped judging",
            "No slot has been judged for {{ $value | humanizeDuration }}, so what is shown of the campuses is old.",
        ),
        Alert(
            "ForwardingStalled", f"campus_wifi_remote_write_lag_seconds > {3 * slot}", 1.0, "ticket",
            "monitoring", "Measurements do not reach Prometheus",
            "The oldest report that waits to be forwarded is {{ $value | humanizeDuration }} old. Verdicts do not "
            "depend on it; graphs of measurements do.",
        ),
        Alert(
            "ForwardingRefused", f"increase(campus_wifi_remote_write_refused_reports_total[{seconds(12)}]) > 0",
            0.0, "ticket", "monitoring", "Prometheus refused measurements for good",
            "Some samples were refused: usually they are older than the receiver's out-of-order window. The evidence "
            "is kept and judged all the same.",
        ),
        Alert(
            "DeliveryStalled", f"time() - (campus_wifi_watchdog_timestamp_seconds > 0) > {WATCHDOG_SECONDS}", 0.0,
            "page", "monitoring", "Notifications do not arrive",
            "The watchdog, which Prometheus and Alertmanager send round all the time, came back to the collector "
            "{{ $value | humanizeDuration }} ago for the last time. Other receivers may be cut off as well.",
        ),
        Alert(
            "NotificationsFail",
            f"sum by (integration) (increase(alertmanager_notifications_failed_total[{seconds(6)}])) > 0", 1.0,
            "ticket", "monitoring", "Alertmanager cannot deliver by {{ $labels.integration }}",
            "Notifications by {{ $labels.integration }} fail. Alertmanager's log says why.",
        ),
        Alert(
            "SilencesWait", "campus_wifi_silences_pending > 0", 3.0, "ticket", "monitoring",
            "{{ $value }} silences do not reach Alertmanager",
            "Acknowledgements and approved planned work wait to become silences in Alertmanager, which does not take "
            "them. They are kept, and made as soon as it answers.",
        ),
        Alert(
            "DiskFills", f"campus_wifi_disk_free_bytes / campus_wifi_disk_size_bytes < {_LEAST_DISK}", 2.0, "ticket",
            "monitoring", "The collector's disk is nearly full",
            "{{ $value | humanizePercentage }} of the collector's disk is free. Once it is full no report is kept; "
            "agents keep theirs for 48 hours.",
        ),
        Alert(
            "Watchdog", "vector(1)", 0.0, "watchdog", "monitoring", "Alerting works",
            "Always firing. Its receiver must raise the alarm when this stops coming.",
        ),
    ]  # fmt: skip


def _suspects() -> str:
    """Campuses turn short in one slot; the suspicion lasts while more than a fifth of those in class is short."""
    by_kind = f"* on (campus) group_left (simulated) {INFO}"
    turned = f"count by (simulated) (({cause(causes.MONITOR_SUSPECT)} == 1) {by_kind})"
    short = f"count by (simulated) (({verdict('short')} == 1) {by_kind})"
    teaching = f"count by (simulated) (({IN_CLASS} == 1) {by_kind})"
    held = f"{short} > {causes.SUSPECT_SHARE} * {teaching} and on (simulated) {firing('MonitorSuspectsItself')}"
    return f"{turned} or ({held})"


def _no_reports(slot_seconds: int) -> str:
    """Below some campuses, silence of all says nothing of the collector."""
    reported = series.AGENT_LAST_REPORT.name
    enough = f"count(count by (campus) ({reported})) >= {causes.SUSPECT_CAMPUSES}"
    return f"time() - max({reported}) > {slot_seconds} and {enough}"
