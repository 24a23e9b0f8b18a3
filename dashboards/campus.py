"""Campus: one campus's verdict, its figures of a period against the objective, and the stages on which it may fail."""

from __future__ import annotations

from typing import Any

from dashboards import air, frame
from dashboards.asked import OBJECTIVE, criterion_state_of, in_bits, period_state_of, policy, state_of, thresholds
from dashboards.frame import INCIDENTS, PLACE, REPORTING, cell, either, kept, link, to_board, value_of
from dashboards.panels import (
    AGE,
    BITS_A_SECOND,
    COUNT,
    GREY,
    KNOWN_THEN,
    MET,
    PERIOD,
    SECONDS,
    SHARE,
    SMALL,
    STATE,
    UP_DOWN,
    YES_NO,
    Query,
    coloured,
    heading,
    lines,
    number,
    rows,
    timeline,
    words,
)  # fmt: skip

UID = frame.CAMPUS
SAID = {
    "Judged over": {"slot": ("last slot of class", GREY), "day": ("last school day", GREY),
                    "survey": ("last surveys", GREY)},
    "Of": {"access_point": ("access points", GREY), "place": ("rooms", GREY), "campus": ("the campus", GREY)},
    "Each": {"<": ("below", GREY), "<=": ("at most", GREY), ">": ("above", GREY), ">=": ("at least", GREY)},
    "Unit": {"ratio": ("share", GREY), "seconds": ("seconds", GREY), "dbm": ("dBm", GREY),
             "bytes_per_second": ("bits a second", GREY)},
    "Required": {"true": ("required", GREY), "false": ("shown only", GREY)},
}  # fmt: skip
"""What labels of a criterion are called in words."""
HERE = 'campus="$campus"'
NO_RECORD = "no record yet"


def _worst(metric: str) -> Query:
    return Query(f"topk({air.MOST_SERIES}, max by (ap) ({metric}{{{HERE}}}))", "{{ap}}")


def _share(name: str) -> Query:
    return Query(f'campus_wifi_commitment_{name}{{{HERE},period="$period"}}')


def name_of_campus(width: int = 5) -> Any:
    """Its name, with the mark of a modelled one."""
    return number(
        "Campus", "Its name in the inventory. SIMULATED: modelled, in no total with real ones.",
        Query(f"label_replace(campus_wifi_campus_info{{{HERE}}}, \"simulated\", \"SIMULATED\", \"simulated\", "
              "\"true\")", "{{name}} ({{simulated}})"),
        no_value="not in the inventory", width=width, name=True,
    )  # fmt: skip


def _now() -> list[Any]:
    return [
        number("Now", "Verdict of the last slot of class.", Query(state_of(HERE)), values=STATE,
               no_value="out of class, or no data"),
        number("In class", "Whether the last judged slot was instructional time.",
               Query(f"campus_wifi_campus_in_class{{{HERE}}}"), values=YES_NO, no_value=NO_RECORD, width=3),
        name_of_campus(),
        number("Cause", "What the evidence names for the last slot. Without positive evidence no cause is named.",
               Query(f"campus_wifi_campus_cause{{{HERE}}}", "{{cause}}"), no_value="none named", name=True),
        number("Open incidents", "Faults here that are not over.",
               Query(f"sum(campus_wifi_incidents_open{{{HERE}}}) or 0 * max(campus_wifi_campus_info{{{HERE}}})"),
               no_value="not in the inventory", width=4,
               leads=to_board("The incidents on the board", f"{INCIDENTS}&campus=${{campus:percentencode}}")),
        number("Next first bell", "When the next school day begins.",
               Query(f"campus_wifi_campus_first_bell_timestamp_seconds{{{HERE}}} * 1000"), AGE,
               no_value="none in a fortnight", width=4),
    ]  # fmt: skip


def _both_lines() -> list[Any]:
    """Service and coverage, never merged: whether a class can work, and whether the signal is there."""
    matchers = f'{HERE},period="$period"'
    return [
        heading("Service: the chosen period"),
        number("Verdict of the period", "By class time and by school days, the worse of the two.",
               Query(period_state_of(matchers)), values=PERIOD, no_value=NO_RECORD),
        number("Met at least", "Share of class time that was met, unknown time counted as short.",
               _share("met_ratio_lower"), SHARE, no_value=NO_RECORD),
        number("Met at most", "Share of class time that was met, unknown time counted as met.",
               _share("met_ratio_upper"), SHARE, no_value=NO_RECORD),
        number("Objective", "The share of class time that the policy asks for.", Query(OBJECTIVE), SHARE,
               no_value="no policy"),
        number("Evidence", "Share of class time about which there is enough evidence to judge.",
               _share("evidence_ratio"), SHARE, no_value=NO_RECORD),
        number("Budget left, at least", "Share of the time that may be short which is left, unknown time counted as "
               "short. Below zero: used up.", _share("error_budget_remaining_ratio_lower"), SHARE, no_value=NO_RECORD),
        lines("Commitment so far", "Bounds of the chosen period as they stood, and the objective.", SHARE,
              _share("met_ratio_lower")._replace(legend="met at least"),
              _share("met_ratio_upper")._replace(legend="met at most"),
              Query(OBJECTIVE, "objective"), most=1, least=None, least_seen=0.8, width=24, no_value=NO_RECORD),
        heading("Coverage: is the signal there"),
        number("Rooms listed", "Rooms of the campus's room list.",
               Query(f"campus_wifi_coverage_listed_rooms{{{HERE}}}"), no_value="no room list"),
        number("Rooms measured", "Rooms of the list that an agent or a technician measured in 30 days.",
               Query(f"campus_wifi_coverage_measured_rooms{{{HERE}}}"), no_value="nobody has measured"),
        rows("Rooms by criterion of coverage", "What each room's last survey says. Unknown: never surveyed, or too "
             "long ago. Only a policy that asks for coverage has any.",
             *[Query(f'max by (criterion) (campus_wifi_coverage_rooms{{{HERE},verdict="{verdict}"}})')
               for verdict in ("met", "short", "unknown")],
             by="criterion", names={"criterion": "Criterion", "Value #A": "Rooms met", "Value #B": "Rooms short",
                                    "Value #C": "Rooms unknown"},
             hidden=("Time", "Time 1", "Time 2", "Time 3"), sort="Rooms short",
             no_value="the policy asks for no coverage", height=5, width=16),
    ]  # fmt: skip


def _criteria() -> list[Any]:
    bounds = ("lower", "upper")
    facts = "criterion, title, window, scope, comparison, unit, required"
    shares = ("Met at least", "Met at most", "Asked of all")
    return [
        heading("Criteria: slot, day and survey"),
        number("Last school day judged", "When it began. Criteria of a day are judged when it is over.",
               Query(f"campus_wifi_campus_judged_day_timestamp_seconds{{{HERE}}} * 1000"), AGE,
               no_value="no school day judged by this policy"),
        rows("Criteria", "Everything that the policy asks, with its own threshold: how much of the campus met it, at "
             "least and at most, in the last slot of class, on the last school day that was judged, or by the last "
             "survey of each room. Out of class no slot says anything.",
             Query(f"max by ({facts}) (campus_wifi_policy_criterion_info)"),
             Query(f"max by (criterion) ({criterion_state_of(HERE)})"),
             *[Query(f"max by (criterion) (campus_wifi_criterion_met_ratio_{bound}{{{HERE}}})") for bound in bounds],
             Query("max by (criterion) (campus_wifi_policy_share_ratio)"),
             Query(f"max by (criterion) ({thresholds()})"),
             by="criterion",
             names={"title": "Criterion", "window": "Judged over", "scope": "Of", "Value #B": "State",
                    "Value #C": "Met at least", "Value #D": "Met at most", "Value #E": "Asked of all",
                    "comparison": "Each", "Value #F": "Threshold", "unit": "Unit", "required": "Required"},
             hidden=("criterion", "Value #A", "Time", *[f"Time {n}" for n in range(1, 7)]),
             overrides={"State": coloured(STATE),
                        **{name: {"unit": SHARE, "decimals": 1} for name in shares},
                        **{column: {"mappings": words(said)} for column, said in SAID.items()}},
             sort="State", no_value="no policy", height=10, width=20),
        heading("Rooms and access points in the last slot"),
        rows("Rooms now", "Rooms in the last slot of class, in words. A room that nobody can judge is not in it.",
             Query(f"campus_wifi_place_met{{{HERE}}}"), by="place", names={"place": "Room", "Value": "State"},
             hidden=("Time", "__name__", "campus", "instance", "job"),
             overrides={"Room": either(link("Open the room", PLACE, *kept("campus"), cell("place", "Room")),
                                       to_board("The room on the board", f'/room/{value_of("Room")}')),
                        "State": coloured(MET)},
             sort="State", ascending=True, no_value="out of class, or no room with evidence", height=8, width=12),
        rows("Access points now", "Each access point in the last slot, in words.",
             Query(f"campus_wifi_ap_up{{{HERE}}}"), by="ap", names={"ap": "Access point", "Value": "State"},
             hidden=("Time", "__name__", "instance", "job", "campus"),
             overrides={"State": coloured(UP_DOWN),
                        "Access point": link("Open the access point", PLACE, *kept("campus"),
                                             cell("ap", "Access point"))},
             sort="State", ascending=True, no_value="nobody knows of any access point", height=8, width=12),
        rows("Agents", "Approved agents that stand here, and when their last report was kept.",
             Query(f"campus_wifi_agent_last_report_timestamp_seconds{{{HERE}}} * 1000"), by="agent",
             names={"place": "Room", "agent": "Agent", "Value": "Last report"},
             hidden=("Time", "__name__", "campus", "instance", "job"),
             overrides={"Last report": {"unit": AGE},
                        "Agent": link("Reporting health", REPORTING)},
             sort="Last report", ascending=True, no_value="no agent has reported", height=8, width=12),
    ]  # fmt: skip


def _over_time() -> list[Any]:
    return [
        heading("Over time"),
        timeline(
            f"Verdicts, {KNOWN_THEN}",
            "Verdicts as they were judged first. The board's strip shows the ledger of today, with late evidence.",
            STATE, Query(state_of(HERE), "verdict"), height=4,
        ),
        timeline(
            f"Rooms, {KNOWN_THEN}", "Whether each room met what is asked. A gap: out of class, or nobody can know.",
            MET, Query(f"campus_wifi_place_met{{{HERE}}}", "{{place}}"), height=6,
        ),
        timeline(
            f"Access points, {KNOWN_THEN}",
            "Whether each access point answered an agent in the slot. A gap: nobody can know.",
            UP_DOWN, Query(f"campus_wifi_ap_up{{{HERE}}}", "{{ap}}"),
        ),
        lines("Access points that answer", "Those of which the last slot knows, and those that answered.", COUNT,
              Query(f"campus:campus_wifi_ap_up:count{{{HERE}}}", "known"),
              Query(f"campus:campus_wifi_ap_up:sum{{{HERE}}}", "answer"), step=True,
              no_value="nobody knows of any access point"),
        lines("Round trip to access points", f"The {air.MOST_SERIES} slowest access points, by the slowest agent.",
              SECONDS, _worst("campus_wifi_ap_rtt_seconds"), no_value="no access point has answered"),
        lines("Loss to access points", f"The {air.MOST_SERIES} access points that lose most.", SHARE,
              _worst("campus_wifi_ap_loss_ratio"), most_seen=SMALL, no_value="no access point was asked"),
        lines("Round trip by stage", "Gateway, DNS, collector and internet: the stage that is slow, and what the "
              "policy asks.", SECONDS,
              Query(f"max by (rung, target) (campus_wifi_path_rtt_seconds{{{HERE}}})", "{{rung}} {{target}}"),
              policy("rtt_seconds"), no_value="no agent here has measured"),
        lines("Loss by stage", "Gateway, DNS, collector and internet: the stage that fails, and what the policy asks.",
              SHARE,
              Query(f"max by (rung, target) (campus_wifi_path_loss_ratio{{{HERE}}})", "{{rung}} {{target}}"),
              policy("loss_ratio"), most_seen=SMALL, no_value="no agent here has measured"),
        lines("Throughput", "Leased tests, at most one at a time a campus, and the download rate that the policy asks.",
              BITS_A_SECOND,
              Query(in_bits(f"campus_wifi_throughput_download_bytes_per_second{{{HERE}}}"), "download {{place}}"),
              Query(in_bits(f"campus_wifi_throughput_upload_bytes_per_second{{{HERE}}}"), "upload {{place}}"),
              policy("download_bytes_per_second"), dots=True, no_value="no test has run here"),
    ]  # fmt: skip


def make() -> Any:
    panels = [*_now(), *_both_lines(), *_criteria(), *_over_time(), *air.in_the_air(HERE), *air.joining(HERE)]
    annotations = [*frame.alerts(HERE), frame.incidents(f"campus_wifi_incidents_open{{{HERE}}}")]
    return frame.dashboard(
        "Wi-Fi: campus", UID, "How one campus does, and on which stage it fails.",
        [frame.campus(), frame.period()], panels, annotations, board=(frame.CAMPUS_PAGE,),
    )  # fmt: skip
