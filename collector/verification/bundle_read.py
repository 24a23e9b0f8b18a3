"""Reads a bundle without a store or a network: a file goes in, the facts of a verification come out.

A bundle comes from somebody: nothing of it is believed before its members are what its manifest says, and a member that
cannot be read is a difference like any other.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from agent import wire
from collector.store.evidence import Kept
from collector.store.ledger import LedgerRow, Written
from collector.verification import bundle
from collector.verification.bundle_write import digest_line
from collector.verification.facts import Campus, Difference, Expired, Snapshot

_SNAPSHOT = re.compile(r"^snapshots/(policy|inventory|hours)-([0-9a-f]{64})\.json$")
_DAYS_KEPT = 3
_MAX_SMALL_BYTES = 256 << 20
_PIECE = 1 << 20
DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError)
UNREADABLE = (msgspec.MsgspecError, ValueError, KeyError, TypeError)


class BadBundle(Exception):
    """The file is no bundle, or one that cannot be read."""


class Bundle:
    """An opened bundle; :meth:`damage` comes first, then it is a source of facts."""

    def __init__(self, path: Path) -> None:
        try:
            self._zip = zipfile.ZipFile(path)
            document = self._small(bundle.MANIFEST)
            self.manifest = msgspec.json.decode(document, type=bundle.Manifest)
            self._own_digest = self._small(bundle.MANIFEST_DIGEST) == digest_line(document)
            self.first, self.last = bundle.month_of(self.manifest.month)
        except (*DAMAGED, *UNREADABLE) as fault:
            raise BadBundle(f"{path}: no evidence bundle, or a damaged one: {fault}"[:300]) from None
        said = self.manifest
        if (said.format, said.schema, said.report_schema) != (bundle.FORMAT, bundle.SCHEMA, wire.SCHEMA):
            raise BadBundle(f"{path}: a bundle of another version ({said.schema}, reports {said.report_schema})")
        self._rows: list[Written] = []
        self._days: dict[str, list[Kept]] = {}
        self._context: bundle.Context | None = None
        self._expired: list[Expired] = []

    def close(self) -> None:
        self._zip.close()

    def damage(self) -> Iterator[Difference]:
        """Members that are not what the manifest says, and what cannot be read."""
        if not self._own_digest:
            yield Difference(f"bundle member {bundle.MANIFEST}", f"it is not what {bundle.MANIFEST_DIGEST} says")
        names = self._zip.namelist()
        listed = {*self.manifest.members, bundle.MANIFEST, bundle.MANIFEST_DIGEST}
        for name in sorted({*names} ^ listed) or sorted({one for one in names if names.count(one) > 1}):
            yield Difference(f"bundle member {name}", "it is missing, not in the manifest, or there twice")
        for name, wanted in self.manifest.members.items():
            found = self._digest(name)
            if found != wanted:
                yield Difference(
                    f"bundle member {name}", "it is not what the manifest says", "", "", None, wanted, found
                )

    def load(self) -> None:
        """Raises BadBundle where a member is not of its form."""
        try:
            self._rows = [bundle.written_of(line) for line in self._lines(bundle.LEDGER)]
            self._context = msgspec.json.decode(self._small(bundle.CONTEXT), type=bundle.Context)
            there = bundle.EXPIRED in self.manifest.members
            lines = self._lines(bundle.EXPIRED) if there else iter(())
            self._expired = [msgspec.json.decode(line, type=Expired) for line in lines]
            witnesses = [bundle.kept_of(line) for line in self._lines(bundle.WITNESSES)]
            self._campus = bundle.campus_of(self.manifest.campus, self._context, witnesses)
            self._keys = {agent: base64.b64decode(key, validate=True) for agent, key in self._context.keys.items()}
        except (*DAMAGED, *UNREADABLE) as fault:
            raise BadBundle(f"a member cannot be read: {fault}"[:300]) from None

    # --- a source of facts ---------------------------------------------------------------------------------------

    def before(self) -> tuple[int, str]:
        return self.manifest.chain_number, self.manifest.chain_before

    def written(self) -> Iterator[Written]:
        return iter(self._rows)

    def summed_otherwise(self) -> list[tuple[str, str]]:
        """A bundle has no sums: who reads it adds up the ledger's rows themselves."""
        return []

    def snapshots(self) -> Iterator[Snapshot]:
        for name in self._zip.namelist():
            if found := _SNAPSHOT.match(name):
                yield Snapshot(found[1], found[2], self._small(name))

    def keys(self) -> dict[str, bytes]:
        return self._keys

    def campuses(self) -> list[str]:
        return [self.manifest.campus]

    def campus(self, name: str) -> Campus:
        return self._campus

    def days(self, campus: str) -> list[datetime.date]:
        mine = [one.row.day for one in self._rows if one.row.campus == campus and one.row.body]
        begin = max(self.first, datetime.date.fromisoformat(min(mine))) if mine else self.first
        return [begin + datetime.timedelta(days=n) for n in range((self.last - begin).days + 1)]

    def newest(self, campus: str, day: datetime.date) -> LedgerRow | None:
        mine = [one.row for one in self._rows if (one.row.campus, one.row.day) == (campus, day.isoformat())]
        return max(mine, key=lambda row: row.revision, default=None)

    def reports(self, campus: str, since: float, until: float) -> list[Kept]:
        first = datetime.datetime.fromtimestamp(since - 3600, datetime.UTC).date()
        last = datetime.datetime.fromtimestamp(until, datetime.UTC).date()
        days = [first + datetime.timedelta(days=n) for n in range((last - first).days + 1)]
        return [
            row
            for day in days
            for row in self._day(f"reports/{day}.jsonl")
            if row.start_at is not None
            and row.end_at is not None
            and since - 3600 <= row.start_at < until
            and row.end_at >= since
        ]

    def expired(self, campus: str, since: float, until: float) -> list[Expired]:
        return [one for one in self._expired if one.start_at < until and one.end_at >= since]

    def damaged(self, campus: str) -> Iterator[Difference]:
        """Each member has its digest in the manifest: see :meth:`damage`."""
        return iter(())

    # --- members -------------------------------------------------------------------------------------------------

    def _day(self, name: str) -> list[Kept]:
        if name not in self._days:
            if len(self._days) >= _DAYS_KEPT:
                self._days.pop(next(iter(self._days)))
            there = name in self.manifest.members
            rows = [bundle.kept_of(line) for line in self._lines(name)] if there else []
            self._days[name] = sorted(rows, key=lambda row: (row.start_at or 0.0, row.id))
        return self._days[name]

    def _lines(self, name: str) -> Iterator[bytes]:
        with self._zip.open(name) as member:
            for line in member:
                yield line.rstrip(b"\n")

    def _small(self, name: str) -> bytes:
        if self._zip.getinfo(name).file_size > _MAX_SMALL_BYTES:
            raise ValueError(f"{name} is too long")
        return self._zip.read(name)

    def _digest(self, name: str) -> str:
        """Empty where the member cannot be unpacked."""
        digest = hashlib.sha256()
        try:
            with self._zip.open(name) as member:
                while piece := member.read(_PIECE):
                    digest.update(piece)
        except (*DAMAGED, KeyError):
            return ""
        return digest.hexdigest()
