"""``prepare-image``: the command, for whoever fills a van with agents."""

from __future__ import annotations

import argparse
import datetime
import json
import sys
from pathlib import Path
from typing import Any

from agent.clock import RealClock
from agent.image import joins
from agent.image.image import Image, ImageError

_TEXT = """Makes a system with the agent in it into one that many devices are copied from: no key, no spool, no machine
id and no join string stay in it. On its first start each copy makes its own key and machine id.

With --joins it gives this one card the next join string of `wifi-collector token create --file`, so that the device
enrolls by itself; only that one line is written to it, and FILE.given says which were given."""
_EXAMPLES = """examples:
  wifi-agent prepare-image --root /mnt/image                       the image, once
  wifi-agent prepare-image --root /mnt/card --joins joins.csv      each card copied from it, one after the other
  wifi-agent prepare-image --root /mnt/card --joins joins.csv --campus lincoln-hs
  wifi-agent prepare-image --root /mnt/image --check               changes nothing; status 1 where something stays"""


def add_parser(verbs: Any) -> None:
    parser = verbs.add_parser(
        "prepare-image",
        help="make a card or disk fit to be copied for many devices",
        description=_TEXT,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--root", type=Path, required=True, metavar="DIR", help="where its root is mounted; / is this device itself"
    )
    parser.add_argument("--joins", type=Path, metavar="FILE", help="CSV of join strings: give this card one of them")
    parser.add_argument("--campus", metavar="ID", help="the line of this campus (default: the next that is left)")
    parser.add_argument("--check", action="store_true", help="say what is in it, and change nothing")
    parser.add_argument("--discard", action="store_true", help="although reports wait in it that were never sent")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Exit status: 0 fit to be copied, 1 not, 2 wrong use."""
    if args.campus and not args.joins:
        return _fail("--campus needs --joins FILE", 2)
    if args.check and args.joins:
        return _fail("--check changes nothing, so it gives no join string; leave --joins out", 2)
    try:
        return _prepare(args, datetime.datetime.now(datetime.UTC))
    except ImageError as fault:
        return _fail(fault, 1)
    except OSError as fault:
        return _fail(f"{fault.filename}: {fault.strerror}; is the image mounted to be written, and are you root?", 1)


def _prepare(args: argparse.Namespace, now: datetime.datetime) -> int:
    image = Image(args.root)
    found = image.findings()
    given = None
    if not args.check:
        # The line first: where none is left, the card is as it was.
        given = joins.choose(args.joins, args.campus, now) if args.joins else None
        if image.running():
            raise ImageError(
                f"{args.root}: its agent runs; stop it: systemctl stop campus-wifi-prober campus-wifi-shipper"
            )
        if not args.discard and (unsent := image.unsent(RealClock())):
            raise ImageError(
                f"{args.root}: {unsent} reports in it were never sent; let them go out first, or --discard"
            )
        image.clean()
        if given is not None:
            joins.note(args.joins, given, now)
            image.give(given.line.join)
    left = image.findings()
    if given is not None:
        left = [one for one in left if one.path != "etc/campus-wifi/join"]
    missing = image.missing()
    fit = not left and not missing
    if args.json:
        shown: dict[str, Any] = {"root": str(image.root), "fit": fit, "missing": missing, "notes": image.notes()}
        shown |= {"found" if args.check else "removed": [one._asdict() for one in found]}
        if given is not None:
            shown["given"] = {"campus": given.line.campus, "number": given.number, "of": given.of}
        sys.stdout.write(json.dumps(shown) + "\n")
    else:
        lines = [f"{'in it' if args.check else 'removed'}: {one.path} ({one.why})" for one in found]
        lines += [f"missing: {text}" for text in missing] + [f"note: {text}" for text in image.notes()]
        if given is not None:
            lines.append(f"this card: {given.line.campus}, {given.number} of {given.of}, by {given.line.expires_at}")
        lines.append("fit to start" if fit and given else "fit to be copied" if fit else "not fit to be copied")
        sys.stdout.write("\n".join(lines) + "\n")
    return 0 if fit else 1


def _fail(text: object, status: int) -> int:
    sys.stderr.write(f"wifi-agent: {text}\n")
    return status
