"""``policy``: what campuses are judged by, each threshold with its source; checks, tries and adopts another one."""

from __future__ import annotations

import argparse
import base64
import datetime
from pathlib import Path

import msgspec

from collector.commands import policy_show
from collector.commands.administer import perform
from collector.commands.console import say, wrong_use
from collector.commands.policy_show import agreement, holding, named
from collector.commands.when import count, day
from collector.policies import policy as policies
from collector.policies.policy import Agreement, Policy

_SHIPPED = ", ".join(policies.SHIPPED)


def add_parser(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("policy", help="show, check, try or adopt what campuses are judged by")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    _add_show(actions)
    _add_check(actions)
    _add_try(actions)
    _add_adopt(actions)
    _add_agree(actions)


def _add_show(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    show = actions.add_parser(
        "show",
        help="every criterion with its source",
        description="Shows the policy that holds, or one that is shipped or in a file; with --beside several in one "
        "table, with what they decide otherwise in bold.",
        epilog="example: wifi-collector policy show baseline --beside strict",
    )
    show.add_argument("policy", nargs="?", metavar="NAME|FILE", help=f"{_SHIPPED}, or a file (default: what holds)")
    show.add_argument("--beside", action="append", metavar="NAME|FILE", help="another one in the same table")
    show.add_argument("--json", action="store_true", help="print it for a script")
    show.set_defaults(run=policy_show.show)


def _add_check(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    check = actions.add_parser(
        "check",
        help="say everything that is wrong with a policy file",
        description="Names each fault with its line and its mend: unknown keys and measures, thresholds without a "
        "source, criteria that cannot both hold, a slot that reports do not divide. Ends with 2 where there is one.",
        epilog="example: wifi-collector policy check policy.toml",
    )
    check.add_argument("file", type=Path)
    check.add_argument("--json", action="store_true", help="print the faults for a script")
    check.set_defaults(run=policy_show.check)


def _add_try(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    attempt = actions.add_parser(
        "try",
        help="which campuses would change under another policy",
        description="Judges the kept evidence of a period by another policy and shows each campus whose answer or "
        "whose class time would change, how much, and for which criterion. Writes nothing; a server may run meanwhile.",
        epilog="example: wifi-collector policy try strict --from 2026-09-01 --to 2026-09-30",
    )
    attempt.add_argument("policy", metavar="NAME|FILE", help=f"{_SHIPPED}, or a TOML file")
    attempt.add_argument("--from", dest="since", type=day, metavar="DATE", help="first day (default: the first kept)")
    attempt.add_argument("--to", dest="until", type=day, metavar="DATE", help="last day (default: today)")
    attempt.add_argument("--campus", metavar="ID", help="only this campus")
    attempt.add_argument("--processes", type=count, metavar="N", help="how many judge (default: one a processor)")
    attempt.add_argument("--json", action="store_true", help="one JSON object")
    attempt.set_defaults(run=_try)


def _try(arguments: argparse.Namespace) -> int:
    from collector.commands import policy_try  # noqa: PLC0415 - showing a policy need not wait for the judge

    return policy_try.run(arguments)


def _add_adopt(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    adopt = actions.add_parser(
        "adopt",
        help="judge by another policy from a day on",
        description="From that day on campuses are judged by this policy; days before keep what held then. "
        "The versions with radio (baseline-2, strict-2) require what radios measure: a campus whose agents have none "
        "stays unknown under them. From a day that is over it is back-dated, and every answer says so.",
        epilog="example: wifi-collector policy adopt baseline-2 --from 2027-01-01",
    )
    adopt.add_argument("policy", metavar="NAME|FILE", help=f"{_SHIPPED}, or a TOML file")
    adopt.add_argument("--from", dest="since", type=day, metavar="DATE", required=True)
    adopt.set_defaults(run=_adopt)


def _add_agree(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    agree = actions.add_parser(
        "agree",
        help="record that a party agrees to the policy that holds",
        description="Until two parties stand in the policy, each with its date, every answer says that it is proposed. "
        "The agreement counts from a day on: days before keep the policy as it stood then.",
        epilog='example: wifi-collector policy agree --party "Teachers\' union" --date 2026-09-01',
    )
    agree.add_argument("--party", required=True, metavar="NAME")
    agree.add_argument("--date", type=day, metavar="DATE", help="when it agreed (default: today)")
    agree.add_argument("--from", dest="since", type=day, metavar="DATE", help="since when it counts (default: today)")
    agree.set_defaults(run=_agree)


def _adopt(arguments: argparse.Namespace) -> int:
    _keep(arguments, named(arguments.policy), arguments.since)
    return 0


def _agree(arguments: argparse.Namespace) -> int:
    standing = holding(arguments)
    policy, today = standing.policy, standing.today
    party = arguments.party.strip()
    if not party or len(party) > 120:
        raise wrong_use("--party is empty or longer than 120 characters", 'name it: --party "District"')
    already = [one for one in policy.agreed_by if isinstance(one, Agreement)]
    if party.casefold() in {one.party.casefold() for one in already}:
        raise wrong_use(f"{party} agreed to {policy.name} already", "see `wifi-collector policy show`")
    agreed = msgspec.structs.replace(policy, agreed_by=(*already, Agreement(party, arguments.date or today)))
    _keep(arguments, agreed, arguments.since or today)
    say(f"{agreed.name} is {agreement(agreed)}")
    return 0


def _keep(arguments: argparse.Namespace, policy: Policy, since: datetime.date) -> None:
    document = base64.b64encode(policy.to_bytes()).decode()
    done = perform(arguments, "policy-adopt", {"document": document, "valid_from": since.isoformat()})
    again = f"; {done['slots_judged_again']} slots are judged again" if done["slots_judged_again"] else ""
    say(f"{done['policy']} holds from {done['valid_from']} on, digest {done['hash'][:12]}{again}")
    if done.get("back_dated"):
        say("it is BACK-DATED: days that it judges were over when it was kept, and every answer says so")
