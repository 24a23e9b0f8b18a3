"""What an access point says of itself, read from bytes that anybody may have sent."""

import random
import re
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent import elements
from agent.elements import Elements, band_of, channel_of, frequency_of, parse, shown_ssid
from tests.agent import air

SCANS = air.SHARED / "data" / "iw"


def says(data: bytes, band: str = "5", privacy: bool = True) -> Elements:
    return parse(data, privacy=privacy, band=band)


# --- the SSID, shown -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"District", "District"), (b"Ni\xc3\xb1os", "Niños"), (b"", None), (b"\0\0\0", None), (None, None),
        (b"\x1b[31mred", r"\x1b[31mred"), (b"a\nb\x00", r"a\x0ab\x00"), (b"\xb9\xdc\xc0\xed", r"\xb9\xdc\xc0\xed"),
        ("\u202etxt".encode(), r"\xe2\x80\xaetxt"), (b"=1+1", "=1+1"), (b"a\\x41", r"a\x5cx41"), (b"<b>", "<b>"),
    ],
)  # fmt: skip
def test_an_ssid_is_shown_so_that_it_harms_nobody(name: bytes | None, shown: str | None) -> None:
    assert shown_ssid(name) == shown


@given(st.binary(max_size=300))
def test_whatever_the_bytes_the_shown_name_is_short_and_printable(name: bytes) -> None:
    shown = shown_ssid(name)

    assert shown is None or (0 < len(shown) <= 64 and shown.isprintable())
    assert (shown is None) == (not name.strip(b"\0"))


@given(st.binary(min_size=1, max_size=16), st.binary(min_size=1, max_size=16))
def test_two_short_names_that_differ_are_shown_apart(one: bytes, other: bytes) -> None:
    if one != other and one.strip(b"\0") and other.strip(b"\0"):
        assert shown_ssid(one) != shown_ssid(other)


# --- channels and bands ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mhz", "band", "channel"),
    [
        (2412, "2.4", 1), (2472, "2.4", 13), (2484, "2.4", 14), (5180, "5", 36), (5885, "5", 177), (5935, "6", 2),
        (5955, "6", 1), (7115, "6", 233), (4920, "5", 184), (2413, "2.4", None), (5960, "6", None), (900, None, None),
    ],
)  # fmt: skip
def test_a_frequency_has_its_band_and_channel(mhz: int, band: str | None, channel: int | None) -> None:
    assert band_of(mhz * 1_000_000) == band
    assert channel_of(mhz * 1_000_000) == channel


@given(st.integers(0, 255), st.sampled_from(["2.4", "5", "6"]))
def test_a_channel_and_its_frequency_name_each_other(channel: int, band: str) -> None:
    hertz = frequency_of(channel, band)

    assert hertz is None or (channel_of(hertz), band_of(hertz)) == (channel, band)


def test_every_frequency_of_the_recorded_scans_is_the_channel_that_its_access_point_names() -> None:
    if not SCANS.is_dir():
        pytest.skip("the recorded scans are not here")
    pairs, mhz = [], 0
    for line in "".join(path.read_text(errors="replace") for path in sorted(SCANS.glob("scan_*"))).splitlines():
        if found := re.search(r"freq: (\d+)", line):
            mhz = int(found[1])
        elif found := re.search(r"DS Parameter set: channel (\d+)", line):
            pairs.append((mhz, int(found[1])))

    assert len(pairs) > 20
    assert [pair for pair in pairs if channel_of(pair[0] * 1_000_000) != pair[1]] == []


# --- width and generation --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "band", "mhz"),
    [
        (air.RATES_A, "5", 20),
        (air.ht_operation(36), "5", 20),
        (air.ht_operation(36, 1, wide=True), "5", 40),
        (air.ht_operation(36, 1), "5", 20),
        (air.ht_operation(6, 2, wide=True), "2.4", 20),
        (air.ht_operation(36, 1, wide=True) + air.vht_operation(0), "5", 40),
        (air.ht_operation(36, 1, wide=True) + air.vht_operation(1, 42), "5", 80),
        (air.ht_operation(36, 1, wide=True) + air.vht_operation(1, 42, 50), "5", 160),
        (air.ht_operation(36, 1, wide=True) + air.vht_operation(1, 42, 155), "5", 160),
        (air.ht_operation(36, 1, wide=True) + air.vht_operation(1, 42, 44), "5", None),
        (air.ht_operation(36, 1, wide=True) + air.vht_operation(9, 42), "5", None),
        (air.ht_operation(6, 1, wide=True) + air.vht_operation(1, 42), "2.4", 40),
        (air.he_operation_6ghz(37, 3), "6", 160),
        (air.he_operation_6ghz(37, 3) + air.eht_operation(4), "6", 320),
        (air.he_operation_6ghz(37, 3) + air.eht_operation(7), "6", None),
        (air.RATES_A, "6", None),
        (air.RATES_A + b"\x3d\x16\x24", "5", None),
    ],
)
def test_the_width_is_what_the_operation_elements_say_and_never_a_guess(data: bytes, band: str, mhz: int) -> None:
    assert says(data, band).width_hertz == (mhz * 1_000_000 if mhz else None)


@pytest.mark.parametrize(
    ("data", "band", "generation"),
    [
        (air.RATES_B, "2.4", "b"),
        (air.RATES_G, "2.4", "g"),
        (air.RATES_A, "5", "a"),
        (air.RATES_A + air.ht_operation(36), "5", "n"),
        (air.RATES_A + air.ht_operation(36) + air.vht_operation(0), "5", "ac"),
        (air.RATES_G + air.ht_operation(6) + air.vht_operation(0), "2.4", "n"),
        (air.he_operation_6ghz(37, 0), "6", "ax"),
        (air.he_operation_6ghz(37, 0) + air.eht_operation(0), "6", "be"),
        (air.RATES_G + b"\x2d\x1a", "2.4", None),
        (b"", "5", None),
    ],
)
def test_the_generation_is_the_newest_that_its_elements_name(data: bytes, band: str, generation: str | None) -> None:
    assert says(data, band).generation == generation


def test_the_channel_is_the_primary_one_and_none_where_there_is_no_such_channel() -> None:
    assert says(air.ht_operation(149)).channel == 149
    assert says(air.element(3, b"\x0b"), "2.4").channel == 11
    assert says(air.element(3, b"\xee"), "2.4").channel is None
    assert says(air.he_operation_6ghz(37, 1), "6").channel == 37
    assert says(air.he_operation_6ghz(38, 1), "6").channel is None


# --- security --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "privacy", "security"),
    [
        (b"", False, "open"),
        (b"", True, "wep"),
        (b"\x30\x14\x01", True, None),
        (air.wpa(2), True, "wpa-psk"),
        (air.wpa(1), True, "wpa-eap"),
        (air.wpa(2) + air.rsn(2), True, "wpa-wpa2-psk"),
        (air.rsn(2), True, "wpa2-psk"),
        (air.rsn(2, 4, 6), True, "wpa2-psk"),
        (air.rsn(8, capabilities=0xC0), True, "wpa3-sae"),
        (air.rsn(2, 8, capabilities=0x80), True, "wpa2-wpa3-psk"),
        (air.rsn(1), True, "wpa2-eap"),
        (air.rsn(1, 5, capabilities=0xC0), True, "wpa2-eap"),
        (air.rsn(5, capabilities=0xC0), True, "wpa3-eap"),
        (air.rsn(12, capabilities=0xC0), True, "wpa3-eap"),
        (air.rsn(18, capabilities=0xC0), True, "owe"),
        (air.rsn(200), True, None),
        (air.rsn(), True, None),
        (air.element(48, b"\x02\x00"), True, None),
        (air.element(48, b"\x01\x00\x00\x0f\xac\x04\xff\xff"), True, None),
    ],
)
def test_security_is_one_of_a_few_words_or_unknown(data: bytes, privacy: bool, security: str | None) -> None:
    assert says(data, privacy=privacy).security == security


# --- BSS Load --------------------------------------------------------------------------------------------------------


def test_the_load_is_the_access_points_own_claim() -> None:
    found = says(air.bss_load(31, 103))

    assert (found.stations, found.utilization_ratio) == (31, round(103 / 255, 4))


@pytest.mark.parametrize("body", [b"", b"\x01\x00\x10\x00", b"\x01\x00\x10\x00\x00\x00"])
def test_a_load_of_another_length_tells_nothing(body: bytes) -> None:
    found = says(air.element(11, body))

    assert (found.stations, found.utilization_ratio) == (None, None)


# --- bytes of an enemy -----------------------------------------------------------------------------------------------


def sound(found: Elements) -> bool:
    """Every value is None or within what the standard allows."""
    return (
        (found.ssid is None or len(found.ssid) <= 32)
        and (found.channel is None or 1 <= found.channel <= 233)
        and found.width_hertz in (None, 20_000_000, 40_000_000, 80_000_000, 160_000_000, 320_000_000)
        and (found.generation is None or found.generation in elements.GENERATIONS)
        and (found.security is None or found.security in elements.SECURITIES)
        and (found.stations is None or 0 <= found.stations <= 65535)
        and (found.utilization_ratio is None or 0 <= found.utilization_ratio <= 1)
    )


@given(st.binary(max_size=600), st.booleans(), st.sampled_from(["2.4", "5", "6"]))
@settings(max_examples=500)
def test_no_bytes_crash_it_or_bring_a_value_out_of_range(data: bytes, privacy: bool, band: str) -> None:
    assert sound(parse(data, privacy=privacy, band=band))


WHOLE = (
    air.ssid(b"District") + air.RATES_A + air.bss_load(7, 51) + air.rsn(2) + air.element(45, bytes(26))
    + air.ht_operation(36, 1, wide=True) + air.element(191, bytes(12)) + air.vht_operation(1, 42)
)  # fmt: skip


@pytest.mark.parametrize("length", range(len(WHOLE)))
def test_a_frame_cut_anywhere_says_less_and_never_something_else(length: int) -> None:
    all_of_it, found = says(WHOLE), says(WHOLE[:length])
    # Older generations and narrower widths are what a shorter, whole list of elements truly says.
    rank = {name: at for at, name in enumerate((None, *elements.GENERATIONS))}

    assert found.ssid in (None, b"District")
    assert found.security in (None, "wpa2-psk") or found.security == "wep"
    assert (found.stations, found.utilization_ratio) in ((None, None), (7, 0.2))
    assert rank[found.generation] <= rank[all_of_it.generation]
    assert (found.width_hertz or 0) <= all_of_it.width_hertz


def test_an_element_said_twice_counts_as_it_was_said_first() -> None:
    assert says(air.ssid(b"first") + air.ssid(b"second")).ssid == b"first"


def test_an_ssid_longer_than_any_is_none() -> None:
    assert says(air.ssid(b"x" * 33)).ssid is None


def _mutated(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(changed)) if changed else 0
        match chance.randrange(4):
            case 0 if changed:
                changed[at] = chance.randrange(256)
            case 1:
                del changed[at : at + chance.randint(1, 40)]
            case 2:
                changed[at:at] = chance.randbytes(chance.randint(1, 40))
            case _:
                changed = changed[: chance.randint(0, len(changed))]
    return bytes(changed)


def _mutate(times: int) -> None:
    seeds = air.captured_elements()
    assert len(seeds) > 20
    chance = random.Random(20)
    for _ in range(100):
        parse(_mutated(seeds[0][0], chance), privacy=True, band="5")
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for turn in range(times):
            data, privacy = seeds[turn % len(seeds)]
            data = _mutated(data, chance)
            found = parse(data, privacy=privacy, band=("2.4", "5", "6")[turn % 3])
            shown = shown_ssid(found.ssid)
            assert sound(found), data.hex()
            assert shown is None or (len(shown) <= 64 and shown.isprintable()), data.hex()
        now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert now - before < 100_000
    assert peak - before < 1_000_000


def test_ten_thousand_mutations_of_real_beacons_neither_crash_nor_lie_nor_grow() -> None:
    _mutate(10_000)


@pytest.mark.long
def test_a_million_mutations_of_real_beacons_neither_crash_nor_lie_nor_grow() -> None:
    _mutate(1_000_000)


def test_the_captured_beacons_say_what_their_makers_meant() -> None:
    said = {
        (shown_ssid(found.ssid), found.channel, found.width_hertz, found.generation, found.security)
        for data, privacy in air.captured_elements()
        for found in [parse(data, privacy=privacy, band="2.4")]
    }

    assert ("WPA3-Network", 1, 20_000_000, "g", "wpa3-sae") in said
    assert ("Vodafone", 5, 40_000_000, "n", "wpa2-psk") in said
    assert ("Lekonora", 7, 40_000_000, "n", "wpa-wpa2-psk") in said
