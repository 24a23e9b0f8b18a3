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
    STATE,
    UP_DOWN,
    YES_NO,
    Query,
    choice,
    dashboard,
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


def _worst(metric: str) -> Query:
    return Query(f"topk({MOST_ACCESS_POINTS}, max by (ap) ({metric}{{{HERE}}}))", "{{ap}}")


def _share(name: str, period: str = "30d") -> Query:
    return Query(f'campus_wifi_commitment_{name}{{{HERE},period="{period}"}}')


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
