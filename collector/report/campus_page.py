"""A campus's page: what was read of it goes in, its blocks come out. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from collector.board.language import Language, percent
from collector.report import figures, reproduce
from collector.report.blocks import (
    Block,
    Listing,
    Paragraph,
    Picture,
    Run,
    Runs,
    Sheet,
    code,
    heading,
    name,
    paragraph,
    state,
    strong,
    text,
)
from collector.report.picture import drawing
from collector.report.reading import CampusRead, Fault

_INCIDENTS = 6
_ROOMS = 8
_WORK = 4


def sheet(
    say: Language,
    answer: Mapping[str, Any],
    read: CampusRead,
    because: tuple[str, ...],
    number: int,
    first: tuple[Block, ...],
) -> Sheet:
    """``number`` tells its picture from the others; ``first``: what stands below its name where it is page one."""
    _ = say.catalogue.gettext
    one, campus = read.answer, read.campus
    blocks: list[Block] = [heading(1, name(campus.name))]
    if campus.simulated:
        words = _("SIMULATED: modelled by a program, and in no total with real campuses.")
        blocks.append(paragraph(strong(words), look="note"))
    where = [code(campus.id)]
    if campus.region:
        where += [text(", " + _("region") + " "), name(campus.region)]
    begins = one["record_from"]
    since = _("counted from {day}").format(day=say.date(begins)) if begins else _("no agent stands here yet")
    blocks += [
        paragraph(*where, text(f"; {since}")),
        *first,
        *_verdict(say, answer, one, because),
        _picture(say, read, number),
    ]
    blocks.append(figures.table(say, one, "campuses.0", _("Figures, each with its field in the answer")))
    command = reproduce.figure(answer, "FIELD", campus.id)
    blocks.append(paragraph(text(_("The same figure again:") + " "), code(command)))
    blocks += [*_causes(say, one), *_rooms(say, answer, one), *_planned(say, read), *_incidents(say, read)]
    digest = _("Digest of its days' evidence:") + " "
    blocks.append(paragraph(text(digest), code(read.evidence), look="soft"))
    return Sheet(tuple(blocks))


def _verdict(
    say: Language, answer: Mapping[str, Any], one: Mapping[str, Any], because: tuple[str, ...]
) -> list[Paragraph]:
    _ = say.catalogue.gettext
    made: list[Run] = [state(one["verdict"], say.answer(one["verdict"]))]
    days = one["days"]
    if one["instructional_seconds"]:
        words = _("Of {time} of class, {share} was met; the objective is {objective}.").format(
            time=say.duration(one["instructional_seconds"]),
            share=figures.bounds(one, say),
            objective=percent(answer["objective"]),
        )
    else:
        words = _("The period has no class time here.")
    reasons = f" ({say.fallen(because)})" if because else ""
    made.append(text(f"{reasons}. {words} {figures.trend(one, say)}"))
    if days["all"]:
        shares = _("School days met: {met} of {all}; the objective is {objective}.").format(
            met=days["met"], all=days["all"], objective=percent(answer["day_objective"])
        )
        made.append(text(f" {shares}"))
    without = one["without_exclusions"]
    if without["instructional_seconds"] != one["instructional_seconds"]:
        again = _("Without approved planned work:")
        made += [text(f" {again} "), state(without["verdict"], say.answer(without["verdict"]))]
        made.append(text(f", {figures.bounds(without, say)}."))
    found = [paragraph(*made, look="lead")]
    if lines := one["coverage"]:
        said = "; ".join(
            _("{title}: {met} of {of} rooms, {unknown} unknown").format(
                title=say.policy_text(line["title"]), met=line["met"], of=line["of"], unknown=line["unknown"]
            )
            for line in lines
        )
        found.append(paragraph(text(_("Room coverage, a line of its own:") + " " + said + ".")))
    return found


def _picture(say: Language, read: CampusRead, number: int) -> Block:
    _ = say.catalogue.gettext
    if read.month is None:
        return paragraph(text(_("No class time of these days was judged, so there is nothing to draw.")))
    seconds = read.month.seconds
    words = "; ".join(
        f"{say.verdict(key)}: {say.duration(getattr(seconds, key))}" for key in ("met", "short", "unknown")
    )
    first, last = read.month.columns[0].day, read.month.columns[-1].day
    days = f"{say.date(first)} – {say.date(last)}"
    alt = _("Class time, a column a day.") + f" {days}. {words}"
    caption = _("{days}, a column a day, class time from top to bottom. Light: met. Dark: short. Hatched: unknown.")
    svg = drawing(read.month, say, read.campus.timezone, f"hatch-{number}", alt)
    return Picture(svg, alt, f"{caption.format(days=days)} {words}.")


def _causes(say: Language, one: Mapping[str, Any]) -> list[Block]:
    _ = say.catalogue.gettext
    if not one["causes"]:
        return []
    words = "; ".join(f"{say.cause(key)} {say.duration(seconds)}" for key, seconds in one["causes"].items())
    return [paragraph(strong(_("Causes of what was not met:") + " "), text(f"{words}."))]


def _rooms(say: Language, answer: Mapping[str, Any], one: Mapping[str, Any]) -> list[Block]:
    _ = say.catalogue.gettext
    lists = answer["lists"]
    mine = [room for room in lists["rooms_short"] if room["campus"] == one["campus"]]
    if not mine:
        return []
    over = _("Rooms short for more than {share} of class time:").format(share=percent(lists["rooms_over"]))
    made: list[Run] = [strong(f"{over} ")]
    for number, room in enumerate(mine[:_ROOMS]):
        made += [text(", " if number else ""), name(room["room"]), text(f" {percent(room['short_ratio'])}")]
    if len(mine) > _ROOMS:
        made.append(text(" " + _("and {n} more").format(n=len(mine) - _ROOMS)))
    return [paragraph(*made, text("."))]


def _planned(say: Language, read: CampusRead) -> list[Block]:
    _ = say.catalogue.gettext
    work = read.answer["exclusions"]
    if not work:
        return []
    zone = read.campus.timezone
    items: list[Runs] = [
        (
            text(f"{say.date_and_time(one['from_at'], zone)} – {say.date_and_time(one['to_at'], zone)}: "),
            name(one["reason"]),
            text(f" ({say.verdict('short')} {say.duration(one['seconds']['short'])})"),
        )
        for one in work[:_WORK]
    ]
    if len(work) > _WORK:
        items.append((text(_("and {n} more").format(n=len(work) - _WORK)),))
    return [heading(2, text(_("Approved planned work"))), Listing(tuple(items))]


def _incidents(say: Language, read: CampusRead) -> list[Block]:
    """The record of effort: what happened, and how long after its begin each step was taken."""
    _ = say.catalogue.gettext
    if not read.faults:
        return [paragraph(text(_("No incident was opened in the period.")))]
    shown = tuple(_fault(say, one, read.campus.timezone) for one in read.faults[:_INCIDENTS])
    made: list[Block] = [heading(2, text(_("Incidents and what was done"))), Listing(shown)]
    if len(read.faults) > _INCIDENTS:
        more = _("and {n} more").format(n=len(read.faults) - _INCIDENTS)
        made.append(paragraph(text(f"{more}: "), code(f"wifi-collector incident list --campus {read.campus.id}")))
    return made


def _fault(say: Language, one: Fault, zone: str) -> Runs:
    _ = say.catalogue.gettext
    fault = one.kept.fault
    begin = say.date_and_time(fault.from_at, zone)
    end = _("still going on") if fault.to_at is None else say.duration(fault.to_at - fault.from_at)
    steps = "; ".join(
        _("{step} after {time}").format(step=say.step(key), time=say.duration(seconds))
        for key, seconds in one.seconds_to.items()
    )
    steps = steps or _("no step was taken")
    cause = say.cause(fault.cause) if fault.cause else _("cause not known")
    resolution = f" ({say.incident(one.kept.resolution)})" if one.kept.resolution else ""
    said = f"{begin}, {end}, {cause}{resolution}: {steps}. "
    return (
        strong(_("Incident {n}").format(n=one.kept.id) + ": "),
        text(said),
        code(f"wifi-collector incident show {one.kept.id}"),
    )
