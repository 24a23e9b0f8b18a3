"""What the commands over kept records have in common: an act with the name of whoever does it, and the list."""

from __future__ import annotations

import argparse
import getpass
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from collector.commands.administer import perform
from collector.commands.console import cell, out, print_json, say, table

Cell = Any
"""What a cell shows: a text, a number, or a cell that has a style already."""


def acting(action: argparse.ArgumentParser, who: str = "who does this (default: you)") -> None:
    """The options of an act."""
    action.add_argument("--by", metavar="WHO", default=getpass.getuser(), help=who)
    action.add_argument("--json", action="store_true", help="print the result for a script")


def listing(action: argparse.ArgumentParser) -> None:
    """The option of a list."""
    action.add_argument("--json", action="store_true", help="print it for a script")


def act(arguments: argparse.Namespace, verb: str, body: dict[str, Any], said: Callable[[dict[str, Any]], str]) -> int:
    """Does it in the name that was given. ``said``: what was done goes in, a line for people comes out."""
    result = perform(arguments, verb, body | {"by": arguments.by})
    if arguments.json:
        print_json(result)
    else:
        say(said(result))
    return 0


def show(
    arguments: argparse.Namespace,
    what: str,
    found: Sequence[Any],
    columns: Sequence[str],
    row: Callable[[Any], Iterable[Cell]],
) -> int:
    """``what``: the word for several of them; ``row``: a record goes in, its cells come out."""
    if arguments.json:
        print_json(list(found))
    elif not found:
        say(f"no {what}")
    else:
        shown = table(f"{len(found)} {what}", *columns)
        for one in found:
            shown.add_row(*(value if hasattr(value, "plain") else cell(value) for value in row(one)))
        out().print(shown)
    return 0
