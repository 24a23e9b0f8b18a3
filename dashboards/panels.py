"""Queries go in, panels come out: the few kinds that every dashboard uses, with the rules that hold for all of them.

Whatever is coloured also says its state in words, and what has no data says so and is never green. All panels read the
one Prometheus of the variable `datasource`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders import prometheus, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models import dashboard as model

SOURCE = common.DataSourceRef("prometheus", "${datasource}")
SECONDS, SHARE, BYTES_A_SECOND, COUNT, AGE = "s", "percentunit", "Bps", "short", "dateTimeFromNow"
SIGNAL = "dBm"
KNOWN_THEN = "as known at the time"
NO_REPORT = "no report"

# Colours that differ in brightness too, so that they can be told apart without colour.
GREEN, YELLOW, RED, GREY = "dark-green", "semi-dark-yellow", "dark-red", "text"
STATE = {"0": ("met", GREEN), "1": ("unknown", YELLOW), "2": ("short", RED)}
UP_DOWN = {"0": ("down", RED), "1": ("up", GREEN)}
YES_NO = {"0": ("no", GREY), "1": ("yes", GREY)}


class Query(NamedTuple):
    """``legend`` names a series; an ``instant`` query asks for now only."""

    expr: str
    legend: str = ""
    instant: bool = False


def state_of(verdicts: str) -> str:
    """One number a campus for its verdict: 0 met, 1 unknown, 2 short; none out of class. ``verdicts``: the label
    matchers of the campuses."""
    comma = "," if verdicts else ""
    short = f'campus_wifi_campus_verdict{{{verdicts}{comma}verdict="short"}}'
    unknown = f'campus_wifi_campus_verdict{{{verdicts}{comma}verdict="unknown"}}'
    return f"2 * max by (campus) ({short}) + on (campus) max by (campus) ({unknown})"


def _words(values: dict[str, tuple[str, str]]) -> list[Any]:
    mapped = {value: model.ValueMappingResult(text, color) for value, (text, color) in values.items()}
    absent = model.DashboardSpecialValueMapOptions(
        model.SpecialValueMatch.NULL_AND_NAN, model.ValueMappingResult(NO_REPORT, GREY)
    )
    return [model.ValueMap(mapped), model.SpecialValueMap(absent)]


def words(values: dict[str, tuple[str, str]]) -> list[dict[str, Any]]:
    """The same for an override, whose values are plain."""
    mapped = {value: {"text": text, "color": color} for value, (text, color) in values.items()}
    absent = {"match": "null+nan", "result": {"text": NO_REPORT, "color": GREY}}
    return [{"type": "value", "options": mapped}, {"type": "special", "options": absent}]


def _plain() -> Any:
    return build.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps([model.Threshold(None, GREY)])


def _queries(panel: Any, queries: tuple[Query, ...], form: str = "time_series") -> Any:
    for number, query in enumerate(queries):
        asked = prometheus.Dataquery().expr(query.expr).ref_id(chr(ord("A") + number)).datasource(SOURCE)
        asked = asked.instant() if query.instant else asked.range()
        panel = panel.with_target(asked.legend_format(query.legend or "__auto").format(form))
    return panel.datasource(SOURCE)


def number(
    title: str, description: str, query: Query, unit: str = COUNT, *, no_value: str, width: int = 4, color: str = GREY,
    values: dict[str, tuple[str, str]] | None = None, name: bool = False,
) -> Any:  # fmt: skip
    """One figure of now. ``color`` where it is above zero; ``values``: words for numbers; ``name``: show the legend."""
    steps = [model.Threshold(None, GREY)]
    if color != GREY:
        steps.append(model.Threshold(1e-9, color))
    text = common.BigValueTextMode.NAME if name else common.BigValueTextMode.AUTO
    panel = stat.Panel().title(title).description(description).unit(unit).no_value(no_value).span(width).height(4)
    panel = panel.thresholds(build.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(steps))
    panel = panel.color_mode(common.BigValueColorMode.BACKGROUND).text_mode(text)
    panel = panel.graph_mode(common.BigValueGraphMode.NONE)
    panel = panel.mappings(_words(values)) if values else panel
    return _queries(panel, (query._replace(instant=True),))


def lines(
    title: str, description: str, unit: str, *queries: Query, width: int = 12, most: float | None = None,
    least: float | None = 0.0, step: bool = False, stacked: bool = False, dots: bool = False,
) -> Any:  # fmt: skip
    """Measurements over time. A gap stays a gap. ``stacked``: parts of one whole; ``dots``: single tries, which no line
    may join."""
    panel = timeseries.Panel().title(title).description(description).unit(unit).span(width).height(8)
    panel = panel.min(least) if least is not None else panel
    panel = panel.show_points(common.VisibilityMode.AUTO).span_nulls(False).thresholds(_plain()).no_value("no data")
    panel = panel.tooltip(common_builders.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI))
    panel = panel.line_interpolation(common.LineInterpolation.STEP_AFTER) if step else panel
    panel = panel.max(most) if most is not None else panel
    if stacked:
        panel = panel.stacking(common_builders.StackingConfig().mode(common.StackingMode.NORMAL)).fill_opacity(40)
    if dots:
        panel = panel.draw_style(common.GraphDrawStyle.POINTS).point_size(6)
    return _queries(panel, queries)


def heading(title: str) -> Any:
    """What the panels below it are about."""
    return build.Row(title)


def timeline(
    title: str, description: str, values: dict[str, tuple[str, str]], query: Query, *, height: int = 10
) -> Any:
    """States over time, in words, silence among them."""
    panel = statetimeline.Panel().title(title).description(description).span(24).height(height)
    panel = panel.mappings(_words(values)).merge_values(True).show_value(common.VisibilityMode.AUTO)
    panel = panel.thresholds(_plain()).no_value(NO_REPORT).unit(COUNT)
    return _queries(panel, (query,))


def rows(
    title: str, description: str, *queries: Query, by: str, names: dict[str, str], hidden: tuple[str, ...] = (),
    overrides: dict[str, dict[str, Any]] | None = None, sort: str = "", no_value: str = "no data", height: int = 10,
) -> Any:  # fmt: skip
    """A table of now: queries joined by the label ``by``; ``names``: column to heading, in order; a heading's
    ``overrides`` are Grafana's field properties."""
    panel = table.Panel().title(title).description(description).span(24).height(height).no_value(no_value)
    panel = panel.thresholds(_plain())
    if len(queries) > 1:
        panel = panel.with_transformation(
            model.DataTransformerConfig("joinByField", options={"byField": by, "mode": "outer"})
        )
    order = {column: at for at, column in enumerate(names)}
    shape = {"indexByName": order, "renameByName": names, "excludeByName": dict.fromkeys(hidden, True)}
    panel = panel.with_transformation(model.DataTransformerConfig("organize", options=shape))
    for heading, properties in (overrides or {}).items():
        values = [model.DynamicConfigValue(name, value) for name, value in properties.items()]
        panel = panel.override_by_name(heading, values)
    if sort:
        panel = panel.sort_by([common_builders.TableSortByFieldState().display_name(sort).desc(True)])
    return _queries(panel, tuple(query._replace(instant=True) for query in queries), "table")


def link(title: str, uid: str, *variables: str) -> dict[str, Any]:
    """Where a cell leads: the time range, the data source and the named variables go along."""
    parts = ["${__url_time_range}", "${datasource:queryparam}", *variables]
    return {"links": [{"title": title, "url": f"/d/{uid}?{'&'.join(parts)}"}]}


def dashboard(title: str, uid: str, description: str, variables: list[Any], panels: list[Any]) -> Any:
    """A dashboard of this set: tagged, linked to the others, read-only, no faster than the data."""
    others = build.DashboardLink("Campus Wi-Fi").type(model.DashboardLinkType.DASHBOARDS).tags(["wifi"])
    made = build.Dashboard(title).uid(uid).description(description).tags(["wifi"]).timezone("browser").readonly()
    made = made.time("now-6h", "now").refresh("1m").tooltip(model.DashboardCursorSync.CROSSHAIR)
    made = made.link(others.as_dropdown(True).keep_time(True).include_vars(True))
    source = build.DatasourceVariable("datasource").label("Data source").type("prometheus")
    made = made.with_variable(source)
    for variable in variables:
        made = made.with_variable(variable)
    for panel in panels:
        made = made.with_row(panel) if isinstance(panel, build.Row) else made.with_panel(panel)
    return made


def choice(name: str, label: str, query: str, *, every: str = "") -> Any:
    """A variable of the values that a label has now. ``every``: the pattern of its choice "All"."""
    asked = {"query": query, "refId": name}
    made = (
        build.QueryVariable(name).label(label).query(asked).datasource(SOURCE).sort(model.VariableSort.ALPHABETICAL_ASC)
    )
    made = made.refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
    if every:
        made = made.multi(True).include_all(True).all_value(every)
        made = made.current(model.VariableOption(selected=True, text="All", value="$__all"))
    return made
