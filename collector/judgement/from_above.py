"""The look at the whole district after each pass: outcomes of campuses go in, causes that no campus shows alone come
out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import structs

from collector.judgement import causes

if TYPE_CHECKING:
    from collector.inventory import Inventory
    from collector.judgement.evaluate import SlotVerdict
    from collector.judgement.judging import Outcome

_SLOTS_REMEMBERED = 600
"""The newest, and as many that were judged last: a day that is judged again may take several passes."""


class FromAbove:
    """Remembers what each campus said in the slots that were judged last."""

    def __init__(self) -> None:
        self._seen: dict[int, dict[str, SlotVerdict]] = {}
        self._found: dict[int, dict[str, tuple[str, str]]] = {}

    def look(self, outcomes: list[Outcome], inventory: Inventory, seconds: int) -> list[tuple[str, int]]:
        """Gives each verdict of this pass the cause that is seen only from above. Returns the campus slots outside this
        pass whose cause that changes too: they are to be judged again."""
        mine = {(one.work.campus.id, slot): one for one in outcomes for slot in one.verdicts}
        for (name, slot), outcome in mine.items():
            verdict = outcome.verdicts[slot]
            seen = self._seen[slot] = self._seen.pop(slot, {})  # now the last one
            seen[name] = structs.replace(verdict, criteria=(), access_points={}, places={})
        elsewhere: list[tuple[str, int]] = []
        for slot in sorted({slot for _, slot in mine}):
            before = {name: verdict.verdict for name, verdict in self._seen.get(slot - seconds, {}).items()}
            found = causes.district(self._seen[slot], inventory, before)
            known = self._found.pop(slot, {})
            for name in found.keys() | known.keys():
                judged = mine.get((name, slot))
                if judged is None:
                    if found.get(name) != known.get(name):
                        elsewhere.append((name, slot))
                elif name in found:
                    cause, grounds = found[name]
                    verdict = judged.verdicts[slot]
                    judged.verdicts[slot] = structs.replace(verdict, cause=cause, cause_evidence=grounds)
            self._found[slot] = found
        _forget(self._seen)
        _forget(self._found)
        return elsewhere


def _forget(kept: dict[int, Any]) -> None:
    newest = {*sorted(kept)[-_SLOTS_REMEMBERED:]}
    for slot in [*kept][:-_SLOTS_REMEMBERED]:
        if slot not in newest:
            del kept[slot]
