"""``policy``: what a campus is judged by, each threshold with its source; checks a policy file; adopts one."""

from __future__ import annotations

import argparse
import base64
import datetime
from pathlib import Path

import msgspec

from collector import policy as policies
from collector.commands.administer import perform
from collector.commands.console import cell, out, print_json, say, table, wrong_use
from collector.commands.present import settings
from collector.commands.when import day
from collector.policy import Criterion, Policy, PolicyError
from collector.store import Store, StoreError, snapshots


def add_parser(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("policy", help="show or check what campuses are judged by")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    show = actions.add_parser(
        "show", help="every criterion with its source", epilog="example: wifi-collector policy show --json"
    )
    show.add_argument("--file", type=Path, metavar="TOML", help="show this file (default: the policy that holds)")
    show.add_argument("--json", action="store_true", help="print the policy for a script")
    show.set_defaults(run=_show)
    check = actions.add_parser(
        "check",
        help="say what is wrong with a policy file",
        epilog="example: wifi-collector policy check policy.toml",
    )
    check.add_argument("file", type=Path)
    check.set_defaults(run=_check)
    adopt = actions.add_parser(
        "adopt",
        help="judge by another policy from a day on",
        description="From that day on campuses are judged by this policy; days before keep what held then. "
        "baseline-2 requires what radios measure: a campus whose agents have none stays unknown under it.",
        epilog="example: wifi-collector policy adopt baseline-2 --from 2027-01-01",
    )
    adopt.add_argument("policy", metavar="NAME|FILE", help=f"{', '.join(policies.SHIPPED)}, or a TOML file")
    adopt.add_argument("--from", dest="since", type=day, metavar="DATE", required=True)
    adopt.set_defaults(run=_adopt)


def _show(arguments: argparse.Namespace) -> int:
    policy = _read(arguments.file) if arguments.file else _holding(arguments)
    if arguments.json:
        print_json(msgspec.to_builtins(policy))
        return 0
    proposed = "proposed, agreed by nobody yet" if not policy.agreed_by else f"agreed by {', '.join(policy.agreed_by)}"
    say(f"{policy.name} ({policy.profile}), valid from {policy.valid_from}, {proposed}")
    say(f"objectives: {policy.slot_objective:.0%} of class time, {policy.day_objective:.0%} of school days")
    say(f"slots of {policy.slot_seconds} seconds, digest {policy.hash[:12]}")
    shown = table("", "criterion", "requirement", "of", "window", "required", "source", "mark")
    for one in policy.criteria:
        source = f"{one.source.title} ({one.source.body}, {one.source.year})"
        shown.add_row(
            cell(one.id),
            cell(f"{one.measure} {one.comparison} {one.threshold:g} {one.unit}{_bands(one)}"),
            cell(f"{one.share:.0%} of {one.scope}s"),
            cell(one.window),
            cell("yes" if one.required else "no"),
            cell(source),
            cell(one.source.mark),
        )
    out().print(shown)
    say("mark: S seen in the source, R recalled, P proposed by the policy's author")
    return 0


def _bands(criterion: Criterion) -> str:
    return f" ({' and '.join(criterion.bands)} GHz)" if criterion.bands else ""


def _check(arguments: argparse.Namespace) -> int:
    policy = _read(arguments.file)
    say(f"{arguments.file}: {policy.name}, {len(policy.criteria)} criteria, digest {policy.hash[:12]}: no fault found")
    return 0


def _adopt(arguments: argparse.Namespace) -> int:
    name = arguments.policy
    policy = policies.shipped(name) if name in policies.SHIPPED else _read(Path(name))
    document = base64.b64encode(policy.to_bytes()).decode()
    done = perform(arguments, "policy-adopt", {"document": document, "valid_from": arguments.since.isoformat()})
    again = f"; {done['slots_judged_again']} slots are judged again" if done["slots_judged_again"] else ""
    say(f"{done['policy']} holds from {done['valid_from']} on, digest {done['hash'][:12]}{again}")
    return 0


def _read(path: Path) -> Policy:
    try:
        return policies.read(path)
    except PolicyError as fault:
        raise wrong_use(str(fault)) from None


def _holding(arguments: argparse.Namespace) -> Policy:
    """The policy in the store, or the one that is shipped where there is no store yet."""
    today = datetime.datetime.now(datetime.UTC).date()
    try:
        with Store(settings(arguments).database_url, write=False) as store, store.read() as connection:
            snapshot = snapshots.holding(snapshots.every(connection, "policy"), today)
            if snapshot is not None:
                return Policy.from_bytes(snapshots.body(connection, "policy", snapshot.hash))
    except StoreError:
        pass
    return policies.baseline()
