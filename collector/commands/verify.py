"""``verify``: the ledger recomputed from the signed evidence; it is confirmed, or the first difference is named."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import msgspec

from collector.commands.console import Failure, print_json, progress, say, wrong_use
from collector.commands.present import open_store, settings
from collector.commands.when import day
from collector.store.facts import StoreFacts
from collector.verification.bundle_read import UNREADABLE, BadBundle, Bundle
from collector.verification.facts import Counts, Difference, Source
from collector.verification.verify import Verification

_GAPS_SHOWN = 20


def add_parser(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "verify",
        help="recompute the ledger from the signed evidence",
        description="Checks the ledger's chain of digests, the signature of every report, the snapshots, and judges "
        "each slot of the period again. Says that the ledger is confirmed, or names the first difference and ends with "
        "1. A BUNDLE (see export-evidence) is checked without a store or a network.",
        epilog="example: wifi-collector verify --from 2026-09-01 --to 2026-09-30 --campus lincoln-hs",
    )
    parser.add_argument(
        "bundle", nargs="?", type=Path, metavar="BUNDLE", help="a file of evidence, instead of the store"
    )
    parser.add_argument("--from", dest="since", type=day, metavar="DATE", help="first day (default: the first kept)")
    parser.add_argument("--to", dest="until", type=day, metavar="DATE", help="last day (default: the last kept)")
    parser.add_argument("--campus", metavar="ID", help="only this campus")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    if arguments.since and arguments.until and arguments.since > arguments.until:
        raise wrong_use(f"--from {arguments.since} is after --to {arguments.until}", "exchange the two")
    if arguments.bundle is not None:
        if arguments.since or arguments.until or arguments.campus:
            raise wrong_use("a bundle is checked as a whole", "leave out --from, --to and --campus")
        difference, counts = _of_bundle(arguments.bundle)
    else:
        difference, counts = _of_store(arguments)
    if arguments.json:
        print_json(
            {"confirmed": difference is None, "difference": difference, "looked_at": msgspec.structs.asdict(counts)}
        )
    else:
        _show(difference, counts)
    return 0 if difference is None else 1


def _of_store(arguments: argparse.Namespace) -> tuple[Difference | None, Counts]:
    with open_store(settings(arguments)) as store, store.read() as connection:
        source = StoreFacts(connection, arguments.since, arguments.until, arguments.campus)
        if arguments.campus and not source.campuses():
            hint = "`wifi-collector commitment --json` lists the campuses"
            raise wrong_use(f"the ledger knows no campus {arguments.campus!r}", hint)
        return _first(source)


def _of_bundle(path: Path) -> tuple[Difference | None, Counts]:
    if not path.is_file():
        raise wrong_use(f"{path}: there is no such file", "name a file that `wifi-collector export-evidence` wrote")
    try:
        bundle = Bundle(path)
        for difference in bundle.damage():
            return difference, Counts()
        bundle.load()
    except BadBundle as fault:
        raise Failure(str(fault)) from None
    return _first(bundle)


def _first(source: Source) -> tuple[Difference | None, Counts]:
    with progress("judged again") as shown:
        verification = Verification(source, shown)
        try:
            found = next(verification.differences(), None)
        except UNREADABLE as fault:
            found = Difference("what was kept", "it cannot be read", evidence=str(fault)[:300])
    return found, verification.counts


def _show(difference: Difference | None, counts: Counts) -> None:
    if difference is not None:
        say(f"NOT CONFIRMED: {difference.subject}: {difference.what}")
        where: dict[str, Any] = {"campus": difference.campus, "day": difference.day, "slot": difference.slot}
        where |= {"ledger says": difference.ledger, "evidence says": difference.evidence}
        for name, value in where.items():
            if value not in ("", None):
                say(f"  {name}: {value}")
        return
    say(
        f"confirmed: {counts.revisions} revisions in the chain, {counts.reports} signed reports, "
        f"{counts.slots} slots of {counts.days} campus-days judged again"
    )
    if counts.chain:
        say(f"  the chain's last digest is {counts.chain}")
    if counts.expired_days:
        say(
            f"  evidence expired, chain intact: {counts.expired_days} campus-days, whose reports were kept "
            f"{counts.kept_days} days; the digests of what was let go are those that the ledger rests on"
        )
    if counts.not_judged_yet:
        say(f"  {counts.not_judged_yet} slots are not judged yet, or to be judged again: look again in a minute")
    if counts.seen_from_above:
        say(f"  {counts.seen_from_above} slots have a cause that rests on other campuses too")
    for gap in counts.gaps[:_GAPS_SHOWN]:
        say(f"  not come from agent {gap.agent}: numbers {gap.first} to {gap.last} of stream {gap.stream}")
    if len(counts.gaps) > _GAPS_SHOWN:
        say(f"  and {len(counts.gaps) - _GAPS_SHOWN} more gaps: see --json")
