"""Alerts about campuses. Verdicts stand in class only, and so does what pages or opens a ticket about one campus."""

from __future__ import annotations

from collector.alerting.alert import (
    AGENT_SILENT_SLOTS,
    BREAK_SLOTS,
    IN_CLASS,
    INFO,
    SHORT_SLOTS,
    SILENT_SLOTS,
    Alert,
    Terms,
    cause,
    firing,
    of_campus,
    silent,
    taught,
    verdict,
)  # fmt: skip
from collector.alerting.before_class import DIGEST_LEAD_SECONDS
from collector.judgement import causes
from collector.metrics import series

_UPLINK = "region, uplink, simulated"
_RETURN_SLOTS = 3
"""Agents behind a cut line come back one after another; until all can be back, the line's alert speaks for them."""


def alerts(terms: Terms) -> list[Alert]:
    """A verdict stands for one slot, so `n` slots in a row hold for more than n - 1 and at most n slots: half a slot
    less than n proves the n-th and forgives a late scrape."""
    return [
        Alert(
            "CampusShort",
            taught("CampusShort", f"{verdict('short')} == 1", ("verdict",), terms, over_night=False),
            SHORT_SLOTS - 0.5, "page", "campus", "{{ $labels.name }} falls short now",
            f"Campus {{{{ $labels.campus }}}} has been short of the policy for {SHORT_SLOTS} slots of class. "
            "Its page shows which access points or rooms, and the cause where the evidence names one.", opens=True,
        ),
        Alert(
            "CampusWithoutEvidence",
            taught("CampusWithoutEvidence", f"{verdict('unknown')} == 1", ("verdict",), terms, over_night=True),
            SILENT_SLOTS - 0.5, "ticket", "campus", "{{ $labels.name }}: nobody knows",
            f"Campus {{{{ $labels.campus }}}} has had {SILENT_SLOTS} slots of class without enough evidence to say "
            "whether the policy is met. This says nothing about its Wi-Fi.",
        ),
        Alert(
            "CampusCutOff",
            taught("CampusCutOff", f"{cause(causes.CAMPUS_CUT_OFF)} == 1", ("cause",), terms, over_night=False),
            0.5, "page", "campus", "{{ $labels.name }} is cut off",
            "All agents of campus {{ $labels.campus }}, at least two, went silent in one slot, or its edge does not "
            "answer the collector.", opens=True,
        ),
        Alert(
            "SharedUplinkCut", _uplink(terms), 0.5, "page", "uplink",
            # The campuses behind one uplink are one fault: one alert for it, with how many they are.
            "Uplink {{ $labels.uplink }} is cut: {{ $value }} campuses are behind it",
            "All campuses behind uplink {{ $labels.uplink }} with agents went silent together.", opens=True,
        ),
        Alert(
            "AgentSilent", _agent(terms), 1.0, "ticket", "agent", "An agent at {{ $labels.name }} is silent",
            "The collector has kept no report of agent {{ $labels.agent }} (place {{ $labels.place }}) for "
            f"{{{{ $value | humanizeDuration }}}}, more than {AGENT_SILENT_SLOTS} slots. This says nothing about the "
            "Wi-Fi there.",
        ),
        Alert(
            "AccessPointDown",
            taught("AccessPointDown", f"{series.AP_UP.name} == 0", ("ap",), terms, over_night=True),
            SHORT_SLOTS - 0.5, "ticket", "ap", "Access points are down at {{ $labels.name }}",
            f"Access point {{{{ $labels.ap }}}} of campus {{{{ $labels.campus }}}} has not answered any agent for "
            f"{SHORT_SLOTS} slots, and it answered before.",
        ),
        Alert(
            "QuietOutOfClass", _quiet(terms), BREAK_SLOTS, "ticket", "region",
            "{{ $value }} campuses of region {{ $labels.region }} went quiet out of class",
            "Agents of these campuses stopped reporting while nobody has class: a campus that is cut off, power that "
            "was switched off, work on the network. Nobody needs to hurry; it must be over by the first bell.",
        ),
        Alert(
            "BrokenBeforeClass", _broken(terms), 0.5, "digest", "campus",
            "{{ $labels.name }}: {{ $value }} {{ $labels.broken }} before the first bell",
            "Campus {{ $labels.campus }} begins class within 90 minutes, and this is broken: {{ $value }} "
            "{{ $labels.broken }}.",
        ),
    ]  # fmt: skip


def _uplink(terms: Terms) -> str:
    """While it is cut in class; then as long as its campuses come back, and through a break of all of them."""
    of_uplink = f'* on (campus) group_left ({_UPLINK}) {INFO}{{uplink!=""}}'
    cut = cause(causes.SHARED_UPLINK_CUT)
    teaching = f"{IN_CLASS} == 1"

    def seen(slots: int) -> str:
        return f"count by ({_UPLINK}) (last_over_time({cut}[{terms.slots(slots)}]) {of_uplink})"

    now = f"count by ({_UPLINK}) (({cut} == 1 and on (campus) {teaching}) {of_uplink})"
    held = f"({seen(_RETURN_SLOTS)} or ({seen(BREAK_SLOTS)} unless on ({_UPLINK}) ({teaching}) {of_uplink}))"
    return f"{now} or ({held} and on ({_UPLINK}) {firing('SharedUplinkCut')})"


def _agent(terms: Terms) -> str:
    """Told of in class; the ticket stays open until the agent reports again, whatever the hour."""
    told = firing("AgentSilent")
    silent_now = of_campus(silent(terms))
    return f"({silent_now}) and on (campus) {IN_CLASS} == 1 or ({silent_now}) and on (campus, agent) {told}"


def _quiet(terms: Terms) -> str:
    """Campuses of a region with agents that fell silent out of class; those with a ticket of their own are left out."""
    fresh = f"{silent(terms)} unless on (campus, agent) {firing('AgentSilent')}"
    quiet = f"count by (campus) ({fresh}) and on (campus) {IN_CLASS} == 0"
    return f"count by (region, simulated) (({quiet}) * on (campus) group_left (region, simulated) {INFO})"


def _broken(terms: Terms) -> str:
    """What stands in the digest, a series for each kind of thing, from 90 minutes before the campus's first bell."""
    lead = terms.slots(DIGEST_LEAD_SECONDS / 300).removesuffix("s")
    kinds = {
        "access points down": f"count by (campus) ({series.AP_UP.name} == 0)",
        "agents silent": f"count by (campus) ({silent(terms)})",
        "lines cut": f"count by (campus) ({cause(causes.CAMPUS_CUT_OFF)} == 1)",
    }
    found = " or ".join(f'label_replace({expr}, "broken", "{kind}", "", "")' for kind, expr in kinds.items())
    return of_campus(f"({found}) and on (campus) {series.FIRST_BELL.name} - time() <= {lead}")
