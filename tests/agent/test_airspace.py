"""The airspace: what is kept of what is heard, how it is counted, and what the kernel's messages say."""

import socket
from pathlib import Path

import pytest

from agent import nl80211, radio, radio_models, wire
from agent.elements import Beacon, frequency_of, parse
from agent.probes import airspace
from agent.probes.airspace import Settings, Used, radios_of, tables, used
from agent.probes.base import CouldNotRun, Deadline
from agent.radio import Survey
from tests.agent import air

SIX, ELEVEN, THIRTY_SIX = 2437_000_000, 2462_000_000, 5180_000_000
MESSAGES = dict(
    line.split()
    for line in Path(__file__).with_name("nl80211.txt").read_text().splitlines()
    if line and not line.startswith("#")
)
NOT_LOOKED = Used(None, None, None)


def told(name: str) -> radio.Attributes:
    return nl80211.decode(bytes.fromhex(MESSAGES[name]))


def heard(bssid: str, ssid: bytes = b"District", hertz: int = SIX, signal: float | None = -50.0, load=None) -> Beacon:
    data = air.ssid(ssid) + air.RATES_G + (air.bss_load(*load) if load else b"")
    return Beacon(bssid, hertz, signal, parse(data, privacy=False, band="2.4"))


def asked(*bssids: str, ssids: tuple[str, ...] = ("District",)) -> Settings:
    return Settings("wlan0", list(ssids), list(bssids))


def found(settings: Settings, *beacons: Beacon, looked=None) -> tuple[list[dict], list[dict]]:
    both = tables(settings, beacons, looked if looked is not None else {}, "scan", 5.0, (100.0, 0.5))
    for kind, table in both.items():
        wire.decode(wire.encode(table), wire.KINDS[kind])
    return rows_of(both["airspace"]), rows_of(both["channels"])


def rows_of(table: wire.Table) -> list[dict]:
    names = table.__struct_fields__
    columns = (getattr(table, name) for name in names)
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


# --- what is kept ----------------------------------------------------------------------------------------------------


def test_only_the_districts_own_are_kept_and_all_others_are_a_count() -> None:
    rows, channels = found(
        asked("02:00:5E:00:53:01"),
        heard("02:00:5e:00:53:01"), heard("66:00:00:00:00:10"), heard("aa:bb:cc:dd:ee:f0", b"Casa Lopez"),
        heard("10:bb:cc:dd:11:f0", b""),
    )  # fmt: skip

    assert [(row["bssid"], row["listed"], row["ssid"]) for row in rows] == [
        ("02:00:5e:00:53:01", True, "District"), ("66:00:00:00:00:10", False, "District"),
    ]  # fmt: skip
    [channel] = channels
    assert (channel["own_radios"], channel["foreign_bss"], channel["foreign_radios"]) == (1, 2, 2)
    assert not any(word in f"{rows}{channels}" for word in ("aa:bb", "Lopez", "10:bb"))


def test_a_listed_bss_is_kept_whatever_name_it_sends_today() -> None:
    rows, _ = found(asked("02:00:5e:00:53:01"), heard("02:00:5e:00:53:01", b"\0\0\0"))

    assert [(row["listed"], row["ssid"]) for row in rows] == [(True, None)]


def test_a_flood_of_false_access_points_is_cut_to_the_strongest() -> None:
    flood = [heard(f"06:00:00:{n >> 8:02x}:{n & 255:02x}:00", signal=-90 + n / 100) for n in range(5000)]

    rows, _ = found(asked("02:00:5e:00:53:01"), heard("02:00:5e:00:53:01"), *flood)

    assert len(rows) == 201
    assert rows[0]["listed"]
    assert rows[1]["signal_dbm"] == pytest.approx(-90 + 49.99)


# --- radios ----------------------------------------------------------------------------------------------------------


def test_bsss_that_differ_in_the_last_four_bits_on_one_channel_are_one_radio() -> None:
    rows, [channel] = found(
        asked("04:00:5e:00:53:10", "04:00:5e:00:53:12"),
        heard("04:00:5e:00:53:12", load=(9, 103)), heard("04:00:5e:00:53:10", load=(9, 132)),
        heard("04:00:5e:00:53:1f", b"Guest", load=(7, 90)),
    )  # fmt: skip

    assert {row["radio"] for row in rows} == {"04:00:5e:00:53:10"}
    assert {(row["stations"], row["utilization_ratio"]) for row in rows} == {(9, round(132 / 255, 4))}
    assert (channel["own_radios"], channel["foreign_bss"], channel["foreign_radios"]) == (1, 1, 0)


def test_the_locally_administered_twin_belongs_to_its_makers_radio() -> None:
    twins = [heard("04:00:5e:00:53:10"), heard("06:00:5e:00:53:11"), heard("0a:00:5e:00:53:12")]

    assert [len(group) for group in radios_of(twins)] == [3]


@pytest.mark.parametrize(
    "other",
    [
        heard("04:00:5e:00:53:20"),
        heard("04:00:5e:00:53:11", hertz=ELEVEN),
        heard("08:00:5e:00:53:11"),
    ],
)
def test_another_address_channel_or_maker_is_another_radio(other: Beacon) -> None:
    assert len(radios_of([heard("04:00:5e:00:53:10"), other])) == 2


def test_a_radio_without_a_load_element_claims_nothing() -> None:
    [row], _ = found(asked("02:00:5e:00:53:01"), heard("02:00:5e:00:53:01", signal=None))

    assert (row["stations"], row["utilization_ratio"], row["signal_dbm"]) == (None, None, None)
    assert row["signal_uncertainty_db"] is None


# --- channels --------------------------------------------------------------------------------------------------------


def survey(active: float | None, busy: float | None, noise: float | None = -92.0) -> Survey:
    return Survey(False, noise, active, busy)


@pytest.mark.parametrize(
    ("before", "after", "use"),
    [
        (survey(100.0, 30.0), survey(110.0, 34.0), Used(0.4, -92.0, 10.0)),
        (None, survey(10.0, 4.0), Used(0.4, -92.0, 10.0)),
        (survey(100.0, 30.0), survey(2.0, 1.0), Used(0.5, -92.0, 2.0)),
        (survey(0.08, 0.01), survey(0.08, 0.02), Used(0.25, -92.0, 0.08)),
        (survey(100.0, 30.0), survey(100.0, 30.0), Used(None, None, 0.0)),
        (survey(0.0, 0.0), survey(0.0, 0.0), Used(None, None, 0.0)),
        (None, survey(0.0, 0.0), Used(None, None, 0.0)),
        (None, survey(None, 4.0), Used(None, -92.0, None)),
        (None, survey(10.0, None), Used(None, -92.0, 10.0)),
        (None, survey(10.0, 20.0), Used(None, -92.0, 10.0)),
        (None, survey(1.0, 1.01), Used(1.0, -92.0, 1.0)),
        (survey(1.0, 1.0), None, NOT_LOOKED),
    ],
)
def test_a_channels_use_is_the_growth_of_its_counters_and_never_an_old_figure(before, after, use) -> None:
    assert used(before, after) == use


def test_each_channel_listened_to_has_a_row_and_so_has_each_on_which_somebody_was_heard() -> None:
    _, channels = found(
        asked("02:00:5e:00:53:01"), heard("02:00:5e:00:53:01"),
        looked={ELEVEN: Used(0.4, -92.0, 10.0), THIRTY_SIX: NOT_LOOKED},
    )  # fmt: skip

    assert [(c["channel"], c["band"], c["busy_ratio"], c["own_radios"]) for c in channels] == [
        (6, "2.4", None, 1), (11, "2.4", 0.4, 0), (36, "5", None, 0),
    ]  # fmt: skip


# --- the kernel's own messages ---------------------------------------------------------------------------------------


def test_a_scanned_bss_is_read_from_the_kernels_bytes() -> None:
    beacon = radio.beacon_of(told("bss-0000")["BSS"])

    assert beacon is not None
    assert (beacon.bssid, beacon.frequency_hertz, beacon.signal_dbm) == ("02:00:00:00:00:00", SIX, -20.0)
    assert beacon.said[:5] == (b"LabNet", 6, 20_000_000, "n", "wpa2-psk")
    assert (beacon.said.stations, beacon.said.utilization_ratio) == (0, 0.0)
    foreign = radio.beacon_of(told("bss-0200")["BSS"])
    assert foreign is not None
    assert foreign.said[:5] == (b"Foreign", 36, 80_000_000, "ac", "open")


def test_a_bss_that_was_heard_before_the_scan_is_known_by_its_time() -> None:
    bss = told("bss-0000-associated")["BSS"]

    assert radio.seen_at(bss, now=1000.0) == pytest.approx(bss["LAST_SEEN_BOOTTIME"] / 1e9)
    assert radio.seen_at({"SEEN_MS_AGO": 2500}, now=1000.0) == 997.5
    assert radio.seen_at({}, now=1000.0) < -1e6


def test_the_survey_reads_a_noise_that_comes_unsigned_and_adds_the_visits_of_a_channel() -> None:
    one = told("survey-2437")["SURVEY_INFO"]

    assert one["NOISE"] == 164
    assert radio.surveys_of([one]) == {SIX: Survey(False, -92.0, 0.08, 0.01)}
    assert radio.surveys_of([one, one | {"IN_USE": True}]) == {SIX: Survey(True, -92.0, 0.16, 0.02)}


@pytest.mark.parametrize("noise", [None, 0, 128, 255, 100])
def test_a_noise_that_cannot_be_is_none(noise: int | None) -> None:
    one = {"FREQUENCY": 2437, "TIME_BUSY": 10} | ({} if noise is None else {"NOISE": noise})

    assert radio.surveys_of([one]) == {SIX: Survey(False, None, None, None)}


def test_an_interface_says_what_it_is() -> None:
    station = radio.interface_of("wlan1", 6, told("interface"))
    monitor = radio.interface_of("mon0", 9, told("interface-monitor"))

    assert (station.kind, station.phy, station.frequency_hertz, station.width_hertz) == ("station", 1, SIX, 20_000_000)
    assert (monitor.kind, monitor.phy) == ("monitor", 3)


def test_an_interface_that_is_not_there_is_no_fact_about_the_wifi() -> None:
    with pytest.raises(CouldNotRun) as fault:
        airspace.probe(Settings("no-such-radio", [], []), Deadline(2))

    assert "no-such-radio" in fault.value.reason
    assert "iw dev" in fault.value.hint


def test_an_interface_without_a_radio_says_so_within_its_deadline() -> None:
    if not hasattr(socket, "AF_NETLINK"):
        pytest.skip("no netlink here")

    with pytest.raises(CouldNotRun) as fault:
        airspace.probe(Settings("lo", [], []), Deadline(2))

    assert fault.value.hint


# --- what a radio is worth -------------------------------------------------------------------------------------------


def _radio(sysfs: Path, driver: str, usb: str = "", pci: str = "") -> None:
    device = sysfs / "devices" / "one" / "one:1.0"
    device.mkdir(parents=True)
    (sysfs / "drivers" / driver).mkdir(parents=True)
    (device / "driver").symlink_to(sysfs / "drivers" / driver)
    for folder, names, text in ((device.parent, ("idVendor", "idProduct"), usb), (device, ("vendor", "device"), pci)):
        for name, value in zip(names, text.split(":"), strict=False):
            if value:
                (folder / name).write_text(value + "\n")
    (sysfs / "wlan0").mkdir()
    (sysfs / "wlan0" / "device").symlink_to(device)


@pytest.mark.parametrize(
    ("driver", "usb", "pci", "identity", "decibels"),
    [
        ("mac80211_hwsim", "", "", "", 0.0),
        ("mt76x2u", "0e8d:7612", "", "usb:0e8d:7612", 1.5),
        ("iwlwifi", "", "0x8086:0x2723", "pci:8086:2723", 5.0),
        ("rtw88", "", "", "", 3.0),
    ],
)
def test_the_districts_own_line_goes_before_the_shipped_table(tmp_path, driver, usb, pci, identity, decibels) -> None:
    _radio(tmp_path, driver, usb, pci)
    own = tmp_path / "radios.toml"
    own.write_text(
        '[[model]]\nid = "usb:0E8D:7612"\nuncertainty_db = 1.5\n[[model]]\ndriver = "rtw88"\nuncertainty_db = 3.0\n'
    )

    assert radio_models.hardware("wlan0", tmp_path) == (driver, identity)
    assert radio_models.of_interface("wlan0", own, tmp_path).uncertainty_db == decibels


def test_an_unknown_radio_is_worth_five_decibels() -> None:
    assert radio_models.of_interface("no-such-radio") == radio_models.Model(5.0)


def test_what_a_simulated_radio_tells_of_busy_time_is_no_measurement(tmp_path) -> None:
    _radio(tmp_path, "mac80211_hwsim")

    assert radio_models.of_interface("wlan0", None, tmp_path).survey_is_made_up
    assert not radio_models.of_interface("no-such-radio").survey_is_made_up


@pytest.mark.parametrize(
    "text", ["x", "colour = 1", "[[model]]\nuncertainty_db = 1\n", '[[model]]\ndriver="a"\nuncertainty_db = -1\n']
)
def test_a_wrong_table_is_refused_with_its_name(tmp_path, text: str) -> None:
    own = tmp_path / "radios.toml"
    own.write_text(text)

    with pytest.raises(CouldNotRun, match=r"radios\.toml"):
        radio_models.load(own)
    with pytest.raises(CouldNotRun, match="none"):
        radio_models.load(tmp_path / "none.toml")


# --- in turns --------------------------------------------------------------------------------------------------------


class Slow:
    """A scan of half a second a frequency, and the clock that it takes its time from."""

    def __init__(self, seconds: float, fails_after: int = 99) -> None:
        self.left, self.fails_after, self.asked = seconds, fails_after, []

    def __call__(self, some) -> list[Beacon]:
        if len(self.asked) >= self.fails_after:
            raise CouldNotRun("scan on wlan0: aborted")
        self.asked.append(list(some))
        self.left -= 0.5 * len(some)
        return [heard("02:00:5e:00:53:01", hertz=hertz) for hertz in some]

    def remaining(self) -> float:
        return max(self.left, 0.0)


FREQUENCIES = [frequency_of(channel, "6") for channel in range(1, 234, 4)]


def test_a_slow_radio_looks_at_as_many_channels_as_its_deadline_allows_and_says_which() -> None:
    slow = Slow(20.0)
    beacons, looked = airspace.in_turns(slow, FREQUENCIES, slow.remaining)

    assert looked == FREQUENCIES[: len(looked)]
    assert 24 <= len(looked) < len(FREQUENCIES)
    assert {one.frequency_hertz for one in beacons} == set(looked)
    assert slow.left > 0


def test_a_quick_radio_looks_at_all_of_them() -> None:
    slow = Slow(100.0)

    assert airspace.in_turns(slow, FREQUENCIES, slow.remaining)[1] == FREQUENCIES


def test_a_later_part_that_fails_leaves_what_was_heard_and_a_first_that_fails_is_told() -> None:
    late, never = Slow(100.0, fails_after=1), Slow(100.0, fails_after=0)

    assert len(airspace.in_turns(late, FREQUENCIES, late.remaining)[1]) == 12
    with pytest.raises(CouldNotRun):
        airspace.in_turns(never, FREQUENCIES, never.remaining)


def test_the_next_turn_goes_on_where_the_last_one_ended_after_the_channels_of_the_district() -> None:
    order = airspace.in_order([SIX, ELEVEN, THIRTY_SIX, 5745_000_000], last=ELEVEN, known={5745_000_000})

    assert order == [5745_000_000, THIRTY_SIX, SIX, ELEVEN]
