"""The lines of ``token create --file``'s CSV, one given to each image; what was given is written down beside it."""

from __future__ import annotations

import csv
import datetime
import io
import os
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from agent import enroll
from agent.image.image import ImageError

COLUMNS = ("campus", "agents", "expires_at", "join")


class Line(NamedTuple):
    """One campus's join string, good for ``agents`` devices until ``expires_at``."""

    campus: str
    agents: int
    expires_at: datetime.datetime
    join: str


class Given(NamedTuple):
    """The line a copy was given: the ``number``-th of its campus's ``of``."""

    line: Line
    number: int
    of: int


def read(path: Path) -> list[Line]:
    """The file's lines. Raises ImageError, naming the line and never its token."""
    try:
        rows = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig")))
        missing = [column for column in COLUMNS if column not in (rows.fieldnames or [])]
        if missing:
            raise ImageError(
                f"{path}: no column {', '.join(missing)}; give what `wifi-collector token create --file` made"
            )
        return [_line(path, number, row) for number, row in enumerate(rows, start=2)]
    except (OSError, UnicodeDecodeError, csv.Error) as fault:
        raise ImageError(f"{path}: cannot be read: {fault}") from None


def _line(path: Path, number: int, row: dict[str, str]) -> Line:
    try:
        enroll.parse(row["join"])
        return Line(row["campus"], int(row["agents"]), datetime.datetime.fromisoformat(row["expires_at"]), row["join"])
    except enroll.EnrollError as fault:
        raise ImageError(f"{path}: line {number}: {fault}") from None
    except (ValueError, TypeError):
        raise ImageError(
            f"{path}: line {number}: agents or expires_at is not as it was made; make the file again"
        ) from None


def choose(path: Path, campus: str | None, now: datetime.datetime) -> Given:
    """The line for the next copy: of ``campus``, or the first that is not used up. Raises ImageError."""
    lines = read(path)
    used = _used(path)
    if campus is not None and campus not in {line.campus for line in lines}:
        raise ImageError(f"{path}: no line for campus {campus}; make one: wifi-collector token create --file")
    for line in lines:
        if used[line.campus] < line.agents and campus in {None, line.campus}:
            if line.expires_at <= now:
                raise ImageError(
                    f"{path}: the join string of {line.campus} ended {line.expires_at}; make the file again"
                )
            return Given(line, used[line.campus] + 1, line.agents)
    whose = f"of {campus} " if campus else ""
    raise ImageError(f"{path}: every join string {whose}was given already ({_beside(path)} says when); make more")


def note(path: Path, given: Given, now: datetime.datetime) -> None:
    """Writes down that this line was given, for good before the card leaves the reader."""
    beside = _beside(path)
    fresh = not beside.exists()
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        if fresh:
            writer.writerow(["campus", "number", "given_at"])
        writer.writerow([given.line.campus, given.number, now.isoformat(timespec="seconds")])
        file.flush()
        os.fsync(file.fileno())


def _used(path: Path) -> Counter[str]:
    beside = _beside(path)
    if not beside.exists():
        return Counter()
    with beside.open(encoding="utf-8", newline="") as file:
        return Counter(row["campus"] for row in csv.DictReader(file))


def _beside(path: Path) -> Path:
    return path.with_name(path.name + ".given")
