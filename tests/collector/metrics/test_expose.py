"""``/metrics``: what it says, what it leaves unsaid, and that nothing of yesterday lingers."""

import dataclasses
import re
import subprocess
from typing import get_args

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from collector.metrics import series
from collector.metrics.expose import Bounds, CampusBlock, CampusNow, Exposition, Rooms, Told
from collector.policies.terms import Measure
from tests import binaries

NORTH = CampusNow(
    "n1", 'North "Hill" \\ 7\n', "north", "3", "high", "u1", False, True, "short", "access_point_down",
    {"ap1": "up", "ap2": "down", "ap3": "unknown", "ap4": "not_reachable_from_here"},
    {"30d": Bounds(0.5, 0.75, 0.8, -9.0, -4.0, 3600, "falls_short"), "today": Bounds(None, None, None)},
    {("a1", "n1/A/101"): 1_790_000_000.5}, first_bell=1_790_050_000.0,
)  # fmt: skip
WHOLE = dataclasses.replace(
    NORTH,
    unconfirmed=frozenset({"a1"}),
    told={"a1": Told("1.2.3", "synced", 7), "gone": Told("1.0.0", "unknown", 9)},
    places={"n1/A/101": "met", "n1/A/102": "short", "n1/A/103": "unknown"},
    criteria={"place.loss": (2, 1, 4), "place.rtt": (0, 0, 0)},
    rooms=Rooms(12, 3, {("signal", "met"): 2, ("signal", "short"): 1, ("signal", "unknown"): 9}),
    incidents={"dhcp": 2},
    judged_day=1_790_000_000.0,
)

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
        "campus_wifi_commitment_verdict": {("n1", "30d", "falls_short"): 1},
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


def test_what_agents_say_of_themselves_is_said_of_those_that_stand_here() -> None:
    said = shown(WHOLE)

    assert said["campus_wifi_agent_info"] == {("n1", "n1/A/101", "a1", "1.2.3"): 1}
    assert said["campus_wifi_agent_clock"] == {("n1", "n1/A/101", "a1", "synced"): 1}
    assert said["campus_wifi_agent_waiting_reports"] == {("n1", "n1/A/101", "a1"): 7}


def test_rooms_criteria_and_coverage_are_said_as_bounds_and_counts_and_nothing_is_said_of_none() -> None:
    said = shown(WHOLE)

    assert said["campus_wifi_place_met"] == {("n1", "n1/A/101"): 1, ("n1", "n1/A/102"): 0}
    assert said["campus_wifi_criterion_met_ratio_lower"] == {("n1", "place.loss"): 0.5}
    assert said["campus_wifi_criterion_met_ratio_upper"] == {("n1", "place.loss"): 0.75}
    assert said["campus_wifi_coverage_listed_rooms"] == {("n1",): 12}
    assert said["campus_wifi_coverage_measured_rooms"] == {("n1",): 3}
    assert said["campus_wifi_coverage_rooms"][("n1", "signal", "unknown")] == 9


def test_open_incidents_are_counted_by_cause() -> None:
    assert shown(WHOLE)["campus_wifi_incidents_open"] == {("n1", "dhcp"): 2}


def test_every_measure_of_a_policy_has_a_threshold_series_in_base_units() -> None:
    measures = get_args(Measure)

    assert {series.threshold(measure, 8.0)[0] for measure in measures} == set(series.THRESHOLDS)
    assert series.threshold("download_bits_per_second", 8.0) == ("download_bytes_per_second", 1.0)


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
    modelled = dataclasses.replace(NORTH, campus="s1", simulated=True)
    shares = {"place.loss": 0.9}
    told = {("CampusShort", "false"): 1}
    asked = ("place.loss", 'Packets "lost"', "slot", "place", "<", "ratio", "true")
    closed = {("dns", "false"): 1}
    block.show([WHOLE, modelled], 0.95, 1.0, THRESHOLDS, closed, [MONTH], shares, told, [asked])
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
