"""``report``: the answer of a period as a document to hand out, PDF or HTML."""

from __future__ import annotations

import argparse
import hashlib
import os
from pathlib import Path

from collector.board.language import DEFAULT, LANGUAGES
from collector.commands.console import Failure, print_json, progress, say, wrong_use
from collector.commands.report_words import worded
from collector.commands.when import day
from collector.commitment.period import KINDS
from collector.report.blocks import Document
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
    words = worded(arguments)
    made, missing = _set(words.document, out.suffix.lower(), words.made_at)
    _write(out, made)
    written = {"file": str(out), "bytes": len(made), "sha256": hashlib.sha256(made).hexdigest()}
    summary = written | words.summary
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
