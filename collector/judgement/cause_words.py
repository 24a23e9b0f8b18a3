"""The evidence of a cause in words: every sentence that the judge writes beside one.

They stand in the ledger's chain as they were written, so none is ever changed: what is to be said otherwise gets a
sentence of its own. Agents are named by the first twelve digits of their fingerprint, at most five names are listed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from collector.judgement.sentence import COUNT, ID, IDS, KEY, Row, Sentence, Sentences

EXCLUDED = Sentence("an approved exclusion covers this slot")
"""Of planned work for which nobody gave a reason; else the evidence is the reason, in its author's words."""
NOT_RECEIVING = Sentence("the collector itself was not receiving in this slot")

EDGE_FAILS = Sentence("the collector's own check of the campus edge fails")
ALL_SILENT = Sentence("all agents silent: {agents}")
SOME_SILENT = Sentence("{silent} of {expected} agents sent nothing: {agents}", silent=COUNT, expected=COUNT)
MOVED = Sentence("gateway or segment changed: confirm or move {n} agents: {agents}", n=COUNT)
NEVER_ANSWERED = Sentence("{n} access points never answered an agent of this campus", n=COUNT)
NO_AGENT_STOOD = Sentence("no approved agent stood on this campus")
NO_BSS = Sentence("no BSS at all is heard by {n} agents that heard some before: {agents}", n=COUNT)

OWN_PROBE = Sentence("its reach probe could not run")
OWN_LINK = Sentence("its own link is down")
OWN_GATEWAY = Sentence("nothing answers it, not even its gateway")
_OWN_FAULTS = Sentences(OWN_PROBE, OWN_LINK, OWN_GATEWAY)
AT_FAULT = Sentence("agent {agent}: {fault}", agent=ID, fault=_OWN_FAULTS)
AGENTS_AT_FAULT = Sentences(AT_FAULT, separator="; ")

UNDECIDED = Sentence(
    "{criterion}: {unknown} of {n} unknown ({missing})",
    criterion=ID, unknown=COUNT, n=COUNT, missing=r"(?!nothing to judge\)\Z).*",
)  # fmt: skip
NOTHING_TO_JUDGE = Sentence(
    "{criterion}: {unknown} of {n} unknown (nothing to judge)", criterion=ID, unknown=COUNT, n=COUNT
)
LACKING = Sentences(UNDECIDED, NOTHING_TO_JUDGE, separator="; ")
FELL_SHORT = Sentence("{criterion}: {short} of {n} short ({failing})", criterion=ID, short=COUNT, n=COUNT)
BELOW = Sentences(FELL_SHORT, separator="; ")

NO_GATEWAY = Sentence("{n} agents get no answer from their own gateway nor from beyond", n=COUNT)
NOTHING_BEYOND = Sentence("{n} agents reach nothing beyond their gateway", n=COUNT)
NO_NAMES = Sentence("{n} agents get no answer from a name server, but do from beyond the gateway", n=COUNT)
IN_ROOMS = Sentence("rooms: {rooms}")
EVERY_TARGET = Sentence("every target of an agent is affected")
DOWN = Sentence("{n} down: {access_points}", n=COUNT)
NO_BEACON = Sentence("{n} answer, but their usual beacon is missing: {access_points}", n=COUNT)
ON_THE_AIR = Sentence("{criteria} in: {rooms}", criteria=IDS)

FAILED_AT = Sentence("{stage} {tries}", stage=KEY, tries=COUNT)
STAGES = Sentences(FAILED_AT, separator=", ")
JOINS_FAILED = Sentence(
    "{failed} of {tries} tries to join failed at: {stages}", failed=COUNT, tries=COUNT, stages=STAGES
)
JOINS_SLOW = Sentence("{slowest} of {joins} joins wait longest for: {stage}", slowest=COUNT, joins=COUNT, stage=KEY)
JOINS_IN_SLOTS = Sentence(
    "{failed} of {tries} tries to join that failed did so in slots of this cause", failed=COUNT, tries=COUNT
)

UPLINK_CUT = Sentence("all {n} campuses of uplink {uplink} are cut off in this slot", n=COUNT)
TURNED_SHORT = Sentence(
    "{turned} of {judged} campuses turned short in this slot: look at the monitor first", turned=COUNT, judged=COUNT
)
TURNED_SHORT_ALONE = Sentence("{words}; taken alone: {cause}", words=Sentences(TURNED_SHORT), cause=KEY)

_ONE = Sentences(
    EXCLUDED, NOT_RECEIVING, EDGE_FAILS, ALL_SILENT, SOME_SILENT, MOVED, NEVER_ANSWERED, NO_AGENT_STOOD, NO_BSS,
    NO_GATEWAY, NOTHING_BEYOND, NO_NAMES, IN_ROOMS, EVERY_TARGET, DOWN, NO_BEACON, ON_THE_AIR, JOINS_FAILED, JOINS_SLOW,
    JOINS_IN_SLOTS, UPLINK_CUT, TURNED_SHORT, TURNED_SHORT_ALONE,
)  # fmt: skip
WHOLE = (_ONE, AGENTS_AT_FAULT, LACKING, BELOW)
"""Each is all of an evidence, or a row of it is."""
INNER = (_OWN_FAULTS, STAGES)
_NAMED = 5


def read(text: str) -> Row | None:
    """What an evidence says; None where no sentence of today says it."""
    return next((row for one in WHOLE if (row := one.read(text))), None)


def every() -> tuple[Sentence, ...]:
    return tuple(form for one in (*WHOLE, *INNER) for form in one.forms)


def agents(some: Iterable[str]) -> str:
    return ", ".join(agent[:12] for agent in sorted(some))


def some(names: Sequence[str]) -> str:
    return f"{', '.join(names[:_NAMED])}{', …' if len(names) > _NAMED else ''}"
