"""One campus, end to end: what breaks is seen, told once, back-filled and judged again to the truth.

The scenes follow one another on one running campus, as a school day does; each leaves it whole again.
"""

import contextlib
import time
from collections.abc import Iterator

import pytest

from tests.dashboards import queries
from tests.e2e.campus import AP_IDS, ROOMS, SLOT_SECONDS, Campus, running
from tests.e2e.network import ACCESS_POINTS
from tests.e2e.programs import until

pytestmark = [pytest.mark.e2e, pytest.mark.root, pytest.mark.timeout(600)]
LATE_SECONDS = 4 * SLOT_SECONDS


@pytest.fixture(scope="module")
def campus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Campus]:
    with running(tmp_path_factory.mktemp("campus")) as made:
        yield made


def first_whole_slot(after: float) -> int:
    return (int(after) // SLOT_SECONDS + 1) * SLOT_SECONDS


def wait_for_verdict(campus: Campus, slot: int, verdict: str) -> None:
    until(lambda: campus.slots().get(slot) == verdict, LATE_SECONDS, f"slot {slot} is {verdict}")


def wait_until_met(campus: Campus) -> int:
    slot = first_whole_slot(time.time())
    wait_for_verdict(campus, slot, "met")
    return slot


def test_a_campus_where_all_answer_is_met(campus: Campus) -> None:
    until(lambda: "met" in campus.slots().values(), 90, "a first slot is met")
    wait_until_met(campus)

    assert len(campus.query("count by (ap) (campus_wifi_ap_rtt_seconds)")) == 20
    (answer,) = [one for one in campus.get("/v1/commitment")["campuses"] if one["campus"] == "lincoln"]
    assert answer["met_ratio_upper"] > 0


def test_three_dead_access_points_are_short_within_one_slot_and_told_once(campus: Campus) -> None:
    campus.network.kill_access_points(ACCESS_POINTS[:3])
    slot = first_whole_slot(time.time())
    wait_for_verdict(campus, slot, "short")
    grounds = campus.record(slot)[-1]
    reach = next(one for one in grounds["criteria"] if one["id"] == "access_point.reachability")

    assert grounds["cause"] == "access_point_down"
    assert sorted(reach["failing"]) == AP_IDS[:3]
    until(lambda: campus.webhook.about("CampusShort", "firing"), 5 * SLOT_SECONDS, "the alert reaches the receiver")

    def told() -> bool:
        steps = [step["step"] for one in campus.get("/v1/incidents?campus=lincoln") for step in one["steps"]]
        return "notified" in steps

    until(told, 2 * SLOT_SECONDS, "the incident says that somebody was told")
    until(lambda: campus.query("campus_wifi_watchdog_timestamp_seconds > 0"), 10, "the watchdog came back")

    campus.network.return_access_points(ACCESS_POINTS[:3])
    wait_until_met(campus)
    until(lambda: campus.webhook.about("CampusShort", "resolved"), 3 * SLOT_SECONDS, "the alert is resolved")
    assert len(campus.webhook.about("CampusShort", "firing")) == 1


def test_a_cut_campus_is_unknown_and_judged_again_to_the_truth_when_it_is_back(campus: Campus) -> None:
    dead = ACCESS_POINTS[3]
    campus.network.cut_wan()
    first = first_whole_slot(time.time())
    campus.network.kill_access_points([dead])
    cut = [first + n * SLOT_SECONDS for n in range(6)]
    wait_for_verdict(campus, first, "unknown")
    assert campus.record(first)[-1]["cause"] == "campus_cut_off"
    until(lambda: time.time() > cut[3], 6 * SLOT_SECONDS, "four slots have passed")
    campus.network.return_access_points([dead])
    until(lambda: campus.slots().get(cut[-1]) == "unknown", 6 * SLOT_SECONDS, "six slots are unknown")
    assert {campus.slots()[slot] for slot in cut} == {"unknown"}
    campus.network.mend_wan()

    wait = 10 * SLOT_SECONDS
    until(lambda: all(campus.slots().get(slot) == "short" for slot in cut), wait, "the cut is judged to the truth")
    # One agent's backlog may come before the other's: two of them prove that it was the campus.
    until(lambda: campus.record(cut[1])[-1]["cause"] == "campus_cut_off", wait, "both agents' word is in")
    said = campus.record(cut[1])
    assert [one["verdict"] for one in said][:1] == ["unknown"]
    assert said[-1]["verdict"] == "short"
    assert said[-1]["revision"] > said[0]["revision"]
    # The access point that died and came back while nobody could see it.
    named = [AP_IDS[3] in (c.get("failing") or ()) for c in said[-1]["criteria"]]
    assert any(named)
    late = campus.get("/v1/campuses/lincoln/ledger")["changes"]
    assert any(change["slot"] == cut[1] and change["reason"] == "late evidence" for change in late)

    wait_until_met(campus)
    no_gap = f'count_over_time(campus_wifi_ap_rtt_seconds{{ap="{AP_IDS[9]}"}}[{SLOT_SECONDS}s])'
    until(
        lambda: all(campus.query(no_gap, at=slot + SLOT_SECONDS) for slot in cut),
        60,
        "the back-filled samples are in Prometheus at their true times",
    )


def test_nothing_is_lost_and_nothing_counted_twice(campus: Campus) -> None:
    sealed = {(campus.agents[n], *one) for n in (0, 1) for one in campus.spooled(n)}

    def settled() -> bool:
        return sealed <= {(agent, stream, seq) for agent, stream, seq, _ in campus.kept()}

    until(settled, 60, "everything sealed so far is kept")
    kept = campus.kept()
    assert len({one[:3] for one in kept}) == len(kept)
    assert len({one[3] for one in kept}) == len(kept)
    for stream in {one[1] for one in kept}:
        numbers = sorted(seq for _, of, seq, _ in kept if of == stream)
        assert numbers == list(range(1, len(numbers) + 1))


def test_every_query_of_every_dashboard_panel_returns_data(campus: Campus) -> None:
    """The campus's agents have no radio: what only a radio measures is asked of the simulated campus beside it, whose
    reports come over the same road. Thresholds of the air are there once a policy asks for it."""
    simulated = campus.add_simulated_campus()
    campus.adopt("baseline-2")
    reported = f'campus_wifi_agent_last_report_timestamp_seconds{{campus="{simulated}"}}'
    (agent, *_) = until(lambda: campus.query(reported), 6 * SLOT_SECONDS, "a simulated agent has reported")
    here = queries.every(campus="lincoln", place=ROOMS[0], ap=AP_IDS[0])
    there = queries.every(campus=simulated, simulated="true", place=agent["metric"]["place"])
    asked = [
        one
        for one in here
        if not queries.needs_radio(one) and (one.dashboard, one.panel) not in queries.EMPTY_WHEN_WELL
    ]
    of_radio = [one for one in there if queries.needs_radio(one) and not queries.needs_page(one)]

    def silent() -> list[tuple[str, str, str]]:
        return [(one.dashboard, one.panel, one.expr) for one in (*asked, *of_radio) if not campus.query(one.expr)]

    assert asked and of_radio
    # Who is silent at the end says more than that somebody is.
    with contextlib.suppress(AssertionError):
        until(lambda: not silent(), 6 * SLOT_SECONDS, "every query of every panel has an answer")
    assert silent() == []
