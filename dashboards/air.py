"""What radios hear and what a pupil's device goes through to join, for a campus or for one of its rooms."""

from __future__ import annotations

from typing import Any

from collector.judgement.samples import JOINING
from dashboards.asked import policy
from dashboards.panels import COUNT, SECONDS, SHARE, SIGNAL, SMALL, Query, heading, lines

MOST_SERIES = 25
STAGES = ("scan", *JOINING, "portal", "first_byte")
HEARD, LINKED = "no agent here has a radio that heard anything", "no agent here is connected by Wi-Fi"
TRIED = "no agent here has tried to join"
TRIES = "15m"
"""As far apart as an agent's tries to join are: a window of it holds one of each place."""


def in_the_air(here: str) -> list[Any]:
    """What the agents' radios hear, against what the policy asks. An agent without a radio says nothing here."""
    heard = f"topk({MOST_SERIES}, max by (place, band, bssid) (campus_wifi_bss_{{}}{{{{{here}}}}}))"
    of_bss = "{{place}} {{band}} GHz {{bssid}}"
    return [
        heading("In the air"),
        lines("Signal of each BSS", f"The {MOST_SERIES} strongest readings of a place, and what the policy asks "
              "of the best and of the second access point.", SIGNAL,
              Query(heard.format("signal_dbm"), of_bss), policy("signal_dbm"), policy("secondary_signal_dbm"),
              least=None, no_value=HEARD),
        lines("Channel busy", "Busy share of each channel as the radio of an agent counts it, the busiest place, and "
              "what the policy allows.", SHARE,
              Query(f"max by (band, channel) (campus_wifi_channel_busy_ratio{{{here}}})",
                    "{{band}} GHz channel {{channel}}"),
              policy("airtime_ratio"), most=1, no_value="no radio here counts how busy a channel is"),
        lines("BSS Load: utilization", "Busy share of the channel as each BSS claims it in its beacons.", SHARE,
              Query(heard.format("utilization_ratio"), of_bss), policy("airtime_ratio"), most=1,
              no_value=HEARD),
        lines("BSS Load: stations", "How many stations each BSS claims in its beacons: a number, and nobody's name.",
              COUNT, Query(heard.format("stations"), of_bss), step=True, no_value=HEARD),
        lines("Signal of the connected BSS", "Of the agents whose own link is Wi-Fi.", SIGNAL,
              Query(f"campus_wifi_link_signal_dbm{{{here}}}", "{{place}} {{agent}}"), least=None, no_value=LINKED),
        lines("Frames sent again", "Share of frames that agents whose own link is Wi-Fi had to send again, and what "
              "the policy allows.", SHARE,
              Query(f"campus_wifi_link_retry_ratio{{{here}}}", "{{place}} {{agent}}"), policy("retry_ratio"),
              most_seen=SMALL, no_value=LINKED),
    ]  # fmt: skip


def joining(here: str) -> list[Any]:
    """What a pupil's device goes through to get onto the Wi-Fi, stage by stage."""
    named = 'label_replace(campus_wifi_join_{0}_seconds{{{1}}}, "stage", "{0}", "", "")'
    judged = " or ".join(named.format(stage, here) for stage in JOINING)
    each = "place, agent, ssid, method"
    # Who got a name came through all of them.
    joined = f"sum by ({each}) ({judged}) and on ({each}) campus_wifi_join_{JOINING[-1]}_seconds{{{here}}}"
    return [
        heading("Joining"),
        lines("Stages of joining", f"Mean of the tries of the last {TRIES}, stage upon stage. A stage that no try "
              "reached has no value.", SECONDS,
              *[Query(f"avg(avg_over_time(campus_wifi_join_{stage}_seconds{{{here}}}[{TRIES}]))", stage)
                for stage in STAGES],
              stacked=True, no_value=TRIED),
        lines("Tries that joined", "Each with its seconds from the first frame to the first name that resolved, which "
              "is what the policy asks about: a device knows its channels, the scan is the test's own.", SECONDS,
              Query(joined, "{{place}} {{ssid}} {{method}}"), policy("join_seconds"), dots=True, no_value=TRIED),
    ]  # fmt: skip
