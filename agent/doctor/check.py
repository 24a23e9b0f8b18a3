"""One thing looked at, and the table of many for a person."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Literal, NamedTuple

State = Literal["ok", "warning", "missing"]


class Check(NamedTuple):
    """``mend``: the command or the deed that mends it. ``stops``: probes that cannot run while this is not ``ok``.
    ``needed``: without it the agent cannot do its work."""

    name: str
    state: State
    found: str
    mend: str = ""
    stops: tuple[str, ...] = ()
    needed: bool = False


def show(checks: Sequence[Check]) -> None:
    """Prints verdict, why and mend."""
    from rich.box import SIMPLE_HEAD  # noqa: PLC0415 - rich is for people
    from rich.console import Console  # noqa: PLC0415
    from rich.markup import escape  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    colours = {"ok": "green", "warning": "yellow", "missing": "bold red"}
    grid = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    grid.add_column("verdict", no_wrap=True)
    grid.add_column("what", no_wrap=True)
    # A line that is cut in the middle cannot be copied into a shell, hence folding and not an ellipsis.
    grid.add_column("why", overflow="fold")
    grid.add_column("what mends it", overflow="fold")
    for check in checks:
        colour = colours[check.state]
        grid.add_row(f"[{colour}]{check.state}[/]", check.name, escape(check.found), escape(check.mend))
    # Into a pipe or a file: wide enough that nothing is folded which somebody will copy.
    Console(highlight=False, width=None if sys.stdout.isatty() else 240).print(grid)
