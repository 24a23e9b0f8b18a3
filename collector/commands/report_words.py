"""What a report says, read and worded in a process of its own, which then ends.

Reading a large district's answers takes a hundred megabytes that Python does not give back, and typst takes more than
twice as much to set its pages: one after the other they fit a small server.
"""

from __future__ import annotations

import argparse
import multiprocessing
import signal
import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from msgspec import Struct

from collector.board.language import Language
from collector.commands.console import Failure, err, progress, wrong_use
from collector.commands.present import open_store, settings
from collector.commitment import answers
from collector.commitment.period import UnknownPeriod
from collector.report import reading
from collector.report.blocks import Document
from collector.report.document import document


class Worded(Struct, frozen=True):
    """``summary``: what is told of the report, for a script."""

    document: Document
    summary: dict[str, Any]
    made_at: float


def worded(arguments: argparse.Namespace) -> Worded:
    """Raises Failure, as a command does."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context, initializer=_begin) as pool:
        try:
            return pool.submit(_worded, arguments).result()
        except BrokenProcessPool:
            hint = "the system may have ended it for want of memory: look into its journal, and try --campus ID"
            raise Failure("the process that reads the answers ended before it was done", hint) from None
        finally:
            err().show_cursor()  # who was ended in the middle of a bar has hidden it


def _begin() -> None:
    """Whoever presses Ctrl-C ends the command, and with it this process: no second voice about it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _worded(arguments: argparse.Namespace) -> Worded:
    config = settings(arguments)
    period = arguments.period or ("" if arguments.since or arguments.until else "month")
    asked = answers.Asked(period=period, campus=arguments.campus, by="region", term=config.term)
    with open_store(config) as store, progress("read", "campuses") as shown:
        try:
            read = reading.read(store, asked, arguments.since, arguments.until, now=time.time(), shown=shown)
        except answers.UnknownCampus as fault:
            raise wrong_use(str(fault), "`wifi-collector commitment --json` lists the campuses") from None
        except UnknownPeriod as fault:
            raise wrong_use(fault.reason, fault.mend) from None
    return Worded(document(read, Language(arguments.language)), _summary(read, arguments.language), read.made_at)


def _summary(read: reading.Reading, language: str) -> dict[str, Any]:
    answer = read.answer
    return {
        "language": language,
        "from": answer["from"],
        "to": answer["to"],
        "period": answer["period"],
        "policy": answer["policy"],
        "proposed": answer.get("proposed"),
        "campus": read.only or None,
        "campus_pages": len(read.campuses),
        "totals": {
            who: {key: total[key] for key in ("campuses", "falls_short", "not_enough_evidence", "meets")}
            for who, total in answer["totals"].items()
        },
        "digests": {
            kind: [{"digest": digest, "from": first, "to": last} for digest, first, last in named]
            for kind, named in read.digests.named.items()
        }
        | {"evidence": read.digests.evidence, "chain": read.digests.chain[1]},
    }
