"""The radios of this device: what the kernel's files say of each, and what nl80211 says where it can be asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from agent.doctor.check import Check
from agent.elements import band_of
from agent.probes.base import CouldNotRun, Deadline

_LISTENS = ("airspace", "link")
_JOINS = ("join",)


class Details(NamedTuple):
    """What nl80211 says of a radio: its bands ("2.4", "5", "6" in GHz), and whether it has monitor mode."""

    bands: tuple[str, ...]
    monitor: bool


class Radio(NamedTuple):
    """One radio (a wiphy) and its interfaces. ``details`` is None where nobody could ask nl80211."""

    phy: str
    interfaces: tuple[str, ...]
    details: Details | None


Describe = Callable[[str], Details | None]
"""A radio's name ("phy0") goes in, what nl80211 says of it comes out."""


def asked(phy: str) -> Details | None:
    """What nl80211 says; nothing where it cannot be asked, and the table says so."""
    from agent import nl80211  # noqa: PLC0415 - a device without a radio never loads it

    try:
        number = int(Path("/sys/class/ieee80211", phy, "index").read_text())
        frequencies, monitor = nl80211.abilities(number, Deadline(2.0))
    except (OSError, ValueError, CouldNotRun):
        return None
    return Details(tuple(sorted({band for hertz in frequencies if (band := band_of(hertz))})), monitor)


def found(describe: Describe = asked, sys: Path = Path("/sys")) -> list[Radio]:
    """Every radio in this network namespace."""
    interfaces: dict[str, list[str]] = {}
    for link in sorted(sys.glob("class/net/*/phy80211")):
        interfaces.setdefault(link.resolve().name, []).append(link.parent.name)
    names = sorted({path.name for path in sys.glob("class/ieee80211/*")} | interfaces.keys())
    return [Radio(name, tuple(interfaces.get(name, ())), describe(name)) for name in names]


def examine(radios: Sequence[Radio], namespace: Path = Path("/run/netns/campus-wifi-join")) -> list[Check]:
    """One line for each radio, and what none, or one alone, keeps from being measured. A radio in ``namespace`` is not
    seen from here."""
    apart = [Check("test radio", "ok", f"in its namespace {namespace.name}")] if namespace.exists() else []
    if apart and not radios:
        return [Check("Wi-Fi radio", "warning", "none beside the test radio: the air is not heard",
                      "plug in a second one", _LISTENS), *apart]  # fmt: skip
    if not radios:
        mend = "plug in a USB radio with an in-kernel driver (mt76, ath9k_htc); the other probes work without"
        return [Check("Wi-Fi radio", "warning", "none: the air is not heard", mend, (*_LISTENS, *_JOINS))]
    checks = [*(_of(radio) for radio in radios), *apart]
    if len(radios) == 1 and not apart:
        why = "one radio: it cannot listen, carry this device and play a pupil's device at the same time"
        checks.append(Check("second radio", "warning", why, "plug in a second one for the join probe", _JOINS))
    return checks


def _of(radio: Radio) -> Check:
    name = ", ".join(radio.interfaces) or "no interface"
    if not radio.interfaces:
        mend = f"iw phy {radio.phy} interface add wlan9 type managed"
        return Check(f"radio {radio.phy}", "warning", name, mend)
    if radio.details is None:
        return Check(
            f"radio {radio.phy}", "ok", f"{name}; bands and monitor mode not asked", f"iw phy {radio.phy} info"
        )
    bands = ", ".join(radio.details.bands)
    if not radio.details.monitor:
        found = f"{name}: {bands} GHz, no monitor mode: scans only"
        return Check(f"radio {radio.phy}", "warning", found, "a radio with monitor mode hears beacons at all times")
    return Check(f"radio {radio.phy}", "ok", f"{name}: {bands} GHz, monitor mode")
