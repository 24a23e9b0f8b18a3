"""The document as a PDF that says its own structure (PDF/UA-1): the one importer of typst.

The template is ours and the document comes to it as data: no name is ever read as markup. PDF/UA asks that every
character can be drawn; one that no font here has is printed as the mark of a missing one, and counted.
"""

from __future__ import annotations

import ctypes
import datetime
import json
from collections.abc import Iterable
from importlib import resources

import msgspec
import typst

from collector.report.blocks import Document

_M_ARENA_MAX = -8
_MISSING = "\ufffd"
_EVERYWHERE = 0x0250
"""Below it are the letters of western Europe, which typst's own font has."""


class NotSet(RuntimeError):
    """Typst could not set the document."""


def pdf(document: Document, made_at: float) -> tuple[bytes, int]:
    """The file, and how many different characters no font here has. ``made_at`` in Unix seconds. Raises NotSet."""
    _share_one_heap()
    # Most of what is not ASCII are our own words and marks; JSON as text, so that characters can be looked at.
    data = msgspec.json.encode(document).decode()
    absent = _absent(set(data))
    for one in absent:
        data = data.replace(one, _MISSING)
    template = resources.files("collector.report").joinpath("templates", "report.typ").read_bytes()
    try:
        return _compiled(template, data, made_at), len(absent)
    except typst.TypstError as fault:
        raise NotSet(f"the PDF could not be set: {fault.message}") from None


def _share_one_heap() -> None:
    """glibc gives each thread a heap of its own, and typst's threads leave theirs half empty: up to 80 MB for a large
    district. Other C libraries have no such call, and need none."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, 1)


def _absent(characters: Iterable[str]) -> list[str]:
    rare = sorted(one for one in characters if ord(one) >= _EVERYWHERE)
    if not rare or _can_draw(rare):
        return []
    return [one for one in rare if not _can_draw([one])]


def _can_draw(characters: list[str]) -> bool:
    words = json.dumps(" ".join(characters), ensure_ascii=False)
    probe = b'#set document(title: "probe")\n= probe\n#sys.inputs.document'
    try:
        _compiled(probe, words, 0.0)
    except typst.TypstError:
        return False
    return True


def _compiled(source: bytes, data: str, made_at: float) -> bytes:
    made = typst.compile(
        source,
        format="pdf",
        sys_inputs={"document": data},
        pdf_standards="ua-1",
        timestamp=datetime.datetime.fromtimestamp(int(made_at), datetime.UTC),
    )
    assert isinstance(made, bytes)
    return made
