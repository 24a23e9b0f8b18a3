"""The generated rules in the real promtool: each alert fires, not just below its threshold, and resolves.

Series are made up a value a slot. Slots of one minute keep promtool's clock readable; waiting times are in slots.
"""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from collector import rules, series
from tests import binaries

ROOT = Path(__file__).resolve().parents[2]
SLOT = 60
INFO = (
    'campus_wifi_campus_info{campus="n1",name="North",region="north",uplink="u1",simulated="false"}',
    'campus_wifi_campus_info{campus="s1",name="South",region="south",uplink="",simulated="false"}',
)
CAMPUS = {"campus": "n1", "name": "North", "region": "north", "uplink": "u1", "simulated": "false"}
pytestmark = pytest.mark.binaries


def verdict(campus: str, which: str) -> str:
    return f'campus_wifi_campus_verdict{{campus="{campus}",verdict="{which}"}}'


SHORT = verdict("n1", "short")
UNKNOWN = verdict("n1", "unknown")
CUT_OFF = 'campus_wifi_campus_cause{campus="n1",cause="campus_cut_off"}'
UPLINK = 'campus_wifi_campus_cause{campus="n1",cause="shared_uplink_cut"}'
SUSPECT = 'campus_wifi_campus_cause{campus="n1",cause="monitor_suspect"}'
REPORTED = 'campus_wifi_agent_last_report_timestamp_seconds{campus="n1",place="n1/A/1",agent="a"}'
AP = 'campus_wifi_ap_up{campus="n1",ap="00:11:22:33:44:55"}'
IN_CLASS = 'campus_wifi_campus_in_class{campus="n1"}'
UP = 'up{job="campus_wifi",instance="c"}'
JUDGED = "campus_wifi_judged_slot_timestamp_seconds"
LAG = "campus_wifi_remote_write_lag_seconds"
REFUSED = "campus_wifi_remote_write_refused_reports_total"
AGENT = {**CAMPUS, "place": "n1/A/1", "agent": "a"}
UPLINK_LABELS = {"region": "north", "uplink": "u1", "simulated": "false"}

# name, series that fire it, seconds at which it fires, labels beside severity and scope; then series that stay just
# below, and series that resolve it with the seconds at which it is over.
CASES: dict[str, tuple[dict[str, str], int, dict[str, str], dict[str, str], dict[str, str], int]] = {
    "CampusShort": (
        {SHORT: "1+0x20"}, 170, {**CAMPUS, "verdict": "short"},
        {SHORT: "0 1 1 0 1 1 0 1 1 0 0 0"}, {SHORT: "1x4 0x10"}, 320,
    ),
    "CampusWithoutEvidence": (
        {UNKNOWN: "1+0x20"}, 350, {**CAMPUS, "verdict": "unknown"},
        {UNKNOWN: "1x4 0x1 1x4 0x6"}, {UNKNOWN: "1x7 0x10"}, 500,
    ),
    "CampusCutOff": ({CUT_OFF: "1x20"}, 60, {**CAMPUS, "cause": "campus_cut_off"},
                     {'campus_wifi_campus_cause{campus="n1",cause="agent_silent"}': "1x20"},
                     {CUT_OFF: "1x3 stale"}, 260),
    "SharedUplinkCut": ({UPLINK: "1x20"}, 60, UPLINK_LABELS,
                        {'campus_wifi_campus_cause{campus="s1",cause="shared_uplink_cut"}': "1x20"},
                        {UPLINK: "1x3 stale"}, 260),
    "AgentSilent": ({REPORTED: "0x20"}, 240, AGENT, {REPORTED: "0+60x30"}, {REPORTED: "0x5 360+60x20"}, 400),
    "AccessPointDown": ({AP: "0x20", IN_CLASS: "1x20"}, 170, {**CAMPUS, "ap": "00:11:22:33:44:55"},
                        {AP: "0x20", IN_CLASS: "0x20"}, {AP: "0x4 1x10", IN_CLASS: "1x20"}, 320),
    "MonitorSuspectsItself": ({SUSPECT: "1x20"}, 60, {"cause": "monitor_suspect"},
                              {CUT_OFF: "1x20"}, {SUSPECT: "1x3 stale"}, 260),
    "CollectorAbsent": ({UP: "0x20"}, 70, {}, {UP: "1x20"}, {UP: "0x4 1x10"}, 320),
    "JudgingStalled": ({JUDGED: "0x20"}, 320, {}, {JUDGED: "0+60x20"}, {JUDGED: "0x6 420+60x20"}, 440),
    "ForwardingStalled": ({LAG: "181x20"}, 70, {}, {LAG: "180x20"}, {LAG: "181x4 0x10"}, 320),
    "ForwardingRefused": ({REFUSED: "0 1x20"}, 90, {}, {REFUSED: "3x20"}, {REFUSED: "0 1x40"}, 900),
}  # fmt: skip


def scene(made_up: dict[str, str], *checks: dict[str, Any]) -> dict[str, Any]:
    given = {**dict.fromkeys(INFO, "1x60"), **made_up}
    return {
        "interval": f"{SLOT}s",
        "input_series": [{"series": name, "values": values} for name, values in given.items()],
        "alert_rule_test": list(checks),
    }


def check(name: str, at: int, labels: dict[str, str] | None) -> dict[str, Any]:
    """``labels`` None: it must not fire then."""
    alert = next(alert for alert in rules.alerts(SLOT) if alert.name == name)
    expected = [] if labels is None else [{"exp_labels": {**labels, "severity": alert.severity, "scope": alert.scope}}]
    return {"eval_time": f"{at}s", "alertname": name, "exp_alerts": expected}


def fired(folder: Path, tests: list[dict[str, Any]], name: str) -> str:
    # promtool compares annotations too; they are texts, and asked for elsewhere. Only labels are of interest here.
    written = rules.rule_file(SLOT)
    for rule in written["groups"][1]["rules"]:
        rule["annotations"] = {}
    (folder / "bare.yml").write_text(rules.to_text(written))
    unit = {"rule_files": ["bare.yml"], "evaluation_interval": "2s", "tests": tests}
    (folder / "tests.yml").write_text(json.dumps(unit))
    command = [binaries.need("promtool"), "test", "rules", folder / "tests.yml"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    return "" if ran.returncode == 0 else f"{name}: {ran.stdout}{ran.stderr}"


@pytest.mark.parametrize("name", CASES)
def test_each_alert_fires_not_before_its_time_not_just_below_and_resolves(name: str, tmp_path: Path) -> None:
    fires, at, labels, below, resolves, over = CASES[name]
    slots = next(alert.slots for alert in rules.alerts(SLOT) if alert.name == name)
    early = [check(name, int(slots * SLOT) - 10, None)] if slots >= 1 else []

    scenes = [
        scene(fires, *early, check(name, at, labels)),
        scene(below, *[check(name, when, None) for when in range(60, 900, 60)]),
        scene(resolves, check(name, over, None)),
    ]

    assert fired(tmp_path, scenes, name) == ""


def test_every_alert_but_the_watchdog_has_a_case() -> None:
    assert {alert.name for alert in rules.alerts(SLOT)} == {*CASES, "Watchdog"}


def test_without_data_only_the_monitoring_itself_raises_its_voice(tmp_path: Path) -> None:
    quiet = [check(alert.name, 600, None) for alert in rules.alerts(SLOT) if alert.scope != "monitoring"]
    watchdog, absent = check("Watchdog", 600, {}), check("CollectorAbsent", 600, {})
    nothing = {"interval": "60s", "input_series": [], "alert_rule_test": [*quiet, watchdog, absent]}

    assert fired(tmp_path, [nothing], "no data") == ""


def test_a_bell_ends_the_alert_because_a_verdict_is_absent_out_of_class(tmp_path: Path) -> None:
    assert fired(tmp_path, [scene({SHORT: "1x5 stale"}, check("CampusShort", 420, None))], "bell") == ""


@pytest.mark.parametrize("slot_seconds", [1, 5, 30, 300])
def test_rules_of_every_slot_length_pass_promtools_lint(slot_seconds: int, tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text(rules.to_text(rules.rule_file(slot_seconds)))
    command = [binaries.need("promtool"), "check", "rules", "--lint=all", "--lint-fatal", tmp_path / "rules.yml"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_committed_rules_are_those_of_five_minute_slots() -> None:
    assert (ROOT / "deploy/prometheus/rules.yml").read_text() == rules.to_text(rules.rule_file(300))


def test_every_alert_is_labelled_explained_and_has_its_runbook() -> None:
    anchors = {heading.lower() for heading in re.findall(r"(?m)^## (\w+)$", (ROOT / "deploy/runbooks.md").read_text())}
    for rule in rules.rule_file(300)["groups"][1]["rules"]:
        assert {"severity", "scope"} <= rule["labels"].keys()
        assert {"summary", "description", "runbook_url"} <= rule["annotations"].keys()
        assert rule["annotations"]["runbook_url"].partition("#")[2] in anchors


def test_rules_use_only_declared_metrics_and_record_only_declared_names() -> None:
    written = rules.rule_file(300)
    used = " ".join(rule["expr"] for group in written["groups"] for rule in group["rules"])
    recorded = {rule["record"] for rule in written["groups"][0]["rules"]}

    assert set(re.findall(r"\bcampus_wifi_\w+", used.replace('job="campus_wifi"', ""))) <= series.EVERY.keys()
    assert recorded == {of.name for of in series.RECORDED}
