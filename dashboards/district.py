"""District: which campuses fall short now, worst first. Three states, never two; real and simulated never mixed."""

from __future__ import annotations

from typing import Any

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import dashboard as model

from dashboards.panels import (
    AGE,
    COUNT,
    GREEN,
    KNOWN_THEN,
    RED,
    SHARE,
    STATE,
    YELLOW,
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

UID = "district"
INFO = 'campus_wifi_campus_info{simulated="$simulated",region=~"$region"}'
OF = f"* on (campus) group_left () {INFO}"
LOWER = 'campus_wifi_commitment_met_ratio_lower{period="30d"}'
STATE_NOW = f"({state_of('')}) {OF}"


def _count(verdict: str) -> Query:
    # A sum of 0 and 1: zero only where campuses are judged, no value at all where nothing is known.
    return Query(f'sum(campus_wifi_campus_verdict{{verdict="{verdict}"}} {OF})')


def _kind() -> Any:
    real = model.VariableOption(selected=True, text="Real", value="false")
    simulated = model.VariableOption(selected=False, text="SIMULATED", value="true")
    made = build.CustomVariable("simulated").label("Campuses").values("Real : false,SIMULATED : true")
    return made.current(real).options([real, simulated])


def make() -> Any:
    nobody = "no campus in class, or no data"
    panels = [
        number("Short now", "Real (or simulated) campuses whose last slot of class fell short of the policy.",
               _count("short"), color=RED, no_value=nobody),
        number("Unknown now", "Campuses in class about which there is not enough evidence: neither good nor bad.",
               _count("unknown"), color=YELLOW, no_value=nobody),
        number("Met now", "Campuses whose last slot of class met the policy.", _count("met"), color=GREEN,
               no_value=nobody),
        number("In class", "Campuses that were in class in the last judged slot.",
               Query(f"sum(campus_wifi_campus_in_class {OF})"), no_value="no data"),
        number("In the inventory", "All campuses of the inventory, with agents or without.", Query(f"count({INFO})"),
               no_value="no inventory"),
        number("Last judged slot", "When the newest judged slot ended. Old: what stands here is old too.",
               Query("campus_wifi_judged_slot_timestamp_seconds * 1000"), AGE, no_value="nothing judged"),
        rows(
            "Campuses, worst first",
            "Each campus's verdict now and its share of class time met in 30 days: at least and at most; between the "
            "two lies the time without enough evidence. Figures of a period come from the ledger as it stands today.",
            Query(f"max by (campus, name, region, uplink, simulated) ({INFO})"), Query(STATE_NOW),
            *[Query(f'max by (campus) (campus_wifi_commitment_{name}{{period="30d"}} {OF})')
              for name in ("met_ratio_lower", "met_ratio_upper", "evidence_ratio")],
            Query(f"max by (campus) (campus_wifi_agent_last_report_timestamp_seconds) * 1000 {OF}"),
            by="campus",
            names={"campus": "Campus", "name": "Name", "region": "Region", "uplink": "Uplink",
                   "simulated": "Simulated", "Value #B": "Now", "Value #C": "Met at least", "Value #D": "Met at most",
                   "Value #E": "Evidence", "Value #F": "Last report"},
            hidden=("Value #A", "Time", *[f"Time {n}" for n in range(1, 7)]),
            overrides={
                "Campus": link("Open the campus", "campus", "var-campus=${__data.fields.Campus}"),
                "Now": {"mappings": words(STATE), "custom.cellOptions": {"type": "color-text"}},
                "Met at least": {"unit": SHARE, "decimals": 1},
                "Met at most": {"unit": SHARE, "decimals": 1},
                "Evidence": {"unit": SHARE, "decimals": 1},
                "Last report": {"unit": AGE},
                "Simulated": {"mappings": words({"true": ("SIMULATED", YELLOW), "false": ("real", "text")})},
            },
            sort="Now", no_value="no campus in the inventory", height=12,
        ),
        timeline(
            f"The 20 worst campuses, {KNOWN_THEN}",
            "Verdicts as they were judged first. Late evidence changes the ledger and the board, not this timeline.",
            STATE,
            Query(f"{STATE_NOW} and on (campus) bottomk(20, {LOWER} {OF})", "{{campus}}"),
        ),
        lines(
            f"Real campuses by verdict, {KNOWN_THEN}", "Campuses in class by verdict, real ones only.", COUNT,
            Query('sum by (verdict) (region_verdict:campus_wifi_campuses:count{region=~"$region"})', "{{verdict}}"),
            step=True,
        ),
        lines(
            "Access points that answer", "Share of access points that answered in the last slot.", SHARE,
            Query(f"sum by (region) (campus:campus_wifi_ap_up:sum * on (campus) group_left (region) {INFO}) / "
                  f"sum by (region) (campus:campus_wifi_ap_up:count * on (campus) group_left (region) {INFO})",
                  "{{region}}"),
            most=1,
        ),
        rows(
            "Firing alerts",
            "What Prometheus raises now. The watchdog always stands here: without it alerting itself is broken.",
            Query('ALERTS{alertstate="firing"}'), by="alertname",
            names={"severity": "Severity", "alertname": "Alert", "region": "Region", "uplink": "Uplink",
                   "campus": "Campus", "name": "Name", "ap": "Access point", "place": "Place",
                   "simulated": "Simulated"},
            hidden=("Time", "__name__", "Value", "instance", "job", "alertstate", "scope", "agent", "verdict", "cause"),
            overrides={"Campus": link("Open the campus", "campus", "var-campus=${__data.fields.Campus}")},
            no_value="no alert, not even the watchdog: alerting is broken", height=8,
        ),
    ]  # fmt: skip
    region = choice("region", "Region", "label_values(campus_wifi_campus_info, region)", every=".*")
    return dashboard(
        "Wi-Fi: district", UID, "Which campuses fall short of clause 3.0 now, and which have in 30 days.",
        [_kind(), region], panels,
    )  # fmt: skip
