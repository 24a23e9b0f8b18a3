"""``/metrics``: what it says, what it leaves unsaid, and that nothing of yesterday lingers."""

import dataclasses
import re
import subprocess

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from collector import series
from collector.expose import Bounds, CampusBlock, CampusNow, Exposition
from tests import binaries

NORTH = CampusNow(
    "n1", 'North "Hill" \\ 7\n', "north", "3", "high", "u1", False, True, "short", "access_point_down",
    {"ap1": "up", "ap2": "down", "ap3": "unknown", "ap4": "not_reachable_from_here"},
    {"30d": Bounds(0.5, 0.75, 0.8, -9.0, -4.0, 3600), "today": Bounds(None, None, None)},
    {("a1", "n1/A/101"): 1_790_000_000.5}, first_bell=1_790_050_000.0,
)  # fmt: skip


MONTH = ("month", "2026-09", "2026-09-01", "2026-09-30")
THRESHOLDS = {(measure, f"{measure}.{n}"): 0.5 + n for measure in series.THRESHOLDS for n in range(2)}


def shown(*campuses: CampusNow, block: CampusBlock | None = None) -> dict[str, dict[tuple[str, ...], float]]:
    """What the block says, read back: metric to label values (in the table's order) to value."""
    block = block or CampusBlock()
    block.show(campuses, objective=0.95, judged_at=1_790_000_100.0, periods=[MONTH])
    return {
        family.name: {
            tuple(sample.labels[label] for label in series.labels_of(sample.name)): sample.value
            for sample in family.samples
        }
        for family in text_string_to_metric_families(block.text().decode())
    }


def test_a_campus_says_its_facts_verdict_cause_bounds_agents_and_access_points() -> None:
    assert shown(NORTH) == {
        "campus_wifi_campus_info": {("n1", 'North "Hill" \\ 7\n', "north", "3", "high", "u1", "false"): 1},
        "campus_wifi_campus_in_class": {("n1",): 1},
        "campus_wifi_campus_first_bell_timestamp_seconds": {("n1",): 1_790_050_000.0},
        "campus_wifi_campus_verdict": {("n1", "met"): 0, ("n1", "short"): 1, ("n1", "unknown"): 0},
        "campus_wifi_campus_cause": {("n1", "access_point_down"): 1},
        "campus_wifi_commitment_met_ratio_lower": {("n1", "30d"): 0.5},
        "campus_wifi_commitment_met_ratio_upper": {("n1", "30d"): 0.75},
        "campus_wifi_commitment_evidence_ratio": {("n1", "30d"): 0.8},
        "campus_wifi_commitment_class_seconds": {("n1", "30d"): 3600},
        "campus_wifi_commitment_error_budget_remaining_ratio_lower": {("n1", "30d"): -9.0},
        "campus_wifi_commitment_error_budget_remaining_ratio_upper": {("n1", "30d"): -4.0},
        "campus_wifi_commitment_period_info": {MONTH: 1},
        "campus_wifi_commitment_objective_ratio": {(): 0.95},
        "campus_wifi_judged_slot_timestamp_seconds": {(): 1_790_000_100.0},
        "campus_wifi_agent_last_report_timestamp_seconds": {("n1", "n1/A/101", "a1"): 1_790_000_000.5},
        "campus_wifi_ap_up": {("n1", "ap1"): 1, ("n1", "ap2"): 0},
    }


def test_a_threshold_is_said_by_criterion_and_gone_with_the_policy_that_had_it() -> None:
    block = CampusBlock()
    block.show([], thresholds={("signal_dbm", "signal.primary"): -67.0})

    assert 'campus_wifi_policy_signal_dbm{criterion="signal.primary"} -67.0\n' in block.text().decode()
    block.show([])
    assert block.text() == b""


def test_an_agent_that_may_stand_elsewhere_is_named_and_no_other() -> None:
    two = {("a1", "n1/A/101"): 1.0, ("a2", "n1/A/102"): 2.0}
    said = shown(dataclasses.replace(NORTH, agents=two, unconfirmed=frozenset({"a2"})))

    assert said["campus_wifi_agent_unconfirmed"] == {("n1", "n1/A/102", "a2"): 1}


@pytest.mark.parametrize(("in_class", "verdict"), [(False, "no_class"), (None, "")])
def test_a_verdict_is_absent_out_of_class_and_before_the_first(in_class: bool | None, verdict: str) -> None:
    said = shown(dataclasses.replace(NORTH, in_class=in_class, verdict=verdict))

    assert "campus_wifi_campus_verdict" not in said
    assert said.get("campus_wifi_campus_in_class", {}).get(("n1",)) == (None if in_class is None else 0)


def test_what_is_gone_is_gone_from_the_next_scrape() -> None:
    block = CampusBlock()
    shown(NORTH, dataclasses.replace(NORTH, campus="s1"), block=block)
    later = dataclasses.replace(NORTH, verdict="met", cause="", access_points={"ap1": "down"}, agents={}, region="west")
    said = shown(later, block=block)

    assert said["campus_wifi_campus_verdict"] == {("n1", "met"): 1, ("n1", "short"): 0, ("n1", "unknown"): 0}
    assert said["campus_wifi_ap_up"] == {("n1", "ap1"): 0}
    assert [labels[2] for labels in said["campus_wifi_campus_info"]] == ["west"]
    assert {"campus_wifi_campus_cause", "campus_wifi_agent_last_report_timestamp_seconds"} & said.keys() == set()


@pytest.mark.binaries
def test_the_whole_text_is_clean_for_promtool() -> None:
    registry = CollectorRegistry()
    for own in series.OWN:
        made = series.instrument(registry, own.name)
        if own.labels:
            made.labels(*own.labels)
    block = CampusBlock()
    doubted = dataclasses.replace(NORTH, unconfirmed=frozenset(agent for agent, _ in NORTH.agents))
    modelled = dataclasses.replace(NORTH, campus="s1", simulated=True)
    block.show([doubted, modelled], 0.95, 1.0, THRESHOLDS, {("dns", "false"): 1}, [MONTH])
    text = Exposition(registry, block).text()
    ran = subprocess.run([binaries.need("promtool"), "check", "metrics"], input=text, capture_output=True, check=False)

    assert (ran.returncode, ran.stdout, ran.stderr) == (0, b"", b"")
    assert set(re.findall(rb"(?m)^# TYPE (\w+)", text)) == {s.name.encode() for s in (*series.OWN, *series.CAMPUS)}


def test_the_table_keeps_prometheus_rules_of_names() -> None:
    for name, declared in series.EVERY.items():
        assert re.fullmatch(r"([a-z_]+:)?campus_wifi_[a-z_]+(:[a-z_]+)?", name)
        assert declared.help.endswith(".")
        assert (declared.type == "counter") == name.endswith("_total")
        assert not {"job", "instance"} & set(declared.labels)
    assert len(series.EVERY) == sum(map(len, (series.WIRE, series.CAMPUS, series.OWN, series.RECORDED)))
