"""Link: the BSS that this device's own radio is connected to, as nl80211 tells it.

Not being connected is a fact (a row); a radio that cannot be asked is not (CouldNotRun). Counters are told since the
look before; the first look at a connection tells them since that was made.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from msgspec import Struct

from agent import radio_models, wire
from agent.elements import band_of, shown_ssid
from agent.probes.base import CouldNotRun, Deadline
from agent.probes.figures import boottime
from agent.radio import Connected

KIND = "link"
# Below this many packets a share of retries is chance.
MIN_PACKETS = 50


class Settings(Struct, frozen=True):
    """``bssids``: the campus's, of the inventory."""

    interface: str
    bssids: list[str]
    radio_models: Path | None = None


class Since(NamedTuple):
    """What happened since the look before. ``roams``: 0 or 1 (several in between are seen as one), None at the first
    look."""

    packets: int | None = None
    retry_ratio: float | None = None
    beacon_losses: int | None = None
    roams: int | None = None


_looks: dict[str, Connected] = {}


def probe(settings: Settings, deadline: Deadline) -> wire.Link:
    """One row; its outcome is "association" where the radio is connected to nothing."""
    from agent import nl80211  # noqa: PLC0415 - a device without a radio never loads it

    began = boottime()
    radio = nl80211.interface(settings.interface, deadline)
    if radio.kind != "station":
        # On an interface of another type, the "stations" are other people's devices.
        raise CouldNotRun(f"{radio.name} is of type {radio.kind}, not station", "name the interface that is connected")
    worth = radio_models.of_interface(radio.name, settings.radio_models).uncertainty_db
    link = nl80211.connected(radio, deadline)
    at = boottime()
    before = _looks.pop(radio.name, None)
    if link is None:
        return row(settings, None, Since(), None, worth, at, at - began)
    _looks[radio.name] = link
    return row(settings, link, since(before, link), radio.width_hertz, worth, at, at - began)


def since(before: Connected | None, now: Connected) -> Since:
    """The counters' growth between two looks; from nothing where the connection is a new one."""
    old = before if before is not None and _same(before, now) else None
    packets = _grown(old and old.transmit_packets, now.transmit_packets)
    retries = _grown(old and old.transmit_retries, now.transmit_retries)
    enough = packets is not None and retries is not None and packets >= MIN_PACKETS
    return Since(
        packets,
        round((retries or 0) / ((packets or 0) + (retries or 0)), 4) if enough else None,
        _grown(old and old.beacon_losses, now.beacon_losses),
        None if before is None else int(before.bss.bssid != now.bss.bssid),
    )


def row(
    settings: Settings,
    link: Connected | None,
    change: Since,
    width_hertz: int | None,
    uncertainty_db: float,
    at: float,
    seconds: float,
) -> wire.Link:
    """The table of one row."""
    bss = link.bss if link else None
    signal = link.signal_dbm if link else None
    return wire.Link(
        at=[round(at, 6)],
        duration_seconds=[round(seconds, 6)],
        outcome=["ok" if link else "association"],
        reason=[None if link else "not connected to any BSS"],
        interface=[settings.interface[:64]],
        bssid=[bss.bssid if bss else None],
        ssid=[shown_ssid(bss.said.ssid) if bss else None],
        listed=[bss is not None and bss.bssid in {bssid.lower() for bssid in settings.bssids}],
        band=[band_of(bss.frequency_hertz) if bss else None],
        frequency_hertz=[bss.frequency_hertz if bss else None],
        width_hertz=[width_hertz or (bss.said.width_hertz if bss else None)],
        signal_dbm=[signal],
        signal_uncertainty_db=[None if signal is None else uncertainty_db],
        transmit_bits_per_second=[link.transmit_bits_per_second if link else None],
        receive_bits_per_second=[link.receive_bits_per_second if link else None],
        transmit_packets=[change.packets],
        retry_ratio=[change.retry_ratio],
        beacon_losses=[change.beacon_losses],
        roams=[change.roams],
        connected_seconds=[link.connected_seconds if link else None],
    )


def _same(before: Connected, now: Connected) -> bool:
    """Whether it is the connection of the look before: the counters of a new one begin again."""
    if before.bss.bssid != now.bss.bssid:
        return False
    return (before.connected_seconds or 0.0) <= (now.connected_seconds or 0.0) and (before.transmit_packets or 0) <= (
        now.transmit_packets or 0
    )


def _grown(before: int | None, now: int | None) -> int | None:
    return None if now is None else max(now - (before or 0), 0)
