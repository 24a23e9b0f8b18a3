"""What is said of an incident by this system: the notes of the judge's own steps, why one was disproved, and why what
somebody wanted to do about it was not done."""

from __future__ import annotations

from collector.judgement.sentence import COUNT, ID, KEY, Row, Sentence, Sentences

MET_AGAIN = Sentence("the campus is met again")
NOT_OVER = Sentence("late evidence: it is not over")
SHOWN_AGAIN = Sentence("late evidence shows it again")
DISPROVED = Sentence("disproved by late evidence")
SAME = Sentence("disproved by late evidence: the same as incident {incident}", incident=COUNT)
AFTER_CLOSING = Sentence(
    "{disproved} (was {resolution}: {reason})", disproved=Sentences(DISPROVED, SAME), resolution=KEY
)
"""People had closed it already, for a reason in their own words."""

IN_THE_FUTURE = Sentence("a step cannot be in the future")
BEFORE_ITS_BEGIN = Sentence("a step cannot come before the incident's begin")
EMPTY_NOTE = Sentence("an empty note says nothing")
WRITE_IT = Sentence("write what is to be remembered")
NO_REASON = Sentence("no reason")
SAY_WHY = Sentence("say why in a sentence")
CLOSED_ALREADY = Sentence(
    "incident {incident} is closed already as {resolution}: {reason}", incident=COUNT, resolution=KEY
)
STILL_LASTS = Sentence("incident {incident} still lasts", incident=COUNT)
CLOSE_AS_FALSE = Sentence("it is over after a row of met slots; if it is none, close it as false")
STANDS_NO_MORE = Sentence(
    "incident {incident} was {disproved}", incident=COUNT, disproved=Sentences(DISPROVED, SAME, AFTER_CLOSING)
)
NOTE_ALL_THE_SAME = Sentence("a note can still be added: incident note")
TOO_LONG = Sentence("{what} is {n} characters long", what=ID, n=COUNT)
AT_MOST = Sentence("at most {n} are kept", n=COUNT)

ALL = Sentences(
    MET_AGAIN, NOT_OVER, SHOWN_AGAIN, DISPROVED, SAME, AFTER_CLOSING, IN_THE_FUTURE, BEFORE_ITS_BEGIN, EMPTY_NOTE,
    WRITE_IT, NO_REASON, SAY_WHY, CLOSED_ALREADY, STILL_LASTS, CLOSE_AS_FALSE, STANDS_NO_MORE, NOTE_ALL_THE_SAME,
    TOO_LONG, AT_MOST,
)  # fmt: skip


def read(text: str) -> Row | None:
    """What a note of the judge or a refusal says; None where no sentence of today says it."""
    return ALL.read(text)


def every() -> tuple[Sentence, ...]:
    return ALL.forms
