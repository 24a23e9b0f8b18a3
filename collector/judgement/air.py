"""What one agent heard of the air: rows of airspace, channels and link go in, a room's signal, airtime and retries come
out as three values.

Short is proven here too: a room without signal is short only where the radio looked, and heard something else. A BSS's
readings stand for it with their median; the receiver's uncertainty is the same in each of them, so it stays as it is.
"""

from __future__ import annotations

import statistics
from collections.abc import Collection, Mapping
from typing import Literal

from msgspec import Struct

from agent import wire
from collector.judgement import testimony
from collector.policies.policy import Criterion

State = Literal["met", "short", "unknown"]
Window = tuple[float, float] | None
LOOKS = 2
"""How often a radio must have looked before what it did not hear is missing: one look may miss a beacon."""
UNSTATED_UNCERTAINTY_DB = 5.0
"""What a receiver is taken to be worth that does not say it."""


class Heard(Struct):
    """One BSS as one agent heard it."""

    ssid: str | None
    listed: bool
    radio: str
    band: str
    channel: int
    signals: list[float]
    utilizations: list[float]
    uncertainty_db: float = 0.0

    @property
    def signal_dbm(self) -> float:
        return statistics.median(self.signals)


class Air(Struct):
    """``looked``: how often each (band, channel) was looked at; ``busy``: its busy ratios; ``strangers``: a BSS that is
    not ours was heard, so that the radio hears; ``retries``: of the link, by band."""

    bss: dict[str, Heard] = {}
    looked: dict[tuple[str, int], int] = {}
    busy: dict[tuple[str, int], list[float]] = {}
    retries: list[tuple[str | None, float]] = []
    strangers: bool = False

    @property
    def listened(self) -> bool:
        """Whether it looked often enough that what it did not hear is missing."""
        return max(self.looked.values(), default=0) >= LOOKS

    @property
    def hears(self) -> bool:
        """Whether this radio hears anything at all."""
        return self.strangers or bool(self.bss)


def add(air: Air, report: testimony.Report, window: Window) -> None:
    """Takes in the rows of a report whose end lies in ``window``, seconds from its start; all of them for None."""
    if report.airspace is not None:
        _add_airspace(air, report.airspace, window)
    if report.channels is not None:
        columns = report.channels
        rows = zip(
            columns.at, columns.band, columns.channel, columns.busy_ratio, columns.foreign_bss, columns.outcome,
            strict=True,
        )  # fmt: skip
        for at, band, channel, busy, foreign, outcome in rows:
            if _within(at, window) and outcome == "ok":
                key = (band, channel)
                air.looked[key] = air.looked.get(key, 0) + 1
                air.strangers = air.strangers or foreign > 0
                if busy is not None:
                    air.busy.setdefault(key, []).append(busy)
    if report.link is not None:
        for at, band, ratio in zip(report.link.at, report.link.band, report.link.retry_ratio, strict=True):
            if ratio is not None and _within(at, window):
                air.retries.append((band, ratio))


def _add_airspace(air: Air, rows: wire.Airspace, window: Window) -> None:
    for n, at in enumerate(rows.at):
        if not _within(at, window):
            continue
        heard = air.bss.get(rows.bssid[n])
        if heard is None:
            heard = Heard(rows.ssid[n], rows.listed[n], rows.radio[n], rows.band[n], rows.channel[n], [], [])
            air.bss[rows.bssid[n]] = heard
        signal, worth, load = rows.signal_dbm[n], rows.signal_uncertainty_db[n], rows.utilization_ratio[n]
        if signal is not None:
            heard.signals.append(signal)
            heard.uncertainty_db = max(heard.uncertainty_db, UNSTATED_UNCERTAINTY_DB if worth is None else worth)
        if load is not None:
            heard.utilizations.append(load)


def _within(at: float, window: Window) -> bool:
    return window is None or window[0] <= at < window[1]


def judged(criterion: Criterion, air: Air, access_points: Mapping[str, str], ssids: Collection[str]) -> State:
    """One agent's word on a radio criterion. ``access_points``: the inventory's, by BSSID; ``ssids``: the district's,
    every listed BSS where none are named."""
    if criterion.measure == "retry_ratio":
        ratios = [ratio for band, ratio in air.retries if criterion.speaks_of(band)]
        return criterion.judged(statistics.median(ratios)) if len(ratios) >= criterion.min_samples else "unknown"
    best = _best_of_each(criterion, air, access_points, ssids)
    if criterion.measure == "airtime_ratio":
        return _airtime(criterion, air, best)
    rank = 1 if criterion.measure == "secondary_signal_dbm" else 0
    if len(best) > rank:
        return criterion.judged(best[rank].signal_dbm, best[rank].uncertainty_db)
    return _nothing_heard(criterion, air, access_points)


def _best_of_each(
    criterion: Criterion, air: Air, access_points: Mapping[str, str], ssids: Collection[str]
) -> list[Heard]:
    """The best BSS of each access point that was heard often enough, the best access point first. Several BSSIDs are
    one radio, and several radios one access point."""
    best: dict[str, Heard] = {}
    for bssid, heard in sorted(air.bss.items()):
        ours = heard.listed and (not ssids or heard.ssid is None or heard.ssid in ssids)
        if not ours or not criterion.speaks_of(heard.band) or len(heard.signals) < criterion.min_samples:
            continue
        owner = access_points.get(bssid, heard.radio)
        if owner not in best or heard.signal_dbm > best[owner].signal_dbm:
            best[owner] = heard
    return sorted(best.values(), key=lambda heard: -heard.signal_dbm)


def _nothing_heard(criterion: Criterion, air: Air, access_points: Mapping[str, str]) -> State:
    """Short where the radio hears, looked into the bands, and the inventory says what there was to hear. A BSS that
    might be ours (heard too seldom, or not listed under a district SSID) leaves it unknown."""
    looked = max((times for (band, _), times in air.looked.items() if criterion.speaks_of(band)), default=0)
    if not access_points or not air.hears or looked < max(criterion.min_samples, LOOKS):
        return "unknown"
    rank = 1 if criterion.measure == "secondary_signal_dbm" else 0
    radios = {
        access_points.get(bssid, heard.radio) for bssid, heard in air.bss.items() if criterion.speaks_of(heard.band)
    }
    return "unknown" if len(radios) > rank else "short"


def _airtime(criterion: Criterion, air: Air, best: list[Heard]) -> State:
    """Of the channel that the room's best access point is on: as the radio surveyed it, or else as the access point
    says of itself (BSS Load: the most of its radio's BSSIDs, never their sum)."""
    if not best:
        return "unknown"
    serving = best[0]
    surveyed = air.busy.get((serving.band, serving.channel), [])
    if len(surveyed) >= criterion.min_samples:
        return criterion.judged(statistics.median(surveyed))
    of_radio = [
        statistics.median(heard.utilizations)
        for heard in air.bss.values()
        if heard.radio == serving.radio and len(heard.utilizations) >= criterion.min_samples
    ]
    return criterion.judged(max(of_radio)) if of_radio else "unknown"
