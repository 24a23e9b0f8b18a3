"""The figures of a campus or of all campuses as rows of a table, each with its field in the answer. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from collector.board.language import Language, percent
from collector.board.views import PolicyNow
from collector.report.blocks import Run, Runs, Table, code, text


def table(say: Language, one: Mapping[str, Any], field: str, caption: str, *, of_many: bool = False) -> Table:
    """``field``: where ``one`` stands in the answer; ``of_many``: it is a total of campuses."""
    _ = say.catalogue.gettext
    rows: list[tuple[str, str, str]] = []
    if of_many:
        rows += [
            (_("campuses"), str(one["campuses"]), "campuses"),
            (_("campuses that fall short"), str(one["falls_short"]), "falls_short"),
            (_("campuses without enough evidence"), str(one["not_enough_evidence"]), "not_enough_evidence"),
            (_("campuses that meet the commitment"), str(one["meets"]), "meets"),
            (
                _("campuses that fall short, approved planned work left out"),
                str(one["without_exclusions"]["falls_short"]),
                "without_exclusions.falls_short",
            ),
        ]
    rows += [
        (_("class time"), say.duration(one["instructional_seconds"]), "instructional_seconds"),
        (_("of it met, at least"), percent(one["met_ratio_lower"]), "met_ratio_lower"),
        (_("of it met, at most"), percent(one["met_ratio_upper"]), "met_ratio_upper"),
        (_("of it with evidence"), percent(one["evidence_ratio"]), "evidence_ratio"),
        (_("class time short"), say.duration(one["seconds"]["short"]), "seconds.short"),
        (_("class time unknown"), say.duration(one["seconds"]["unknown"]), "seconds.unknown"),
        (
            _("class time that may be short by the objective"),
            say.duration(one["error_budget"]["allowed_seconds"]),
            "error_budget.allowed_seconds",
        ),
    ]
    if one["days"]["all"]:
        days = one["days"]
        rows.append((_("school days met"), f"{days['met']} / {days['all']}", "days.met"))
    without = one["without_exclusions"]
    if without["instructional_seconds"] != one["instructional_seconds"]:
        rows += [
            (
                _("met at least, approved planned work left out"),
                percent(without["met_ratio_lower"]),
                "without_exclusions.met_ratio_lower",
            ),
            (
                _("met at most, approved planned work left out"),
                percent(without["met_ratio_upper"]),
                "without_exclusions.met_ratio_upper",
            ),
        ]
    rows.append((_("rooms measured"), f"{one['rooms']['measured']} / {one['rooms']['listed']}", "rooms.measured"))
    made: tuple[Runs, ...] = tuple((text(words), text(value), code(f"{field}.{key}")) for words, value, key in rows)
    return Table(caption, (_("Figure"), _("Value"), _("Field")), (5, 2, 5), (1,), made, lines=not of_many)


def bounds(one: Mapping[str, Any], say: Language) -> str:
    """From least to most, as people say it; without class time there is nothing to say."""
    _ = say.catalogue.gettext
    if not one["instructional_seconds"]:
        return _("no class time")
    lower, upper = percent(one["met_ratio_lower"]), percent(one["met_ratio_upper"])
    return lower if one["met_ratio_lower"] == one["met_ratio_upper"] else f"{lower} – {upper}"


def trend(one: Mapping[str, Any], say: Language) -> str:
    """Against the period before, or why nobody can say."""
    _ = say.catalogue.gettext
    found = one["trend"]
    if not found["comparable"]:
        return _("It cannot be compared with the period before.")
    words = {
        "better": _("Better than the period before, which lay between {lower} and {upper}."),
        "worse": _("Worse than the period before, which lay between {lower} and {upper}."),
        "unchanged": _("As the period before, which lay between {lower} and {upper}."),
        "undecided": _("Whether it is better than the period before ({lower} to {upper}) is not proven."),
    }[found["direction"]]
    return words.format(lower=percent(found["met_ratio_lower"]), upper=percent(found["met_ratio_upper"]))


def standing(say: Language, policy: PolicyNow) -> tuple[Run, ...]:
    """Which policy judged, and whether both parties have agreed to it: on the first page of each report."""
    _ = say.catalogue.gettext
    made = [text(_("Judged by policy {name}.").format(name=policy.name) + " ")]
    if policy.proposed:
        made.append(Run(_("PROPOSED: the parties have not both agreed to it."), "strong"))
    else:
        made.append(Run(_("AGREED by {who}.").format(who=", ".join(policy.agreed_by)), "strong"))
    if policy.back_dated:
        made.append(Run(" " + _("BACK-DATED: it was chosen after days that it judges were over."), "strong"))
    objective = _("Objective: {share} of class time.").format(share=percent(policy.objective))
    made.append(text(f" {objective}"))
    if policy.day_objective is not None:
        made.append(text(" " + _("And {share} of school days.").format(share=percent(policy.day_objective))))
    return tuple(made)
