"""What an access point says of itself: the information elements of a beacon or probe response go in, facts come out.

Pure, and the same for a scan and for monitor mode. The bytes come from anybody within earshot: an element that is cut,
too short or out of range is left out, and what only it could have told is None. Layouts: IEEE 802.11-2020, 9.4.2;
EHT: 802.11be.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from typing import NamedTuple

from agent.wire import Band

_SSID, _RATES, _DS, _BSS_LOAD, _HT_CAPABLE, _RSN, _MORE_RATES, _HT = 0, 1, 3, 11, 45, 48, 50, 61
_VHT_CAPABLE, _VHT, _VENDOR, _EXTENSION = 191, 192, 221, 255
# Elements of the extension space are numbered from 256, so that one dictionary holds them all.
_HE_CAPABLE, _HE, _EHT, _EHT_CAPABLE = 256 + 35, 256 + 36, 256 + 106, 256 + 108
_WPA_1 = b"\x00\x50\xf2\x01"
# The shortest that each may be; the BSS Load of the standard is exactly five bytes long (an older draft had four).
_SHORTEST = {
    _RATES: 1, _DS: 1, _BSS_LOAD: 5, _HT_CAPABLE: 26, _RSN: 2, _MORE_RATES: 1, _HT: 22, _VHT_CAPABLE: 12, _VHT: 5,
    _HE_CAPABLE: 21, _HE: 6, _EHT: 5, _EHT_CAPABLE: 14,
}  # fmt: skip
_LONGEST = {_SSID: 32, _BSS_LOAD: 5}

_DSSS_RATES = frozenset({2, 4, 11, 22})  # of 500 kbit/s: 802.11b
_MHZ = 1_000_000
_WIDTHS = (20 * _MHZ, 40 * _MHZ, 80 * _MHZ, 160 * _MHZ, 320 * _MHZ)
# Key management suites of 00-0F-AC, by what they ask of a device (table 9-151).
_EAP, _PSK, _SAE, _OWE = (
    frozenset({1, 3, 5, 11, 12, 13, 22, 23}),
    frozenset({2, 4, 6, 19, 20}),
    frozenset({8, 9, 24, 25}),
    18,
)
_EAP_SHA1, _EAP_192 = frozenset({1, 3}), frozenset({12, 13, 22, 23})
_MAX_SHOWN = 64

SECURITIES = frozenset({
    "open", "owe", "wep", "wpa-psk", "wpa-eap", "wpa-wpa2-psk", "wpa-wpa2-eap", "wpa2-psk", "wpa2-eap",
    "wpa2-wpa3-psk", "wpa3-sae", "wpa3-eap",
})  # fmt: skip
GENERATIONS = ("b", "a", "g", "n", "ac", "ax", "be")


class Elements(NamedTuple):
    """``ssid``: the bytes, None where not told. ``channel``: the primary one. ``stations`` and ``utilization_ratio``:
    the access point's own claim (BSS Load)."""

    ssid: bytes | None
    channel: int | None
    width_hertz: int | None
    generation: str | None
    security: str | None
    stations: int | None
    utilization_ratio: float | None


class Beacon(NamedTuple):
    """One BSS as it was heard, by a scan or in monitor mode."""

    bssid: str
    frequency_hertz: int
    signal_dbm: float | None
    said: Elements


def parse(data: bytes, *, privacy: bool, band: Band) -> Elements:
    """``privacy``: that bit of the frame's capability field. ``band``: where it was heard."""
    found: dict[int, bytes] = {}
    wpa_1: bytes | None = None
    whole = True
    for number, body in _walk(data):
        if number is None:
            whole = False
        elif number == _VENDOR:
            if body.startswith(_WPA_1) and wpa_1 is None:
                wpa_1 = body[4:]
        elif _SHORTEST.get(number, 0) <= len(body) <= _LONGEST.get(number, 255):
            found.setdefault(number, body)
        elif number in _SHORTEST or number in _LONGEST:
            whole = False
    load = found.get(_BSS_LOAD)
    return Elements(
        ssid=found.get(_SSID),
        channel=_channel(found, band),
        width_hertz=_width(found, band, whole=whole),
        generation=_generation(found, band, whole=whole),
        security=_security(found.get(_RSN), wpa_1, privacy=privacy, whole=whole),
        stations=int.from_bytes(load[:2], "little") if load else None,
        utilization_ratio=round(load[2] / 255, 4) if load else None,
    )


def shown_ssid(ssid: bytes | None) -> str | None:
    r"""An SSID as text that harms no terminal, page or log: printable characters stay, all else (control, direction
    marks, broken UTF-8, the backslash itself) becomes \xNN for each byte. At most 64 characters. None where hidden."""
    if not ssid or not ssid.strip(b"\0"):
        return None
    pieces = [
        piece if piece.isprintable() and piece != "\\" else "".join(f"\\x{byte:02x}" for byte in _bytes(piece))
        for piece in ssid.decode("utf-8", "surrogateescape")
    ]
    if sum(map(len, pieces)) <= _MAX_SHOWN:
        return "".join(pieces)
    shown = ""
    for piece in pieces:
        if len(shown) + len(piece) >= _MAX_SHOWN:
            break
        shown += piece
    return shown + "…"


def band_of(frequency_hertz: int) -> Band | None:
    """The band that a frequency lies in; None outside those that schools use."""
    mhz = frequency_hertz / _MHZ
    if 2400 <= mhz <= 2500:
        return "2.4"
    if 4900 <= mhz < 5925:
        return "5"
    return "6" if 5925 <= mhz <= 7125 else None


def channel_of(frequency_hertz: int) -> int | None:
    """The channel number of a centre frequency; None where there is no channel there (annex E, 17.3.8.4)."""
    mhz, rest = divmod(frequency_hertz, _MHZ)
    if rest:
        return None
    if mhz == 2484:
        return 14
    # The one 6 GHz channel that lies below the raster of the others.
    if mhz == 5935:
        return 2
    for start, first, last in ((2407, 1, 13), (4000, 182, 196), (5000, 7, 177), (5950, 1, 233)):
        channel, rest = divmod(mhz - start, 5)
        # At 6 GHz only every fourth number is a channel of 20 MHz; the others are middles of wider ones.
        if not rest and first <= channel <= last and (start != 5950 or channel % 4 == 1):
            return channel
    return None


def frequency_of(channel: int, band: Band) -> int | None:
    """The centre frequency in hertz of a channel of that band; None where there is no such channel."""
    if (channel, band) in ((14, "2.4"), (2, "6")):
        return (2484 if band == "2.4" else 5935) * _MHZ
    start = {"2.4": 2407, "5": 4000 if channel >= 182 else 5000, "6": 5950}[band]
    hertz = (start + 5 * channel) * _MHZ
    return hertz if band_of(hertz) == band and channel_of(hertz) == channel else None


def _bytes(piece: str) -> bytes:
    return piece.encode("utf-8", "surrogateescape")


def _walk(data: bytes) -> Iterator[tuple[int | None, bytes]]:
    """(number, body) of each element; (None, b"") once where the last one is cut."""
    at = 0
    while at < len(data):
        if at + 2 > len(data) or at + 2 + data[at + 1] > len(data):
            yield None, b""
            return
        number, body = data[at], data[at + 2 : at + 2 + data[at + 1]]
        at += 2 + len(body)
        if number != _EXTENSION:
            yield number, body
        elif body:
            yield 256 + body[0], body[1:]


# --- channel and width -------------------------------------------------------------------------------------------


def _channel(found: dict[int, bytes], band: Band) -> int | None:
    told = None
    if band == "6":
        info = _he_6ghz(found.get(_HE))
        told = info[0] if info else None
    elif _HT in found:
        told = found[_HT][0]
    elif _DS in found:
        told = found[_DS][0]
    return told if told is not None and frequency_of(told, band) is not None else None


def _width(found: dict[int, bytes], band: Band, *, whole: bool) -> int | None:
    eht = found.get(_EHT)
    # Operation information is there if the first bit of the parameters says so; it begins with the width.
    if eht is not None and eht[0] & 1:
        return _WIDTHS[eht[5] & 7] if len(eht) >= 8 and eht[5] & 7 < len(_WIDTHS) else None
    if band == "6":
        info = _he_6ghz(found.get(_HE))
        return _WIDTHS[info[1] & 3] if info else None
    ht = found.get(_HT)
    # Without the element of a wider channel a BSS has 20 MHz, but only if no element was lost.
    narrow = (40 if ht[1] & 7 in (5, 7) else 20) * _MHZ if ht else 20 * _MHZ if whole else None
    vht = found.get(_VHT)
    if band != "5" or vht is None or vht[0] == 0:
        return narrow
    if vht[0] == 1:
        # A second centre 8 channels off means 160 MHz, farther off 80+80 MHz.
        return (
            80 * _MHZ if vht[2] == 0 else 160 * _MHZ if abs(vht[2] - vht[1]) == 8 or abs(vht[2] - vht[1]) > 16 else None
        )
    return 160 * _MHZ if vht[0] in (2, 3) else None


def _he_6ghz(he: bytes | None) -> bytes | None:
    """The five bytes of "6 GHz operation information": primary channel, control (its low bits: the width), ..."""
    if he is None or not he[2] & 0x02:
        return None
    start = 6 + (3 if he[1] & 0x40 else 0) + (1 if he[1] & 0x80 else 0)
    return he[start : start + 5] if len(he) >= start + 5 else None


def _generation(found: dict[int, bytes], band: Band, *, whole: bool) -> str | None:
    if found.keys() & {_EHT, _EHT_CAPABLE}:
        return "be"
    if found.keys() & {_HE, _HE_CAPABLE}:
        return "ax"
    # 802.11ac is a thing of 5 GHz; some access points show its elements at 2.4 GHz all the same.
    if band == "5" and found.keys() & {_VHT, _VHT_CAPABLE}:
        return "ac"
    if found.keys() & {_HT, _HT_CAPABLE}:
        return "n"
    rates = {rate & 0x7F for number in (_RATES, _MORE_RATES) for rate in found.get(number, b"")}
    if not whole or not rates or band == "6":
        return None
    if band == "5":
        return "a"
    return "b" if rates <= _DSSS_RATES else "g"


# --- security ----------------------------------------------------------------------------------------------------


def _security(rsn: bytes | None, wpa_1: bytes | None, *, privacy: bool, whole: bool) -> str | None:
    if rsn is not None:
        suites, rest = _key_management(rsn, b"\x00\x0f\xac")
        return _of_rsn(suites, rest, old=wpa_1 is not None) if suites else None
    if wpa_1 is not None:
        suites, _ = _key_management(wpa_1, _WPA_1[:3])
        return "wpa-eap" if 1 in suites else "wpa-psk" if 2 in suites else None
    if not privacy:
        return "open"
    # Encrypted without WPA is WEP, unless the element that says more was lost.
    return "wep" if whole else None


def _of_rsn(suites: Set[int], rest: bytes, *, old: bool) -> str | None:
    protected = len(rest) >= 2 and bool(rest[0] & 0x40)  # management frame protection required
    if suites & _SAE:
        return "wpa2-wpa3-psk" if suites & _PSK else "wpa3-sae"
    if suites & _PSK:
        return "wpa-wpa2-psk" if old else "wpa2-psk"
    if suites & _EAP:
        if suites & _EAP_192 or (protected and not suites & _EAP_SHA1):
            return "wpa3-eap"
        return "wpa-wpa2-eap" if old else "wpa2-eap"
    return "owe" if _OWE in suites else None


def _key_management(body: bytes, vendor: bytes) -> tuple[Set[int], bytes]:
    """The key management suites of that vendor and the bytes after them. Nothing if the lists run past the end."""
    if len(body) < 2 or body[:2] != b"\x01\x00":
        return frozenset(), b""
    at = 2 + 4  # the version, the group cipher
    lists: list[bytes] = []
    for _ in ("pairwise ciphers", "key management"):
        size = 4 * int.from_bytes(body[at : at + 2], "little")
        if len(body) < at + 2 + size:
            return frozenset(), b""
        lists.append(body[at + 2 : at + 2 + size])
        at += 2 + size
    suites = lists[1]
    return {suites[i + 3] for i in range(0, len(suites), 4) if suites[i : i + 3] == vendor}, body[at:]
