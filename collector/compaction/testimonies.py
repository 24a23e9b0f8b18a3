"""What the judge reads of a block of reports: its columns go in, the testimony of each report comes out.

It is what :mod:`collector.judgement.testimony` reads of each report's bytes, without making these again: that would
take ten times as long (see tests/bench/judge.py). Of a report of another form than agents write, the bytes decide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
from msgspec import Struct

from agent import wire
from collector.compaction.opened import AS_IT_IS, Opened, damage_told
from collector.compaction.shape import ONE, ROW, Form, Path, put_together
from collector.judgement import testimony
from collector.judgement.testimony import Report, Testimony

_Take = Callable[[Path], list[Any]]
_Reading = Callable[[_Take], Report]
_OF_REACH = {"at": float, "target": str, "sent": int, "received": int}
_OF_PATH = {"at": float, "rung": str, "target": str, "sent": int, "received": int, "rtt_mean_seconds": float}
_TABLES = {"reach": _OF_REACH, "path": _OF_PATH}
_MAY_BE_NULL = "rtt_mean_seconds"


class _Rest(Struct):
    """The tables that come seldom, as :class:`Testimony` has them."""

    throughput: wire.Throughput | None = None
    airspace: wire.Airspace | None = None
    channels: wire.Channels | None = None
    link: wire.Link | None = None
    join: wire.Join | None = None
    not_run: list[wire.NotRun] = []


_READ = frozenset(Testimony.__struct_fields__)
_rest = msgspec.json.Decoder(_Rest)


def of_block(opened: Opened) -> list[Report]:
    """Each report's testimony, in the order of the documents. Raises BlockError, and WireError where a document is no
    report."""
    try:
        if not opened.is_mixed:
            with damage_told(msgspec.MsgspecError, wire.WireError):
                return [*_each(opened)]
    except msgspec.MsgspecError:
        pass  # of a newer agent: the whole document says more
    return [testimony.of(document) for document in opened.documents()]


def _each(opened: Opened) -> Iterator[Report]:
    take, as_they_are = opened.take(), opened.as_they_are()
    readings = [_reading(opened, form) for form in opened.forms]
    for number in opened.which:
        yield testimony.of(next(as_they_are, b"")) if number == AS_IT_IS else readings[number](take)


def whereabouts_of_block(opened: Opened) -> list[Testimony]:
    """Where and how long, of each report. Raises BlockError."""
    forms = [form if type(form) is dict else {} for form in opened.forms]
    usual = not opened.is_mixed and not any(number == AS_IT_IS for number in opened.which)
    if not usual or not all(_says_where(opened, form) for form in forms):
        return [testimony.whereabouts(document) for document in opened.documents()]
    with damage_told():
        take = opened.take()
        return [
            Testimony(take("\0duration_seconds")[0], take("\0place")[0] if "place" in forms[number] else None)
            for number in opened.which
        ]


def _reading(opened: Opened, form: Form) -> _Reading:
    """How a report of this form is read."""
    if type(form) is not dict:
        return lambda take: testimony.read(msgspec.json.encode(put_together(form, take)))
    kept = {key: _columns_of(key, one) for key, one in form.items() if key in _READ}
    if not _is_usual(opened, kept):
        return lambda take: testimony.read(msgspec.json.encode(put_together(kept, take)))
    rest = {key: one for key, one in kept.items() if key in _Rest.__struct_fields__}
    reach, path = "reach" in kept, "path" in kept

    def read(take: _Take) -> Report:
        others = _rest.decode(msgspec.json.encode(put_together(rest, take))) if rest else _NONE
        return Testimony(
            take("\0duration_seconds")[0],
            take("\0place")[0] if "place" in kept else None,
            testimony.Reach(*[take("\0reach\0" + name) for name in _OF_REACH]) if reach else None,
            testimony.Path(*[take("\0path\0" + name) for name in _OF_PATH]) if path else None,
            others.throughput,
            others.airspace,
            others.channels,
            others.link,
            others.join,
            [*others.not_run],
        )

    return read


_NONE = _Rest()


def _columns_of(key: str, form: Form) -> Form:
    """Of the two tables that every report has, the columns that are read."""
    wanted = _TABLES.get(key)
    if wanted is None or type(form) is not dict:
        return form
    return {name: one for name, one in form.items() if name in wanted}


def _is_usual(opened: Opened, form: dict[str, Form]) -> bool:
    """Whether what is there has the types that the contract says, so that nothing need be looked at value by value."""
    if not _says_where(opened, form):
        return False
    for table, wanted in _TABLES.items():
        if table not in form:
            continue
        columns = form[table]
        if type(columns) is not dict or columns.keys() != wanted.keys():
            return False
        for name, kind in wanted.items():
            path = f"\0{table}\0{name}"
            if name == _MAY_BE_NULL:
                if columns[name] != ROW or opened.kind(path) not in (float, type(None)):
                    return False
            elif not _is_one(opened, path, columns[name], kind, ROW):
                return False
    return True


def _says_where(opened: Opened, form: dict[str, Form]) -> bool:
    if not _is_one(opened, "\0duration_seconds", form.get("duration_seconds"), float, ONE):
        return False
    return "place" not in form or _is_one(opened, "\0place", form["place"], str, ONE)


def _is_one(opened: Opened, path: Path, mark: Form, kind: type, wanted: int) -> bool:
    """Whether a path is of one form and one type."""
    return bool(mark == wanted) and opened.kind(path) is kind and not opened.has_nulls(path)
