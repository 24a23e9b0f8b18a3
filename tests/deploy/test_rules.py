"""The generated rules in the real promtool: each alert fires, not just below its threshold, and resolves.

Series are made up a value a slot. Slots of one minute keep promtool's clock readable; waiting times are in slots.
"""

import re
import subprocess
from pathlib import Path

import pytest

from collector.alerting import rules
from collector.alerting.alert import Terms
from collector.metrics import series
from tests import binaries
from tests.deploy.made_up import CAMPUS, SLOT, TERMS, check, fired, scene

ROOT = Path(__file__).resolve().parents[2]
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
BELL = 'campus_wifi_campus_first_bell_timestamp_seconds{campus="n1"}'
UP = 'up{job="campus_wifi",instance="c"}'
JUDGED = "campus_wifi_judged_slot_timestamp_seconds"
LAG = "campus_wifi_remote_write_lag_seconds"
REFUSED = "campus_wifi_remote_write_refused_reports_total"
WATCHDOG = "campus_wifi_watchdog_timestamp_seconds"
FAILED = 'alertmanager_notifications_failed_total{instance="a",integration="email"}'
PENDING = "campus_wifi_silences_pending"
FREE = "campus_wifi_disk_free_bytes"
AGENT = {**CAMPUS, "place": "n1/A/1", "agent": "a"}
UPLINK_LABELS = {"region": "north", "uplink": "u1", "simulated": "false"}
TEACHING = {IN_CLASS: "1x60"}
SIZE = {"campus_wifi_disk_size_bytes": "100x60"}


def everywhere(values: str, campuses: int = 5) -> dict[str, str]:
    """The last report of one agent at each of so many campuses."""
    named = 'campus_wifi_agent_last_report_timestamp_seconds{{campus="c{0}",place="p",agent="a{0}"}}'
    return {named.format(number): values for number in range(campuses)}


# name, series that fire it, seconds at which it fires, labels beside severity and scope; then series that stay just
# below, and series that resolve it with the seconds at which it is over.
CASES: dict[str, tuple[dict[str, str], int, dict[str, str], dict[str, str], dict[str, str], int]] = {
    "CampusShort": (
        {SHORT: "1+0x20", **TEACHING}, 170, {**CAMPUS, "verdict": "short"},
        {SHORT: "0 1 1 0 1 1 0 1 1 0 0 0", **TEACHING}, {SHORT: "1x4 0x10", **TEACHING}, 320,
    ),
    "CampusWithoutEvidence": (
        {UNKNOWN: "1+0x20", **TEACHING}, 350, {**CAMPUS, "verdict": "unknown"},
        {UNKNOWN: "1x4 0x1 1x4 0x6", **TEACHING}, {UNKNOWN: "1x7 0x10", **TEACHING}, 500,
    ),
    "CampusCutOff": ({CUT_OFF: "1x20", **TEACHING}, 60, {**CAMPUS, "cause": "campus_cut_off"},
                     {'campus_wifi_campus_cause{campus="n1",cause="agent_silent"}': "1x20", **TEACHING},
                     {CUT_OFF: "1x3 stale", **TEACHING}, 260),
    "SharedUplinkCut": ({UPLINK: "1x20", **TEACHING}, 60, UPLINK_LABELS,
                        {'campus_wifi_campus_cause{campus="s1",cause="shared_uplink_cut"}': "1x20", **TEACHING},
                        {UPLINK: "1x3 stale", **TEACHING}, 440),
    "AgentSilent": ({REPORTED: "0x20", **TEACHING}, 310, AGENT, {REPORTED: "0 0+60x30", **TEACHING},
                    {REPORTED: "0x5 360+60x20", **TEACHING}, 400),
    "AccessPointDown": ({AP: "0x20", **TEACHING}, 170, {**CAMPUS, "ap": "00:11:22:33:44:55"},
                        {AP: "0x20", IN_CLASS: "0x20"}, {AP: "0x4 1x10", **TEACHING}, 320),
    "QuietOutOfClass": ({REPORTED: "0x40", IN_CLASS: "0x40"}, 970, {"region": "north", "simulated": "false"},
                        {REPORTED: "0x40", **TEACHING}, {REPORTED: "0x17 1080+60x20", IN_CLASS: "0x40"}, 1110),
    "BrokenBeforeClass": ({AP: "0x40", IN_CLASS: "0x40", BELL: "1380x40"}, 350,
                          {**CAMPUS, "broken": "access points down"},
                          {AP: "1x40", IN_CLASS: "0x40", BELL: "1380x40"},
                          {AP: "0x40", IN_CLASS: "0x40", BELL: "1380x22 87780x20"}, 1390),
    "MonitorSuspectsItself": ({SUSPECT: "1x20"}, 60, {"simulated": "false"},
                              {CUT_OFF: "1x20"}, {SUSPECT: "1x3 stale"}, 260),
    "CollectorAbsent": ({UP: "0x20"}, 70, {}, {UP: "1x20"}, {UP: "0x4 1x10"}, 320),
    "IngestStalled": (everywhere("0x20"), 90, {}, everywhere("0x20", 4), everywhere("0x4 300+60x20"), 480),
    "JudgingStalled": ({JUDGED: "0x20"}, 320, {}, {JUDGED: "0+60x20"}, {JUDGED: "0x6 420+60x20"}, 440),
    "ForwardingStalled": ({LAG: "181x20"}, 70, {}, {LAG: "180x20"}, {LAG: "181x4 0x10"}, 320),
    "ForwardingRefused": ({REFUSED: "0 1x20"}, 90, {}, {REFUSED: "3x20"}, {REFUSED: "0 1x40"}, 900),
    "DeliveryStalled": ({WATCHDOG: "60x40"}, 1270, {}, {WATCHDOG: "0x40"}, {WATCHDOG: "60x22 1380+60x20"}, 1400),
    "NotificationsFail": ({FAILED: "0 1x20"}, 130, {"integration": "email"}, {FAILED: "3x20"}, {FAILED: "0 1x40"}, 600),
    "SilencesWait": ({PENDING: "2x20"}, 190, {}, {PENDING: "2x2 0x20"}, {PENDING: "2x5 0x10"}, 370),
    "DiskFills": ({FREE: "9x20", **SIZE}, 130, {}, {FREE: "10x20", **SIZE}, {FREE: "9x3 20x20", **SIZE}, 260),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_each_alert_fires_not_before_its_time_not_just_below_and_resolves(name: str, tmp_path: Path) -> None:
    fires, at, labels, below, resolves, over = CASES[name]
    slots = next(alert.slots for alert in rules.alerts(TERMS) if alert.name == name)
    early = [check(name, int(slots * SLOT) - 10, None)] if slots >= 1 else []

    scenes = [
        scene(fires, *early, check(name, at, labels)),
        scene(below, *[check(name, when, None) for when in range(60, 900, 60)]),
        scene(resolves, check(name, over, None)),
    ]

    assert fired(tmp_path, scenes, name) == ""


def test_every_alert_has_a_case_here_or_tests_of_its_own() -> None:
    assert {alert.name for alert in rules.alerts(TERMS)} == {*CASES, "CampusBudgetBurns", "CampusToldToday", "Watchdog"}


def test_without_data_only_the_monitoring_itself_raises_its_voice(tmp_path: Path) -> None:
    quiet = [check(alert.name, 600, None) for alert in rules.alerts(TERMS) if alert.scope != "monitoring"]
    watchdog, absent = check("Watchdog", 600, {}), check("CollectorAbsent", 600, {})
    nothing = {"interval": "60s", "input_series": [], "alert_rule_test": [*quiet, watchdog, absent]}

    assert fired(tmp_path, [nothing], "no data") == ""


@pytest.mark.parametrize("slot_seconds", [1, 5, 30, 300])
def test_rules_of_every_slot_length_pass_promtools_lint(slot_seconds: int, tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text(rules.to_text(rules.rule_file(Terms(slot_seconds))))
    command = [binaries.need("promtool"), "check", "rules", "--lint=all", "--lint-fatal", tmp_path / "rules.yml"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_committed_rules_are_those_of_five_minute_slots() -> None:
    assert (ROOT / "deploy/prometheus/rules.yml").read_text() == rules.to_text(rules.rule_file())


def test_every_alert_is_labelled_explained_and_has_its_runbook() -> None:
    anchors = {heading.lower() for heading in re.findall(r"(?m)^## (\w+)$", (ROOT / "deploy/runbooks.md").read_text())}
    dashboards = {path.stem for path in (ROOT / "dashboards" / "json").glob("*.json")}
    for rule in (rule for group in rules.rule_file()["groups"] for rule in group["rules"] if "alert" in rule):
        assert rule["labels"].keys() == {"severity", "scope"}
        assert {"summary", "description", "runbook_url", "dashboard_url", "board_url"} == rule["annotations"].keys()
        assert re.search(r"/d/(\w+)", rule["annotations"]["dashboard_url"])[1] in dashboards
        assert rule["annotations"]["runbook_url"].partition("#")[2] in anchors


def test_rules_use_only_declared_metrics_and_record_only_declared_names() -> None:
    written = rules.rule_file()
    used = " ".join(rule["expr"] for group in written["groups"] for rule in group["rules"])
    recorded = {rule["record"] for group in written["groups"] for rule in group["rules"] if "record" in rule}

    assert (
        set(re.findall(r"(?:\w+:)?\bcampus_wifi_\w+(?::\w+)?", used.replace('job="campus_wifi"', "")))
        <= series.EVERY.keys()
    )
    assert recorded == {of.name for of in series.RECORDED}
