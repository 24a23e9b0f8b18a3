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
SECONDS, SHARE, BYTES_A_SECOND, BITS_A_SECOND, COUNT = "s", "percentunit", "Bps", "bps", "locale"
SIGNAL, BYTES, PER_SECOND, AGE, CELSIUS = "dBm", "bytes", "cps", "dateTimeFromNow", "celsius"
SMALL = 0.05
"""Shares of which a hundredth counts: an axis up to 100 % would hide them."""
REPORT = "1m"
"""No finer than agents report: a graph is no truer for being asked four times as often."""
KNOWN_THEN = "as known at the time"
NO_REPORT = "no report"

# Colours that differ in brightness too, so that they can be told apart without colour.
GREEN, YELLOW, RED, GREY = "dark-green", "semi-dark-yellow", "dark-red", "text"
STATE = {"0": ("met", GREEN), "1": ("unknown", YELLOW), "2": ("short", RED)}
UP_DOWN = {"0": ("down", RED), "1": ("up", GREEN)}
YES_NO = {"0": ("no", GREY), "1": ("yes", GREY)}
MET = {"0": ("short", RED), "1": ("met", GREEN)}
PERIOD = {"0": ("meets", GREEN), "1": ("not enough evidence", YELLOW), "2": ("falls short", RED)}
SIMULATED = {"true": ("SIMULATED", YELLOW), "false": ("real", GREY)}


class Query(NamedTuple):
    """``legend`` names a series; an ``instant`` query asks for now only."""

    expr: str
    legend: str = ""
    instant: bool = False


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


def coloured(values: dict[str, tuple[str, str]]) -> dict[str, Any]:
    """A column whose numbers are states: each in words and in its colour."""
    return {"mappings": words(values), "custom.cellOptions": {"type": "color-text"}}


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
    values: dict[str, tuple[str, str]] | None = None, name: bool = False, leads: dict[str, Any] | None = None,
) -> Any:  # fmt: skip
    """One figure of now. ``color`` where it is above zero; ``values``: words for numbers; ``name``: show the legend;
    ``leads``: where a click on it leads."""
    steps = [model.Threshold(None, GREY)]
    if color != GREY:
        steps.append(model.Threshold(1e-9, color))
    text = common.BigValueTextMode.NAME if name else common.BigValueTextMode.AUTO
    panel = stat.Panel().title(title).description(description).unit(unit).no_value(no_value).span(width).height(4)
    panel = panel.thresholds(build.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(steps))
    panel = panel.color_mode(common.BigValueColorMode.BACKGROUND).text_mode(text)
    panel = panel.graph_mode(common.BigValueGraphMode.NONE)
    panel = panel.mappings(_words(values)) if values else panel
    return _leading(_queries(panel, (query._replace(instant=True),)), leads)


def lines(
    title: str, description: str, unit: str, *queries: Query, no_value: str, width: int = 12,
    most: float | None = None, least: float | None = 0.0, most_seen: float | None = None,
    least_seen: float | None = None, step: bool = False, stacked: bool = False, dots: bool = False,
    leads: dict[str, Any] | None = None,
) -> Any:  # fmt: skip
    """Measurements over time. A gap stays a gap. ``most`` and ``least`` end the axis; ``most_seen`` and ``least_seen``
    only where no value lies beyond. ``stacked``: parts of one whole; ``dots``: single tries, which no line
    may join; ``leads``: where a click on a line leads."""
    panel = timeseries.Panel().title(title).description(description).unit(unit).span(width).height(8)
    panel = panel.min(least).interval(REPORT) if least is not None else panel.interval(REPORT)
    panel = panel.show_points(common.VisibilityMode.AUTO).span_nulls(False).thresholds(_plain()).no_value(no_value)
    panel = panel.axis_soft_max(most_seen) if most_seen is not None else panel
    panel = panel.axis_soft_min(least_seen) if least_seen is not None else panel
    panel = panel.tooltip(common_builders.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI))
    panel = panel.line_interpolation(common.LineInterpolation.STEP_AFTER) if step else panel
    panel = panel.max(most) if most is not None else panel
    if stacked:
        panel = panel.stacking(common_builders.StackingConfig().mode(common.StackingMode.NORMAL)).fill_opacity(40)
    if dots:
        panel = panel.draw_style(common.GraphDrawStyle.POINTS).point_size(6)
    return _leading(_queries(panel, queries), leads)


def _leading(panel: Any, leads: dict[str, Any] | None) -> Any:
    """Every value that the first query brings leads there."""
    values = [model.DynamicConfigValue(name, value) for name, value in (leads or {}).items()]
    return panel.override_by_query("A", values) if values else panel


def heading(title: str) -> Any:
    """What the panels below it are about."""
    return build.Row(title)


def timeline(
    title: str, description: str, values: dict[str, tuple[str, str]], query: Query, *, height: int = 10, width: int = 24
) -> Any:
    """States over time, in words, silence among them."""
    panel = statetimeline.Panel().title(title).description(description).span(width).height(height)
    panel = panel.interval(REPORT).mappings(_words(values)).merge_values(True).show_value(common.VisibilityMode.AUTO)
    panel = panel.thresholds(_plain()).no_value(NO_REPORT).unit(COUNT)
    return _queries(panel, (query,))


def rows(
    title: str, description: str, *queries: Query, by: str, names: dict[str, str], hidden: tuple[str, ...] = (),
    overrides: dict[str, dict[str, Any]] | None = None, sort: str = "", ascending: bool = False,
    no_value: str, height: int = 10, width: int = 24,
) -> Any:  # fmt: skip
    """A table of now: queries joined by the label ``by``; ``names``: column to heading, in order; a heading's
    ``overrides`` are Grafana's field properties."""
    panel = table.Panel().title(title).description(description).span(width).height(height).no_value(no_value)
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
        panel = panel.sort_by([common_builders.TableSortByFieldState().display_name(sort).desc(not ascending)])
    return _queries(panel, tuple(query._replace(instant=True) for query in queries), "table")
