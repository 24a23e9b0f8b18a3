"""Reporting health: whether what the other dashboards show can be believed: agents, ingest, judging, alerts."""

from __future__ import annotations

from typing import Any

from collector.alerting.alert import AGENT_SILENT_SLOTS
from collector.alerting.monitoring import JOB
from dashboards import frame
from dashboards.asked import KIND, OF
from dashboards.district import firing
from dashboards.frame import CAMPUS, PLACE, cell, link
from dashboards.panels import (
    AGE,
    BYTES,
    BYTES_A_SECOND,
    COUNT,
    GREEN,
    PER_SECOND,
    RED,
    SECONDS,
    SHARE,
    YELLOW,
    Query,
    heading,
    lines,
    number,
    rows,
)  # fmt: skip

UID = frame.REPORTING
NOT_FORWARDED = "nothing is forwarded: remote_write_url is not set"
NEVER_READ = "never read: see Collector"
REPORTED = "campus_wifi_agent_last_report_timestamp_seconds"
MOST = 25
ANSWERS = {"0": ("does not answer", RED), "1": ("answers", GREEN)}


def _agents(metric: str) -> str:
    """Of the chosen kind and regions, one series an agent."""
    return f"max by (campus, place, agent) ({metric} {OF})"


def _now() -> list[Any]:
    return [
        number("Collector", "Whether Prometheus can read the collector.", Query(f'min(up{{job="{JOB}"}})'),
               values=ANSWERS, no_value="never read: check the scrape configuration"),
        number("Agents", "Approved agents that stand somewhere and have ever reported.",
               Query(f"count({REPORTED} {OF})"), no_value="no agent has reported"),
        # Recorded with the rules, so that the alert and this count speak of the same silence.
        number("Silent agents", f"No report kept for {AGENT_SILENT_SLOTS} slots, which is what the alert AgentSilent "
               "speaks of. It says nothing about the Wi-Fi.",
               Query(f"sum(region:campus_wifi_agents_silent:count{{{KIND}}})"), color=YELLOW,
               no_value="no agent has reported"),
        number("Clock not synchronised", "Agents whose newest report said so. Their reports are placed later.",
               Query(f'sum((campus_wifi_agent_clock{{state!="synced"}} {OF}) or (0 * campus_wifi_agent_clock {OF}))'),
               color=YELLOW, no_value="no agent has said"),
        number("Moved without a word", "Agents whose gateway or segment is not their place's: they count for nothing.",
               Query(f"count(campus_wifi_agent_unconfirmed {OF}) or 0 * count({REPORTED} {OF})"), color=YELLOW,
               no_value="no agent has reported"),
        number("Reports in spools", "Reports that agents still held after their last push.",
               Query(f"sum(campus_wifi_agent_waiting_reports {OF})"), no_value="no agent has said"),
    ]  # fmt: skip


def _worst(title: str, what: str, metric: str, unit: str, *, least: bool = False) -> Any:
    """A table of now: over time every agent of a district would be read for every viewer, and one's own page has it."""
    order = "bottomk" if least else "topk"
    return rows(
        title, f"{what}, the {MOST} worst now.", Query(f"{order}({MOST}, {_agents(metric)})"), by="agent",
        names={"campus": "Campus", "place": "Room", "agent": "Agent", "Value": "Now"}, hidden=("Time",),
        overrides={"Campus": link("Open the campus", CAMPUS, cell("campus", "Campus")),
                   "Room": link("Open the room", PLACE, cell("campus", "Campus"), cell("place", "Room")),
                   "Now": {"unit": unit}},
        sort="Now", ascending=least, no_value="no agent has said", height=8, width=12,
    )  # fmt: skip


def _who() -> list[Any]:
    return [
        rows("Agents, longest silent first", "Every approved agent: its last report, version, clock and spool.",
             Query(f"{_agents(REPORTED)} * 1000"),
             Query(f"max by (agent) (campus_wifi_agent_waiting_reports {OF})"),
             Query(f"max by (agent, version) (campus_wifi_agent_info {OF})"),
             Query(f"max by (agent, state) (campus_wifi_agent_clock {OF})"),
             by="agent",
             names={"campus": "Campus", "place": "Room", "agent": "Agent", "Value #A": "Last report",
                    "Value #B": "Spool", "version": "Version", "state": "Clock"},
             hidden=("Time", *[f"Time {n}" for n in range(1, 5)], "Value #C", "Value #D"),
             overrides={"Campus": link("Open the campus", CAMPUS, cell("campus", "Campus")),
                        "Room": link("Open the room", PLACE, cell("campus", "Campus"), cell("place", "Room")),
                        "Last report": {"unit": AGE}},
             sort="Last report", ascending=True, no_value="no agent has reported", height=12),
        lines("Agents by version", "As their newest reports said.", COUNT,
              Query(f"sum by (version) (region_version:campus_wifi_agents:count{{{KIND}}})", "{{version}}"),
              step=True, stacked=True, no_value="no agent has said"),
        lines("Agents by state of their clock", "Estimated and unknown: reports are placed later, by an anchor.", COUNT,
              Query(f"sum by (state) (region_state:campus_wifi_agents:count{{{KIND}}})", "{{state}}"),
              step=True, stacked=True, no_value="no agent has said"),
        lines("Silent agents by region", "As it was known at the time.", COUNT,
              Query(f"sum by (region) (region:campus_wifi_agents_silent:count{{{KIND}}})", "{{region}}"), step=True,
              no_value="no agent has reported"),
        _worst("Fullest spools", "Reports that wait on the device", "campus_wifi_agent_waiting_reports", COUNT),
        rows("Clocks that are not synchronised", "Agents whose newest report said so, and what it said.",
             Query(f'max by (campus, place, agent, state) (campus_wifi_agent_clock{{state!="synced"}} {OF})'),
             by="agent", names={"campus": "Campus", "place": "Room", "agent": "Agent", "state": "Clock"},
             hidden=("Time", "Value"),
             overrides={"Campus": link("Open the campus", CAMPUS, cell("campus", "Campus"))},
             sort="Campus", ascending=True, no_value="every clock is synchronised, or no agent has said", height=8,
             width=12),
        _worst("Least disk left on agents", "Where they keep their spools", "campus_wifi_host_disk_free_bytes", BYTES,
               least=True),
    ]  # fmt: skip


def _rate(name: str, by: str) -> Query:
    return Query(f"sum by ({by}) (rate({name}[$__rate_interval]))", f"{{{{{by}}}}}")


def _ingest() -> list[Any]:
    bucket = "sum by (le) (rate(campus_wifi_ingest_commit_seconds_bucket[$__rate_interval]))"
    waiting = "campus_wifi_remote_write_pending_reports"
    return [
        heading("Ingest and judging"),
        lines("Reports by what became of them", "Accepted, duplicate or rejected, in a second.", PER_SECOND,
              _rate("campus_wifi_ingest_reports_total", "status"), no_value="no report came"),
        lines("Refused, by reason", "Requests and reports that were refused, in a second.", PER_SECOND,
              _rate("campus_wifi_ingest_rejected_total", "reason"), no_value="nothing was refused"),
        lines("From receipt to durable commit", "Half, and 99 of 100, of the pushes were faster.", SECONDS,
              Query(f"histogram_quantile(0.5, {bucket})", "half"),
              Query(f"histogram_quantile(0.99, {bucket})", "99 %"), no_value="no push came"),
        lines("Pushes", "Bytes of pushes as received, in a second.", BYTES_A_SECOND,
              Query("sum(rate(campus_wifi_ingest_received_bytes_total[$__rate_interval]))", "received"),
              no_value=NEVER_READ),
        lines("Age of the newest judged slot", "How old what is shown of the campuses is.", SECONDS,
              Query("time() - max(campus_wifi_judged_slot_timestamp_seconds)", "age"), no_value="nothing judged"),
        lines("Slots that wait to be judged again", "Late evidence marks them.", COUNT,
              Query("max(campus_wifi_evaluate_dirty_slots)", "waiting"), step=True, no_value=NEVER_READ),
        heading("Forwarding and disk"),
        lines("Age of what waits to be forwarded", "Of the oldest report that has not reached Prometheus.", SECONDS,
              Query("max(campus_wifi_remote_write_lag_seconds)", "lag"), no_value=NOT_FORWARDED),
        lines("Reports to be forwarded", "Kept reports that the cursor has not passed.", COUNT,
              Query(f"max({waiting})", "waiting"), step=True, no_value=NOT_FORWARDED),
        lines("Forwarding by outcome", "Remote-write requests in a second.", PER_SECOND,
              _rate("campus_wifi_remote_write_requests_total", "outcome"), no_value=NOT_FORWARDED),
        lines("Refused for good", "Reports of which the receiver refused samples: mostly older than its window.",
              PER_SECOND,
              Query("sum(rate(campus_wifi_remote_write_refused_reports_total[$__rate_interval]))", "refused"),
              no_value=NOT_FORWARDED),
        lines("Collector's disk", "Free share of the file system where the evidence is.", SHARE,
              Query("min(campus_wifi_disk_free_bytes / campus_wifi_disk_size_bytes)", "free"), most=1,
              no_value=NEVER_READ),
        number("Watchdog came back", "When Alertmanager last brought the watchdog back to the collector: alerting "
               "works from end to end. Nothing: no way back is configured.",
               Query("max(campus_wifi_watchdog_timestamp_seconds > 0) * 1000"), AGE,
               no_value="no way back is configured", width=4),
        number("Silences to be made", "Silences of planned work of which Alertmanager does not know yet.",
               Query("max(campus_wifi_silences_pending)"), no_value="no Alertmanager is configured", width=4),
        number("Version of the collector", "As it says itself.", Query("campus_wifi_build_info", "{{version}}"),
               no_value="never read", width=4, name=True),
    ]  # fmt: skip


def _precision(counted: str, by: str) -> Query:
    """The confirmed among all of which it is known what they were; no value where it is known of none."""
    confirmed = f'sum by ({by}) ({counted}{{resolution="confirmed"}})'
    known = f'sum by ({by}) ({counted}{{resolution!="unresolved"}})'
    return Query(f"({confirmed} or 0 * {known}) / ({known} > 0)")


def _outcomes(title: str, what: str, counted: str, by: str, heading: str, words: dict[str, str], nobody: str) -> Any:
    """Counts by what became of them, a column each, and their precision."""
    values = [f"Value #{chr(ord('A') + n)}" for n in range(len(words) + 1)]
    return rows(
        title, what,
        *[Query(f'sum by ({by}) ({counted}{{resolution="{word}"}})') for word in words], _precision(counted, by),
        by=by, names={by: heading, **dict(zip(values, [*words.values(), "Precision"], strict=True))},
        hidden=("Time", *[f"Time {n}" for n in range(1, len(values) + 1)]),
        overrides={"Precision": {"unit": SHARE, "decimals": 0, "noValue": "none resolved yet"}},
        sort="Precision", ascending=True, no_value=nobody, height=8,
    )  # fmt: skip


def _alerting() -> list[Any]:
    last_words = {"confirmed": "Confirmed", "false": "False", "disproved": "Disproved"}
    return [
        heading("Alerting: can it be trusted"),
        _outcomes(
            "Precision of each alert",
            "Faults of real campuses that somebody was told of, by the alert that told it, and what they turned out to "
            "be. Precision: the confirmed among the confirmed, the false, those that late evidence disproved, and "
            "those of which no incident came within a week. Alerts that open no incident are not in it.",
            "campus_wifi_alert_faults", "alertname", "Alert",
            last_words | {"no_incident": "No incident", "unresolved": "Not resolved yet"},
            "Alertmanager has told the collector of no fault: see notifications that came back",
        ),
        _outcomes(
            "Incidents by cause",
            "What incidents of real campuses turned out to be, told of or not, by the cause that the evidence named: "
            "whether its word on the cause can be trusted.",
            "campus_wifi_incidents_closed", "cause", "Cause", last_words, "nobody has closed an incident yet",
        ),
        lines("Notifications that came back", "Of Alertmanager, by what became of them, in a second.", PER_SECOND,
              _rate("campus_wifi_notifications_total", "outcome"), no_value="none came back"),
        lines("Requests to Alertmanager", "For silences, by outcome, in a second.", PER_SECOND,
              _rate("campus_wifi_alertmanager_requests_total", "outcome"),
              no_value="no Alertmanager is configured"),
        firing('scope=~"agent|monitoring"'),
    ]  # fmt: skip


def make() -> Any:
    return frame.dashboard(
        "Wi-Fi: reporting health", UID, "Whether what the other dashboards show can be believed.",
        [frame.simulated(), frame.region()], [*_now(), *_who(), *_ingest(), *_alerting()],
        frame.alerts('scope="monitoring",alertname!="Watchdog"'),
    )  # fmt: skip
