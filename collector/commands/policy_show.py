"""``policy show`` and ``policy check`` as a person reads them, and as a script does."""

from __future__ import annotations

import argparse
import datetime
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from rich.text import Text

from collector.commands.console import Failure, cell, out, print_json, say, table, visible, wrong_use
from collector.commands.present import settings
from collector.holding import DEFAULT_TIMEZONE, day_at, held_at, is_back_dated, kept_later
from collector.policies import beside, findings
from collector.policies import policy as policies
from collector.policies.policy import Criterion, Policy, PolicyError
from collector.store import Missing, Store, StoreError, snapshots

MARKS = "mark: S seen in the source, R recalled, P proposed by the policy's author"


class Standing(msgspec.Struct, frozen=True):
    """A policy, and what is known of how it came to hold. ``today``: the district's day; ``kept_at``: Unix seconds, of
    one that holds in a store and took the place of another."""

    policy: Policy
    today: datetime.date
    back_dated: bool = False
    kept_at: float | None = None


def show(arguments: argparse.Namespace) -> int:
    one = Standing(named(arguments.policy), _utc_day(time.time())) if arguments.policy else holding(arguments)
    if arguments.beside:
        return _show_beside([one.policy, *(named(name) for name in arguments.beside)], as_json=arguments.json)
    if arguments.json:
        plain = msgspec.to_builtins(one.policy)
        more = {"digest": one.policy.hash, "proposed": one.policy.proposed}
        print_json(plain | more | {"back_dated": one.back_dated, "policy_kept_at": one.kept_at})
        return 0
    _head(one.policy, one)
    shown = table("", "criterion", "requirement", "of", "window", "required", "source", "mark")
    for criterion in one.policy.criteria:
        shown.add_row(
            cell(criterion.id),
            cell(requirement(criterion)),
            cell(_share(criterion)),
            cell(criterion.window),
            cell("yes" if criterion.required else "no"),
            cell(source(criterion)),
            cell(criterion.source.mark),
        )
    out().print(shown)
    say(MARKS)
    return 0


def _head(policy: Policy, one: Standing | None = None) -> None:
    say(f"{policy.name} ({policy.profile}), valid from {policy.valid_from}, {agreement(policy)}")
    if one and one.back_dated:
        kept = datetime.datetime.fromtimestamp(one.kept_at or 0.0, datetime.UTC).date()
        say(f"BACK-DATED: it holds from {policy.valid_from} on and was kept on {kept}, when days it judges were over")
    if policy.author or policy.reason:
        say(f"author {policy.author or '-'}: {policy.reason or 'no reason given'}")
    say(f"objectives: {policy.slot_objective:.0%} of class time, {policy.day_objective:.0%} of school days")
    heard = policy.beacon_stretches
    if heard > 1:
        say(f"a beacon is missed by agents that heard it in {heard} separate five minutes before")
    say(f"slots of {policy.slot_seconds} seconds, digest {policy.hash[:12]}")


def agreement(policy: Policy) -> str:
    if not policy.parties:
        return "proposed, agreed by nobody yet"
    who = " and ".join(policy.parties)
    return f"proposed, agreed by {who} alone" if policy.proposed else f"agreed by {who}"


def requirement(one: Criterion) -> str:
    """As ``rtt_seconds < 0.1 seconds``, with the bands that it speaks of."""
    bands = f" ({' and '.join(one.bands)} GHz)" if one.bands else ""
    return f"{one.measure} {one.comparison} {one.threshold:,.10g} {one.unit}{bands}"


def _share(one: Criterion) -> str:
    return f"{one.share:.0%} of {one.scope.replace('_', ' ')}s"


def source(one: Criterion) -> str:
    section = f", {one.source.section}" if one.source.section else ""
    return f"{one.source.title} ({one.source.body}, {one.source.year}{section})"


def _show_beside(chosen: Sequence[Policy], *, as_json: bool) -> int:
    if as_json:
        print_json(beside.document(chosen))
        return 0
    names = [f"{one.name} ({one.profile})" for one in chosen]
    for policy in chosen:
        _head(policy)
    shown = table("", "criterion", *names, "differs in")
    objectives = [f"{one.slot_objective:.0%} of class time\n{one.day_objective:.0%} of school days" for one in chosen]
    same = len(set(objectives)) == 1
    shown.add_row(
        cell("objectives"), *(cell(one, "" if same else "bold") for one in objectives), cell("" if same else "share")
    )
    for line in beside.beside(chosen):
        shown.add_row(
            cell(line.id),
            *(_said(one, line.differs) for one in line.said),
            cell(", ".join(line.differs) if None not in line.said else "asked by one alone"),
        )
    out().print(shown)
    say(f"in bold: where they decide otherwise; {MARKS}")
    return 0


def _said(one: Criterion | None, differs: Sequence[str]) -> Text:
    if one is None:
        return cell("-")
    needed = "required" if one.required else "not required"
    decided = f"{requirement(one)}\n{_share(one)}, {one.window}, {needed}"
    text = Text(visible(decided), style="bold" if differs else "")
    return text.append(f"\n{visible(source(one))} [{one.source.mark}]", style="not bold dim")


def check(arguments: argparse.Namespace) -> int:
    """Status 2 where something is wrong: it was asked wrongly, and nothing was changed."""
    path: Path = arguments.file
    try:
        data = path.read_bytes()
    except OSError as fault:
        raise wrong_use(f"{path}: cannot be read: {fault.strerror}", "check its name, owner and mode") from None
    policy, found = findings.look(str(path), data, settings(arguments).report_seconds)
    if arguments.json:
        named_as: dict[str, Any] = {"policy": policy.name, "digest": policy.hash} if policy else {"policy": None}
        print_json({"file": str(path), **named_as, "findings": [msgspec.to_builtins(one) for one in found]})
    elif found:
        for one in found:
            sys.stderr.write(visible(str(one)) + "\n")
        noun = "fault" if len(found) == 1 else "faults"
        sys.stderr.write(f"wifi-collector: {visible(str(path))}: {len(found)} {noun} found\n")
    elif policy is not None:
        say(f"{path}: {policy.name}, {len(policy.criteria)} criteria, digest {policy.hash[:12]}: no fault found")
    return 2 if found else 0


def named(name: str) -> Policy:
    """A shipped policy, or a file. Raises Failure."""
    try:
        return policies.named(name)
    except PolicyError as fault:
        raise wrong_use(str(fault)) from None


def holding(arguments: argparse.Namespace) -> Standing:
    """The policy that holds in the store, or the one that is shipped where there is no store yet."""
    now = time.time()
    try:
        with Store(settings(arguments).database_url, write=False) as store, store.read() as connection:
            today = day_at(connection, now)
            listed = snapshots.every(connection, "policy")
            snapshot = snapshots.holding(listed, today)
            if snapshot is not None:
                policy = Policy.from_bytes(snapshots.body(connection, "policy", snapshot.hash))
                held = held_at(connection, now)
                kept_at = kept_later(listed, today)
                zone = held.timezone if held else DEFAULT_TIMEZONE
                return Standing(policy, today, is_back_dated(policy, kept_at, zone), kept_at)
    except Missing:
        pass
    except StoreError as fault:
        raise Failure(str(fault)) from None
    return Standing(policies.baseline(), _utc_day(now))


def _utc_day(now: float) -> datetime.date:
    return datetime.datetime.fromtimestamp(now, datetime.UTC).date()
