"""Place and access point: what was measured in one room and of one access point, against what the policy asks."""

from __future__ import annotations

from typing import Any

from dashboards import air, frame
from dashboards.asked import in_bits, policy
from dashboards.campus import name_of_campus
from dashboards.frame import CAMPUS, REPORTING, kept, link
from dashboards.panels import (
    AGE,
    BITS_A_SECOND,
    CELSIUS,
    COUNT,
    KNOWN_THEN,
    MET,
    SECONDS,
    SHARE,
    SMALL,
    UP_DOWN,
    Query,
    heading,
    lines,
    number,
    rows,
    timeline,
)  # fmt: skip

UID = frame.PLACE
ROOM = 'campus="$campus",place="$place"'
AP = 'campus="$campus",ap="$ap"'
NOBODY = "no agent in the room has measured"


def _room() -> list[Any]:
    reported = f"campus_wifi_agent_last_report_timestamp_seconds{{{ROOM}}}"
    return [
        name_of_campus(width=6),
        number("Room now", "Whether the room met what is asked of it in the last slot of class.",
               Query(f"campus_wifi_place_met{{{ROOM}}}"), values=MET, no_value="out of class, or nobody can know",
               width=6),
        number("Last report from the room", "When the newest report of an agent there was kept.",
               Query(f"max({reported}) * 1000"), AGE, no_value="no agent has reported", width=6),
        number("Agents in the room", "Approved agents that stand here now.", Query(f"count({reported})"),
               no_value="none", width=6),
        timeline(f"Room, {KNOWN_THEN}", "Whether the room met what is asked of it. A gap: out of class, or nobody can "
                 "know.", MET, Query(f"campus_wifi_place_met{{{ROOM}}}", "{{place}}"), height=4),
        rows("Agents of the room", "Who measures here, and when the last report was kept.",
             Query(f"{reported} * 1000"), by="agent", names={"agent": "Agent", "Value": "Last report",
                                                            "campus": "Campus"},
             hidden=("Time", "__name__", "place", "instance", "job"),
             overrides={"Last report": {"unit": AGE},
                        "Campus": link("Back to the campus", CAMPUS, *kept("campus")),
                        "Agent": link("Reporting health", REPORTING)},
             no_value="no agent has reported", height=4),
        heading("Path and throughput from the room"),
        lines("Round trip by stage", "Gateway, DNS, collector and internet, and what the policy asks.", SECONDS,
              Query(f"max by (rung, target) (campus_wifi_path_rtt_seconds{{{ROOM}}})", "{{rung}} {{target}}"),
              policy("rtt_seconds"), no_value=NOBODY),
        lines("Loss by stage", "Gateway, DNS, collector and internet, and what the policy asks.", SHARE,
              Query(f"max by (rung, target) (campus_wifi_path_loss_ratio{{{ROOM}}})", "{{rung}} {{target}}"),
              policy("loss_ratio"), most_seen=SMALL, no_value=NOBODY),
        lines("Jitter by stage", "Mean difference between neighbouring round trips.", SECONDS,
              Query(f"max by (rung, target) (campus_wifi_path_jitter_seconds{{{ROOM}}})", "{{rung}} {{target}}"),
              no_value=NOBODY),
        lines("Throughput", "Leased tests, and the download rate that the policy asks.", BITS_A_SECOND,
              *[Query(in_bits(f"max by (agent) (campus_wifi_throughput_{way}_bytes_per_second{{{ROOM}}})"),
                      f"{way} {{{{agent}}}}") for way in ("download", "upload")],
              policy("download_bytes_per_second"), dots=True, no_value="no test has run here"),
        lines("Round trip idle and under load", "Before a test and while it loads the path.", SECONDS,
              Query(f"max(campus_wifi_throughput_rtt_idle_seconds{{{ROOM}}})", "idle"),
              Query(f"max(campus_wifi_throughput_rtt_loaded_seconds{{{ROOM}}})", "loaded"), dots=True,
              no_value="no test has run here"),
        lines("Agent's processor and memory", "Busy and used share of the device: a busy device measures badly.", SHARE,
              Query(f"max by (agent) (campus_wifi_host_cpu_ratio{{{ROOM}}})", "processor {{agent}}"),
              Query(f"max by (agent) (campus_wifi_host_memory_used_ratio{{{ROOM}}})", "memory {{agent}}"), most=1,
              no_value="no agent in the room has said"),
        lines("Agent's clock against NTP", "What NTP says it is off; behind is below zero.", SECONDS,
              Query(f"max by (agent) (campus_wifi_host_clock_offset_seconds{{{ROOM}}})", "{{agent}}"), least=None,
              no_value="no agent in the room has asked NTP"),
        lines("Agent's temperature", "Of the device: where it is hot it slows down.", CELSIUS,
              Query(f"max by (agent) (campus_wifi_host_temperature_celsius{{{ROOM}}})", "{{agent}}"), least=None,
              no_value="no agent in the room can tell"),
    ]  # fmt: skip


def _access_point() -> list[Any]:
    by = "max by (place, agent) ({}{{" + AP + "}})"
    seen_from = "{{place}} {{agent}}"
    return [
        heading("Access point $ap"),
        number("Access point now", "Whether it answered an agent in the last slot.",
               Query(f"campus_wifi_ap_up{{{AP}}}"), values=UP_DOWN, no_value="nobody can know", width=6),
        number("Agents that ask it", "Agents of the campus that measured it in the last minutes.",
               Query(f"count(campus_wifi_ap_sent{{{AP}}})"), no_value="nobody asks it", width=6),
        timeline(f"Access point, {KNOWN_THEN}", "Whether it answered an agent in the slot. A gap: nobody can know.",
                 UP_DOWN, Query(f"campus_wifi_ap_up{{{AP}}}", "{{ap}}"), height=4, width=12),
        lines("Round trip to the access point", "Mean of each measurement, by who asks.", SECONDS,
              Query(by.format("campus_wifi_ap_rtt_seconds"), seen_from), no_value="it has not answered"),
        lines("Loss to the access point", "Share of requests without an answer, by who asks.", SHARE,
              Query(by.format("campus_wifi_ap_loss_ratio"), seen_from), most_seen=SMALL,
              no_value="nobody has asked it"),
        lines("Jitter to the access point", "Mean difference between neighbouring round trips.", SECONDS,
              Query(by.format("campus_wifi_ap_jitter_seconds"), seen_from), no_value="it has not answered"),
        lines("Requests and answers", "Sent and received in one measurement, all agents.", COUNT,
              Query(f"sum(campus_wifi_ap_sent{{{AP}}})", "sent"),
              Query(f"sum(campus_wifi_ap_received{{{AP}}})", "received"), step=True,
              no_value="nobody has asked it"),
    ]  # fmt: skip


def make() -> Any:
    place = frame.choice(
        "place", "Room", 'label_values(campus_wifi_agent_last_report_timestamp_seconds{campus="$campus"}, place)'
    )
    ap = frame.choice("ap", "Access point", 'label_values(campus_wifi_ap_up{campus="$campus"}, ap)')
    here = 'campus="$campus"'
    return frame.dashboard(
        "Wi-Fi: place and access point", UID, "What was measured in one room and of one access point.",
        [frame.campus(), place, ap], [*_room(), *_access_point(), *air.in_the_air(ROOM), *air.joining(ROOM)],
        [*frame.alerts(here), frame.incidents(f"campus_wifi_incidents_open{{{here}}}")],
        board=(frame.ROOM_PAGE, frame.CAMPUS_PAGE),
    )  # fmt: skip
