"""The answer in the terminal: campuses or groups, what approved planned work changes, totals, and the lists of their
own. Text stands beside every colour."""

from __future__ import annotations

from typing import Any

from collector.commands.console import cell, out, say, table
from collector.commands.figures import ANSWERS, duration, left, percent
from collector.commands.when import moment, span

_SIMULATED = "SIMULATED campuses (in no total with real ones)"
_SHOWN = 20
_KINDS = {"region": "region", "board_district": "board district", "grade_span": "grade span"}
_TITLES = {
    "rooms_short": "Rooms short for more than {rooms_over:.0%} of class time, whatever their campus's answer",
    "rooms_silent_while_short": "Rooms whose evidence ended while they were short",
    "campuses_below_evidence_floor": "Campuses with evidence for less than {evidence_floor:.0%} of class time",
}


def show(answer: dict[str, Any]) -> None:
    _show_head(answer)
    if answer["groups"]:
        for simulated, title in ((False, f"By {_KINDS[answer['by']]}"), (True, _SIMULATED)):
            found = [one for one in answer["groups"] if one["simulated"] is simulated]
            if found:
                out().print(_group_table(title, _KINDS[answer["by"]], found))
    else:
        for simulated, title in ((False, "Campuses"), (True, _SIMULATED)):
            found = [one for one in answer["campuses"] if one["simulated"] is simulated]
            if found:
                out().print(_campus_table(title, found))
        for campus in answer["campuses"]:
            _show_exclusions(campus)
    if not answer["campuses"]:
        say("no campuses: import them with `wifi-collector import campuses FILE --apply`")
    for name in ("real", "simulated"):
        _show_total(name, answer["totals"][name])
    for name in _TITLES:
        show_list(answer, name, _SHOWN)


def _show_head(answer: dict[str, Any]) -> None:
    standing = [word for word in ("proposed", "back_dated") if answer.get(word)]
    words = f" ({', '.join(standing).replace('_', '-')})" if standing else ""
    period = answer["period"]
    named = "" if period["kind"] == "days" else f"{period['kind'].replace('_', ' ')} {period['name']}, "
    say(
        f"Commitment {named}{answer['from']} to {answer['to']}, policy {answer['policy']}{words}, "
        f"objective {answer['objective']:.0%} of class time"
    )
    before = answer["before"]
    real = [one for one in answer["campuses"] if not one["simulated"]] or answer["campuses"]
    reasons = sorted({one["trend"]["why_not"] for one in real})
    if before is not None and any(one["trend"]["comparable"] for one in real):
        say(f"trend: against {before['from']} to {before['to']}, the same campuses on both sides")
    elif len(reasons) == 1:
        say(f"no trend: {reasons[0]}")
    elif reasons:
        say("no trend: no campus has a record of the period before (--json says why for each)")


def _campus_table(title: str, campuses: list[dict[str, Any]]) -> Any:
    """Columns of which nobody has anything are left out."""
    days = any(one["days"]["all"] for one in campuses)
    covered = any(one["coverage"] for one in campuses)
    trend = any(one["trend"]["comparable"] for one in campuses)
    right = ["met at least", "at most", "evidence", "class time", "error budget left"]
    right += ["trend"] * trend + ["school days met"] * days
    columns = ["campus", "name", "answer", *right, "rooms measured", *["rooms covered"] * covered, "counted from"]
    shown = table(title, *columns, right=tuple(right))
    for campus in campuses:
        words, style = ANSWERS[campus["verdict"]]
        if campus["day_verdict"] == campus["verdict"] and not _by_class_time(campus):
            words += " (school days)"
        rooms = campus["rooms"]
        shown.add_row(
            cell(campus["campus"]),
            cell(campus["name"]),
            cell(words, style),
            *_shares(campus),
            *[cell(_trend(campus["trend"]))] * trend,
            *[cell(_days(campus["days"]))] * days,
            cell(f"{rooms['measured']} of {rooms['listed']}"),
            *[cell(_covered(campus["coverage"]))] * covered,
            cell(campus["record_from"][:10] if campus["record_from"] else "no agent yet"),
        )
    return shown


def _by_class_time(campus: dict[str, Any]) -> bool:
    """Whether class time alone gives the verdict, and not only the school days."""
    left_of = campus["error_budget"]
    if campus["verdict"] == "falls_short":
        return bool(left_of["left_seconds_upper"] < 0)
    return campus["verdict"] == "meets" or bool(left_of["left_seconds_lower"] < 0)


def _group_table(title: str, kind: str, groups: list[dict[str, Any]]) -> Any:
    trend = any(one["trend"]["comparable"] for one in groups)
    planned = any(one["without_exclusions"]["instructional_seconds"] != one["instructional_seconds"] for one in groups)
    counts = ["campuses", "fall short", "not enough evidence", "meet"]
    right = ["met at least", "at most", "evidence", "class time", "error budget left", *["trend"] * trend]
    without = ["without planned work"] * planned
    shown = table(title, kind, *counts, *right, *without, right=(*counts, *right, *without))
    for one in groups:
        without_it = one["without_exclusions"]
        bounds = f"{percent(without_it['met_ratio_lower'])} to {percent(without_it['met_ratio_upper'])}"
        shown.add_row(
            cell(one["group"] or f"(no {kind} said)"),
            cell(one["campuses"]),
            cell(one["falls_short"], ANSWERS["falls_short"][1] if one["falls_short"] else ""),
            cell(one["not_enough_evidence"]),
            cell(one["meets"]),
            *_shares(one),
            *[cell(_trend(one["trend"]))] * trend,
            *[cell(bounds)] * planned,
        )
    return shown


def _shares(one: dict[str, Any]) -> list[Any]:
    budget = one["error_budget"]
    return [
        cell(percent(one["met_ratio_lower"])),
        cell(percent(one["met_ratio_upper"])),
        cell(percent(one["evidence_ratio"])),
        cell(duration(one["instructional_seconds"])),
        cell(left(budget["left_seconds_lower"], budget["left_seconds_upper"]) if one["instructional_seconds"] else "-"),
    ]


def _trend(trend: dict[str, Any]) -> str:
    """Points are of the least that was met."""
    if not trend["comparable"]:
        return "-"
    return f"{trend['direction']}, {trend['met_ratio_lower_change'] * 100:+.1f} points"


def _show_exclusions(campus: dict[str, Any]) -> None:
    """The table above counts planned work as any other time; this line says what the answer is without it."""
    without = campus["without_exclusions"]
    excluded = campus["instructional_seconds"] - without["instructional_seconds"]
    if campus["exclusions"]:
        say(
            f"{campus['campus']} without {duration(excluded)} of approved planned work: "
            f"{ANSWERS[without['verdict']][0]}, met at least {percent(without['met_ratio_lower'])}, "
            f"at most {percent(without['met_ratio_upper'])}"
        )
    for one in campus["exclusions"]:
        say(f"  exclusion {one['id']}: {span(one['from_at'], one['to_at'])}, {one['reason']}")
    for one in campus["withdrawn_exclusions"]:
        when = span(one["from_at"], one["to_at"])
        said = f"{campus['campus']} had exclusion {one['id']}: {when}, {one['reason']}"
        say(f"{said}; it was withdrawn: {one['withdrawn_reason']}")


def _show_total(name: str, total: dict[str, Any]) -> None:
    if not total["campuses"]:
        return
    noun = "campus" if total["campuses"] == 1 else "campuses"
    say(
        f"{total['campuses']} {name} {noun}: {total['falls_short']} fall short, "
        f"{total['not_enough_evidence']} without enough evidence, {total['meets']} meet; together met at least "
        f"{percent(total['met_ratio_lower'])}, at most {percent(total['met_ratio_upper'])} of "
        f"{duration(total['instructional_seconds'])} of class, evidence for {percent(total['evidence_ratio'])}"
    )
    without = total["without_exclusions"]
    excluded = total["instructional_seconds"] - without["instructional_seconds"]
    if excluded:
        say(
            f"  without {duration(excluded)} of approved planned work: {without['falls_short']} fall short, "
            f"{without['not_enough_evidence']} without enough evidence, {without['meets']} meet; together met at least "
            f"{percent(without['met_ratio_lower'])}, at most {percent(without['met_ratio_upper'])}"
        )


def show_list(answer: dict[str, Any], name: str, most: int | None = None) -> None:
    """One of the lists; an empty one says so only where it was asked for."""
    rows = answer["lists"][name]
    title = _TITLES[name].format(**{key: answer["lists"][key] for key in ("rooms_over", "evidence_floor")})
    if not rows:
        if most is None:
            say(f"{title}: none")
        return
    make = {"rooms_short": _short, "rooms_silent_while_short": _silent, "campuses_below_evidence_floor": _below}[name]
    head, right, cells = make()
    shown = table(f"{title} ({len(rows)})", *head, right=right)
    for one in rows[:most]:
        mark = "SIMULATED " if one["simulated"] else ""
        shown.add_row(cell(mark + one["campus"]), *(cell(text) for text in cells(one)))
    out().print(shown)
    if most is not None and len(rows) > most:
        say(f"and {len(rows) - most} more (--list {name} shows all of them)")


def _short() -> Any:
    head = ("campus", "room", "the campus", "short", "of class time", "share", "unknown")
    return (
        head,
        head[3:],
        lambda one: (
            one["room"],
            ANSWERS[one["campus_verdict"]][0],
            duration(one["short_seconds"]),
            duration(one["class_seconds"]),
            percent(one["short_ratio"]),
            duration(one["unknown_seconds"]),
        ),
    )


def _silent() -> Any:
    head = ("campus", "room", "silent since", "class time silent", "now")
    return (
        head,
        ("class time silent",),
        lambda one: (
            one["room"],
            moment(one["since_at"]),
            duration(one["silent_seconds"]),
            "still silent" if one["is_silent"] else "has spoken again",
        ),
    )


def _below() -> Any:
    head = ("campus", "name", "evidence", "class time without", "of class time", "counted from")
    return (
        head,
        head[2:5],
        lambda one: (
            one["name"],
            percent(one["evidence_ratio"]),
            duration(one["unknown_seconds"]),
            duration(one["class_seconds"]),
            one["record_from"] or "no agent yet",
        ),
    )


def _days(days: dict[str, int]) -> str:
    """Only the policies that require something of a day count days."""
    return f"{days['met']} of {days['all']}" if days["all"] else "-"


def _covered(lines: list[dict[str, Any]]) -> str:
    """The line that the fewest rooms meet: a room is covered by all of them."""
    if not lines:
        return "-"
    worst = min(lines, key=lambda line: line["met"])
    return f"{worst['met']} of {worst['of']}, {worst['unknown']} unknown"
