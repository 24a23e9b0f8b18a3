"""Days and instants as they are typed on a command line."""

from __future__ import annotations

import argparse
import datetime


def day(text: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date like 2026-08-13") from None


def instant(text: str) -> float:
    """Unix seconds. A time without a zone is refused: the terminal's zone need not be the campus's."""
    try:
        when = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time like 2026-08-13T08:00:00-07:00") from None
    if when.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text!r} has no time zone: write -07:00 or Z behind it")
    return when.timestamp()
