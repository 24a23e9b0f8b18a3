"""What is wrong with a policy file: its bytes go in, every fault comes out with its line, its key and its mend.

All of them at once: who writes a policy mends it in one go. What each key may hold is looked at here, and what the
criteria say together in :mod:`collector.policies.contradictions`, once every key can be read.
"""

from __future__ import annotations

import difflib
import tomllib
import typing
from collections.abc import Iterator
from typing import Any, get_args

import msgspec
from msgspec import NODEFAULT, Struct

from collector.policies import contradictions
from collector.policies.lines import Lines, of_fault
from collector.policies.terms import Criterion, Measure, Policy, Source

_YEARS = range(1980, 2101)
_HINTS: dict[type[Struct], dict[str, Any]] = {
    kind: typing.get_type_hints(kind, include_extras=True) for kind in (Policy, Criterion, Source)
}
_MENDS = {
    "slot_objective": "write a share above 0 and at most 1: 0.95",
    "day_objective": "write a share above 0 and at most 1: 0.95",
    "share": "write a share above 0 and at most 1: 0.9",
    "valid_from": "write a date: 2026-08-13",
    "agreed_by": 'write each as { party = "District", date = 2026-08-13 }',
    "source": 'write source = { title = "…", body = "…", year = 2026, section = "…", mark = "S" }',
    "year": "write the year of the source: 2026",
    "mark": "write S (seen in the source), R (recalled) or P (proposed)",
    "min_beacon_stretches": "write a whole number from 1 to 3: 3",
    "slot_seconds": "write whole seconds from 1 to 3600: 300",
}
_COLUMN = " - at `$"


class Finding(Struct, frozen=True):
    """``entry``: which criterion, or empty for the file as a whole; ``key``: empty where no one key is at fault."""

    file: str
    line: int | None
    entry: str
    key: str
    fault: str
    mend: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        return ": ".join(part for part in (where, self.entry, f"{self.fault}; {self.mend}") if part)


def look(name: str, data: bytes, report_seconds: int | None = None) -> tuple[Policy | None, list[Finding]]:
    """The policy where it can be read at all, and what is wrong with it. ``report_seconds``: how often agents report,
    which must divide the slot."""
    try:
        text = data.decode()
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        line = of_fault(str(fault))
        return None, [Finding(name, line, "", "", f"not TOML in UTF-8: {fault}", "mend that line")]
    reader = _Reader(name, Lines(text))
    found = [*reader.head(document), *reader.criteria(document.get("criteria", []))]
    policy = None if found else msgspec.convert(document, Policy)
    if policy is not None:
        numbered = [*enumerate(policy.criteria, 1)]
        told = contradictions.of_policy(policy, report_seconds)
    else:
        numbered = [*_readable(document.get("criteria"))]
        told = contradictions.of_criteria(numbered)
    ids = {number: one.id for number, one in numbered}
    found += [reader.finding(one.entry, one.key, one.fault, one.mend, ids.get(one.entry, "")) for one in told]
    return policy, found


def _readable(given: Any) -> Iterator[tuple[int, Criterion]]:
    """The entries that can be read beside those that cannot: their faults are told in the same go."""
    for number, one in enumerate(given if isinstance(given, list) else [], 1):
        try:
            yield number, msgspec.convert(one, Criterion)
        except msgspec.ValidationError:
            continue


class _Reader:
    def __init__(self, name: str, lines: Lines) -> None:
        self._name = name
        self._lines = lines

    def finding(self, entry: int, key: str, fault: str, mend: str, id_: str = "") -> Finding:
        where = f"criteria entry {entry}" + (f" ({id_})" if id_ else "") if entry else ""
        return Finding(self._name, self._lines.of(entry, key), where, key, fault, mend)

    def head(self, document: dict[str, Any]) -> Iterator[Finding]:
        yield from self._keys(Policy, document, 0, skip=("criteria",))
        for given in document.get("agreed_by", []) if isinstance(document.get("agreed_by"), list) else []:
            if isinstance(given, str):
                yield self.finding(0, "agreed_by", f"the party {given!r} has no date", _MENDS["agreed_by"])
        criteria = document.get("criteria", [])
        if not isinstance(criteria, list):
            yield self.finding(0, "criteria", "criteria is no list", "write each one as [[criteria]]")
        elif not criteria:
            yield self.finding(0, "criteria", "no criterion", "write at least one [[criteria]]")

    def criteria(self, given: Any) -> Iterator[Finding]:
        for number, criterion in enumerate(given if isinstance(given, list) else [], 1):
            if not isinstance(criterion, dict):
                yield self.finding(number, "criteria", f"{criterion!r} is no criterion", "write it as [[criteria]]")
                continue
            id_ = str(criterion.get("id", ""))[:64]
            yield from self._keys(Criterion, criterion, number, id_=id_)
            source = criterion.get("source")
            if isinstance(source, dict):
                yield from self._source(source, number, id_)

    def _source(self, source: dict[str, Any], entry: int, id_: str) -> Iterator[Finding]:
        """A threshold that nobody can look up is only somebody's opinion."""
        faults = list(self._keys(Source, source, entry, inside="source", id_=id_))
        yield from faults
        for key in ("title", "body"):
            if isinstance(source.get(key), str) and not source[key].strip():
                fault = f"the threshold has no source: its {key} is empty"
                yield self.finding(entry, "source", fault, _MENDS["source"], id_=id_)
        if isinstance(source.get("year"), int) and source["year"] not in _YEARS:
            yield self.finding(entry, "source", f"source: year {source['year']} is no year", _MENDS["year"], id_=id_)

    def _keys(
        self, kind: type[Struct], table: dict[str, Any], entry: int, *, inside: str = "", id_: str = "", skip: Any = ()
    ) -> Iterator[Finding]:
        """Keys that are unknown, missing or of a wrong type or range."""
        prefix = f"{inside}: " if inside else ""
        for key in table:
            if key not in kind.__struct_fields__:
                near = difflib.get_close_matches(key, kind.__struct_fields__, 1)
                mend = f"did you mean `{near[0]}`?" if near else f"known keys: {', '.join(kind.__struct_fields__)}"
                yield self.finding(entry, inside or key, f"{prefix}unknown key `{key}`", mend, id_=id_)
        for field in msgspec.structs.fields(kind):
            key = field.name
            if key in skip:
                continue
            if key not in table:
                if field.default is NODEFAULT and field.default_factory is NODEFAULT:
                    fault = f"{prefix}`{key}` is missing"
                    if key == "source":
                        fault = "the threshold has no source"
                    yield self.finding(entry, inside or key, fault, _mend(key, None), id_=id_)
                continue
            if key == "source" and isinstance(table[key], dict):
                continue  # looked at by itself
            try:
                msgspec.convert(table[key], _HINTS[kind][key])
            except msgspec.ValidationError as wrong:
                said = str(wrong).split(_COLUMN, 1)[0]
                fault = f"{prefix}`{key}`: {said[0].lower()}{said[1:]}"
                if key == "measure":
                    fault = f"unknown measure {table[key]!r}"
                yield self.finding(entry, inside or key, fault, _mend(key, table[key]), id_=id_)


def _mend(key: str, given: object) -> str:
    if key == "measure":
        known = get_args(Measure)
        near = difflib.get_close_matches(str(given), known, 1)
        return f"did you mean {near[0]}?" if near else f"known measures: {', '.join(known)}"
    choices = [one for one in get_args(_HINTS[Criterion].get(key)) if isinstance(one, str)]
    if choices:
        return f"write one of {', '.join(choices)}"
    return _MENDS.get(key, f"mend `{key}`" if given is not None else f"write `{key} = …`")
