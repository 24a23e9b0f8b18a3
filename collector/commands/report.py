"""``report``: the answer of a period as a document to hand out, PDF or HTML."""

from __future__ import annotations

import argparse
import hashlib
import os
import time
from pathlib import Path
from typing import Any

from collector import answers
from collector.board.language import DEFAULT, LANGUAGES, Language
from collector.commands.console import Failure, print_json, progress, say, wrong_use
from collector.commands.present import open_store, settings
from collector.commands.when import day
from collector.commitment.period import KINDS, UnknownPeriod
from collector.report import reading
from collector.report.blocks import Document
from collector.report.document import document
from collector.report.html import html
from collector.report.pdf import NotSet, pdf

_FORMS = (".pdf", ".html")


def add_parser(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "report",
        help="the answer of a period as a document: PDF or HTML",
        description="One page for the district, one for each campus that falls short, the lists (not enough evidence, "
        "rooms short, rooms silent while short), and an annex with method, policy and sources, planned work, "
        "incidents, digests, and the command that prints each figure again. The PDF is tagged (PDF/UA-1).",
        epilog="example: wifi-collector report --period month:2026-10 --out october.pdf",
    )
    parser.add_argument(
        "--period",
        default="",
        metavar="KIND[:NAME]",
        help=f"{', '.join(KINDS)}; the one of today, or by name: month:2026-10 (default: this month)",
    )
    parser.add_argument("--from", dest="since", type=day, metavar="DATE", help="first day, instead of a period")
    parser.add_argument("--to", dest="until", type=day, metavar="DATE", help="last day")
    parser.add_argument("--campus", metavar="ID", help="one campus instead of the district")
    parser.add_argument("--language", choices=tuple(LANGUAGES), default=DEFAULT, help=f"(default: {DEFAULT})")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="a new file.pdf or file.html")
    parser.add_argument("--json", action="store_true", help="print what was written, for a script")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    out = arguments.out
    if out.suffix.lower() not in _FORMS:
        raise wrong_use(f"{out} is neither .pdf nor .html", "the name's ending says the form")
    if out.exists():
        raise wrong_use(f"{out} exists already", "name a new file: nothing is overwritten")
    if not out.parent.is_dir():
        raise wrong_use(f"{out.parent} is no folder", "make it first")
    if arguments.period and (arguments.since or arguments.until):
        raise wrong_use("--period and --from or --to say two things", "leave one of them out")
    if arguments.since and arguments.until and arguments.since > arguments.until:
        raise wrong_use(f"--from {arguments.since} is after --to {arguments.until}", "exchange the two")
    read = _read(arguments)
    summary = _summary(read, arguments.language)
    words = document(read, Language(arguments.language))
    made_at = read.made_at
    del read  # setting a large district's pages takes memory enough
    made, missing = _set(words, out.suffix.lower(), made_at)
    _write(out, made)
    summary |= {"file": str(out), "bytes": len(made), "sha256": hashlib.sha256(made).hexdigest()}
    if arguments.json:
        print_json(summary)
        return 0
    say(
        f"{out}: {summary['from']} to {summary['to']}, {len(made)} bytes, {summary['campus_pages']} campus pages, "
        f"policy {summary['policy']}{' (proposed)' if summary['proposed'] else ''}"
    )
    say(f"  SHA-256 of the file: {summary['sha256']}")
    if missing:
        say(f"  {missing} characters of names are in no font here and are printed as \ufffd: install fonts-noto")
    return 0


def _read(arguments: argparse.Namespace) -> reading.Reading:
    config = settings(arguments)
    period = arguments.period or ("" if arguments.since or arguments.until else "month")
    asked = answers.Asked(period=period, campus=arguments.campus, by="region", term=config.term)
    with open_store(config) as store, progress("read", "campuses") as shown:
        try:
            return reading.read(store, asked, arguments.since, arguments.until, now=time.time(), shown=shown)
        except answers.UnknownCampus as fault:
            raise wrong_use(str(fault), "`wifi-collector commitment --json` lists the campuses") from None
        except UnknownPeriod as fault:
            raise wrong_use(fault.reason, fault.mend) from None


def _set(words: Document, form: str, made_at: float) -> tuple[bytes, int]:
    """The file, and how many characters could not be drawn."""
    with progress("set", "pages") as shown:
        shown(0, 0)
        if form == ".html":
            return html(words), 0
        try:
            return pdf(words, made_at)
        except NotSet as fault:
            raise Failure(
                str(fault), "please report this with the period's dates; --out FILE.html works without"
            ) from None


def _write(out: Path, made: bytes) -> None:
    """All of it or nothing: who finds the file finds a whole one."""
    half = out.with_name(f".{out.name}.part")
    try:
        with half.open("wb") as file:
            file.write(made)
            file.flush()
            os.fsync(file.fileno())
        half.replace(out)
    except OSError as fault:
        half.unlink(missing_ok=True)
        hint = "check the folder, its space and permissions"
        raise Failure(f"{out} was not written: {fault.strerror or fault}", hint) from None


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
