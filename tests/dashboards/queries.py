"""Every query of the committed dashboards, with its variables filled in, for tests with a real Prometheus."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import promql_parser

FOLDER = Path(__file__).resolve().parents[2] / "dashboards" / "json"
# What Grafana fills in by itself; any value that parses will do where nothing is asked.
BUILT_IN = {"__rate_interval": "1m", "__interval": "15s", "__range": "6h"}


# What the variables of a dashboard may hold, where a test does not say.
CHOSEN = {
    "campus": "campus-0", "place": "campus-0/main/100", "ap": "02:00:00:00:00:00", "region": ".*", "simulated": "false",
    "period": "30d", "by": "region",
}  # fmt: skip

# Panels that show nothing while all is well, with why; the simulated week is not all well, and there they answer.
EMPTY_WHEN_WELL = {
    ("campus", "Cause"): "a cause is named only where a slot is not met",
    ("campus", "Last school day judged"): "no day is over yet",
    ("campus", "Next first bell"): "in demonstration hours no school day begins",
    ("district", "Open incidents by cause"): "no incident is open",
    ("reporting", "Clocks that are not synchronised"): "all clocks are",
    ("place", "Round trip idle and under load"): "over a line as fast as a namespace a test ends before it is loaded",
    ("place", "Agent's clock against NTP"): "no NTP is asked in a namespace",
    ("place", "Agent's temperature"): "a virtual machine has no sensor",
    ("reporting", "Precision of each alert"): "nobody was told of a fault",
    ("reporting", "Incidents by cause"): "nobody has closed an incident",
    ("reporting", "Refused, by reason"): "nothing was refused",
    ("reporting", "Watchdog came back"): "no way back is configured",
    ("reporting", "Notifications that came back"): "no way back is configured",
    ("reporting", "Requests to Alertmanager"): "no silence was asked for",
    **{(uid, name): "no alert fired, no incident lasted" for uid in ("district", "campus", "place", "reporting")
       for name in ("Alerts: page", "Alerts: ticket", "Incidents")},
}  # fmt: skip


class Asked(NamedTuple):
    """One query of one panel, or of an annotation. ``instant``: it is asked for now only; ``step``: else, from how many
    seconds to how many at least."""

    dashboard: str
    panel: str
    expr: str
    instant: bool
    step: float = 60.0


def dashboards() -> dict[str, dict[str, Any]]:
    """The committed dashboards by uid."""
    read = [json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))]
    return {one["uid"]: one for one in read}


def fill(text: str, values: dict[str, str]) -> str:
    """``text`` with its variables replaced. Raises KeyError for one that nobody has."""
    # A number is a group of label_replace's pattern, which Grafana leaves as it is.
    return re.sub(r"\$\{?([a-zA-Z_]\w*)(?::\w+)?\}?", lambda found: values[found[1]], text)


def every(**chosen: str) -> Iterator[Asked]:
    """Every query of panels and annotations, with the variables as CHOSEN or as given."""
    values = {**BUILT_IN, **CHOSEN, **chosen}
    for uid, board in dashboards().items():
        for panel in board["panels"]:
            for target in panel.get("targets", []):
                yield Asked(uid, panel["title"], fill(target["expr"], values), bool(target.get("instant")))
        for marked in board["annotations"].get("list", []):
            yield Asked(uid, marked["name"], fill(marked["expr"], values), False)


def metrics(expr: str) -> set[str]:
    """The metric names of a query, from PromQL's own syntax tree."""
    found: set[str] = set()
    stack: list[Any] = [promql_parser.parse(expr)]
    while stack:
        node = stack.pop()
        if isinstance(node, promql_parser.VectorSelector):
            found.add(node.name)
        for part in ("expr", "lhs", "rhs", "param", "vector_selector", "args"):
            child = getattr(node, part, None)
            stack += child if isinstance(child, list) else [child] if child is not None else []
    return found


def outside_rates(expr: str) -> set[str]:
    """Counters of a query that stand in no rate, irate or increase: their value alone says when a process started."""
    found: set[str] = set()
    stack: list[tuple[Any, bool]] = [(promql_parser.parse(expr), False)]
    while stack:
        node, rated = stack.pop()
        if isinstance(node, promql_parser.VectorSelector) and node.name.endswith(("_total", "_bucket")) and not rated:
            found.add(node.name)
        if isinstance(node, promql_parser.Call):
            rated = rated or node.func.name in {"rate", "irate", "increase"}
        for part in ("expr", "lhs", "rhs", "param", "vector_selector", "args"):
            child = getattr(node, part, None)
            stack += [(one, rated) for one in (child if isinstance(child, list) else [child]) if one is not None]
    return found


def needs_page(asked: Asked) -> bool:
    """Whether the query asks for a stage of joining that only a try with a page to fetch has: `join_page` names it."""
    stages = ("campus_wifi_join_portal_", "campus_wifi_join_first_byte_")
    return any(name.startswith(stages) for name in metrics(asked.expr))


def needs_radio(asked: Asked) -> bool:
    """Whether the query asks for what only an agent with a radio measures, or for the verdict of rooms whose air is
    judged too."""
    prefixes = (
        "campus_wifi_place_met",
        "campus_wifi_bss_",
        "campus_wifi_channel_",
        "campus_wifi_link_",
        "campus_wifi_join_",
    )
    return any(name.startswith(prefixes) for name in metrics(asked.expr))
