"""The committed dashboards keep dashboard-linter's rules, our own, and ask only for metrics that somebody makes."""

import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from collector import series
from dashboards import build
from tests.dashboards import queries

ROOT = Path(__file__).resolve().parents[2]
BOARDS = queries.dashboards()
CORE = {"stat", "table", "timeseries", "state-timeline"}
UNITS = {"s", "percentunit", "Bps", "short", "dateTimeFromNow", "dBm"}
# dashboard-linter wants every query variable multi with allValue ".+". Not these:
EXCEPTIONS = {
    ("campus", "campus"): "the page of one campus: two at once would add up what must not be added up",
    ("district", "region"): "a campus without a region must not vanish from All, so All is .*",
}


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
    assert set(BOARDS) == {"district", "campus"}
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


@pytest.mark.parametrize("asked", list(queries.every()), ids=lambda asked: f"{asked.dashboard}-{asked.panel}")
def test_every_query_parses_and_asks_for_declared_metrics(asked: queries.Asked) -> None:
    names = queries.metrics(asked.expr)

    assert names
    assert names <= series.EVERY.keys() | {"ALERTS"}
    assert not re.search(r"_total\b(?!.*\b(?:rate|increase)\b)", asked.expr)


def test_headings_are_open_and_stand_above_panels_of_their_own() -> None:
    types = [panel["type"] for panel in BOARDS["campus"]["panels"]]
    headings = [panel for panel in BOARDS["campus"]["panels"] if panel["type"] == "row"]

    assert [heading["title"] for heading in headings] == ["In the air", "Joining", "Agents and access points now"]
    assert not any(heading["collapsed"] or heading["panels"] for heading in headings)
    assert all(below != "row" for above, below in pairwise(types) if above == "row")


def test_a_signal_below_zero_is_not_cut_off_and_stages_are_stacked_into_one_whole() -> None:
    panels = [panel for panel in BOARDS["campus"]["panels"] if panel["type"] != "row"]
    shown = {panel["title"]: panel["fieldConfig"]["defaults"] for panel in panels}

    assert all("min" not in of for of in shown.values() if of.get("unit") == "dBm")
    assert shown["Stages of joining"]["custom"]["stacking"]["mode"] == "normal"
    assert shown["Tries to join"]["custom"]["drawStyle"] == "points"


@pytest.mark.parametrize("uid", BOARDS)
def test_variables_follow_the_time_range_and_have_labels(uid: str) -> None:
    for variable in BOARDS[uid]["templating"]["list"]:
        assert variable["label"]
        if variable["type"] == "query":
            assert variable["refresh"] == 2
            asked = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable["query"]["query"])
            assert asked is not None
            assert asked[2] in series.labels_of(asked[1])
            if (uid, variable["name"]) not in EXCEPTIONS:
                assert variable["multi"] and variable["allValue"] == ".+"


def test_links_lead_to_known_dashboards_with_variables_that_they_have_and_keep_the_time() -> None:
    urls = re.findall(r'"url": "(/d/[^"]+)"', json.dumps(list(BOARDS.values())))

    assert urls
    for url in urls:
        uid = re.match(r"/d/(\w+)\?", url)
        assert uid is not None
        known = {variable["name"] for variable in BOARDS[uid[1]]["templating"]["list"]}
        assert set(re.findall(r"var-(\w+)=", url)) <= known
        assert "${__url_time_range}" in url
        assert "${datasource:queryparam}" in url
    for board in BOARDS.values():
        assert all(link["keepTime"] and link["includeVars"] for link in board["links"])


def test_every_total_over_campuses_keeps_real_and_simulated_apart() -> None:
    for panel in BOARDS["district"]["panels"]:
        for target in panel["targets"]:
            if "campus_wifi_campus" in target["expr"] and "region_verdict:" not in target["expr"]:
                assert 'simulated="$simulated"' in target["expr"], panel["title"]


def test_provisioning_names_the_sources_folder_and_environment_that_we_use() -> None:
    folder = ROOT / "deploy" / "grafana" / "provisioning"
    sources = (folder / "datasources" / "campus-wifi.yml").read_text()
    provider = (folder / "dashboards" / "campus-wifi.yml").read_text()

    assert re.findall(r"(?m)^    uid: (\S+)$", sources) == ["prometheus", "alertmanager"]
    assert sources.count("editable: false") == 2
    scraped = (ROOT / "deploy/prometheus/prometheus.yml").read_text()
    assert re.search(r"scrape_interval: (\S+)", scraped)[1] == re.search(r"timeInterval: (\S+)", sources)[1]  # type: ignore[index]
    assert "allowUiUpdates: false" in provider
    assert "path: ${CAMPUS_WIFI_DASHBOARDS}" in provider
    assert "password" not in (sources + provider).lower()
