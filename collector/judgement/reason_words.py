"""Why a slot was judged again, where the reason names something: the ledger keeps it with the revision."""

from __future__ import annotations

from collector.judgement.sentence import COUNT, Row, Sentence, Sentences

LIST = r"(?:campuses|access-points|rooms|bells|calendar)"

APPROVED = Sentence("exclusion {exclusion}", exclusion=COUNT)
WITHDRAWN = Sentence("exclusion {exclusion} withdrawn", exclusion=COUNT)
NEW_LIST = Sentence("new {list}", list=LIST)

ALL = Sentences(APPROVED, WITHDRAWN, NEW_LIST)


def read(text: str) -> Row | None:
    """What a reason says; None where no sentence of today says it."""
    return ALL.read(text)


def every() -> tuple[Sentence, ...]:
    return ALL.forms
