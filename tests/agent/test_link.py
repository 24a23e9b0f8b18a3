"""The connected BSS: the kernel's figures, what changed since the look before, and what is no fact about the Wi-Fi."""

import pytest

from agent import radio, wire
from agent.elements import Beacon, parse
from agent.probes import link
from agent.probes.base import CouldNotRun, Deadline
from agent.probes.link import Settings, Since, row, since
from agent.radio import Connected
from tests.agent import air
from tests.agent.test_airspace import SIX, told

BSSID = "02:00:00:00:00:00"


def joined(bssid: str = BSSID, packets: int = 0, retries: int = 0, losses: int = 0, seconds: float = 10.0) -> Connected:
    bss = Beacon(bssid, SIX, -60.0, parse(air.ssid(b"District"), privacy=False, band="2.4"))
    return Connected(bss, -60.0, 26e6, 13e6, packets, retries, losses, seconds)


def test_the_kernels_station_is_the_link() -> None:
    bss = radio.beacon_of(told("bss-0000-associated")["BSS"])
    assert bss is not None
    found = radio.connected_of(bss, told("station")["STA_INFO"])

    assert (found.bss.bssid, found.signal_dbm) == (BSSID, -67.0)
    assert (found.transmit_bits_per_second, found.receive_bits_per_second) == (26e6, 13e6)
    assert (found.transmit_packets, found.transmit_retries, found.beacon_losses) == (344, 0, 0)
    assert found.connected_seconds == 29.0


@pytest.mark.parametrize(
    ("station", "dbm"),
    [
        ({"SIGNAL": -95, "SIGNAL_AVG": -95, "BEACON_SIGNAL_AVG": -18}, -18.0),
        ({"SIGNAL": -60, "SIGNAL_AVG": -61, "BEACON_SIGNAL_AVG": 0}, -61.0),
        ({"SIGNAL": -60}, -60.0),
        ({"SIGNAL": 0}, None),
        ({}, None),
    ],
)
def test_the_average_over_beacons_is_preferred_and_a_signal_of_nothing_is_none(station, dbm) -> None:
    assert radio.connected_of(joined().bss, station).signal_dbm == dbm


def test_retries_are_a_share_of_what_was_sent_since_the_look_before() -> None:
    assert since(joined(packets=100, retries=90), joined(packets=180, retries=110, seconds=20)).retry_ratio == 0.2


def test_a_share_of_fewer_than_fifty_packets_is_none() -> None:
    assert since(joined(packets=100), joined(packets=149, retries=49, seconds=20)).retry_ratio is None
    assert since(joined(packets=100), joined(packets=150, retries=50, seconds=20)).retry_ratio == 0.5


def test_the_first_look_counts_from_the_connections_beginning_and_knows_no_roam() -> None:
    assert since(None, joined(packets=60, retries=20, losses=2)) == Since(60, 0.25, 2, None)


def test_a_roam_is_seen_and_its_counters_begin_again() -> None:
    before, now = joined(packets=900, losses=7), joined("02:00:00:00:04:00", packets=60, losses=1, seconds=3)

    assert since(before, now) == Since(60, 0.0, 1, 1)


def test_a_connection_made_anew_to_the_same_access_point_counts_from_its_beginning() -> None:
    assert since(joined(packets=900, seconds=500), joined(packets=70, seconds=3)) == Since(70, 0.0, 0, 0)


def test_counters_that_a_driver_lacks_are_none_and_not_nought() -> None:
    bare = radio.connected_of(joined().bss, {})

    assert since(bare, bare) == Since(None, None, None, 0)


def test_the_row_holds_to_the_wire() -> None:
    found = row(Settings("wlan1", [BSSID.upper()]), joined(), Since(80, 0.1, 0, 0), 20_000_000, 5.0, 100.0, 0.01)

    wire.decode(wire.encode(found), wire.Link)
    assert (found.outcome, found.listed, found.ssid, found.band) == (["ok"], [True], ["District"], ["2.4"])
    assert (found.signal_dbm, found.signal_uncertainty_db) == ([-60.0], [5.0])


def test_not_being_connected_is_a_row_and_says_so() -> None:
    found = row(Settings("wlan1", [BSSID]), None, Since(), None, 5.0, 100.0, 0.01)

    wire.decode(wire.encode(found), wire.Link)
    assert (found.outcome, found.listed, found.bssid) == (["association"], [False], [None])
    assert "not connected" in found.reason[0]
    assert found.signal_uncertainty_db == [None]


def test_an_interface_that_is_not_there_is_no_fact_about_the_wifi() -> None:
    with pytest.raises(CouldNotRun, match="no-such-radio"):
        link.probe(Settings("no-such-radio", []), Deadline(2))
