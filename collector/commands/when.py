"""Days, instants and counts as they are typed on a command line."""

from __future__ import annotations

import argparse
import datetime


def day(text: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date like 2026-08-13") from None


def count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of 1 or more")
    return int(text)


def instant(text: str) -> float:
    """Unix seconds. A time without a zone is refused: the terminal's zone need not be the campus's."""
    try:
        when = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time like 2026-08-13T08:00:00-07:00") from None
    if when.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text!r} has no time zone: write -07:00 or Z behind it")
    return when.timestamp()


def moment(at: float) -> str:
    """As people read it, in UTC: campuses of one list may stand in several zones."""
    return datetime.datetime.fromtimestamp(at, datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")


def span(from_at: float, to_at: float | None) -> str:
    return f"{moment(from_at)} to {'now' if to_at is None else moment(to_at)}"
