"""A day's backlog of fifty campuses at once: judged to the truth, and nobody is told of it.

The real judge on a real store says what it says on ``/metrics``, slot by slot, and the real rules look at that.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from collector.administration.operations import perform
from collector.alerting import rules
from collector.alerting.alert import Terms
from collector.config import Config
from collector.judgement.judge import Judge
from collector.metrics.current import Current
from collector.services import Services
from collector.signer import Signer
from collector.store import Batch, Incoming, Store, incidents
from tests.collector.incident_rig import a_district, for_access_point
from tests.collector.judgement.test_judge_loop import MORNING, SLOT, Now, a_slot, enrolled, imported, minute, strip
from tests.deploy.made_up import check, fired

CAMPUSES = ["lincoln", *(f"c{number:02}" for number in range(1, 50))]
AGENTS = {name: f"{number + 1:032x}" for number, name in enumerate(CAMPUSES)}
APS = {name: f"00:11:22:33:45:{number:02x}" for number, name in enumerate(CAMPUSES)}
DAY_SLOTS, CHUNKS = 288, 12
TERMS = Terms(SLOT)
pytestmark = [pytest.mark.binaries, pytest.mark.timeout(600)]


class District:
    """Fifty campuses with an agent each, and what ``/metrics`` said of them after each slot."""

    def __init__(self, folder: Path, store: Store, clock: Now) -> None:
        self.store, self.clock = store, clock
        services = Services(store, Config(data_dir=folder), Signer.load_or_create(folder), clock)
        self.judge = services.judge = Judge(store, clock, 60.0)
        self.current = Current(services)
        self.said: list[dict[str, float]] = []
        for name, agent in AGENTS.items():
            enrolled(store, clock, agent, name)
            perform(store, None, clock, "agents-approve", {"agent": agent, "place": f"{name}/main/101"})

    def push(self, reports: Callable[[str], list[Incoming]]) -> None:
        """Every agent's reports together, as they come from a district: ``reports`` gives those of one agent."""
        waiting = []
        for name, agent in AGENTS.items():
            asked = [for_access_point(one, APS[name]) for one in reports(agent)]
            waiting.append(self.store.submit(Batch(agent, asked, self.clock())))
        for one in waiting:
            one.result()

    def live(self, slot: int) -> None:
        """A slot in which all is well, and the collector's word of it."""
        self.clock.at = slot + SLOT
        self.push(lambda agent: a_slot(slot, agent=agent))
        self.look(slot + SLOT + 61)
        self.said.append(self._samples(MORNING))

    def look(self, at: float) -> None:
        self.clock.at = at
        while self.judge.step().more:
            pass
        self.current.refresh()

    def _samples(self, origin: int) -> dict[str, float]:
        """promtool's clock begins with 0."""
        found = {}
        for family in text_string_to_metric_families(self.current.text().decode()):
            for sample in family.samples:
                labels = ",".join(f'{name}="{value}"' for name, value in sample.labels.items())
                moved = origin if sample.name.endswith("_timestamp_seconds") else 0
                found[f"{sample.name}{{{labels}}}"] = sample.value - moved
        return found


def test_a_backlog_of_a_day_from_fifty_campuses_is_judged_and_tells_nobody(tmp_path: Path) -> None:
    yesterday = MORNING - DAY_SLOTS * SLOT
    clock = Now(yesterday - 2.0 * SLOT)
    listed = "id,name,region\n" + "".join(f"{name},Campus {name},north\n" for name in CAMPUSES)
    with a_district(tmp_path, clock, listed) as store:
        lines = "".join(f"{name},{APS[name]},ap-1,10.0.0.1\n" for name in CAMPUSES)
        imported(store, clock, "access-points", f"campus,id,name,address\n{lines}")
        imported(store, clock, "rooms", "campus,building,room\n" + "".join(f"{name},main,101\n" for name in CAMPUSES))
        district = District(tmp_path, store, clock)
        # Each access point has answered once, so that it can be down; then a day without a report of anybody.
        clock.at = yesterday - SLOT
        district.push(lambda agent: a_slot(yesterday - 2 * SLOT, agent=agent))
        district.look(MORNING)

        for chunk in range(CHUNKS):
            district.live(MORNING + chunk * SLOT)
            district.push(lambda agent, chunk=chunk: _two_hours(yesterday, chunk, agent))
        for slot in range(CHUNKS, CHUNKS + 4):
            district.live(MORNING + slot * SLOT)

        judged = strip(store, CAMPUSES[7])
        with store.read() as connection:
            found = incidents.of_period(connection, yesterday, MORNING)

    late = {letter for slot, letter in judged.items() if slot < MORNING}
    assert late == {"s"}
    assert len(found) >= len(CAMPUSES)
    assert not any(one.state == "open" for one in found)
    assert _told(district.said, tmp_path) == ""


def _two_hours(since: int, chunk: int, agent: str) -> list[Incoming]:
    """A minute of each slot: it proves the access point down, and takes no longer than it must."""
    begin = since + chunk * SLOT * (DAY_SLOTS // CHUNKS)
    slots = range(begin, begin + SLOT * (DAY_SLOTS // CHUNKS), SLOT)
    return [minute(slot, ap_answers=False, agent=agent) for slot in slots]


def _told(said: list[dict[str, float]], folder: Path) -> str:
    names = sorted({name for one in said for name in one})
    series = [
        {"series": name, "values": " ".join(f"{one[name]:.10g}" if name in one else "stale" for one in said)}
        for name in names
    ]
    quiet = [
        check(alert.name, at * SLOT + SLOT // 2, None, terms=TERMS)
        for alert in rules.alerts(TERMS)
        if alert.name not in ("Watchdog", "CollectorAbsent")
        for at in range(len(said))
    ]
    scene = {"interval": f"{SLOT}s", "input_series": series, "alert_rule_test": quiet}
    return fired(folder, [scene], "late data", TERMS, evaluated_every=75)
