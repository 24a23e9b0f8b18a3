"""What the kernel tells of a radio: decoded attributes of nl80211 go in, facts come out. Pure.

Names are those of the kernel's header nl80211.h without their prefixes (``NL80211_BSS_FREQUENCY`` is ``FREQUENCY``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from agent import elements
from agent.elements import Beacon, band_of

Attributes = dict[str, Any]
"""A decoded message, or a nest within one: attribute names and plain values."""

_MHZ = 1_000_000
_KINDS = {1: "ad-hoc", 2: "station", 3: "AP", 6: "monitor", 7: "mesh"}
# enum nl80211_chan_width
_WIDTHS_MHZ = {0: 20, 1: 20, 2: 40, 3: 80, 4: 160, 5: 160, 6: 5, 7: 10, 13: 320}


class Interface(NamedTuple):
    """``number``: the kernel's for it. ``kind``: "station", "monitor", "AP", ... Frequency and width are of the channel
    it is on."""

    name: str
    number: int
    phy: int
    kind: str
    frequency_hertz: int | None
    width_hertz: int | None


class Survey(NamedTuple):
    """The driver's counters of one channel, since it was started or last reset."""

    in_use: bool
    noise_dbm: float | None
    active_seconds: float | None
    busy_seconds: float | None


class Connected(NamedTuple):
    """The BSS of a station interface; counters since it was joined."""

    bss: Beacon
    signal_dbm: float | None
    transmit_bits_per_second: float | None
    receive_bits_per_second: float | None
    transmit_packets: int | None
    transmit_retries: int | None
    beacon_losses: int | None
    connected_seconds: float | None


def interface_of(name: str, index: int, told: Attributes) -> Interface:
    """An interface from the kernel's description of it."""
    mhz, width = told.get("WIPHY_FREQ"), _WIDTHS_MHZ.get(told.get("CHANNEL_WIDTH", -1))
    kind = _KINDS.get(told.get("IFTYPE", 0), "other")
    return Interface(
        name, index, told.get("WIPHY", 0), kind, mhz * _MHZ if mhz else None, width * _MHZ if width else None
    )


def beacon_of(bss: Attributes) -> Beacon | None:
    """One BSS of a scan. None where the driver leaves out what makes it one."""
    mhz, address = bss.get("FREQUENCY"), bss.get("BSSID")
    band = band_of(mhz * _MHZ) if mhz else None
    if mhz is None or band is None or not address:
        return None
    privacy = bool(bss.get("CAPABILITY", 0) & 0x10)
    # A beacon says its load anew each time, a probe response often stands since the scan before.
    told = [
        elements.parse(data, privacy=privacy, band=band)
        for data in (bss.get("INFORMATION_ELEMENTS"), bss.get("BEACON_IES"))
        if data
    ] or [elements.parse(b"", privacy=privacy, band=band)]
    said = told[0]
    if said.stations is None:
        said = said._replace(stations=told[-1].stations, utilization_ratio=told[-1].utilization_ratio)
    signal = bss.get("SIGNAL_MBM")
    # SIGNAL_UNSPEC (0 to 100, "quality") is no power, and stays out.
    return Beacon(address.hex(":"), mhz * _MHZ, signal / 100 if signal is not None and signal < 0 else None, said)


def surveys_of(told: Sequence[Attributes]) -> dict[int, Survey]:
    """One survey for each frequency; a driver that lists each visit of a channel alone has them added up."""
    found: dict[int, Survey] = {}
    for one in told:
        hertz = one.get("FREQUENCY", 0) * _MHZ
        if not band_of(hertz):
            continue
        active, busy = (one[name] / 1000 if name in one else None for name in ("TIME", "TIME_BUSY"))
        new = Survey("IN_USE" in one, _noise(one.get("NOISE")), active, busy if active is not None else None)
        old = found.get(hertz)
        found[hertz] = new if old is None else Survey(
            old.in_use or new.in_use,
            new.noise_dbm if new.noise_dbm is not None else old.noise_dbm,
            _sum(old.active_seconds, new.active_seconds),
            _sum(old.busy_seconds, new.busy_seconds),
        )  # fmt: skip
    return found


def connected_of(bss: Beacon, station: Attributes) -> Connected:
    """The link from the kernel's figures of the access point as a station. A failed retry is a retry like others."""
    return Connected(
        bss,
        _signal(station),
        _rate(station.get("TX_BITRATE")),
        _rate(station.get("RX_BITRATE")),
        station.get("TX_PACKETS"),
        station.get("TX_RETRIES"),
        station.get("BEACON_LOSS"),
        float(station["CONNECTED_TIME"]) if "CONNECTED_TIME" in station else None,
    )


def _noise(told: int | None) -> float | None:
    """pyroute2 reads the signed byte unsigned: 164 is -92 dBm. A noise of nothing, or of a whisper, is made up."""
    if told is None:
        return None
    signed = told - 256 if told > 127 else told
    return float(signed) if -115 <= signed <= -30 else None


def _signal(station: Attributes) -> float | None:
    """The average over beacons is steadier than the last frame's, and right where a driver says -95 for everything."""
    for name in ("BEACON_SIGNAL_AVG", "SIGNAL_AVG", "SIGNAL"):
        told = station.get(name)
        if told is not None and -120 < told < 0:
            return float(told)
    return None


def _rate(told: Attributes | None) -> float | None:
    """In bits per second; the kernel counts in hundreds of kilobits."""
    units = (told.get("BITRATE32") or told.get("BITRATE")) if told else None
    return units * 100_000.0 if units else None


def seen_at(bss: Attributes, now: float) -> float:
    """CLOCK_BOOTTIME seconds at which the BSS was last heard."""
    if "LAST_SEEN_BOOTTIME" in bss:
        return float(bss["LAST_SEEN_BOOTTIME"]) / 1e9
    return now - float(bss.get("SEEN_MS_AGO", 1 << 31)) / 1000


def _sum(one: float | None, other: float | None) -> float | None:
    return other if one is None else one if other is None else one + other
