"""The district's page, and the lists behind the campuses' pages: the answer goes in, blocks come out. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from collector.board.language import Language, percent
from collector.board.words import FALLEN
from collector.report import figures, reproduce
from collector.report.blocks import (
    Block,
    Paragraph,
    Run,
    Runs,
    Sheet,
    Table,
    code,
    heading,
    name,
    paragraph,
    state,
    strong,
    text,
)
from collector.report.reading import Reading

_WORST = 10
_REGIONS = 12
_LISTED = 200
"""Of each list the worst of so many; its command prints all."""


def sheet(say: Language, read: Reading, title: str, first: tuple[Block, ...]) -> Sheet:
    _ = say.catalogue.gettext
    answer = read.answer
    real, simulated = answer["totals"]["real"], answer["totals"]["simulated"]
    blocks: list[Block] = [heading(1, text(title)), *first, _lead(say, real)]
    blocks.append(
        figures.table(say, real, "totals.real", _("All real campuses, each figure with its field"), of_many=True)
    )
    blocks.append(paragraph(text(_("The same figure again:") + " "), code(reproduce.figure(answer, "FIELD"))))
    mine = [one for one in answer["campuses"] if not one["simulated"]]
    blocks += _worst(say, mine, read.because)
    groups = [one for one in answer["groups"] if not one["simulated"]]
    if len(groups) > 1:
        rows = [_group(say, one) for one in groups[:_REGIONS]]
        columns = (_("Region"), say.answer("falls_short"), say.answer("not_enough_evidence"), say.answer("meets"),
                   _("Class time met"))  # fmt: skip
        blocks.append(Table(_("By region, how many campuses"), columns, (5, 2, 3, 2, 3), (1, 2, 3, 4), tuple(rows)))
        if len(groups) > _REGIONS:
            blocks.append(
                _more(say, len(groups) - _REGIONS, f"wifi-collector commitment {reproduce.period(answer)} --by region")
            )
    if simulated["campuses"]:
        words = _("{n} SIMULATED campuses are in none of these figures: {short} fall short, {unknown} without enough "
                  "evidence, {met} meet. Their pages are marked and stand behind the real ones.")  # fmt: skip
        said = words.format(
            n=simulated["campuses"], short=simulated["falls_short"], unknown=simulated["not_enough_evidence"],
            met=simulated["meets"],
        )  # fmt: skip
        blocks.append(paragraph(text(said), look="note"))
    return Sheet(tuple(blocks))


def _lead(say: Language, real: Mapping[str, Any]) -> Paragraph:
    _ = say.catalogue.gettext
    if not real["campuses"]:
        return paragraph(text(_("No real campus is in the inventory.")), look="lead")
    parts: list[Run] = []
    for key in ("falls_short", "not_enough_evidence", "meets"):
        parts += [text(", " if parts else ""), text(f"{real[key]} "), state(key, say.answer(key))]
    return paragraph(text(_("Of {n} campuses:").format(n=real["campuses"]) + " "), *parts, text("."), look="lead")


def _worst(say: Language, mine: list[dict[str, Any]], because: Mapping[str, tuple[str, ...]]) -> list[Block]:
    _ = say.catalogue.gettext
    short = [one for one in mine if one["verdict"] == "falls_short"]
    if not short:
        return [paragraph(text(_("No campus is proven to fall short.")))]
    rows = tuple(
        (
            name(one["name"]),
            name(one["region"] or "–"),
            text(say.fallen(because[one["campus"]]) or say.word(FALLEN, "class_time")),
            text(figures.bounds(one, say)),
            text(percent(one["evidence_ratio"])),
        )
        for one in short[:_WORST]
    )
    caption = _("Campuses that fall short, the worst first; each has a page of its own below")
    columns = (_("Campus"), _("Region"), _("Falls short by"), _("Class time met"), _("With evidence"))
    made: list[Block] = [Table(caption, columns, (6, 3, 4, 3, 2), (3, 4), rows)]
    if len(short) > _WORST:
        made.append(paragraph(text(_("and {n} more").format(n=len(short) - _WORST) + ".")))
    return made


def _group(say: Language, one: Mapping[str, Any]) -> Runs:
    _ = say.catalogue.gettext
    counts = (text(one[key]) for key in ("falls_short", "not_enough_evidence", "meets"))
    return name(one["group"] or _("(no region said)")), *counts, text(figures.bounds(one, say))


def lists(say: Language, answer: Mapping[str, Any], zone: str) -> Sheet:
    """What one answer a campus does not show: who lacks evidence, which rooms are short, which went silent."""
    _ = say.catalogue.gettext
    found = answer["lists"]
    blocks: list[Block] = [heading(1, text(_("Lists")))]
    unknown = [one for one in answer["campuses"] if one["verdict"] == "not_enough_evidence"]
    blocks += _listed(
        say, _("Campuses without enough evidence"), (_("Campus"), _("Class time met"), _("With evidence")),
        unknown, lambda one: (text(figures.bounds(one, say)), text(percent(one["evidence_ratio"]))),
        f"wifi-collector commitment {reproduce.period(answer)} --csv",
    )  # fmt: skip
    over = percent(found["rooms_over"])
    blocks += _listed(
        say, _("Rooms short for more than {share} of class time, whatever their campus's answer").format(share=over),
        (_("Campus"), _("Room"), _("Short")), found["rooms_short"],
        lambda one: (name(one["room"]), text(percent(one["short_ratio"]))),
        reproduce.of_list(answer, "rooms_short"),
    )  # fmt: skip
    blocks += _listed(
        say, _("Rooms whose evidence ended while they were short"), (_("Campus"), _("Room"), _("Silent since")),
        found["rooms_silent_while_short"],
        lambda one: (name(one["room"]), text(say.date_and_time(one["since_at"], zone))),
        reproduce.of_list(answer, "rooms_silent_while_short"),
    )  # fmt: skip
    floor = percent(found["evidence_floor"])
    blocks += _listed(
        say, _("Campuses with evidence for less than {share} of class time").format(share=floor),
        (_("Campus"), _("With evidence"), _("Class time without")), found["campuses_below_evidence_floor"],
        lambda one: (text(percent(one["evidence_ratio"])), text(say.duration(one["unknown_seconds"]))),
        reproduce.of_list(answer, "campuses_below_evidence_floor"),
    )  # fmt: skip
    return Sheet(tuple(blocks))


def _listed(
    say: Language, title: str, columns: tuple[str, str, str], every: Iterable[Mapping[str, Any]],
    cells: Callable[[Mapping[str, Any]], Runs], command: str,
) -> list[Block]:  # fmt: skip
    _ = say.catalogue.gettext
    found = list(every)
    made: list[Block] = [heading(2, text(title))]
    if not found:
        return [*made, paragraph(text(_("None.")))]
    rows = tuple((name(_named(say, one)), *cells(one)) for one in found[:_LISTED])
    caption = _("{n} of {all} shown").format(n=len(rows), all=len(found))
    made.append(Table(caption, columns, (5, 4, 3), (2,), rows))
    if len(found) > _LISTED:
        return [*made, _more(say, len(found) - _LISTED, command)]
    return [*made, paragraph(code(command), look="soft")]


def _named(say: Language, one: Mapping[str, Any]) -> str:
    _ = say.catalogue.gettext
    simulated = _("SIMULATED")
    return f"{one['name']} ({simulated})" if one["simulated"] else str(one["name"])


def _more(say: Language, number: int, command: str) -> Paragraph:
    _ = say.catalogue.gettext
    return paragraph(strong(_("and {n} more").format(n=number) + ": "), code(command))
