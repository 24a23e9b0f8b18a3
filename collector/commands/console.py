"""What a person reads in the terminal: answers on standard output, errors and progress on standard error.

An error says what, where and what to do. Names are data: terminal control characters in them are made visible.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class Failure(Exception):
    """Ends a command. ``status`` 1: it could not do its work; 2: it was asked wrongly."""

    def __init__(self, reason: str, hint: str = "", status: int = 1) -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint
        self.status = status


def wrong_use(reason: str, hint: str = "") -> Failure:
    return Failure(reason, hint, status=2)


def visible(text: str) -> str:
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def out() -> Console:
    """Made when used: a test or a pipe may have replaced standard output since import. Without a terminal a table is
    wide, so that no cell of it is cut in a file or a pipe."""
    return Console(file=sys.stdout, highlight=False, soft_wrap=False, width=None if sys.stdout.isatty() else 160)


def err() -> Console:
    return Console(file=sys.stderr, highlight=False, soft_wrap=True)


def say(text: str) -> None:
    sys.stdout.write(visible(text) + "\n")


def say_error(failure: Failure) -> None:
    sys.stderr.write(f"wifi-collector: {visible(failure.reason)}\n")
    if failure.hint:
        sys.stderr.write(f"  {visible(failure.hint)}\n")


def print_json(value: Any) -> None:
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")


def table(title: str, *columns: str, right: tuple[str, ...] = ()) -> Table:
    made = Table(title=title, title_justify="left", header_style="bold", expand=False)
    for column in columns:
        made.add_column(column, justify="right" if column in right else "left", overflow="fold")
    return made


def cell(text: object, style: str = "") -> Text:
    """A cell of data: never read as markup."""
    return Text(visible(str(text)), style=style)


@contextmanager
def progress(what: str, unit: str = "days") -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error, where somebody looks at it."""
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TextColumn(unit), TimeRemainingColumn())
    console = err()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total or None)
