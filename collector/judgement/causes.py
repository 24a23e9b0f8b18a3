"""Why a slot is not met: a cause is named only with positive evidence for it.

First the one campus; then the district as a whole, because a shared line is one cause and not forty, and because a
monitor that sees a fifth of the district turn short at once must suspect itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from collector.inventory import Inventory
from collector.judgement import cause_words as words_of
from collector.judgement.statistic import BEYOND, Said

if TYPE_CHECKING:
    from collector.judgement.evaluate import Context, CriterionVerdict, SlotVerdict

AGENT_SILENT = "agent_silent"
PLACEMENT_UNCONFIRMED = "placement_unconfirmed"
CAMPUS_CUT_OFF = "campus_cut_off"
SHARED_UPLINK_CUT = "shared_uplink_cut"
LAN_DOWN = "lan_down"
DNS = "dns"
INTERNET = "internet"
SLOW = "slow"
LOSS = "loss"
ACCESS_POINT_DOWN = "access_point_down"
COLLECTOR_GAP = "collector_gap"
PLANNED_WORK = "planned_work"
NOT_REACHABLE = "not_reachable_from_here"
RADIO = "radio"
RADIO_SILENT = "radio_silent"
ASSOCIATION = "association"
AUTHENTICATION = "authentication"
DHCP = "dhcp"
PORTAL = "portal"
WIFI_WEAK = "wifi_weak"
WIFI_BUSY = "wifi_busy"
MONITOR_SUSPECT = "monitor_suspect"
NO_AGENT = "no_agent"
TOO_LITTLE_EVIDENCE = "too_little_evidence"
BELOW_THRESHOLD = "below_threshold"
"""No fault is proven by these: they say what is missing, or which criterion a slot fell short of."""

SUSPECT_SHARE = 0.2
SUSPECT_CAMPUSES = 5
"""A fifth of a handful is one campus: below this many the share says nothing."""


_OF_STAGE = {
    "scan": RADIO,
    "authenticate": ASSOCIATION,
    "associate": ASSOCIATION,
    "eap": AUTHENTICATION,
    "handshake": AUTHENTICATION,
    "authentication": AUTHENTICATION,
    "dhcp": DHCP,
    "dns": DNS,
    "portal": PORTAL,
    "first_byte": INTERNET,
}
"""The cause that each failed stage of a join proves. A wrong password and an expired certificate fail the handshake or
EAP (SAE's refusals are counted as ``authentication``): the air and the access point did their part."""


EXPLAIN_JOINS = frozenset({CAMPUS_CUT_OFF, SHARED_UPLINK_CUT, INTERNET, LAN_DOWN, PLANNED_WORK})
"""Causes of a slot of which a failed try to join is a consequence: behind a line that is cut no name is found either,
and that says nothing of the name servers."""


def of_joins(outcomes: Mapping[str, int]) -> tuple[str, str]:
    """The cause that failed tries to join prove, and how many did; both empty where none failed at a known stage."""
    failed: dict[str, int] = {}
    for key, count in sorted(outcomes.items()):
        kind, _, stage = key.partition(" ")
        if kind == "join" and (cause := _OF_STAGE.get(stage)):
            failed[cause] = failed.get(cause, 0) + count
    if not failed:
        return "", ""
    cause = max(failed, key=failed.__getitem__)
    tries = sum(count for key, count in outcomes.items() if key.startswith("join "))
    stages = words_of.STAGES.join(
        words_of.FAILED_AT.say(stage=key.removeprefix("join "), tries=count)
        for key, count in sorted(outcomes.items())
        if _OF_STAGE.get(key.removeprefix("join ")) == cause and key.startswith("join ")
    )
    return cause, words_of.JOINS_FAILED.say(failed=failed[cause], tries=tries, stages=stages)


def of_slow_joins(slowest: Mapping[str, int]) -> tuple[str, str]:
    """The cause of joins that succeed too late: the stage that most of them wait for."""
    if not slowest:
        return "", ""
    stage = max(sorted(slowest), key=slowest.__getitem__)
    words = words_of.JOINS_SLOW.say(slowest=slowest[stage], joins=sum(slowest.values()), stage=stage)
    return _OF_STAGE[stage], words


def of_slot(
    verdict: SlotVerdict,
    slot_seconds: int,
    expected: Mapping[str, str | None],
    said: Mapping[str, Said],
    faults: Mapping[str, str],
    context: Context,
) -> tuple[str, str]:
    """The cause and its evidence in words; both empty where the slot is met or nothing is proven."""
    if verdict.verdict in ("met", "no_class"):
        return "", ""
    begin, end = verdict.slot, verdict.slot + slot_seconds
    for since, until, words in context.exclusions:
        if since < end and until > begin:
            return PLANNED_WORK, words or words_of.EXCLUDED.say()
    if verdict.verdict == "short":
        cause, words = _short(verdict, said)
        return (cause, words) if cause else _below(verdict)
    if any(since < end and until > begin for since, until in context.collector_gaps):
        return COLLECTOR_GAP, words_of.NOT_RECEIVING.say()
    doubtful = {agent for agent, since, until in context.unconfirmed if since < end and (until or end) > begin}
    cause, words = _unknown(verdict, expected, said, faults, doubtful, begin in context.edge_failed)
    if not cause:
        cause, words = _deaf(said, {agent for agent, _ in context.ever_heard})
    return (cause, words) if cause else _lacking(verdict, expected, said)


def _unknown(
    verdict: SlotVerdict,
    expected: Mapping[str, str | None],
    said: Mapping[str, Said],
    faults: Mapping[str, str],
    doubtful: set[str],
    edge_failed: bool,
) -> tuple[str, str]:
    # An agent that may stand elsewhere is not believed; silent it is not.
    silent = sorted(agent for agent in expected if agent not in said and agent not in doubtful)
    if expected and len(silent) == len(expected) and (len(silent) >= 2 or edge_failed):
        alone = words_of.ALL_SILENT.say(agents=words_of.agents(silent))
        return CAMPUS_CUT_OFF, words_of.EDGE_FAILS.say() if edge_failed else alone
    if silent:
        named = words_of.agents(silent)
        return AGENT_SILENT, words_of.SOME_SILENT.say(silent=len(silent), expected=len(expected), agents=named)
    if unheard := sorted(agent for agent in expected if agent not in said and agent in doubtful):
        return PLACEMENT_UNCONFIRMED, words_of.MOVED.say(n=len(unheard), agents=words_of.agents(unheard))
    away = _in_state(verdict, NOT_REACHABLE)
    if away and all(state in ("up", RADIO_SILENT, NOT_REACHABLE) for state in verdict.access_points.values()):
        return NOT_REACHABLE, words_of.NEVER_ANSWERED.say(n=len(away))
    if faults:
        said_of = (words_of.AT_FAULT.say(agent=agent[:12], fault=fault) for agent, fault in sorted(faults.items()))
        return AGENT_SILENT, words_of.AGENTS_AT_FAULT.join(said_of)
    return "", ""


def _deaf(said: Mapping[str, Said], heard_before: set[str]) -> tuple[str, str]:
    """A radio that heard access points before, listens, and now hears no BSS at all, ours or any other."""
    deaf = [agent for agent, one in said.items() if agent in heard_before and one.air.listened and not one.air.hears]
    if not deaf:
        return "", ""
    return RADIO, words_of.NO_BSS.say(n=len(deaf), agents=words_of.agents(deaf))


def _lacking(verdict: SlotVerdict, expected: Mapping[str, str | None], said: Mapping[str, Said]) -> tuple[str, str]:
    """What keeps an unknown slot from a verdict, where no fault of anybody is proven."""
    if not expected and not said:
        return NO_AGENT, words_of.NO_AGENT_STOOD.say()
    open_ = [one for one in verdict.criteria if one.verdict == "unknown"]
    return TOO_LITTLE_EVIDENCE, words_of.LACKING.join(_undecided(one) for one in open_)


def _undecided(one: CriterionVerdict) -> str:
    counts = {"criterion": one.id, "unknown": one.unknown, "n": one.n}
    missing = words_of.some(one.missing)
    return words_of.UNDECIDED.say(missing=missing, **counts) if missing else words_of.NOTHING_TO_JUDGE.say(**counts)


def _below(verdict: SlotVerdict) -> tuple[str, str]:
    broken = [one for one in verdict.criteria if one.verdict == "short"]
    return BELOW_THRESHOLD, words_of.BELOW.join(
        words_of.FELL_SHORT.say(criterion=one.id, short=one.short, n=one.n, failing=words_of.some(one.failing))
        for one in broken
    )


def _short(verdict: SlotVerdict, said: Mapping[str, Said]) -> tuple[str, str]:
    broken = {one.id: one for one in verdict.criteria if one.verdict == "short"}
    cut: list[str] = []
    lan: list[str] = []
    dns: list[str] = []
    partly: list[str] = []
    for agent, one in sorted(said.items()):
        lost = {rung: _lost(one, rung) for rung in ("gateway", "dns")}
        beyond = [echoes for echoes in one.path.values() if echoes.rung in BEYOND and echoes.sent]
        nothing = bool(beyond) and not any(echoes.received for echoes in beyond)
        if nothing:
            (lan if lost["gateway"] is True else cut).append(agent)
        elif lost["dns"] is True:
            dns.append(agent)
        elif beyond:
            partly.append(agent)
    if any(name.startswith("place.") for name in broken):
        cause, words = _not_joined(said, [*lan, *cut, *dns])
        # Where nothing at all beyond the gateway answers, that names are not found is the consequence; and a cut has
        # one name, whether a try to join happened to fall into the slot or not.
        if cause and not partly and not (cause == DNS and cut):
            return cause, words
        if lan and not partly:
            return LAN_DOWN, words_of.NO_GATEWAY.say(n=len(lan))
        if cut and not partly:
            return (CAMPUS_CUT_OFF if len(cut) >= 2 else INTERNET), words_of.NOTHING_BEYOND.say(n=len(cut))
        if dns:
            return DNS, words_of.NO_NAMES.say(n=len(dns))
        rooms = ", ".join(sorted({room for one in broken.values() for room in one.failing if "/" in room})[:5])
        kind = LOSS if "place.loss" in broken else SLOW
        return kind, words_of.IN_ROOMS.say(rooms=rooms) if rooms else words_of.EVERY_TARGET.say()
    down = _in_state(verdict, "down")
    if down:
        return ACCESS_POINT_DOWN, words_of.DOWN.say(n=len(down), access_points=words_of.some(down))
    return _on_the_air(verdict, broken)


def _on_the_air(verdict: SlotVerdict, broken: Mapping[str, CriterionVerdict]) -> tuple[str, str]:
    """A radio that went silent explains a weak room; a weak room is not busy but far."""
    weak = [one for name, one in broken.items() if name.startswith("signal.")]
    busy = [one for name, one in broken.items() if name in ("airtime", "retries")]
    silent = _in_state(verdict, RADIO_SILENT)
    if weak and silent:
        return RADIO_SILENT, words_of.NO_BEACON.say(n=len(silent), access_points=words_of.some(silent))
    for cause, found in ((WIFI_WEAK, weak), (WIFI_BUSY, busy)):
        if found:
            rooms = sorted({room for one in found for room in one.failing})
            criteria = ", ".join(sorted(one.id for one in found))
            return cause, words_of.ON_THE_AIR.say(criteria=criteria, rooms=words_of.some(rooms))
    return "", ""


def _not_joined(said: Mapping[str, Said], agents: list[str]) -> tuple[str, str]:
    """The rung at which every agent that reaches nothing failed to join: it broke below the gateway."""
    outcomes: dict[str, int] = {}
    for agent in agents:
        mine = said[agent].samples
        if not mine.joins[1] or mine.joins[0]:
            return "", ""
        for key, count in mine.outcomes.items():
            outcomes[key] = outcomes.get(key, 0) + count
    return of_joins(outcomes)


def _in_state(verdict: SlotVerdict, state: str) -> list[str]:
    return sorted(ap for ap, found in verdict.access_points.items() if found == state)


def _lost(said: Said, rung: str) -> bool | None:
    """Whether nothing came back on this rung; None where it was not asked."""
    asked = [echoes for echoes in said.path.values() if echoes.rung == rung and echoes.sent]
    return None if not asked else not any(echoes.received for echoes in asked)


def district(
    verdicts: Mapping[str, SlotVerdict], inventory: Inventory, before: Mapping[str, str]
) -> dict[str, tuple[str, str]]:
    """For one slot, the campuses whose cause is seen only from above: {campus: (cause, evidence)}. ``before``: each
    campus's verdict in the slot before; only campuses that *turn* short make the monitor suspect itself.

    A shared uplink is cut where every campus of it with a verdict is cut off, and there are two. Real and simulated
    campuses are looked at apart.
    """
    found: dict[str, tuple[str, str]] = {}
    for uplink, campuses in _by_uplink(verdicts, inventory).items():
        cut = [one for one in campuses if verdicts[one].cause == CAMPUS_CUT_OFF]
        # A campus's only agent that says afterwards that nothing answered beyond its gateway agrees with the cut.
        silent = [one for one in campuses if verdicts[one].cause in (CAMPUS_CUT_OFF, AGENT_SILENT, INTERNET)]
        if len(cut) >= 2 and len(silent) == len(campuses):
            words = words_of.UPLINK_CUT.say(n=len(campuses), uplink=uplink)
            found |= dict.fromkeys(campuses, (SHARED_UPLINK_CUT, words))
    for simulated in (False, True):
        judged = [one for one in _teaching(verdicts, inventory) if inventory.campuses[one].simulated is simulated]
        turned = [
            one
            for one in judged
            if verdicts[one].verdict == "short" and before.get(one, "short") != "short" and one not in found
        ]
        if len(turned) >= SUSPECT_CAMPUSES and len(turned) > SUSPECT_SHARE * len(judged):
            words = words_of.TURNED_SHORT.say(turned=len(turned), judged=len(judged))
            for one in turned:
                alone = verdicts[one].cause
                both = words_of.TURNED_SHORT_ALONE.say(words=words, cause=alone) if alone else words
                found[one] = (MONITOR_SUSPECT, both)
    return found


def _teaching(verdicts: Mapping[str, SlotVerdict], inventory: Inventory) -> list[str]:
    return [one for one in verdicts if verdicts[one].verdict != "no_class" and one in inventory.campuses]


def _by_uplink(verdicts: Mapping[str, SlotVerdict], inventory: Inventory) -> dict[str, list[str]]:
    shared: dict[str, list[str]] = {}
    for campus in _teaching(verdicts, inventory):
        if uplink := inventory.campuses[campus].uplink:
            shared.setdefault(uplink, []).append(campus)
    return shared
