"""The system's answers held against the oracle's, campus by campus: what differs is said, with its instant."""

import dataclasses
import datetime
import json
from pathlib import Path
from typing import Any

from tests.month.oracle import Answer, Oracle
from tests.month.told import SLOT, ZONE

ROUNDING = 1e-9


@dataclasses.dataclass(frozen=True)
class Row:
    """One campus. ``faults``: disagreements in words, none where both say the same."""

    campus: str
    kinds: tuple[str, ...]
    verdict: str
    expected: frozenset[str]
    lower: float
    upper: float
    truth: float
    slots: int
    faults: tuple[str, ...]

    @property
    def decided(self) -> bool:
        return self.verdict in ("meets", "falls_short")


def compare(folder: Path) -> list[Row]:
    """``folder`` holds what the oracle reads, ``commitment.json`` (with why), and ``ledgers.json``: of each campus
    whose evidence came late, what `/v1/campuses/{id}/ledger` says."""
    said = {one["campus"]: one for one in json.loads((folder / "commitment.json").read_text())["campuses"]}
    ledgers = json.loads((folder / "ledgers.json").read_text())
    return [_row(answer, said[answer.campus], ledgers.get(answer.campus)) for answer in Oracle(folder).answers()]


def _row(answer: Answer, said: dict[str, Any], ledger: dict[str, Any] | None) -> Row:
    faults = [*_bounds(answer, said), *_slots(answer, said), *_days(answer, said), *_revisions(answer, ledger)]
    if said["verdict"] not in answer.verdicts:
        faults.insert(0, f"{said['verdict']} where it is {' or '.join(sorted(answer.verdicts))}")
    return Row(
        answer.campus, answer.kinds, said["verdict"], answer.verdicts, said["met_ratio_lower"],
        said["met_ratio_upper"], answer.truth, len(answer.slots), tuple(faults),
    )  # fmt: skip


def _bounds(answer: Answer, said: dict[str, Any]) -> list[str]:
    lower, upper = said["met_ratio_lower"], said["met_ratio_upper"]
    faults = []
    if not lower - ROUNDING <= answer.truth <= upper + ROUNDING:
        faults.append(f"the truth {answer.truth:.4f} lies outside of [{lower:.4f}, {upper:.4f}]")
    for known in ("met", "short", "unknown"):
        if said["seconds"][known] != answer.seconds(known):
            faults.append(f"{said['seconds'][known]} seconds {known} where it is {answer.seconds(known)}")
    return faults


def _slots(answer: Answer, said: dict[str, Any]) -> list[str]:
    """Neighbouring slots that differ in the same way are one line."""
    known: dict[int, tuple[str, str]] = {}
    for span in said["why"]["spans"]:
        known |= dict.fromkeys(range(span["from_at"], span["to_at"], SLOT), (span["verdict"], span["cause"]))
    runs: list[tuple[int, int, str]] = []
    for slot in answer.slots:
        verdict, cause = known.pop(slot.begin, ("met", ""))
        if verdict == slot.known and (verdict == "met" or cause in slot.causes):
            continue
        words = f"{verdict} {cause or '-'} where it is {slot.known} {'/'.join(sorted(slot.causes)) or '-'}"
        if runs and runs[-1][1] == slot.begin and runs[-1][2] == words:
            runs[-1] = (runs[-1][0], slot.begin + SLOT, words)
        else:
            runs.append((slot.begin, slot.begin + SLOT, words))
    return [f"{_local(begin)} to {_local(end)}: {words}" for begin, end, words in runs] + [
        f"{_local(begin)}: {verdict} outside of class" for begin, (verdict, _) in known.items()
    ]


def _days(answer: Answer, said: dict[str, Any]) -> list[str]:
    told = {day["day"]: day["verdict"] for day in said["why"]["days"]}
    causes = {day["day"]: day["cause"] for day in said["why"]["days"] if day["verdict"] == "short"}
    faults = [
        f"the school day {day} {told.get(day, 'met')} where it is {' or '.join(sorted(possible))}"
        for day, possible in answer.days.items()
        if told.get(day, "met") not in possible
    ]
    faults += [
        f"the school day {day} short for {cause or '-'} where it is {'/'.join(sorted(answer.day_causes[day])) or '-'}"
        for day, cause in causes.items()
        if cause not in answer.day_causes[day]
    ]
    if said["days"]["all"] != len(answer.days):
        faults.append(f"{said['days']['all']} school days where there are {len(answer.days)}")
    return faults


def _revisions(answer: Answer, ledger: dict[str, Any] | None) -> list[str]:
    """What came days late was first judged without it, and then again; the ledger holds both, and says why."""
    if not answer.late:
        return []
    if ledger is None:
        return ["its ledger was not looked at"]
    faults = []
    first: dict[int, str] = {}
    last: dict[int, tuple[str, str]] = {}
    for row in sorted(ledger["revisions"], key=lambda row: (row["day"], row["revision"])):
        begin, seconds = row["record"]["first_slot"], row["record"]["slot_seconds"]
        for number, letter in enumerate(row["strip"]):
            if letter in "msu":
                first.setdefault(begin + number * seconds, letter)
                last[begin + number * seconds] = (letter, row["reason"])
    expected = {slot.begin: slot.known[0] for slot in answer.slots}
    for slot in sorted(answer.late):
        if first.get(slot) != "u":
            faults.append(f"{_local(slot)}: first judged {first.get(slot)!r} before its evidence came")
        if last.get(slot, ("", ""))[0] != expected[slot]:
            faults.append(f"{_local(slot)}: last judged {last.get(slot)!r} after its evidence came")
    reasons = {change["reason"] for change in ledger["changes"] if change["slot"] in answer.late}
    if reasons != {"late evidence"}:
        faults.append(f"the ledger gives as reason of its revisions {sorted(reasons)}")
    return faults


def _local(at: float) -> str:
    return datetime.datetime.fromtimestamp(at, ZONE).strftime("%Y-%m-%d %H:%M")
