"""A joined hour being read, report by report: bytes where somebody asks for bytes, testimony where the judge asks.

Each is made for the whole hour when it is first asked for: who reads one report of an hour mostly reads them all.
"""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

from collector.compaction import hour as hours
from collector.compaction import testimonies
from collector.compaction.hour import Entry, Hour
from collector.judgement.testimony import Report, Testimony


class Pages:
    """An hour with its documents, opened: ``entries`` are its rows without them. Raises BlockError, also later: a block
    that was made wrong may show only where it is read."""

    def __init__(self, hour: Hour) -> None:
        self.name = hour.name
        self.entries: list[Entry] = hours.index(hour)
        self._opened = hours.opened(hour, len(self.entries))

    @cached_property
    def documents(self) -> list[bytes]:
        return self._opened.documents()

    @cached_property
    def testimonies(self) -> list[Report]:
        return testimonies.of_block(self._opened)

    @cached_property
    def whereabouts(self) -> list[Testimony]:
        return testimonies.whereabouts_of_block(self._opened)


class Page(NamedTuple):
    """One report of a joined hour."""

    pages: Pages
    number: int

    def document(self) -> bytes:
        return self.pages.documents[self.number]

    def testimony(self) -> Report:
        return self.pages.testimonies[self.number]

    def whereabouts(self) -> Testimony:
        return self.pages.whereabouts[self.number]
