"""One alert, and the words of PromQL that several are made of.

Every waiting time is counted in slots, so that a test with slots of seconds runs the very rules of a district with
slots of five minutes; an hour is twelve slots.
"""

from __future__ import annotations

from msgspec import Struct

from collector.metrics import series

SHORT_SLOTS, SILENT_SLOTS, AGENT_SILENT_SLOTS = 3, 6, 3
BREAK_SLOTS = 12
"""Recess and lunch are shorter: an alert that class has begun is held through a break of this many slots."""
RUNBOOKS = "https://campus-wifi.example/runbooks"
BOARD = "https://campus-wifi.example"
GRAFANA = "https://grafana.campus-wifi.example"

INFO = series.CAMPUS_INFO.name
IN_CLASS = series.CAMPUS_IN_CLASS.name
CAMPUS_LABELS = ("campus", "name", "region", "uplink", "simulated")
# Each campus alert gets what routing, grouping and inhibition go by: facts of the inventory, not of agents.
_FACTS = f"* on (campus) group_left (name, region, uplink, simulated) {INFO}"


class Terms(Struct, frozen=True):
    """What the rules are made from. ``slot_objective``: share of class time that the policy asks for; the addresses are
    those that people reach runbooks, board and Grafana by."""

    slot_seconds: int = 300
    slot_objective: float = 0.95
    runbooks: str = RUNBOOKS
    board: str = BOARD
    grafana: str = GRAFANA

    def slots(self, count: float) -> str:
        """So many slots as PromQL writes a duration."""
        return f"{round(count * self.slot_seconds)}s"


class Alert(Struct, frozen=True):
    """One alert. ``slots``: how long its condition holds before it fires; ``keep_slots``: how long it goes on after its
    condition; ``opens``: whether what it tells of opens an incident."""

    name: str
    expr: str
    slots: float
    severity: str
    scope: str
    summary: str
    description: str
    keep_slots: float = 0.0
    opens: bool = False


def of_campus(expr: str) -> str:
    """Joins the inventory's facts to series with a label ``campus``."""
    return f"({expr}) {_FACTS}"


def cause(name: str) -> str:
    return f'{series.CAMPUS_CAUSE.name}{{cause="{name}"}}'


def verdict(name: str) -> str:
    return f'{series.CAMPUS_VERDICT.name}{{verdict="{name}"}}'


def firing(alert: str) -> str:
    return f'ALERTS{{alertname="{alert}",alertstate="firing"}}'


def silent(terms: Terms) -> str:
    """Agents whose last report is too old, with its age in seconds."""
    return f"time() - {series.AGENT_LAST_REPORT.name} > {AGENT_SILENT_SLOTS * terms.slot_seconds}"


def taught(alert: str, condition: str, labels: tuple[str, ...], terms: Terms, *, over_night: bool) -> str:
    """``condition`` in class. It begins in class only: what fires already goes on through a break, because nobody can
    know then whether it is over; a ticket also ``over_night``, until class shows that it is."""
    held = f"max by ({', '.join((*CAMPUS_LABELS, *labels))}) ({firing(alert)}) and on (campus) {IN_CLASS} == 0"
    if not over_night:
        held += f" and on (campus) max_over_time({IN_CLASS}[{terms.slots(BREAK_SLOTS)}]) == 1"
    return f"{of_campus(f'{condition} and on (campus) {IN_CLASS} == 1')} or ({held})"
