"""District: which campuses fall short now, worst first. Three states, never two; real and simulated never mixed."""

from __future__ import annotations

from typing import Any

from dashboards import frame
from dashboards.asked import INFO, KIND, OF, period_state_of, state_of
from dashboards.frame import CAMPUS, INCIDENTS, PLACE, cell, kept, link, to_board, value_of
from dashboards.panels import (
    AGE,
    COUNT,
    GREEN,
    KNOWN_THEN,
    PERIOD,
    RED,
    SHARE,
    SIMULATED,
    STATE,
    YELLOW,
    Query,
    coloured,
    lines,
    number,
    rows,
    timeline,
    words,
)  # fmt: skip

UID = frame.DISTRICT
LOWER = 'campus_wifi_commitment_met_ratio_lower{period="$period"}'
STATE_NOW = f"({state_of('')}) {OF}"


def _count(verdict: str) -> Query:
    # A sum of 0 and 1: zero only where campuses are judged, no value at all where nothing is known.
    return Query(f'sum(campus_wifi_campus_verdict{{verdict="{verdict}"}} {OF})')


def _now() -> list[Any]:
    nobody = "no campus in class, or no data"
    return [
        number("Short now", "Real (or simulated) campuses whose last slot of class fell short of the policy.",
               _count("short"), color=RED, no_value=nobody),
        number("Unknown now", "Campuses in class about which there is not enough evidence: neither good nor bad.",
               _count("unknown"), color=YELLOW, no_value=nobody),
        number("Met now", "Campuses whose last slot of class met the policy.", _count("met"), color=GREEN,
               no_value=nobody),
        number("In class", "Campuses that were in class in the last judged slot.",
               Query(f"sum(campus_wifi_campus_in_class {OF})"), no_value="nothing judged"),
        number("In the inventory", "All campuses of the inventory, with agents or without.", Query(f"count({INFO})"),
               no_value="no inventory"),
        number("Last judged slot", "When the newest judged slot ended. Old: what stands here is old too.",
               Query("campus_wifi_judged_slot_timestamp_seconds * 1000"), AGE, no_value="nothing judged"),
    ]  # fmt: skip


def _campuses() -> Any:
    figures = ("met_ratio_lower", "met_ratio_upper", "evidence_ratio")
    return rows(
        "Campuses, worst first",
        "Each campus's verdict now and, of the chosen period, its verdict and its share of class time met: at least "
        "and at most; between the two lies the time without enough evidence. Figures of a period come from the ledger "
        "as it stands today.",
        Query(f"max by (campus, name, region, uplink, simulated) ({INFO})"), Query(STATE_NOW),
        Query(f"""max by (campus) (({period_state_of('period="$period"')}) {OF})"""),
        *[Query(f'max by (campus) (campus_wifi_commitment_{name}{{period="$period"}} {OF})') for name in figures],
        Query(f"max by (campus) (campus_wifi_agent_last_report_timestamp_seconds) * 1000 {OF}"),
        Query(f"sum by (campus) (campus_wifi_incidents_open {OF}) or 0 * max by (campus) ({INFO})"),
        by="campus",
        names={"campus": "Campus", "name": "Name", "region": "Region", "uplink": "Uplink", "simulated": "Simulated",
               "Value #B": "Now", "Value #C": "Period", "Value #D": "Met at least", "Value #E": "Met at most",
               "Value #F": "Evidence", "Value #G": "Last report",
               "Value #H": "Open incidents"},
        hidden=("Value #A", "Time", *[f"Time {n}" for n in range(1, 9)]),
        overrides={
            "Campus": link("Open the campus", CAMPUS, cell("campus", "Campus"), *kept("period")),
            "Name": to_board("Its page on the board", f'/campus/{value_of("Campus")}'),
            "Now": coloured(STATE),
            "Period": coloured(PERIOD),
            **{column: {"unit": SHARE, "decimals": 1} for column in ("Met at least", "Met at most", "Evidence")},
            "Last report": {"unit": AGE},
            "Open incidents": to_board("Its incidents on the board", f'{INCIDENTS}&campus={value_of("Campus")}'),
            "Simulated": {"mappings": words(SIMULATED)},
        },
        sort="Now", no_value="no campus in the inventory", height=12,
    )  # fmt: skip


def firing(matchers: str = "") -> Any:
    # What only holds others back says nothing.
    chosen = 'alertstate="firing",severity!="none"' + (f",{matchers}" if matchers else "")
    return rows(
        "Firing alerts",
        "What Prometheus raises now. The watchdog always stands here: without it alerting itself is broken.",
        Query(f"ALERTS{{{chosen}}}"), by="alertname",
        names={"severity": "Severity", "alertname": "Alert", "region": "Region", "uplink": "Uplink",
               "campus": "Campus", "name": "Name", "ap": "Access point", "place": "Place",
               "simulated": "Simulated"},
        hidden=("Time", "__name__", "Value", "instance", "job", "alertstate", "scope", "agent", "verdict", "cause",
                "board_district", "grade_span"),
        overrides={"Campus": link("Open the campus", CAMPUS, cell("campus", "Campus")),
                   "Name": to_board("Its incidents on the board", f'{INCIDENTS}&campus={value_of("Campus")}'),
                   "Access point": link("Open the access point", PLACE, cell("campus", "Campus"),
                                        cell("ap", "Access point")),
                   "Place": link("Open the room", PLACE, cell("campus", "Campus"), cell("place", "Place")),
                   "Simulated": {"mappings": words(SIMULATED)}},
        no_value="no alert, not even the watchdog: alerting is broken", height=8,
    )  # fmt: skip


def make() -> Any:
    panels = [
        *_now(),
        _campuses(),
        timeline(
            f"The 20 worst campuses, {KNOWN_THEN}",
            "The 20 that met the least of the chosen period's class time. Verdicts as they were judged first: late "
            "evidence changes the ledger and the board, not this timeline.",
            STATE,
            # Who they are is asked once, at the end of the time range.
            Query(state_of("", f"bottomk(20, {LOWER} @ end() {OF} @ end())"), "{{campus}}"),
        ),
        lines(
            f"Real campuses by verdict, {KNOWN_THEN}", "Campuses in class by verdict, real ones only.", COUNT,
            Query('sum by (verdict) (region_verdict:campus_wifi_campuses:count{region=~"$region"})', "{{verdict}}"),
            step=True, no_value="no campus in class, or no data",
        ),
        lines(
            "Access points that answer", "Share of access points that answered in the last slot.", SHARE,
            Query(f"sum by (region) (region:campus_wifi_ap_up:sum{{{KIND}}}) / "
                  f"sum by (region) (region:campus_wifi_ap_up:count{{{KIND}}})", "{{region}}"),
            most=1, no_value="nobody knows of any access point",
        ),
        lines(
            "Open incidents by cause", "Campuses with an incident that is not over, as it was known at the time.",
            COUNT, Query(f"sum by (cause) (campus_wifi_incidents_open {OF})", "{{cause}}"), step=True, width=24,
            no_value="no incident was open, or no data",
            leads=to_board("The incidents on the board", INCIDENTS),
        ),
        firing(),
    ]  # fmt: skip
    shared = 'scope=~"uplink|monitoring",alertname!="Watchdog"'
    return frame.dashboard(
        "Wi-Fi: district", UID, "Which campuses fall short of clause 3.0 now, and which have in the chosen period.",
        [frame.simulated(), frame.region(), frame.period()], panels,
        [*frame.alerts(shared),
         frame.incidents('max by (cause) (campus_wifi_incidents_open{cause="shared_uplink_cut"})')],
    )  # fmt: skip
