"""The printed commands: a period and a campus go in, what anybody types to get the same figure comes out. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

_BY_NAME = ("day", "week", "month", "semester", "school_year")


def period(answer: Mapping[str, Any]) -> str:
    """The period as options, by its name where it has one that stays: ``30d`` is another one tomorrow."""
    said = answer["period"]
    if said["kind"] in _BY_NAME:
        return f"--period {shlex.quote(said['kind'] + ':' + said['name'])}"
    return "--period term" if said["kind"] == "term" else days(answer)


def days(answer: Mapping[str, Any]) -> str:
    return f"--from {answer['from']} --to {answer['to']}"


def figure(answer: Mapping[str, Any], field: str, campus: str = "") -> str:
    """The command that prints one figure of the answer, of one campus or of the whole district."""
    only = f" --campus {shlex.quote(campus)}" if campus else ""
    return f"wifi-collector commitment {period(answer)}{only} --figure {field}"


def of_list(answer: Mapping[str, Any], name: str) -> str:
    lists = answer["lists"]
    return (
        f"wifi-collector commitment {period(answer)} --list {name} --rooms-over {lists['rooms_over']:g} "
        f"--evidence-floor {lists['evidence_floor']:g}"
    )
