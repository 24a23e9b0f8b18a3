"""Every query of the five dashboards answers with data, from a real Prometheus that holds a simulated week."""

import time
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from collector.alerting import notifications
from collector.alerting.alert import Terms
from collector.judgement.samples import JOINING
from tests.dashboards import queries, week
from tests.dashboards.queries import Asked
from tests.dashboards.server import Server, serving
from tests.e2e.programs import until

SIX_HOURS = 6 * 3600
# A simulated campus beside three real ones, of which two have access points that are told of.
DISTRICT = week.District(4, 2, access_points=8)
pytestmark = pytest.mark.binaries


class Week(NamedTuple):
    server: Server
    end: float


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Week]:
    folder = tmp_path_factory.mktemp("week")
    (folder / "data").mkdir()
    end = time.time()
    when = week.moments(end - week.WEEK_SECONDS, end, (week.WEEK_SECONDS, 1800), (SIX_HOURS, 120), (600, 15))
    week.write_blocks(DISTRICT, when, folder / "data")
    # Slots of seconds, so that alerts fire while one waits.
    with serving(folder, folder / "data", Terms(10)) as server:
        firing = 'count by (campus) (ALERTS{{alertstate="firing",campus="campus-0",severity="{}"}})'
        for severity in ("page", "ticket"):
            until(lambda: server.now(firing.format(severity), time.time()), 60, f"a {severity} fires")  # noqa: B023
        yield Week(server, time.time())


@pytest.mark.parametrize("asked", list(queries.every()), ids=lambda asked: f"{asked.dashboard}-{asked.panel}")
def test_each_query_answers_as_its_panel_asks(asked: Asked, simulated: Week) -> None:
    found = simulated.server.ask(asked, simulated.end, SIX_HOURS)

    assert found, asked.expr


def test_the_criteria_of_slot_day_and_survey_each_have_a_state_bounds_and_their_own_threshold(simulated: Week) -> None:
    asked = [one for one in queries.every() if (one.dashboard, one.panel) == ("campus", "Criteria")]
    facts, *columns = [
        {row["metric"]["criterion"]: row for row in simulated.server.ask(one, simulated.end, 0)} for one in asked
    ]

    assert {row["metric"]["window"] for row in facts.values()} == {"slot", "day", "survey"}
    assert all(column.keys() == facts.keys() for column in columns)
    # A rate in bits, as people know it.
    assert {name: float(row["value"][1]) for name, row in columns[-1].items()} == {
        name: value * (8 if "bytes" in measure else 1) for name, (measure, value) in week.CRITERIA.items()
    }


def test_a_try_that_joined_is_held_against_what_the_policy_asks_of_it_without_scan_and_page(simulated: Week) -> None:
    asked = next(one for one in queries.every() if one.panel == "Tries that joined")
    found = simulated.server.ask(asked, simulated.end, SIX_HOURS)
    stages = [
        simulated.server.ask(asked._replace(expr=f'campus_wifi_join_{stage}_seconds{{campus="campus-0"}}'),
                             simulated.end, SIX_HOURS)
        for stage in JOINING
    ]  # fmt: skip

    of_agent = {row["metric"]["agent"]: dict(row["values"]) for row in found}
    for agent, values in of_agent.items():
        parts = [dict(row["values"]) for one in stages for row in one if row["metric"]["agent"] == agent]
        assert len(parts) == len(JOINING)
        for at, value in values.items():
            assert float(value) == pytest.approx(sum(float(part[at]) for part in parts))


def test_the_precision_of_an_alert_leaves_out_what_is_not_resolved_yet(simulated: Week) -> None:
    asked = [one for one in queries.every() if one.panel == "Precision of each alert"]
    found = {
        row["metric"]["alertname"]: float(row["value"][1]) for row in simulated.server.ask(asked[-1], simulated.end, 0)
    }

    assert found == dict.fromkeys(notifications.OPENS, 0.7)


@pytest.mark.parametrize(
    "asked", [one for one in queries.every() if not one.instant], ids=lambda one: f"{one.dashboard}-{one.panel}"
)
def test_each_graph_answers_for_the_whole_week(asked: Asked, simulated: Week) -> None:
    assert simulated.server.ask(asked, simulated.end, week.WEEK_SECONDS), asked.expr
