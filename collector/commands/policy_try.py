"""``policy try``: who would change if campuses were judged by another policy, by how much, and for what."""

from __future__ import annotations

import argparse
import time
from typing import Any

from collector.commands.console import Failure, cell, out, print_json, progress, say, table, wrong_use
from collector.commands.figures import ANSWERS, duration, percent
from collector.commands.policy_show import named
from collector.commands.present import open_store, settings
from collector.commitment import answers
from collector.policies.trial import Reason, trial
from collector.rejudging.workers import WorkerLost

_REASONS_SHOWN = 3


def run(arguments: argparse.Namespace) -> int:
    if arguments.since and arguments.until and arguments.since > arguments.until:
        raise wrong_use(f"--from {arguments.since} is after --to {arguments.until}", "exchange the two")
    policy = named(arguments.policy)
    with open_store(settings(arguments)) as store, progress("tried") as shown:
        try:
            answer = trial(
                store,
                policy,
                arguments.since,
                arguments.until,
                arguments.campus,
                now=time.time(),
                processes=arguments.processes,
                progress=shown,
            )
        except answers.UnknownCampus as fault:
            raise wrong_use(str(fault), "`wifi-collector commitment --json` lists the campuses") from None
        except WorkerLost as fault:
            raise Failure(str(fault), "try it with --processes 1, or a shorter period") from None
    if arguments.json:
        print_json(answer)
    else:
        _show(answer)
    return 0


def _show(answer: dict[str, Any]) -> None:
    before, after = answer["before"], answer["after"]
    say(
        f"{answer['from']} to {answer['to']}, {answer['campus_days']} campus-days judged again by {after['policy']} "
        f"({after['profile']}), objective {after['objective']:.0%} of class time; nothing was changed"
    )
    if not answer["campus_days"]:
        say("no day of this period is judged yet: there is nothing to try the policy on")
        return
    moved = [one for one in answer["campuses"] if one["changes"] or one["because"]]
    real = [one for one in moved if not one["simulated"]]
    simulated = [one for one in moved if one["simulated"]]
    for title, campuses in (("Campuses", real), ("SIMULATED campuses (in no total with real ones)", simulated)):
        if campuses:
            out().print(_table(title, before["policy"], after["policy"], campuses))
    for kind in ("real", "simulated"):
        _say_total(kind, answer["totals"][kind])
    gone = sum(one["no_evidence_slots"] for one in answer["campuses"])
    if gone:
        say(f"{gone} slots cannot be judged again: their evidence is no longer kept, and they count as unknown")


def _table(title: str, before: str, after: str, campuses: list[dict[str, Any]]) -> Any:
    shown = table(title, "campus", before, after, "met at least", "made so by", right=("met at least",))
    for one in campuses:
        word, style = ANSWERS[one["after"]["verdict"]]
        shown.add_row(
            cell(one["campus"]),
            cell(f"{ANSWERS[one['before']['verdict']][0]}, {_bounds(one['before'])}"),
            cell(f"{word}, {_bounds(one['after'])}", style if one["changes"] else ""),
            cell(f"{one['met_ratio_change'] * 100:+.1f} points"),
            cell(_because(one)),
        )
    return shown


def _bounds(said: dict[str, Any]) -> str:
    lower, upper = percent(said["met_ratio_lower"]), percent(said["met_ratio_upper"])
    return lower if lower == upper else f"{lower} to {upper}"


def _because(one: dict[str, Any]) -> str:
    reasons: list[Reason] = one["because"]
    said = [
        f"{reason.criterion}: {duration(reason.seconds)} {reason.after} instead of {reason.before}"
        for reason in reasons[:_REASONS_SHOWN]
    ]
    if len(reasons) > _REASONS_SHOWN:
        said.append(f"and {len(reasons) - _REASONS_SHOWN} more")
    if one["objective_decides"]:
        said.insert(0, "the objective")
    elif one["changes"] and not said:
        said.append("what is asked of school days")
    return "\n".join(said)


def _say_total(kind: str, total: dict[str, Any]) -> None:
    if not total["campuses"]:
        return
    noun = "campus" if total["campuses"] == 1 else "campuses"
    parts = [
        f"{ANSWERS[verdict][0]} {total['before'][verdict]} before, {total['after'][verdict]} after"
        for verdict in ANSWERS
    ]
    say(f"{total['change']} of {total['campuses']} {kind} {noun} would change: {'; '.join(parts)}")
