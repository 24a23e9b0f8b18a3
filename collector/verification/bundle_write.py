"""Writes a bundle: the facts of one campus's month go in, a file that is whole or not there comes out."""

from __future__ import annotations

import contextlib
import csv
import datetime
import hashlib
import io
import itertools
import os
import zipfile
from collections.abc import Callable, Iterable, Iterator
from importlib import resources
from pathlib import Path

import msgspec

from agent import wire
from collector.commitment.as_csv import safe
from collector.store.ledger import LedgerRow, Written
from collector.verification import bundle
from collector.verification.facts import Campus, Source

_DAY_SECONDS = 86400
_EPOCH = datetime.date(1970, 1, 1)


class Members:
    """The members of a zip, with the digest of each."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self.digests: dict[str, str] = {}

    def add(self, name: str, data: bytes) -> None:
        self.add_lines(name, [data], end=b"")

    def add_lines(self, name: str, lines: Iterable[bytes], end: bytes = b"\n") -> int:
        """One line at a time: a month of reports need not be in memory."""
        digest, count = hashlib.sha256(), 0
        with self._archive.open(name, "w", force_zip64=True) as member:
            for line in lines:
                member.write(line + end)
                digest.update(line + end)
                count += 1
        self.digests[name] = digest.hexdigest()
        return count


def write(
    source: Source, campus: str, month: str, target: Path, now: float, progress: Callable[[int, int], None]
) -> dict[str, object]:
    """Writes the bundle and says what is in it. ``source``: the facts of just this campus and month."""
    partial = target.with_name(target.name + ".partial")
    try:
        descriptor = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w+b") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
                said = _fill(Members(archive), source, campus, month, now, progress)
            file.flush()
            os.fsync(file.fileno())
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        partial.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise
    return {"file": str(target), "bytes": target.stat().st_size, "sha256": digest, **said}


def _fill(
    members: Members, source: Source, name: str, month: str, now: float, progress: Callable[[int, int], None]
) -> dict[str, object]:
    first, last = bundle.month_of(month)
    campus = source.campus(name)
    number, before, rows = _segment(source, name, first, last)
    own = [one.row for one in rows if one.row.campus == name]
    members.add(bundle.README, resources.files("collector.verification").joinpath("bundle_readme.txt").read_bytes())
    members.add(bundle.SUMMARY, _summary(own).encode())
    members.add_lines(bundle.LEDGER, (bundle.revision_line(one, name) for one in rows))
    used = {("policy", row.policy) for row in own} | {("inventory", row.inventory) for row in own}
    used |= {("hours", row.hours) for row in own}
    for snapshot in source.snapshots():
        path = f"snapshots/{snapshot.kind}-{snapshot.hash}.json"
        if (snapshot.kind, snapshot.hash) in used and path not in members.digests:
            members.add(path, snapshot.body)
    members.add_lines(bundle.WITNESSES, (bundle.report_line(row) for row in campus.witnesses))
    begin, end = ((day - _EPOCH).days * _DAY_SECONDS for day in (first, last))
    if gone := source.expired(name, begin - _DAY_SECONDS, end + 2 * _DAY_SECONDS):
        members.add_lines(bundle.EXPIRED, map(msgspec.json.encode, gone))
    agents, reports = _reports(members, source, campus, first, last, progress)
    context = bundle.context_of(campus, {agent: key for agent, key in source.keys().items() if agent in agents})
    members.add(bundle.CONTEXT, _readable(context))
    manifest = bundle.Manifest(
        format=bundle.FORMAT,
        schema=bundle.SCHEMA,
        report_schema=wire.SCHEMA,
        campus=name,
        month=month,
        made_at=datetime.datetime.fromtimestamp(now, datetime.UTC).isoformat(timespec="seconds"),
        chain_number=number,
        chain_before=before,
        members=dict(sorted(members.digests.items())),
    )
    document = _readable(manifest)
    members.add(bundle.MANIFEST, document)
    members.add(bundle.MANIFEST_DIGEST, digest_line(document))
    chain = next((one.row.chain for one in reversed(rows) if one.order is not None), before)
    return {"revisions": len(own), "reports": reports, "agents": len(context.keys), "chain": chain}


def digest_line(manifest: bytes) -> bytes:
    """As ``sha256sum`` writes and checks it."""
    return f"{hashlib.sha256(manifest).hexdigest()}  {bundle.MANIFEST}\n".encode()


def _segment(source: Source, campus: str, first: datetime.date, last: datetime.date) -> tuple[int, str, list[Written]]:
    """The chain from the campus's first revision of the month to its last one, others' links between them without
    their bodies; then its open rows."""
    period = range(first.toordinal(), last.toordinal() + 1)
    number, before = source.before()
    held: list[Written] = []
    kept: list[Written] = []
    still_open: list[Written] = []
    begun: tuple[int, str] | None = None
    for one in source.written():
        mine = one.row.campus == campus and datetime.date.fromisoformat(one.row.day).toordinal() in period
        if one.order is None:
            still_open += [one] if mine else []
            continue
        if mine and begun is None:
            begun = (number, before)
        if begun is not None:
            link = one if mine else Written(msgspec.structs.replace(one.row, body=b""), one.body_digest, "", one.order)
            held.append(link)
        if mine:
            kept, held = [*kept, *held], []
        number, before = one.order, one.row.chain
    start = begun or (0, "")
    return start[0], start[1], [*kept, *still_open]


def _reports(
    members: Members, source: Source, campus: Campus, first: datetime.date, last: datetime.date,
    progress: Callable[[int, int], None],
) -> tuple[set[str], int]:  # fmt: skip
    """A member for each date in Greenwich that the month's local days touch."""
    agents = {one.agent for one in campus.beside.standings} | {row.agent for row in campus.witnesses}
    days = range((first - _EPOCH).days - 1, (last - _EPOCH).days + 2)
    total = 0
    for done, number in enumerate(days):
        begin = number * _DAY_SECONDS
        rows = source.reports(campus.campus, begin, begin + _DAY_SECONDS)
        rows = [row for row in rows if row.start_at is not None and row.start_at >= begin]
        if rows:
            agents |= {row.agent for row in rows}
            name = f"reports/{_EPOCH + datetime.timedelta(days=number)}.jsonl"
            total += members.add_lines(name, map(bundle.report_line, rows))
        progress(done + 1, len(days))
    return agents, total


def _readable(document: object) -> bytes:
    return msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n"


def _summary(rows: list[LedgerRow]) -> str:
    """For people: what the newest revision of each day says, in seconds of class time."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    names = ("campus", "day", "revision", "open", "reason", "met_seconds", "short_seconds", "unknown_seconds")
    table.writerow((*names, "day_verdict", "causes"))
    for _, revisions in itertools.groupby(sorted(rows, key=_order), key=lambda row: row.day):
        row = list(revisions)[-1]
        table.writerow([safe(one) for one in _said(row)])
    return text.getvalue()


def _order(row: LedgerRow) -> tuple[str, int]:
    return row.day, row.revision


def _said(row: LedgerRow) -> Iterator[object]:
    record = row.record
    totals = record.totals()
    yield from (row.campus, row.day, row.revision, "yes" if row.open else "no", row.reason)
    yield from (totals[name][1] for name in ("met", "short", "unknown"))
    yield record.day_verdict.verdict if record.day_verdict else ""
    yield "; ".join(f"{cause} {seconds} s" for cause, seconds in sorted(record.causes().items()))
