"""The committed dashboards keep dashboard-linter's rules, our own, and ask only for metrics that somebody makes."""

import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard

from collector.metrics import series
from dashboards import build
from tests.dashboards import queries

ROOT = Path(__file__).resolve().parents[2]
BOARDS = queries.dashboards()
CORE = {"stat", "table", "timeseries", "state-timeline"}
UNITS = {value for name, value in vars(units).items() if not name.startswith("_")}
# What Prometheus itself says, beside what the collector exports and the rules record.
PROMETHEUS = {"ALERTS", "up"}
OVER_TIME = {"timeseries", "state-timeline"}
LOWEST = 1e-9
"""The one step of colour that a dashboard knows by itself: that there is any."""


def panels() -> list[Any]:
    """All but headings, which show nothing."""
    return [
        pytest.param(board, panel, id=f"{uid}-{panel['title']}")
        for uid, board in BOARDS.items()
        for panel in board["panels"]
        if panel["type"] != "row"
    ]


def test_the_committed_files_are_what_the_code_builds() -> None:
    assert build.main(["--check"]) == 0


def test_the_check_fails_where_somebody_edited_a_file(tmp_path: Path) -> None:
    (tmp_path / "district.json").write_text(build.files()["district.json"].replace("Short now", "All well"))

    assert build.main(["--check"], tmp_path) == 1


def test_uids_are_fixed_and_nothing_of_one_server_is_in_the_files() -> None:
    assert set(BOARDS) == {"district", "campus", "place", "reporting", "commitment"}
    for uid, board in BOARDS.items():
        assert len(uid) <= 40
        assert {"id", "version", "__inputs"} & board.keys() == set()
        assert board["editable"] is False
        assert "wifi" in board["tags"]


@pytest.mark.parametrize("uid", BOARDS)
def test_ids_are_unique_and_no_panel_covers_another(uid: str) -> None:
    shown = BOARDS[uid]["panels"]
    covered = [
        (x, y)
        for position in (panel["gridPos"] for panel in shown)
        for x in range(position["x"], position["x"] + position["w"])
        for y in range(position["y"], position["y"] + position["h"])
    ]

    assert len({panel["id"] for panel in shown}) == len(shown)
    assert len(covered) == len(set(covered))
    assert max(x for x, _ in covered) < 24


@pytest.mark.parametrize("uid", BOARDS)
def test_the_sdk_reads_a_dashboard_back_without_losing_a_key(uid: str) -> None:
    register_default_plugins()
    again = json.loads(JSONEncoder(sort_keys=True).encode(Dashboard.from_json(json.loads(json.dumps(BOARDS[uid])))))

    for shown in (*again["links"], *again["annotations"].get("list", [])):
        assert shown.pop("placement") == "inControlsMenu"
    assert again == BOARDS[uid]


@pytest.mark.parametrize(("board", "panel"), panels())
def test_each_panel_is_of_the_core_explained_and_honest_about_silence(board: Any, panel: Any) -> None:
    defaults = panel["fieldConfig"]["defaults"]

    assert panel["type"] in CORE
    assert panel["title"] and panel["description"].endswith(".")
    assert panel["datasource"]["uid"] == "${datasource}"
    assert panel["targets"]
    assert defaults["noValue"]
    assert panel["type"] == "table" or defaults["unit"] in UNITS
    # The colour of nothing is never green: the lowest step is what a panel without a value would take.
    assert "green" not in defaults["thresholds"]["steps"][0]["color"]


@pytest.mark.parametrize(("board", "panel"), panels())
def test_every_coloured_state_has_words_and_silence_has_its_own(board: Any, panel: Any) -> None:
    given = panel["fieldConfig"]
    mapped = [given["defaults"].get("mappings") or []]
    mapped += [p["value"] for o in given["overrides"] for p in o["properties"] if p["id"] == "mappings"]
    for mappings in filter(None, mapped):
        results = [r for m in mappings if m["type"] == "value" for r in m["options"].values()]
        silence = [m["options"]["result"] for m in mappings if m["type"] == "special"]
        assert all(result["text"] for result in results)
        assert [s["text"] for s in silence] == ["no report"]
        assert "green" not in silence[0]["color"]
    if panel["type"] == "state-timeline":
        assert mapped[0]
        assert panel["title"].endswith("as known at the time")


@pytest.mark.parametrize(("board", "panel"), panels())
def test_no_threshold_of_the_policy_stands_in_a_dashboard(board: Any, panel: Any) -> None:
    steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]

    assert {step.get("value") for step in steps} <= {None, LOWEST}


def test_every_threshold_that_a_measurement_can_be_held_against_is_a_line_of_some_graph() -> None:
    drawn = {name for asked in queries.every() for name in queries.metrics(asked.expr)}
    # A share of tries or of answers is judged over a day or over agents: no graph has its like.
    judged_elsewhere = {"reach_ratio", "join_ratio"}

    assert {of.name for measure, of in series.THRESHOLDS.items() if measure not in judged_elsewhere} <= drawn


@pytest.mark.parametrize("asked", list(queries.every()), ids=lambda asked: f"{asked.dashboard}-{asked.panel}")
def test_every_query_parses_and_asks_for_declared_metrics(asked: queries.Asked) -> None:
    names = {re.sub("_bucket$", "", name) for name in queries.metrics(asked.expr)}

    assert names
    assert names <= series.EVERY.keys() | PROMETHEUS
    assert queries.outside_rates(asked.expr) == set()


def test_no_graph_asks_more_often_than_agents_report() -> None:
    graphs = [panel for board in BOARDS.values() for panel in board["panels"] if panel["type"] in OVER_TIME]

    assert graphs
    assert {panel["interval"] for panel in graphs} == {"1m"}


def test_rates_are_taken_over_the_interval_that_grafana_works_out() -> None:
    exprs = [target["expr"] for board in BOARDS.values() for p in board["panels"] for target in p.get("targets", [])]
    windows = [window for expr in exprs for window in re.findall(r"\brate\([^\[]*\[([^\]]+)\]", expr)]

    assert set(windows) == {"$__rate_interval"}


def test_the_commitment_is_asked_of_the_current_gauges_only_and_of_no_history() -> None:
    asked = [one for one in queries.every() if one.dashboard == "commitment"]
    names = {name for one in asked for name in queries.metrics(one.expr)}

    assert all(one.instant for one in asked)
    assert all(name.startswith(("campus_wifi_commitment_", "campus_wifi_campus_info")) for name in names)


@pytest.mark.parametrize("uid", BOARDS)
def test_headings_are_open_and_stand_above_panels_of_their_own(uid: str) -> None:
    types = [panel["type"] for panel in BOARDS[uid]["panels"]]
    headings = [panel for panel in BOARDS[uid]["panels"] if panel["type"] == "row"]

    assert not any(heading["collapsed"] or heading["panels"] for heading in headings)
    assert types[-1] != "row"
    assert all(below != "row" for above, below in pairwise(types) if above == "row")


def test_a_signal_below_zero_is_not_cut_off_and_stages_are_stacked_into_one_whole() -> None:
    panels = [panel for panel in BOARDS["campus"]["panels"] if panel["type"] != "row"]
    shown = {panel["title"]: panel["fieldConfig"]["defaults"] for panel in panels}

    assert all("min" not in of for of in shown.values() if of.get("unit") == "dBm")
    assert shown["Stages of joining"]["custom"]["stacking"]["mode"] == "normal"
    assert shown["Tries that joined"]["custom"]["drawStyle"] == "points"


@pytest.mark.parametrize("uid", BOARDS)
def test_no_two_panels_have_the_same_title_and_each_says_what_its_silence_means(uid: str) -> None:
    shown = [panel for panel in BOARDS[uid]["panels"] if panel["type"] != "row"]

    assert len({panel["title"] for panel in shown}) == len(shown)
    assert not [panel["title"] for panel in shown if panel["fieldConfig"]["defaults"]["noValue"] == "no data"]


def test_a_small_share_is_not_hidden_by_an_axis_up_to_all_of_it() -> None:
    shown = {p["title"]: p["fieldConfig"]["defaults"] for uid in ("campus", "place") for p in BOARDS[uid]["panels"]
             if p["type"] == "timeseries"}  # fmt: skip
    small = {title: of for title, of in shown.items() if title.startswith("Loss") or title == "Frames sent again"}

    assert len(small) == 4
    assert all("max" not in of and of["custom"]["axisSoftMax"] == 0.05 for of in small.values())


def test_people_read_rates_of_tests_in_bits_beside_a_threshold_in_bits() -> None:
    rates = [panel for uid in ("campus", "place") for panel in BOARDS[uid]["panels"] if panel["title"] == "Throughput"]

    assert [panel["fieldConfig"]["defaults"]["unit"] for panel in rates] == ["bps", "bps"]
    assert all(target["expr"].startswith("8 * ") for panel in rates for target in panel["targets"])
