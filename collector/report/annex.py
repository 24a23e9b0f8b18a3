"""The annex: method, policy with its sources, planned work, effort, digests and the commands that give each figure
again. What was read goes in, blocks come out. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import structs

from collector.board.language import Language, percent, quantity
from collector.board.words import N_
from collector.policies.policy import Criterion
from collector.report import reproduce
from collector.report.blocks import (
    Block,
    Listing,
    Run,
    Runs,
    Sheet,
    Table,
    code,
    heading,
    name,
    paragraph,
    soft,
    state,
    strong,
    text,
)
from collector.report.reading import Reading

_WORK = 200
_COMPARISONS = {"<": "<", "<=": "≤", ">": ">", ">=": "≥"}
METHOD = (
    N_("Devices on the campus ask every access point and several points beyond, each minute of class time. Each report "
       "is signed by the device when it is made, and kept as it was."),
    N_("Only class time counts: the minutes in which a campus teaches, by its own bell schedule and the calendar. A "
       "campus is in class when any of its schools is."),
    N_("Class is judged in slots of a few minutes. A slot is short only where that is proven, met only where enough "
       "answered, and otherwise unknown. Unknown counts neither as good nor as bad: so each share is two figures, at "
       "least and at most."),
    N_("A campus meets the commitment if even the lower figure reaches the objective, falls short if not even the "
       "upper figure reaches it, and else there is not enough evidence."),
    N_("Seconds of class are added up; averages of averages are never made. Percentages are cut, not rounded."),
    N_("Approved planned work stays in the figures; the answer without it is given beside them."),
    N_("Evidence that arrives late is judged again: nothing is overwritten, and the older revision stays with the "
       "reason. So a figure may change after this report was made; the digests below say what it was made from."),
    N_("No device of a pupil or teacher is measured, listed or stored: no address, no name, no traffic."),
)  # fmt: skip
MARKS = {"S": N_("source read"), "R": N_("quoted from memory"), "P": N_("proposed here")}
WINDOWS = {
    "slot": N_("Judged in every slot of class time"),
    "day": N_("Judged for each school day"),
    "survey": N_("Judged for each room of the list, a line of its own"),
}
KINDS = {"policy": N_("policy"), "inventory": N_("inventory"), "hours": N_("hours")}


def sheet(say: Language, read: Reading, standing: Runs, zone: str) -> Sheet:
    _ = say.catalogue.gettext
    blocks: list[Block] = [heading(1, text(_("Annex")))]
    blocks += [heading(2, text(_("Method"))), Listing(tuple((text(_(words)),) for words in METHOD))]
    blocks += [heading(2, text(_("Policy and its sources"))), paragraph(*standing)]
    if read.method is not None:
        blocks += [_rules(say, window, rules) for window, rules in read.method.rules.items()]
        blocks.append(paragraph(code("wifi-collector policy show"), look="soft"))
    blocks += [*_exclusions(say, read, zone), *_effort(say, read), *_digests(say, read), *_reproduce(say, read)]
    return Sheet(tuple(blocks))


def _rules(say: Language, window: str, rules: Iterable[Criterion]) -> Table:
    _ = say.catalogue.gettext
    behind = "(" + _("shown, not required") + ")"
    rows = tuple(
        (
            own(say, rule.title, "" if rule.required else " " + behind),
            text(f"{_COMPARISONS[rule.comparison]} {quantity(rule.threshold, rule.unit)}"),
            text(percent(rule.share)),
            soft(_source(rule), "" if say.code == "en" else "en"),
            soft(say.word(MARKS, rule.source.mark)),
        )
        for rule in rules
    )
    columns = (_("Criterion"), _("Threshold"), _("Share"), _("Source"), _("How known"))
    return Table(say.word(WINDOWS, window), columns, (5, 2, 2, 5, 2), (), rows)


def own(say: Language, words: str, behind: str = "") -> Run:
    """A policy's own words: in the report's language where they are those of a shipped policy."""
    known = say.knows(words)
    return text(say.policy_text(words) + behind, "" if known else "en")


def _source(rule: Criterion) -> str:
    source = rule.source
    section = f", {source.section}" if source.section else ""
    return f"{source.title}, {source.body} {source.year}{section}"


def _exclusions(say: Language, read: Reading, zone: str) -> list[Block]:
    _ = say.catalogue.gettext
    made: list[Block] = [heading(2, text(_("Exclusions: approved planned work")))]
    campuses = read.answer["campuses"]
    found = [(one, work) for one in campuses for work in one["exclusions"]]
    if found:
        made.append(
            paragraph(text(_("The answers of this report hold this time; beside them stands the answer without it.")))
        )
        rows = [
            (
                *_work(say, one, work, zone),
                state(one["verdict"], say.answer(one["verdict"])),
                state(one["without_exclusions"]["verdict"], say.answer(one["without_exclusions"]["verdict"])),
            )
            for one, work in found
        ]
        columns = (_("Campus"), _("Time"), _("Reason"), _("With it"), _("Without it"))
        made += _some(say, Table(_("Approved planned work of the period"), columns, (4, 4, 4, 3, 3), (), tuple(rows)))
    else:
        made.append(paragraph(text(_("None: every figure holds all class time."))))
    withdrawn = [(one, work) for one in campuses for work in one["withdrawn_exclusions"]]
    if withdrawn:
        rows = [
            (
                *_work(say, one, work, zone),
                text(say.date_and_time(work["withdrawn_at"], zone)),
                name(work["withdrawn_reason"]),
            )
            for one, work in withdrawn
        ]
        columns = (_("Campus"), _("Time"), _("Reason"), _("Withdrawn"), _("Why it was withdrawn"))
        caption = _("Approved, then withdrawn: this time is in no answer left out")
        made += _some(say, Table(caption, columns, (4, 4, 4, 3, 3), (), tuple(rows)))
    if found or withdrawn:
        made.append(paragraph(code("wifi-collector exclusions list"), look="soft"))
    return made


def _work(say: Language, one: Mapping[str, Any], work: Mapping[str, Any], zone: str) -> Runs:
    """At which campus, when and why."""
    simulated = say.catalogue.gettext("SIMULATED")
    return (
        name(one["name"] + (f" ({simulated})" if one["simulated"] else "")),
        text(f"{say.date_and_time(work['from_at'], zone)} – {say.date_and_time(work['to_at'], zone)}"),
        name(work["reason"]),
    )


def _some(say: Language, whole: Table) -> list[Block]:
    """As many of its rows as anybody reads."""
    more = len(whole.rows) - _WORK
    if more <= 0:
        return [whole]
    words = say.catalogue.gettext("and {n} more").format(n=more)
    return [structs.replace(whole, rows=whole.rows[:_WORK]), paragraph(strong(words))]


def _effort(say: Language, read: Reading) -> list[Block]:
    """How long people take, from an incident's begin to each step: medians, never of real and simulated together."""
    _ = say.catalogue.gettext
    simulated = _("SIMULATED")
    made: list[Block] = [heading(2, text(_("Effort: incidents and the time to each step")))]
    key = "campuses" if read.only else "regions"
    rows = []
    for one in read.effort[key]:
        words = str(one.get("name") or one.get("region") or "–")
        steps = "; ".join(
            f"{say.step(step)} {say.duration(taken['median_seconds'])} ({taken['count']})"
            for step, taken in one["steps"].items()
            if taken["count"]
        )
        shown = words + (f" ({simulated})" if one["simulated"] else "")
        rows.append((name(shown), text(one["incidents"]), text(say.duration(one["lost_seconds"])), text(steps or "–")))
    if rows:
        columns = (_("Where"), _("Incidents"), _("Class time lost"), _("Median time to each step (how many)"))
        made.append(Table(_("Incidents that began in the period"), columns, (3, 2, 2, 7), (1, 2), tuple(rows)))
    else:
        made.append(paragraph(text(_("No incident that counts began in the period."))))
    left = ", ".join(f"{say.left_out(why)}: {count}" for why, count in read.effort["left_out"].items())
    made.append(paragraph(text(_("In no figure:") + f" {left}.")))
    made.append(paragraph(code(f"wifi-collector incident figures {reproduce.days(read.answer)} --json"), look="soft"))
    return made


def _digests(say: Language, read: Reading) -> list[Block]:
    _ = say.catalogue.gettext
    number, chain = read.digests.chain
    rows: list[Runs] = [
        (text(say.word(KINDS, kind)), text(f"{say.date(first)} – {say.date(last)}"), code(digest))
        for kind, named in read.digests.named.items()
        for digest, first, last in named
    ]
    rows.append(
        (
            text(_("evidence")),
            text(f"{say.date(read.answer['from'])} – {say.date(read.answer['to'])}"),
            code(read.digests.evidence),
        )
    )
    last_link = _("last link, number {n}").format(n=number) if chain else _("no day is sealed yet")
    rows.append((text(_("ledger’s chain")), text(last_link), code(chain or "–")))
    words = _("Evidence: SHA-256 over a line for each campus-day of the period, “campus day revision digest”, in "
              "the order of campus and day. The ledger’s chain vouches for all revisions "
              "before its last link.")  # fmt: skip
    columns = (_("What"), _("Days"), _("Digest (SHA-256)"))
    return [
        heading(2, text(_("Digests of what this was made from"))),
        Table(_("Policy, inventory, hours, evidence and ledger"), columns, (3, 5, 12), (), tuple(rows)),
        paragraph(text(words), look="soft"),
    ]


def _reproduce(say: Language, read: Reading) -> list[Block]:
    _ = say.catalogue.gettext
    answer, period = read.answer, reproduce.period(read.answer)
    some = read.campuses[0].campus.id if read.campuses else "CAMPUS"
    month = answer["from"][:7]
    commands = (
        (f"wifi-collector commitment {period} --json", _("every figure of the answers, of all campuses")),
        (
            reproduce.figure(answer, "campuses.0.met_ratio_lower", some),
            _("one figure: put the campus’s id and the field that stands beside the figure"),
        ),
        (f"wifi-collector commitment {period} --campus {some} --why", _("everything that was short, and when")),
        (f"wifi-collector incident figures {reproduce.days(answer)} --json", _("the times of the effort")),
        (f"wifi-collector verify {reproduce.days(answer)}", _("every verdict recomputed from the signed reports")),
        (
            f"wifi-collector export-evidence {some} {month} --out evidence.zip",
            _("a campus’s month of signed evidence as one file"),
        ),
        ("wifi-collector verify evidence.zip", _("that file checked, on any laptop, without this collector")),
        (f"wifi-collector report {period} --out again.html --json", _("this report again, and its digests")),
    )
    words = _("On the collector’s machine. A figure is printed in full there; here percentages are cut and times are "
              "in minutes.")  # fmt: skip
    items: tuple[Runs, ...] = tuple((code(command), text(f": {what}")) for command, what in commands)
    return [heading(2, text(_("Each figure again"))), paragraph(text(words)), Listing(items)]
