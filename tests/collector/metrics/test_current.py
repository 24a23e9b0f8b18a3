"""What ``/metrics`` shows is what store and judge know now: a real collector, pushed to, judged and scraped."""

import subprocess
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from agent import wire
from collector.judgement.judge import Judge
from collector.metrics import series
from collector.metrics.current import Current
from collector.store import agents
from tests import binaries
from tests.collector import rig as rigs

SLOT = 300
# A Tuesday, 17:30 in California: a school day there, and tomorrow already in UTC.
MOMENT = 1_789_518_600.0 - 1_789_518_600.0 % SLOT


def said(current: Current) -> dict[str, dict[str, float]]:
    """Metric to its lines for the one campus that has an agent, by what tells them apart."""
    found: dict[str, dict[str, float]] = {}
    for family in text_string_to_metric_families(current.text().decode()):
        for sample in family.samples:
            if sample.labels.get("campus") == rigs.CAMPUS:
                rest = [value for name, value in sorted(sample.labels.items()) if name != "campus"]
                found.setdefault(sample.name, {})[" ".join(rest)] = sample.value
    return found


@pytest.mark.binaries
def test_verdict_bounds_access_points_and_agents_follow_the_evidence(tmp_path: Path) -> None:
    clock = rigs.Clock(MOMENT - 2 * SLOT)
    with rigs.running(tmp_path, clock) as rig:
        device = rig.enroll(rigs.Device())
        rig.stands_since(device, MOMENT - 2 * SLOT - 1)
        judge = Judge(rig.store, clock, 60.0)
        rig.services.judge = judge
        current = Current(rig.services, "1.2.3")
        current.refresh()
        assert "campus_wifi_campus_verdict" not in said(current)

        clock.offset += 2 * SLOT + 90
        rig.push(device, *[device.seal(device.report(MOMENT - 2 * SLOT + 60 * n)) for n in range(10)])
        while judge.step().more:
            pass
        current.refresh()
        told = said(current)
        ran = subprocess.run(
            [binaries.need("promtool"), "check", "metrics"], input=current.text(), capture_output=True, check=False
        )

    assert sum(told["campus_wifi_campus_verdict"].values()) == 1
    assert told["campus_wifi_campus_in_class"] == {"": 1}
    assert told["campus_wifi_ap_up"] == dict.fromkeys(rigs.APS, 1)
    assert set(told["campus_wifi_commitment_met_ratio_lower"]) == {"today", "7d", "30d", "month", "term"}
    assert told["campus_wifi_agent_clock"] == {f"{device.id}  synced": 1}
    assert list(told["campus_wifi_agent_info"]) == [f"{device.id}  1.0"]
    assert told["campus_wifi_agent_waiting_reports"] == {f"{device.id} ": 0}
    assert told["campus_wifi_criterion_met_ratio_lower"]["access_point.reachability"] == 1
    assert list(told["campus_wifi_agent_last_report_timestamp_seconds"]) == [f"{device.id} "]
    assert (ran.returncode, ran.stdout + ran.stderr) == (0, b"")


def test_an_agent_says_its_newest_version_and_clock_though_its_backlog_comes_later(tmp_path: Path) -> None:
    clock = rigs.Clock(MOMENT)
    with rigs.running(tmp_path, clock) as rig:
        device = rig.enroll(rigs.Device())
        newest = device.seal(device.report(MOMENT - 60, agent_version="2.0"))
        older = device.seal(device.report(MOMENT - 3600, agent_version="1.0", clock=wire.Clock("estimated", 5.0)))
        for sealed, waiting in ((newest, 9), (older, 8)):
            clock.offset += 10
            rig.post(device.id, wire.encode(wire.Push("a" * 16, [sealed], waiting)))
        with rig.store.read() as connection:
            known = agents.find(connection, device.id)

    assert known is not None
    assert (known.version, known.clock_state, known.waiting_reports) == ("2.0", "synced", 8)


def test_every_metric_of_a_running_collector_is_declared(tmp_path: Path) -> None:
    with rigs.running(tmp_path) as rig:
        Current(rig.services, "1.2.3")
        families = text_string_to_metric_families(rig.http.get("/metrics").text)
        names = {f"{family.name}_total" if family.type == "counter" else family.name for family in families}

    assert names
    assert names <= series.EVERY.keys()
