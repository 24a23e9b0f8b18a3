"""The probes, by name; each is loaded only when it is first asked for."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from agent import wire
from agent.probes.base import Deadline

PROBES = {
    "reach": "agent.probes.reach",
    "path": "agent.probes.path",
    "throughput": "agent.probes.throughput",
    "airspace": "agent.probes.airspace",
    "link": "agent.probes.link",
    "join": "agent.probes.join",
    "host": "agent.probes.host",
}


def load(name: str) -> Callable[[Any, Deadline], wire.Table | dict[str, wire.Table]]:
    """The probe function called ``name``."""
    probe: Callable[[Any, Deadline], wire.Table | dict[str, wire.Table]] = importlib.import_module(PROBES[name]).probe
    return probe
