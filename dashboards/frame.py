"""What is around the panels: variables, links from one dashboard to another and to the board, and annotations."""

from __future__ import annotations

from typing import Any

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import dashboard as model

from dashboards.panels import RED, SOURCE, YELLOW

DISTRICT, CAMPUS, PLACE, REPORTING, COMMITMENT = "district", "campus", "place", "reporting", "commitment"
DISTRICT_PAGE = ("Board: as it is known today", "/")
CAMPUS_PAGE = ("Board: the campus as it is known today", "/campus/${campus:percentencode}")
ROOM_PAGE = ("Board: the room as it is known today", "/room/${place:percentencode}")
INCIDENTS = "/incidents?open=1"
"""Where the board lists incidents that are not over; `campus` chooses those of one."""
_BOARD = "${board:raw}"


def link(title: str, uid: str, *variables: str) -> dict[str, Any]:
    """Where a cell leads: the time range, the data source and the named variables go along."""
    parts = ["${__url_time_range}", "${datasource:queryparam}", *variables]
    return {"links": [{"title": title, "url": f"/d/{uid}?{'&'.join(parts)}"}]}


def cell(variable: str, column: str) -> str:
    """A variable that takes the value of a column of the same row."""
    return f"var-{variable}={value_of(column)}"


def value_of(column: str) -> str:
    """The value of a column of the same row, for an address."""
    return f'${{__data.fields["{column}"]:percentencode}}'


def kept(*variables: str) -> list[str]:
    """Variables that go along with the value that they have here."""
    return [f"${{{variable}:queryparam}}" for variable in variables]


def to_board(title: str, path: str) -> dict[str, Any]:
    """Where a cell or a graph leads on the board, which holds today's truth; its address is what the collector says of
    itself."""
    return {"links": [{"title": title, "url": _BOARD + path, "targetBlank": True}]}


def either(*ways: dict[str, Any]) -> dict[str, Any]:
    """A cell that leads to several places: a menu of them."""
    return {"links": [one for way in ways for one in way["links"]]}


def dashboard(
    title: str, uid: str, description: str, variables: list[Any], panels: list[Any], annotations: list[Any],
    *, board: tuple[tuple[str, str], ...] = (DISTRICT_PAGE,), time: str = "now-6h",
) -> Any:  # fmt: skip
    """A dashboard of this set: tagged, linked to the others and to the board's pages ``board`` (title, path),
    read-only, no faster than the data."""
    others = build.DashboardLink("Campus Wi-Fi").type(model.DashboardLinkType.DASHBOARDS).tags(["wifi"])
    made = build.Dashboard(title).uid(uid).description(description).tags(["wifi"]).timezone("browser").readonly()
    made = made.time(time, "now").refresh("1m").tooltip(model.DashboardCursorSync.CROSSHAIR)
    made = made.link(others.as_dropdown(True).keep_time(True).include_vars(True))
    for name, path in board:
        page = build.DashboardLink(name).type(model.DashboardLinkType.LINK).url(_BOARD + path)
        made = made.link(page.icon("external link").target_blank(True))
    source = build.DatasourceVariable("datasource").label("Data source").type("prometheus")
    made = made.with_variable(source)
    for variable in variables:
        made = made.with_variable(variable)
    address = choice("board", "Board", "label_values(campus_wifi_board_info, url)")
    made = made.with_variable(address.hide(model.VariableHide.HIDE_VARIABLE))
    for annotation in annotations:
        made = made.annotation(annotation)
    for panel in panels:
        made = made.with_row(panel) if isinstance(panel, build.Row) else made.with_panel(panel)
    return made


def choice(name: str, label: str, query: str, *, every: str = "", at_first: str = "") -> Any:
    """A variable of the values that a label has now. ``every``: the pattern of its choice "All"; ``at_first``: what is
    chosen before anybody has."""
    asked = {"query": query, "refId": name}
    made = (
        build.QueryVariable(name).label(label).query(asked).datasource(SOURCE).sort(model.VariableSort.ALPHABETICAL_ASC)
    )
    made = made.refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
    if every:
        made = made.multi(True).include_all(True).all_value(every)
        made = made.current(model.VariableOption(selected=True, text="All", value="$__all"))
    elif at_first:
        made = made.current(model.VariableOption(selected=True, text=at_first, value=at_first))
    return made


def listed(name: str, label: str, **choices: str) -> Any:
    """A variable of fixed values, each with its text; the first is chosen."""
    options = [
        model.VariableOption(selected=not number, text=text, value=value)
        for number, (value, text) in enumerate(choices.items())
    ]
    text = ",".join(f"{text} : {value}" for value, text in choices.items())
    return build.CustomVariable(name).label(label).values(text).current(options[0]).options(options)


def campus() -> Any:
    return choice("campus", "Campus", "label_values(campus_wifi_campus_info, campus)")


def region() -> Any:
    return choice("region", "Region", "label_values(campus_wifi_campus_info, region)", every=".*")


def simulated() -> Any:
    return listed("simulated", "Campuses", false="Real", true="SIMULATED")


def period() -> Any:
    return choice("period", "Period", "label_values(campus_wifi_commitment_period_info, period)", at_first="30d")


def alerts(matchers: str) -> list[Any]:
    """When alerts fired: pages, and tickets apart from them. The watchdog always does and marks nothing."""
    found = []
    for severity, color in (("page", RED), ("ticket", YELLOW)):
        chosen = f'alertstate="firing",severity="{severity}"' + (f",{matchers}" if matchers else "")
        found.append(
            _annotation(f"Alerts: {severity}", f"ALERTS{{{chosen}}}", color, "{{alertname}}", "{{name}} {{ap}}")
        )
    return found


def incidents(expr: str) -> Any:
    """When incidents lasted, as it was known then."""
    return _annotation("Incidents", expr, "purple", "Incident", "{{campus}} {{cause}}")


def _annotation(name: str, expr: str, color: str, title: str, text: str) -> Any:
    made = build.AnnotationQuery().name(name).datasource(SOURCE).enable(True).icon_color(color).expr(expr)
    return made.title_format(title).text_format(text).step("60s")
