"""Every metric as data: wire columns go in, named series with help, unit, type and labels come out.

This is the one closed table. Remote write forwards exactly WIRE, ``/metrics`` shows exactly CAMPUS and OWN, rules
record exactly RECORDED; dashboards and alert rules may use nothing else (a test holds each of them to it).
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

# Else every counter gets a `_created` gauge beside it, which nobody here reads and this table does not declare.
disable_created_metrics()  # type: ignore[no-untyped-call]

Type = Literal["gauge", "counter", "histogram"]


class Series(NamedTuple):
    """One metric. ``unit`` is the base unit its value has ("" for counts and facts)."""

    name: str
    help: str
    unit: str
    type: Type
    labels: tuple[str, ...]


class Forwarded(NamedTuple):
    """A wire column that leaves by remote write. ``divide``: bits of the wire leave as bytes. ``keys``: the columns of
    the wire whose text becomes a label, as (column, label)."""

    kind: str
    column: str
    series: Series
    keys: tuple[tuple[str, str], ...] = ()
    divide: float = 1.0


POINT = ("campus", "place", "agent")
SIMULATED_LABEL = "simulated"
"""Only on samples of simulated campuses, always "true": a selector without it would mix them with real ones."""


def _wire(
    kind: str, prefix: str, keys: tuple[tuple[str, str], ...], *columns: tuple[str, str, str, str, float]
) -> list[Forwarded]:
    labels = POINT + tuple(label for _, label in keys)
    return [
        Forwarded(kind, column, Series(f"campus_wifi_{prefix}_{name}", help_, unit, "gauge", labels), keys, divide)
        for column, name, unit, help_, divide in columns
    ]


# Sent and received are gauges of one measurement, never `_total`: a back-filled counter would look like a reset.
_ECHO = (
    ("rtt_mean_seconds", "rtt_seconds", "seconds", "Mean round-trip time of one measurement.", 1.0),
    ("rtt_min_seconds", "rtt_min_seconds", "seconds", "Least round-trip time of one measurement.", 1.0),
    ("rtt_max_seconds", "rtt_max_seconds", "seconds", "Greatest round-trip time of one measurement.", 1.0),
    ("jitter_seconds", "jitter_seconds", "seconds", "Mean difference between neighbouring round-trip times.", 1.0),
    ("loss_ratio", "loss_ratio", "ratio", "Share of requests without an answer in one measurement.", 1.0),
    ("sent", "sent", "", "Requests sent in one measurement.", 1.0),
    ("received", "received", "", "Answers received in one measurement.", 1.0),
)
WIRE: tuple[Forwarded, ...] = (
    *_wire("reach", "ap", (("target", "ap"),), *_ECHO),
    *_wire("path", "path", (("rung", "rung"), ("target", "target")), *_ECHO),
    *_wire(
        "throughput", "throughput", (),
        ("download_bits_per_second", "download_bytes_per_second", "bytes_per_second", "Download rate of a test.", 8.0),
        ("upload_bits_per_second", "upload_bytes_per_second", "bytes_per_second", "Upload rate of a test.", 8.0),
        ("rtt_idle_seconds", "rtt_idle_seconds", "seconds", "Round-trip time before the test.", 1.0),
        ("rtt_loaded_seconds", "rtt_loaded_seconds", "seconds", "Round-trip time while the test loads the path.", 1.0),
        ("nic_speed_bits_per_second", "nic_speed_bytes_per_second", "bytes_per_second",
         "Ceiling of the agent's network card in the test.", 8.0),
        ("responsiveness_rounds_per_minute", "responsiveness_rounds_per_minute", "",
         "Round trips per minute under load; shown, never judged.", 1.0),
    ),
    *_wire(
        "airspace", "bss", (("bssid", "bssid"), ("band", "band")),
        ("signal_dbm", "signal_dbm", "dbm", "Signal of a BSS of the district as heard in the place.", 1.0),
        ("utilization_ratio", "utilization_ratio", "ratio", "Busy share of the channel that the BSS claims.", 1.0),
        ("stations", "stations", "", "Stations that the BSS claims.", 1.0),
    ),
    *_wire(
        "channels", "channel", (("band", "band"), ("channel", "channel")),
        ("busy_ratio", "busy_ratio", "ratio", "Busy share of the channel as the agent's radio counts it.", 1.0),
        ("noise_dbm", "noise_dbm", "dbm", "Noise of the channel as the agent's radio tells it.", 1.0),
        ("own_radios", "own_radios", "", "Radios of the district heard on the channel.", 1.0),
        ("foreign_bss", "foreign_bss", "", "BSSs of others heard on the channel; only their number is kept.", 1.0),
    ),
    *_wire(
        "link", "link", (),
        ("signal_dbm", "signal_dbm", "dbm", "Signal of the connected BSS.", 1.0),
        ("transmit_bits_per_second", "transmit_bytes_per_second", "bytes_per_second", "Link rate, sending.", 8.0),
        ("receive_bits_per_second", "receive_bytes_per_second", "bytes_per_second", "Link rate, receiving.", 8.0),
        ("retry_ratio", "retry_ratio", "ratio", "Share of transmissions that were retries.", 1.0),
        ("beacon_losses", "beacon_losses", "", "Beacon losses since the last look.", 1.0),
        ("roams", "roams", "", "Changes of BSS since the last look.", 1.0),
    ),
    *_wire(
        "join", "join", (("ssid", "ssid"), ("method", "method")),
        ("total_seconds", "seconds", "seconds", "Time of one try to join, all stages.", 1.0),
        ("scan_seconds", "scan_seconds", "seconds", "Stage scan of one try to join.", 1.0),
        ("authenticate_seconds", "authenticate_seconds", "seconds", "Stage authenticate of one try to join.", 1.0),
        ("associate_seconds", "associate_seconds", "seconds", "Stage associate of one try to join.", 1.0),
        ("eap_seconds", "eap_seconds", "seconds", "Stage EAP of one try to join.", 1.0),
        ("handshake_seconds", "handshake_seconds", "seconds", "Stage 4-way handshake of one try to join.", 1.0),
        ("dhcp_seconds", "dhcp_seconds", "seconds", "Stage DHCP of one try to join.", 1.0),
        ("dns_seconds", "dns_seconds", "seconds", "Stage DNS of one try to join.", 1.0),
        ("portal_seconds", "portal_seconds", "seconds", "Stage captive-portal check of one try to join.", 1.0),
        ("first_byte_seconds", "first_byte_seconds", "seconds", "First byte of a known page after joining.", 1.0),
    ),
    *_wire(
        "host", "host", (),
        ("cpu_ratio", "cpu_ratio", "ratio", "Busy share of the agent's processors.", 1.0),
        ("memory_used_ratio", "memory_used_ratio", "ratio", "Used share of the agent's memory.", 1.0),
        ("disk_free_bytes", "disk_free_bytes", "bytes", "Free bytes where the agent keeps its spool.", 1.0),
        ("temperature_celsius", "temperature_celsius", "celsius", "Temperature of the agent's device.", 1.0),
        ("nic_up", "nic_up", "", "1 while the agent's network card has a link.", 1.0),
        ("nic_receive_bytes", "nic_receive_bytes", "bytes", "Bytes received by the network card since its start.", 1.0),
        ("nic_transmit_bytes", "nic_transmit_bytes", "bytes", "Bytes sent by the network card since its start.", 1.0),
        ("nic_errors", "nic_errors", "", "Errors of the network card since its start.", 1.0),
        ("nic_drops", "nic_drops", "", "Packets dropped by the network card since its start.", 1.0),
        ("clock_offset_seconds", "clock_offset_seconds", "seconds", "What NTP says the agent's clock is off.", 1.0),
        ("agent_cpu_seconds", "agent_cpu_seconds", "seconds", "Processor seconds of the agent since its start.", 1.0),
        ("agent_resident_bytes", "agent_resident_bytes", "bytes", "Resident memory of the agent.", 1.0),
    ),
)  # fmt: skip


CAMPUS_INFO = Series(
    "campus_wifi_campus_info", "Facts of a campus of the inventory; always 1.", "", "gauge",
    ("campus", "name", "region", "board_district", "grade_span", "uplink", "simulated"),
)  # fmt: skip
CAMPUS_VERDICT = Series(
    "campus_wifi_campus_verdict",
    "1 for the verdict of the last slot that ended more than the grace ago, 0 for the other two; absent out of class.",
    "", "gauge", ("campus", "verdict"),
)  # fmt: skip
CAMPUS_IN_CLASS = Series(
    "campus_wifi_campus_in_class",
    "Whether the last slot that ended more than the grace ago was instructional time.", "", "gauge", ("campus",),
)  # fmt: skip
CAMPUS_CAUSE = Series(
    "campus_wifi_campus_cause", "1 for the cause that the evidence names for the last slot; absent without one.",
    "", "gauge", ("campus", "cause"),
)  # fmt: skip
FIRST_BELL = Series(
    "campus_wifi_campus_first_bell_timestamp_seconds",
    "When the campus's next school day begins; absent where none begins within a fortnight.",
    "seconds", "gauge", ("campus",),
)  # fmt: skip
AP_UP = Series(
    "campus_wifi_ap_up",
    "Whether the access point answered an agent in the last slot of class, or in the last one shortly before the first "
    "bell; absent where nobody can know.",
    "", "gauge", ("campus", "ap"),
)  # fmt: skip
MET_LOWER = Series(
    "campus_wifi_commitment_met_ratio_lower",
    "Share of the period's instructional time that was met at least (unknown time counted as short).",
    "ratio", "gauge", ("campus", "period"),
)  # fmt: skip
MET_UPPER = Series(
    "campus_wifi_commitment_met_ratio_upper",
    "Share of the period's instructional time that was met at most (unknown time counted as met).",
    "ratio", "gauge", ("campus", "period"),
)  # fmt: skip
EVIDENCE = Series(
    "campus_wifi_commitment_evidence_ratio", "Share of the period's instructional time with enough evidence to judge.",
    "ratio", "gauge", ("campus", "period"),
)  # fmt: skip
CLASS_SECONDS = Series(
    "campus_wifi_commitment_class_seconds",
    "Instructional time of the period so far: the weight with which campuses add up to a group.",
    "seconds", "gauge", ("campus", "period"),
)  # fmt: skip
BUDGET_LOWER = Series(
    "campus_wifi_commitment_error_budget_remaining_ratio_lower",
    "Share of the period's error budget left at least (unknown time counted as short); below 0 where overspent.",
    "ratio", "gauge", ("campus", "period"),
)  # fmt: skip
BUDGET_UPPER = Series(
    "campus_wifi_commitment_error_budget_remaining_ratio_upper",
    "Share of the period's error budget left at most (unknown time counted as met); below 0 where overspent.",
    "ratio", "gauge", ("campus", "period"),
)  # fmt: skip
PERIOD_INFO = Series(
    "campus_wifi_commitment_period_info",
    "Which days a period of the commitment has, first and last included; always 1.",
    "", "gauge", ("period", "name", "from", "to"),
)  # fmt: skip
PERIOD_VERDICT = Series(
    "campus_wifi_commitment_verdict",
    "1 for what the period's verdict is, by class time and by school days: meets, not_enough_evidence or falls_short.",
    "", "gauge", ("campus", "period", "verdict"),
)  # fmt: skip
OBJECTIVE = Series(
    "campus_wifi_commitment_objective_ratio", "The share of instructional time that the policy asks for.",
    "ratio", "gauge", (),
)  # fmt: skip
AGENT_LAST_REPORT = Series(
    "campus_wifi_agent_last_report_timestamp_seconds",
    "When the collector last kept a report of this approved agent.", "seconds", "gauge", POINT,
)  # fmt: skip
AGENT_UNCONFIRMED = Series(
    "campus_wifi_agent_unconfirmed",
    "1 while an approved agent's gateway or segment is not the one of its place, so that it counts for nothing; "
    "absent otherwise.",
    "", "gauge", POINT,
)  # fmt: skip
AGENT_INFO = Series(
    "campus_wifi_agent_info", "The version of an approved agent, as its newest report said; always 1.", "", "gauge",
    (*POINT, "version"),
)  # fmt: skip
AGENT_CLOCK = Series(
    "campus_wifi_agent_clock",
    "1 for what the newest report of an approved agent said of its clock: synced, estimated or unknown.",
    "", "gauge", (*POINT, "state"),
)  # fmt: skip
AGENT_WAITING = Series(
    "campus_wifi_agent_waiting_reports",
    "Reports that the spool of an approved agent still held after its last push.", "", "gauge", POINT,
)  # fmt: skip
PLACE_MET = Series(
    "campus_wifi_place_met",
    "Whether the room met what is asked of it in the last slot of class; absent where nobody can know.",
    "", "gauge", ("campus", "place"),
)  # fmt: skip
CRITERION_LOWER = Series(
    "campus_wifi_criterion_met_ratio_lower",
    "Share of access points or rooms that met the criterion at least (unknown counted as short): in the last slot, on "
    "the last school day that was judged, or by the last surveys, by the criterion's window.",
    "ratio", "gauge", ("campus", "criterion"),
)  # fmt: skip
CRITERION_UPPER = Series(
    "campus_wifi_criterion_met_ratio_upper",
    "Share of access points or rooms that met the criterion at most (unknown counted as met): in the last slot, on the "
    "last school day that was judged, or by the last surveys, by the criterion's window.",
    "ratio", "gauge", ("campus", "criterion"),
)  # fmt: skip
CRITERION_SHARE = Series(
    "campus_wifi_policy_share_ratio", "Share of access points or rooms that the policy asks to meet the criterion.",
    "ratio", "gauge", ("criterion",),
)  # fmt: skip
CRITERION_INFO = Series(
    "campus_wifi_policy_criterion_info",
    "What the policy asks: over which window, of what, whether above or below the threshold and in which unit, and "
    "whether a verdict rests on it; always 1.",
    "", "gauge", ("criterion", "title", "window", "scope", "comparison", "unit", "required"),
)  # fmt: skip
LAST_DAY = Series(
    "campus_wifi_campus_judged_day_timestamp_seconds",
    "When the campus's last school day that was judged as a day began; absent where the policy that holds judged none.",
    "seconds", "gauge", ("campus",),
)  # fmt: skip
ROOMS_LISTED = Series("campus_wifi_coverage_listed_rooms", "Rooms of the campus's room list.", "", "gauge", ("campus",))
ROOMS_MEASURED = Series(
    "campus_wifi_coverage_measured_rooms", "Rooms of the list that were measured in the last 30 days.", "", "gauge",
    ("campus",),
)  # fmt: skip
COVERAGE_ROOMS = Series(
    "campus_wifi_coverage_rooms",
    "Rooms by what their last survey says of a criterion of coverage; unknown: none that is recent enough.",
    "", "gauge", ("campus", "criterion", "verdict"),
)  # fmt: skip
INCIDENTS_OPEN = Series(
    "campus_wifi_incidents_open", "Incidents of the campus that are not over, by cause; absent without one.",
    "", "gauge", ("campus", "cause"),
)  # fmt: skip
INCIDENTS_CLOSED = Series(
    "campus_wifi_incidents_closed",
    "Incidents of real campuses by cause and by their last word: confirmed, false, or disproved by late evidence.",
    "", "gauge", ("cause", "resolution"),
)  # fmt: skip
ALERT_FAULTS = Series(
    "campus_wifi_alert_faults",
    "Faults of real campuses that somebody was told of, by alert and by what became of them: confirmed, false, "
    "disproved by late evidence, unresolved, or no_incident where none came of it. The share that was confirmed of "
    "those that are not unresolved is the alert's precision; absent where nobody was ever told.",
    "", "gauge", ("alertname", "resolution"),
)  # fmt: skip
JUDGED_SLOT = Series(
    "campus_wifi_judged_slot_timestamp_seconds", "End of the newest slot that has been judged.", "seconds", "gauge", (),
)  # fmt: skip

# One series a measure, because each has its own unit. A policy that does not judge a measure has no threshold of it.
THRESHOLDS: dict[str, Series] = {
    measure: Series(f"campus_wifi_policy_{measure}", f"Threshold of the policy: {what}.", unit, "gauge", ("criterion",))
    for measure, unit, what in (
        ("reach_ratio", "ratio", "share of requests that an access point answers"),
        ("rtt_seconds", "seconds", "round-trip time from a room"),
        ("loss_ratio", "ratio", "share of packets lost from a room"),
        ("signal_dbm", "dbm", "signal of a room's best access point"),
        ("secondary_signal_dbm", "dbm", "signal of a room's second access point"),
        ("airtime_ratio", "ratio", "busy share of the channel"),
        ("retry_ratio", "ratio", "share of frames sent again"),
        ("join_ratio", "ratio", "share of tries to join that succeed"),
        ("join_seconds", "seconds", "time of a try to join"),
        ("download_bytes_per_second", "bytes_per_second", "download rate of a leased test"),
    )
}


def threshold(measure: str, value: float) -> tuple[str, float]:
    """A measure of the policy and its threshold as they stand in :data:`THRESHOLDS`: bits leave as bytes."""
    if measure.endswith("_bits_per_second"):
        return measure.replace("_bits_", "_bytes_"), value / 8
    return measure, value


CAMPUS: tuple[Series, ...] = (
    CAMPUS_INFO, CAMPUS_IN_CLASS, FIRST_BELL, CAMPUS_VERDICT, CAMPUS_CAUSE, MET_LOWER, MET_UPPER, EVIDENCE,
    CLASS_SECONDS, BUDGET_LOWER, BUDGET_UPPER, PERIOD_VERDICT, PERIOD_INFO, OBJECTIVE, JUDGED_SLOT, AGENT_LAST_REPORT,
    AGENT_UNCONFIRMED, AGENT_INFO, AGENT_CLOCK, AGENT_WAITING, AP_UP, PLACE_MET, CRITERION_LOWER, CRITERION_UPPER,
    CRITERION_SHARE, CRITERION_INFO, LAST_DAY, ROOMS_LISTED, ROOMS_MEASURED, COVERAGE_ROOMS, INCIDENTS_OPEN,
    INCIDENTS_CLOSED, ALERT_FAULTS, *THRESHOLDS.values(),
)  # fmt: skip

OWN: tuple[Series, ...] = (
    Series("campus_wifi_build_info", "The collector's version; always 1.", "", "gauge", ("version",)),
    Series("campus_wifi_board_info", "Where people open the board; always 1.", "", "gauge", ("url",)),
    Series("campus_wifi_ingest_requests_total", "Pushes received.", "", "counter", ()),
    Series("campus_wifi_ingest_reports_total", "Reports by what became of them.", "", "counter", ("status",)),
    Series("campus_wifi_ingest_rejected_total", "Requests and reports refused, by reason.", "", "counter", ("reason",)),
    Series("campus_wifi_ingest_received_bytes_total", "Bytes of pushes as received.", "bytes", "counter", ()),
    Series("campus_wifi_ingest_unknown_keys_total", "Keys of reports that we do not know.", "", "counter", ()),
    Series("campus_wifi_ingest_commit_seconds", "Seconds from receipt to durable commit.", "seconds", "histogram", ()),
    Series("campus_wifi_evaluate_dirty_slots", "Campus slots that wait to be judged again.", "", "gauge", ()),
    Series("campus_wifi_remote_write_samples_total", "Samples that the receiver has taken.", "", "counter", ()),
    Series("campus_wifi_remote_write_requests_total", "Remote-write requests by outcome.", "", "counter", ("outcome",)),
    Series("campus_wifi_remote_write_refused_reports_total",
           "Reports of which the receiver refused samples for good.", "", "counter", ()),
    Series("campus_wifi_remote_write_pending_reports", "Kept reports that the cursor has not passed.", "", "gauge", ()),
    Series("campus_wifi_remote_write_lag_seconds", "Age of the oldest report that still waits to be forwarded.",
           "seconds", "gauge", ()),
    Series("campus_wifi_notifications_total", "Notifications of Alertmanager by what became of them.", "", "counter",
           ("outcome",)),
    Series("campus_wifi_watchdog_timestamp_seconds",
           "When Alertmanager last brought the watchdog back; 0 where no way back is configured.",
           "seconds", "gauge", ()),
    Series("campus_wifi_silences_pending", "Silences that are to be made or ended and of which Alertmanager does not "
           "know yet.", "", "gauge", ()),
    Series("campus_wifi_alertmanager_requests_total", "Requests to Alertmanager by outcome.", "", "counter",
           ("outcome",)),
    Series("campus_wifi_disk_free_bytes", "Free bytes where the collector keeps its data.", "bytes", "gauge", ()),
    Series("campus_wifi_disk_size_bytes", "Size of the file system of the collector's data.", "bytes", "gauge", ()),
)  # fmt: skip

RECORDED: tuple[Series, ...] = (
    Series("region_verdict:campus_wifi_campuses:count", "Real campuses by the verdict of their last slot of class.",
           "", "gauge", ("region", "verdict")),
    Series("region:campus_wifi_campuses:count", "Real campuses of the inventory.", "", "gauge", ("region",)),
    Series("campus:campus_wifi_ap_up:count", "Access points of a campus about which the last slot knows.",
           "", "gauge", ("campus",)),
    Series("campus:campus_wifi_ap_up:sum", "Access points of a campus that answered in the last slot.",
           "", "gauge", ("campus",)),
    Series("region_version:campus_wifi_agents:count", "Approved agents by version.", "", "gauge",
           ("region", "simulated", "version")),
    Series("region_state:campus_wifi_agents:count", "Approved agents by the state of their clock.", "", "gauge",
           ("region", "simulated", "state")),
    Series("region:campus_wifi_agents_silent:count", "Approved agents without a report for as long as an alert allows.",
           "", "gauge", ("region", "simulated")),
    Series("region:campus_wifi_ap_up:count", "Access points about which the last slot knows.", "", "gauge",
           ("region", "simulated")),
    Series("region:campus_wifi_ap_up:sum", "Access points that answered in the last slot.", "", "gauge",
           ("region", "simulated")),
    Series("campus:campus_wifi_short:slot", "1 where the campus was short when the rule looked, once a slot; else 0.",
           "", "gauge", ("campus",)),
)  # fmt: skip

EVERY: dict[str, Series] = {s.name: s for s in (*(f.series for f in WIRE), *CAMPUS, *OWN, *RECORDED)}


def labels_of(name: str) -> tuple[str, ...]:
    """The labels of a declared metric. Raises KeyError for a name that nobody declared."""
    return EVERY[name].labels


def instrument(registry: CollectorRegistry, name: str) -> Any:
    """A declared metric of the collector's own health as prometheus-client's Counter, Gauge or Histogram."""
    declared = EVERY[name]
    made = {"counter": Counter, "gauge": Gauge, "histogram": Histogram}[declared.type]
    return made(name, declared.help, declared.labels, registry=registry)
