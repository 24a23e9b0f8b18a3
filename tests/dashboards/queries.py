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


class Asked(NamedTuple):
    """One query of one panel. ``instant``: it is asked for now only."""

    dashboard: str
    panel: str
    expr: str
    instant: bool


def dashboards() -> dict[str, dict[str, Any]]:
    """The committed dashboards by uid."""
    read = [json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))]
    return {one["uid"]: one for one in read}


def fill(text: str, values: dict[str, str]) -> str:
    """``text`` with its variables replaced. Raises KeyError for one that nobody has."""
    return re.sub(r"\$\{?(\w+)(?::\w+)?\}?", lambda found: values[found[1]], text)


def every(campus: str = ".+", region: str = ".*", simulated: str = "false") -> Iterator[Asked]:
    """Every query, e.g. of `every(campus="north-1")`: the campus is a value, not a pattern."""
    values = {**BUILT_IN, "campus": campus, "region": region, "simulated": simulated}
    for uid, board in dashboards().items():
        for panel in board["panels"]:
            for target in panel.get("targets", []):
                yield Asked(uid, panel["title"], fill(target["expr"], values), bool(target.get("instant")))


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


def needs_radio(asked: Asked) -> bool:
    """Whether the query asks for what only an agent with a radio measures."""
    prefixes = ("campus_wifi_bss_", "campus_wifi_channel_", "campus_wifi_link_", "campus_wifi_join_")
    return any(name.startswith(prefixes) for name in metrics(asked.expr))
