"""Campus: one campus's verdict, its figures of a period against the objective, and the stages on which it may fail."""

from __future__ import annotations

from typing import Any

from dashboards.panels import (
    AGE,
    BYTES_A_SECOND,
    COUNT,
    KNOWN_THEN,
    SECONDS,
    SHARE,
    SIGNAL,
    STATE,
    UP_DOWN,
    YES_NO,
    Query,
    choice,
    dashboard,
    heading,
    lines,
    link,
    number,
    rows,
    state_of,
    timeline,
    words,
)  # fmt: skip

UID = "campus"
HERE = 'campus="$campus"'
MOST_ACCESS_POINTS = 25
STAGES = ("scan", "authenticate", "associate", "eap", "handshake", "dhcp", "dns")
TRIES = "15m"
"""As far apart as an agent's tries to join are: a window of it holds one of each place."""


def _worst(metric: str) -> Query:
    return Query(f"topk({MOST_ACCESS_POINTS}, max by (ap) ({metric}{{{HERE}}}))", "{{ap}}")


def _share(name: str, period: str = "30d") -> Query:
    return Query(f'campus_wifi_commitment_{name}{{{HERE},period="{period}"}}')


def _asked(measure: str) -> Query:
    return Query(f"campus_wifi_policy_{measure}", "asked: {{criterion}}")


def _in_the_air() -> list[Any]:
    """What the agents' radios hear, against what the policy asks. An agent without a radio says nothing here."""
    heard = f"topk({MOST_ACCESS_POINTS}, max by (place, band, bssid) (campus_wifi_bss_{{}}{{{{{HERE}}}}}))"
    of_bss = "{{place}} {{band}} GHz {{bssid}}"
    return [
        heading("In the air"),
        lines("Signal of each BSS", f"The {MOST_ACCESS_POINTS} strongest readings of a place, and what the policy asks "
              "of the best and of the second access point.", SIGNAL,
              Query(heard.format("signal_dbm"), of_bss), _asked("signal_dbm"), _asked("secondary_signal_dbm"),
              least=None),
        lines("Channel busy", "Busy share of each channel as the radio of an agent counts it, the busiest place, and "
              "what the policy allows.", SHARE,
              Query(f"max by (band, channel) (campus_wifi_channel_busy_ratio{{{HERE}}})",
                    "{{band}} GHz channel {{channel}}"),
              _asked("airtime_ratio"), most=1),
        lines("BSS Load: utilization", "Busy share of the channel as each BSS claims it in its beacons.", SHARE,
              Query(heard.format("utilization_ratio"), of_bss), _asked("airtime_ratio"), most=1),
        lines("BSS Load: stations", "How many stations each BSS claims in its beacons: a number, and nobody's name.",
              COUNT, Query(heard.format("stations"), of_bss), step=True),
        lines("Signal of the connected BSS", "Of the agents whose own link is Wi-Fi.", SIGNAL,
              Query(f"campus_wifi_link_signal_dbm{{{HERE}}}", "{{place}} {{agent}}"), least=None),
        lines("Frames sent again", "Share of frames that agents whose own link is Wi-Fi had to send again, and what "
              "the policy allows.", SHARE,
              Query(f"campus_wifi_link_retry_ratio{{{HERE}}}", "{{place}} {{agent}}"), _asked("retry_ratio"), most=1),
    ]  # fmt: skip


def _joining() -> list[Any]:
    """What a pupil's device goes through to get onto the Wi-Fi, stage by stage."""
    return [
        heading("Joining"),
        lines("Stages of joining", f"Mean of the tries of the last {TRIES}, stage upon stage. A stage that no try "
              "reached has no value.", SECONDS,
              *[Query(f"avg(avg_over_time(campus_wifi_join_{stage}_seconds{{{HERE}}}[{TRIES}]))", stage)
                for stage in STAGES],
              stacked=True),
        lines("Tries to join", "Each try with its seconds from the scan to the first name, and what the policy asks of "
              "joining without the scan.", SECONDS,
              Query(f"max by (place, ssid, method) (campus_wifi_join_seconds{{{HERE}}})",
                    "{{place}} {{ssid}} {{method}}"),
              _asked("join_seconds"), dots=True),
    ]  # fmt: skip


def make() -> Any:
    no_record = "no record yet"
    panels = [
        number("Now", "Verdict of the last slot of class.", Query(state_of(HERE)), values=STATE,
               no_value="out of class, or no data"),
        number("In class", "Whether the last judged slot was instructional time.",
               Query(f"campus_wifi_campus_in_class{{{HERE}}}"), values=YES_NO, no_value=no_record, width=3),
        number("Campus", "Its name in the inventory. SIMULATED: modelled, in no total with real ones.",
               Query(f"label_replace(campus_wifi_campus_info{{{HERE}}}, \"simulated\", \"SIMULATED\", \"simulated\", "
                     "\"true\")", "{{name}} ({{simulated}})"),
               no_value="not in the inventory", width=5, name=True),
        number("Met at least, 30 days", "Share of class time that was met, unknown time counted as short.",
               _share("met_ratio_lower"), SHARE, no_value=no_record, width=3),
        number("Met at most, 30 days", "Share of class time that was met, unknown time counted as met.",
               _share("met_ratio_upper"), SHARE, no_value=no_record, width=3),
        number("Evidence, 30 days", "Share of class time about which there is enough evidence to judge.",
               _share("evidence_ratio"), SHARE, no_value=no_record, width=3),
        number("Objective", "The share of class time that the policy asks for.",
               Query("campus_wifi_commitment_objective_ratio"), SHARE, no_value="no policy", width=3),
        timeline(
            f"Verdicts, {KNOWN_THEN}",
            "Verdicts as they were judged first. The board's strip shows the ledger of today, with late evidence.",
            STATE, Query(state_of(HERE), "verdict"), height=4,
        ),
        timeline(
            f"Access points, {KNOWN_THEN}",
            "Whether each access point answered an agent in the slot. A gap: nobody can know.",
            UP_DOWN, Query(f"campus_wifi_ap_up{{{HERE}}}", "{{ap}}"),
        ),
        lines("Commitment so far", "Bounds of the last 30 days as they stood, and the objective.", SHARE,
              _share("met_ratio_lower")._replace(legend="met at least"),
              _share("met_ratio_upper")._replace(legend="met at most"),
              Query("campus_wifi_commitment_objective_ratio", "objective"), most=1),
        lines("Access points that answer", "Those of which the last slot knows, and those that answered.", COUNT,
              Query(f"campus:campus_wifi_ap_up:count{{{HERE}}}", "known"),
              Query(f"campus:campus_wifi_ap_up:sum{{{HERE}}}", "answer"), step=True),
        lines("Round trip to access points", f"The {MOST_ACCESS_POINTS} slowest access points, by the slowest agent.",
              SECONDS, _worst("campus_wifi_ap_rtt_seconds")),
        lines("Loss to access points", f"The {MOST_ACCESS_POINTS} access points that lose most.", SHARE,
              _worst("campus_wifi_ap_loss_ratio"), most=1),
        lines("Round trip by stage", "Gateway, DNS, collector and internet: the stage that is slow.", SECONDS,
              Query(f"max by (rung, target) (campus_wifi_path_rtt_seconds{{{HERE}}})", "{{rung}} {{target}}")),
        lines("Loss by stage", "Gateway, DNS, collector and internet: the stage that fails.", SHARE,
              Query(f"max by (rung, target) (campus_wifi_path_loss_ratio{{{HERE}}})", "{{rung}} {{target}}"), most=1),
        lines("Throughput", "Leased tests, at most one at a time a campus.", BYTES_A_SECOND,
              Query(f"campus_wifi_throughput_download_bytes_per_second{{{HERE}}}", "down {{place}}"),
              Query(f"campus_wifi_throughput_upload_bytes_per_second{{{HERE}}}", "up {{place}}")),
        lines("Agents: processor", "Busy share of each agent's device: a busy device measures badly.", SHARE,
              Query(f"campus_wifi_host_cpu_ratio{{{HERE}}}", "{{place}} {{agent}}"), most=1),
        *_in_the_air(),
        *_joining(),
        heading("Agents and access points now"),
        rows("Agents", "Approved agents that stand here, and when their last report was kept.",
             Query(f"campus_wifi_agent_last_report_timestamp_seconds{{{HERE}}} * 1000"), by="agent",
             names={"place": "Place", "agent": "Agent", "Value": "Last report"},
             hidden=("Time", "__name__", "campus", "instance", "job"),
             overrides={"Last report": {"unit": AGE}}, no_value="no agent has reported", height=6),
        rows("Access points now", "Each access point in the last slot, in words.",
             Query(f"campus_wifi_ap_up{{{HERE}}}"), by="ap", names={"ap": "Access point", "Value": "State",
                                                                  "campus": "Campus"},
             hidden=("Time", "__name__", "instance", "job"),
             overrides={"State": {"mappings": words(UP_DOWN), "custom.cellOptions": {"type": "color-text"}},
                        "Campus": link("Back to the district", "district")},
             no_value="nobody knows of any access point", height=8),
    ]  # fmt: skip
    campus = choice("campus", "Campus", "label_values(campus_wifi_campus_info, campus)")
    return dashboard("Wi-Fi: campus", UID, "How one campus does, and on which stage it fails.", [campus], panels)
