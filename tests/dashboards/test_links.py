"""What is around the panels: variables, links between dashboards and to the board, annotations, provisioning."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import yaml
from starlette.routing import compile_path

from collector.board import ROUTES
from collector.metrics import series
from tests.dashboards import queries

ROOT = Path(__file__).resolve().parents[2]
BOARDS = queries.dashboards()
ONE = "one at a time: two at once would add up what must not be added up"
# dashboard-linter wants every query variable multi with allValue ".+". Not these:
EXCEPTIONS = {
    "campus": ONE, "period": ONE, "place": ONE, "ap": ONE, "board": "the one address of the board",
    "region": "a campus without a region must not vanish from All, so All is .*",
}  # fmt: skip
GRAFANA = {"__rate_interval", "__url_time_range", "__data", "__all"}
OF_ALL = ("district", "commitment", "reporting")


def variables(uid: str) -> dict[str, Any]:
    return {variable["name"]: variable for variable in BOARDS[uid]["templating"]["list"]}


def cell_links(uid: str) -> list[str]:
    """Where cells of the dashboard's tables lead."""
    overrides = [o for panel in BOARDS[uid]["panels"] for o in panel.get("fieldConfig", {}).get("overrides", [])]
    properties = [p for override in overrides for p in override["properties"] if p["id"] == "links"]
    return [link["url"] for one in properties for link in one["value"]]


@pytest.mark.parametrize("uid", BOARDS)
def test_variables_follow_the_time_range_and_have_labels(uid: str) -> None:
    for name, variable in variables(uid).items():
        assert variable["label"]
        if variable["type"] == "query":
            assert variable["refresh"] == 2
            asked = re.fullmatch(r"label_values\((\w+)(\{campus=\"\$campus\"\})?, (\w+)\)", variable["query"]["query"])
            assert asked is not None
            assert asked[3] in series.labels_of(asked[1])
            assert name in EXCEPTIONS or (variable["multi"] and variable["allValue"] == ".+")


@pytest.mark.parametrize("uid", BOARDS)
def test_every_variable_that_a_dashboard_uses_is_its_own(uid: str) -> None:
    used = set(re.findall(r"\$\{?([a-zA-Z_]\w*)", json.dumps(BOARDS[uid])))

    assert used - GRAFANA <= variables(uid).keys()


@pytest.mark.parametrize("uid", BOARDS)
def test_cells_lead_to_known_dashboards_with_variables_that_they_have_and_keep_the_time(uid: str) -> None:
    for url in cell_links(uid):
        if url.startswith("${board:raw}/"):
            continue
        to = re.match(r"/d/(\w+)\?", url)
        assert to is not None
        given = set(re.findall(r"var-(\w+)=|\$\{(\w+):queryparam\}", url))
        assert {one or other for one, other in given} <= variables(to[1]).keys()
        assert "${__url_time_range}" in url
        assert "${datasource:queryparam}" in url


def test_the_way_down_is_a_way_up_again() -> None:
    leads = {uid: set(re.findall(r"/d/(\w+)\?", " ".join(cell_links(uid)))) for uid in BOARDS}

    assert leads["district"] >= {"campus"}
    assert leads["campus"] >= {"place", "reporting"}
    assert leads["place"] >= {"campus", "reporting"}
    assert leads["reporting"] >= {"campus", "place"}
    assert leads["commitment"] >= {"campus"}


@pytest.mark.parametrize("uid", BOARDS)
def test_all_others_are_a_menu_away_with_variables_and_time_and_so_is_the_board(uid: str) -> None:
    menu, *pages = BOARDS[uid]["links"]

    assert menu["type"] == "dashboards"
    assert menu["tags"] == ["wifi"]
    assert menu["keepTime"]
    assert menu["includeVars"]
    found = [page["url"] for page in pages]
    assert all(url.startswith("${board:raw}/") for url in found)
    # To the page of what the dashboard shows: each that its variables can name, else the district's.
    expected = {
        "place": "${board:raw}/room/${place:percentencode}",
        "campus": "${board:raw}/campus/${campus:percentencode}",
    }
    assert found == ([url for name, url in expected.items() if name in variables(uid)] or ["${board:raw}/"])


def test_every_way_to_the_board_leads_to_a_page_that_it_has() -> None:
    menus = (one.get("url", "") for board in BOARDS.values() for one in board["links"])
    ways = [url for url in (*(url for uid in BOARDS for url in cell_links(uid)), *menus) if url.startswith("${board")]
    filled = (re.sub(r"\$\{(?!board)[^}]*\}", "x%2Fy", url) for url in ways)
    paths = {url.removeprefix("${board:raw}").partition("?")[0] for url in filled}
    pages = [compile_path(page.path)[0] for page in ROUTES if page.method == "GET"]

    assert {path.split("/")[1] for path in paths} == {"", "campus", "room", "incidents"}
    assert all(any(page.fullmatch(unquote(path)) for page in pages) for path in paths)
    assert all("/incidents?open=1" in " ".join(cell_links(uid)) for uid in ("district", "campus", "reporting"))


@pytest.mark.parametrize("uid", OF_ALL)
def test_every_total_over_campuses_keeps_real_and_simulated_apart(uid: str) -> None:
    for panel in BOARDS[uid]["panels"]:
        for target in panel.get("targets", []):
            names = queries.metrics(queries.fill(target["expr"], {**queries.BUILT_IN, **queries.CHOSEN}))
            if any("campus" in series.labels_of(name) for name in names & series.EVERY.keys()):
                assert 'simulated="$simulated"' in target["expr"], panel["title"]


def test_alerts_and_incidents_are_marked_where_graphs_are() -> None:
    marked = {uid: {one["name"] for one in BOARDS[uid]["annotations"].get("list", [])} for uid in BOARDS}
    both = {"Alerts: page", "Alerts: ticket"}

    assert marked["commitment"] == set()
    assert all(marked[uid] >= both for uid in BOARDS.keys() - {"commitment"})
    assert all("Incidents" in marked[uid] for uid in ("district", "campus", "place"))


def test_provisioning_names_the_sources_folder_and_environment_that_we_use() -> None:
    folder = ROOT / "deploy" / "grafana" / "provisioning"
    sources = yaml.safe_load((folder / "datasources" / "campus-wifi.yml").read_text())["datasources"]
    (provider,) = yaml.safe_load((folder / "dashboards" / "campus-wifi.yml").read_text())["providers"]
    scraped = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())

    assert [(one["uid"], one["type"], one["editable"]) for one in sources] == [
        ("prometheus", "prometheus", False), ("alertmanager", "alertmanager", False)
    ]  # fmt: skip
    assert sources[0]["jsonData"]["timeInterval"] == scraped["global"]["scrape_interval"]
    assert sources[0]["isDefault"]
    assert provider["allowUiUpdates"] is False
    assert provider["options"]["path"] == "${CAMPUS_WIFI_DASHBOARDS}"
    assert "password" not in "".join(path.read_text() for path in folder.rglob("*.yml")).lower()
