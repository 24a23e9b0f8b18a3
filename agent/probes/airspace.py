"""Airspace: the BSSs around this device, heard by a scan or in monitor mode, and how busy their channels are.

Kept are the district's own: BSSs of the inventory, and those that advertise a district SSID from elsewhere. All others
are counted by channel and dropped before anything else is done with them: a neighbour's BSSID tells where a family
lives. A scan that failed says nothing about the Wi-Fi: CouldNotRun, and no table.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from msgspec import Struct

from agent import radio_models, wire
from agent.elements import Beacon, band_of, channel_of, shown_ssid
from agent.probes.base import CouldNotRun, Deadline
from agent.probes.figures import boottime
from agent.radio import Interface, Survey

KIND = "airspace"
Source = Literal["scan", "monitor"]

# A survey kept from the turn before gives a longer look; one from long ago would average over the night.
_SURVEY_KEPT_SECONDS = 900.0
# The shortest visit of a channel in a scan; and how far a driver may round busy above active.
_VISIT_SECONDS, _ROUNDING = 0.02, 1.05
# How long a frequency counts as the campus's after it was last heard there: an access point that died is missed there.
_KNOWN_SECONDS = 900.0
# Frequencies beside the campus's own that a running agent's turn looks at.
_OTHERS = 10
# Frequencies of one scan: enough to be quick, few enough to stop in time.
_AT_ONCE = 12
# Anybody can send a district SSID from thousands of made-up addresses; the strongest are enough to find the sender.
_MAX_UNLISTED = 200


class Settings(Struct, frozen=True):
    """``bssids``: the campus's, of the inventory. ``ssids``: the district's. No frequencies: all that the radio has.
    ``rotate``: of those, where the campus was heard and a few others in turn, so that a scan costs a second. ``source``
    "auto": as the interface is set."""

    interface: str
    ssids: list[str]
    bssids: list[str]
    radio_models: Path | None = None
    frequencies_hertz: list[int] = []
    rotate: bool = False
    source: Literal["auto", "scan", "monitor"] = "auto"


class Used(NamedTuple):
    """How a channel was used between two looks at its counters."""

    busy_ratio: float | None
    noise_dbm: float | None
    active_seconds: float | None


class _Look(NamedTuple):
    at: float
    surveys: Mapping[int, Survey]


_looks: dict[str, _Look] = {}
# By interface: the last frequency of the turn before, and those on which a listed BSS was heard then.
_turns: dict[str, tuple[int, dict[int, float]]] = {}


def probe(settings: Settings, deadline: Deadline) -> dict[str, wire.Table]:
    """The tables ``airspace`` and ``channels``. Raises CouldNotRun where the air could not be listened to."""
    from agent import dot11, nl80211  # noqa: PLC0415 - a device without a radio never loads them

    began = boottime()
    radio = nl80211.interface(settings.interface, deadline)
    source = _source(settings, radio)
    model = radio_models.of_interface(radio.name, settings.radio_models)
    asked = settings.frequencies_hertz or nl80211.frequencies(radio, deadline)
    kept = _looks.get(radio.name)
    fresh = kept is not None and began - kept.at < _SURVEY_KEPT_SECONDS
    before = kept.surveys if kept is not None and fresh else nl80211.survey(radio, deadline)
    if source == "monitor":
        heard, looked = dot11.listen(radio, asked, deadline)
    else:
        last, known = _turns.get(radio.name, (0, {}))
        known = {hertz: at for hertz, at in known.items() if began - at < _KNOWN_SECONDS}
        order = in_order(asked, last, known)
        if settings.rotate:
            order = order[: len(known.keys() & {*asked}) + _OTHERS]
        heard, looked = in_turns(lambda some: nl80211.scan(radio, some, deadline), order, deadline.remaining)
        ours = _listed(settings)
        known |= {one.frequency_hertz: began for one in heard if one.bssid in ours}
        _turns[radio.name] = (looked[-1], known)
    after = nl80211.survey(radio, deadline)
    at = boottime()
    _looks[radio.name] = _Look(at, after)
    when = (round(at, 6), round(at - began, 6))
    uses = {hertz: used(before.get(hertz), after.get(hertz)) for hertz in looked}
    if model.survey_is_made_up:
        uses = {hertz: Used(None, None, use.active_seconds) for hertz, use in uses.items()}
    return tables(settings, heard, uses, source, model.uncertainty_db, when)


def in_turns(
    scan: Callable[[Sequence[int]], list[Beacon]], asked: Sequence[int], remaining: Callable[[], float]
) -> tuple[list[Beacon], list[int]]:
    """Scans a few frequencies at a time for as long as there is time, and says which. A radio that serves a
    connection between two channels takes a minute for all of them, which is longer than a probe may take."""
    heard: dict[tuple[str, int], Beacon] = {}
    looked: list[int] = []
    while len(looked) < len(asked):
        some, before = asked[len(looked) : len(looked) + _AT_ONCE], remaining()
        try:
            found = scan(some)
        except CouldNotRun:
            if looked:
                break
            raise
        heard |= {(one.bssid, one.frequency_hertz): one for one in found}
        looked += some
        if remaining() < 1.5 * (before - remaining()):
            break
    return list(heard.values()), looked


def in_order(asked: Sequence[int], last: int, known: Collection[int]) -> list[int]:
    """The frequencies as they are looked at this turn: first where the district was heard in the turn before, then
    those that come after the last one looked at."""
    return sorted(asked, key=lambda hertz: (hertz not in known, hertz <= last, hertz))


def _listed(settings: Settings) -> frozenset[str]:
    return frozenset(bssid.lower() for bssid in settings.bssids)


def tables(
    settings: Settings,
    heard: Sequence[Beacon],
    looked: Mapping[int, Used],
    source: Source,
    uncertainty_db: float,
    when: tuple[float, float],
) -> dict[str, wire.Table]:
    """Both tables from what was heard. ``when``: (CLOCK_BOOTTIME at the end, seconds that it took)."""
    listed = _listed(settings)
    ssids = {ssid.encode() for ssid in settings.ssids}
    radios = radios_of(heard)
    rows = [
        _Row(one, one.bssid in listed, group, listed)
        for group in radios
        for one in group
        if one.bssid in listed or one.said.ssid in ssids
    ]
    ours = sorted((row for row in rows if row.listed), key=lambda row: row.heard.bssid)
    theirs = sorted((row for row in rows if not row.listed), key=lambda row: -(row.heard.signal_dbm or -999.0))
    air = _airspace([*ours, *theirs[:_MAX_UNLISTED]], source, uncertainty_db, when)
    return {"airspace": air, "channels": _channels(radios, looked, listed, ssids, when)}


def radios_of(heard: Sequence[Beacon]) -> list[list[Beacon]]:
    """BSSs grouped by the radio that sends them: of one channel, with addresses equal but for the last four bits. Some
    makers set the "locally administered" bit and more of the first byte for a second BSS: then it does not count."""
    alike: dict[tuple[int, str], list[Beacon]] = {}
    for one in heard:
        alike.setdefault((one.frequency_hertz, one.bssid[2:-1]), []).append(one)
    found: list[list[Beacon]] = []
    for group in alike.values():
        firsts = {one: int(one.bssid[:2], 16) for one in group}
        makers = sorted({first for first in firsts.values() if not first & 2})
        by_maker: dict[int, list[Beacon]] = {}
        for one, first in firsts.items():
            maker = first if not first & 2 else first & ~2 if first & ~2 in makers else makers[0] if makers else 0
            by_maker.setdefault(maker, []).append(one)
        found += by_maker.values()
    return found


def used(before: Survey | None, after: Survey | None) -> Used:
    """A channel between two looks. Where the counters did not grow by a whole visit they are not sums: they were
    reset, or the driver tells each visit alone, and the second look stands for itself."""
    if after is None:
        return Used(None, None, None)
    active, busy = after.active_seconds, after.busy_seconds
    if active is None:
        return Used(None, after.noise_dbm, None)
    if before is not None and before.active_seconds is not None:
        if (before.active_seconds, before.busy_seconds) == (active, busy):
            # Not listened to in between: an old figure must not pass for a new one.
            return Used(None, None, 0.0)
        grown = active - before.active_seconds
        more = None if busy is None or before.busy_seconds is None else busy - before.busy_seconds
        if grown >= _VISIT_SECONDS and (more is None or 0 <= more <= grown * _ROUNDING):
            active, busy = grown, more
    ratio = busy / active if busy is not None and active > 0 and busy <= active * _ROUNDING else None
    noise = after.noise_dbm if active > 0 else None
    return Used(None if ratio is None else round(min(ratio, 1.0), 4), noise, round(active, 3))


def _source(settings: Settings, radio: Interface) -> Source:
    monitor = radio.kind == "monitor"
    if settings.source == "monitor" and not monitor:
        raise CouldNotRun(
            f"{radio.name} is of type {radio.kind}, not monitor",
            f"`iw dev {radio.name} interface add mon0 type monitor`, or source auto",
        )
    if settings.source == "scan" and monitor:
        raise CouldNotRun(f"{radio.name} is in monitor mode and cannot scan", "name the station interface")
    return "monitor" if monitor else "scan"


class _Row:
    """One BSS to be kept, and what its radio says."""

    def __init__(self, heard: Beacon, listed: bool, radio: Sequence[Beacon], inventory: Collection[str]) -> None:
        self.heard = heard
        self.listed = listed
        self.radio = min(
            (one.bssid for one in radio if one.bssid in inventory), default=min(one.bssid for one in radio)
        )
        # The access point's own claim, repeated by each of its BSSs: at most one of them is right, so never the sum.
        self.stations = max((o.said.stations for o in radio if o.said.stations is not None), default=None)
        self.utilization = max(
            (o.said.utilization_ratio for o in radio if o.said.utilization_ratio is not None), default=None
        )


def _airspace(rows: Sequence[_Row], source: Source, uncertainty_db: float, when: tuple[float, float]) -> wire.Airspace:
    count = len(rows)
    return wire.Airspace(
        at=[when[0]] * count,
        duration_seconds=[when[1]] * count,
        outcome=["ok"] * count,
        reason=[None] * count,
        bssid=[row.heard.bssid for row in rows],
        ssid=[shown_ssid(row.heard.said.ssid) for row in rows],
        listed=[row.listed for row in rows],
        radio=[row.radio for row in rows],
        band=[band_of(row.heard.frequency_hertz) or "2.4" for row in rows],
        channel=[channel_of(row.heard.frequency_hertz) or row.heard.said.channel or 0 for row in rows],
        frequency_hertz=[row.heard.frequency_hertz for row in rows],
        width_hertz=[row.heard.said.width_hertz for row in rows],
        signal_dbm=[row.heard.signal_dbm for row in rows],
        signal_uncertainty_db=[None if row.heard.signal_dbm is None else uncertainty_db for row in rows],
        generation=[row.heard.said.generation for row in rows],
        security=[row.heard.said.security for row in rows],
        stations=[row.stations for row in rows],
        utilization_ratio=[row.utilization for row in rows],
        source=[source] * count,
    )


def _channels(
    radios: Sequence[Sequence[Beacon]],
    looked: Mapping[int, Used],
    listed: Collection[str],
    ssids: Collection[bytes],
    when: tuple[float, float],
) -> wire.Channels:
    """One row for each channel listened to, and for each other on which somebody was heard."""
    own: dict[int, int] = {}
    foreign_bss: dict[int, int] = {}
    foreign_radios: dict[int, int] = {}
    for group in radios:
        hertz = group[0].frequency_hertz
        strangers = sum(one.bssid not in listed and one.said.ssid not in ssids for one in group)
        own[hertz] = own.get(hertz, 0) + any(one.bssid in listed for one in group)
        foreign_bss[hertz] = foreign_bss.get(hertz, 0) + strangers
        foreign_radios[hertz] = foreign_radios.get(hertz, 0) + (strangers == len(group))
    rows = [
        (band, channel, hertz, looked.get(hertz, Used(None, None, None)))
        for hertz in sorted(looked.keys() | own.keys())
        if (band := band_of(hertz)) and (channel := channel_of(hertz))
    ]
    return wire.Channels(
        at=[when[0]] * len(rows),
        duration_seconds=[when[1]] * len(rows),
        outcome=["ok"] * len(rows),
        reason=[None] * len(rows),
        band=[band for band, _, _, _ in rows],
        channel=[channel for _, channel, _, _ in rows],
        frequency_hertz=[hertz for _, _, hertz, _ in rows],
        busy_ratio=[use.busy_ratio for *_, use in rows],
        noise_dbm=[use.noise_dbm for *_, use in rows],
        active_seconds=[use.active_seconds for *_, use in rows],
        own_radios=[own.get(hertz, 0) for _, _, hertz, _ in rows],
        foreign_bss=[foreign_bss.get(hertz, 0) for _, _, hertz, _ in rows],
        foreign_radios=[foreign_radios.get(hertz, 0) for _, _, hertz, _ in rows],
    )
