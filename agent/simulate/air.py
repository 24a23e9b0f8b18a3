"""The modelled air: a place, its faults and an instant go in, what a radio would hear and how a try to join would end
come out.

Walls decide: an agent hears the access points of its own room and of two rooms to either side, nearer ones louder, and
never one of them only now and then. Every access point has a radio of 2.4 GHz and one of 5 GHz.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, NamedTuple

from agent import wire
from agent.simulate.district import AccessPoint

if TYPE_CHECKING:
    from agent.simulate.probes import Conditions, Place

_HEARD_ROOMS = 2
_FADING_DB = 2.0
_UNCERTAINTY_DB = 2.0
_WEAK_DB = 24.0
_CHANNELS: dict[wire.Band, tuple[int, ...]] = {"2.4": (1, 6, 11), "5": (36, 40, 44, 48, 149, 153, 157, 161)}
# The signal in the access point's own room, and what each wall takes.
_LEVEL_DBM: dict[wire.Band, tuple[float, float]] = {"2.4": (-46.0, 7.0), "5": (-50.0, 8.0)}
_BUSY = {"2.4": 0.28, "5": 0.14}
_LUNCH_BUSY = 0.5
# What each stage takes where nothing is wrong. The server of 802.1X is slower than the air.
_STAGE_SECONDS = {
    "scan": 0.6, "authenticate": 0.012, "associate": 0.014, "eap": 0.22, "handshake": 0.018, "dhcp": 0.11, "dns": 0.03,
    "portal": 0.05, "first_byte": 0.06,
}  # fmt: skip
METHOD = "wpa2-eap-peap"


class Bss(NamedTuple):
    """One BSS in reach: ``walls`` lie between it and the agent."""

    ap: str
    bssid: str
    band: wire.Band
    channel: int
    walls: int

    @property
    def frequency_hertz(self) -> int:
        return ((2407 if self.band == "2.4" else 5000) + 5 * self.channel) * 1_000_000


class ModelAir:
    """The radio of one agent."""

    def __init__(self, place: Place) -> None:
        campus = place.campus
        mine = campus.rooms.index((place.building, place.room))
        self._ssid = campus.ssid
        self._reach = [
            bss
            for number, ap in enumerate(campus.access_points)
            if abs(number - mine) <= _HEARD_ROOMS
            for bss in _radios(ap, number, abs(number - mine))
        ]

    def airspace(self, plan: wire.Plan, now: Conditions, dice: random.Random, boottime: float) -> dict[str, wire.Table]:
        """The tables ``airspace`` and ``channels`` of one look."""
        heard = [bss for bss in self._reach if bss.ap not in now.dead | now.mute]
        busy = {
            (band, channel): round(min(0.97, _BUSY[band] * dice.uniform(0.8, 1.2) + _LUNCH_BUSY * now.crowded), 4)
            for band, channels in _CHANNELS.items()
            for channel in channels
        }
        listed = set(plan.bssids)
        kept = [bss for bss in heard if bss.bssid in listed or self._ssid in plan.ssids]
        rows = [
            {
                "bssid": bss.bssid,
                "ssid": self._ssid,
                "listed": bss.bssid in listed,
                "radio": bss.bssid,
                "band": bss.band,
                "channel": bss.channel,
                "frequency_hertz": bss.frequency_hertz,
                "width_hertz": 20_000_000 if bss.band == "2.4" else 40_000_000,
                "signal_dbm": _signal(bss, now, dice),
                "signal_uncertainty_db": _UNCERTAINTY_DB,
                "generation": "802.11ax",
                "security": METHOD,
                "stations": dice.randint(2, 9) * (4 if now.crowded else 1),
                "utilization_ratio": busy[bss.band, bss.channel],
                "source": "scan",
            }
            for bss in kept
        ]
        looked = [
            {
                "band": band,
                "channel": channel,
                "frequency_hertz": Bss("", "", band, channel, 0).frequency_hertz,
                "busy_ratio": ratio,
                "noise_dbm": round(dice.uniform(-96, -93), 1),
                "active_seconds": 0.11,
                "own_radios": sum((bss.band, bss.channel) == (band, channel) for bss in kept),
                # Somebody lives beside every school.
                "foreign_bss": 1 + channel % 3,
                "foreign_radios": 1,
            }
            for (band, channel), ratio in busy.items()
        ]
        return {
            "airspace": _table(wire.Airspace, rows, boottime, 2.1),
            "channels": _table(wire.Channels, looked, boottime, 2.1),
        }

    def link(self, plan: wire.Plan, now: Conditions, dice: random.Random, boottime: float) -> wire.Link:
        """The connected BSS: the loudest of 5 GHz."""
        bss = self._best(now)
        row: dict[str, Any] = dict.fromkeys(wire.Link.__struct_fields__[4:]) | {"interface": "model0", "listed": False}
        if bss is not None:
            row |= {
                "bssid": bss.bssid,
                "ssid": self._ssid,
                "listed": bss.bssid in plan.bssids,
                "band": bss.band,
                "frequency_hertz": bss.frequency_hertz,
                "width_hertz": 40_000_000,
                "signal_dbm": _signal(bss, now, dice),
                "signal_uncertainty_db": _UNCERTAINTY_DB,
                "transmit_bits_per_second": 58.5e6 if now.weak else 400e6,
                "receive_bits_per_second": 52e6 if now.weak else 360e6,
                "transmit_packets": dice.randint(400, 900),
                "retry_ratio": round(dice.uniform(0.03, 0.08) + 0.2 * now.weak + 0.1 * now.crowded, 4),
                "beacon_losses": dice.randint(0, 3) if now.weak else 0,
                "roams": 0,
                "connected_seconds": round(boottime, 3),
            }
        table: wire.Link = _table(wire.Link, [row], boottime, 0.004, "ok" if bss else "association")
        return table

    def join(self, task: wire.JoinTask, now: Conditions, dice: random.Random, boottime: float) -> dict[str, Any]:
        """One try as a row, its outcome among it."""
        bss = self._best(now)
        seconds = {
            stage: round(base * dice.uniform(0.7, 1.5) * (1 + 12 * now.extra_seconds), 6)
            for stage, base in _STAGE_SECONDS.items()
            if stage not in ("portal", "first_byte") or task.page
        }
        seconds["dns"] += now.dns_seconds
        failed, reason = self._failed(bss, now, dice)
        reached = list(seconds)[: list(seconds).index(failed) + 1] if failed else list(seconds)
        took = {stage: seconds[stage] for stage in reached}
        row: dict[str, Any] = dict.fromkeys(wire.Join.__struct_fields__[4:])
        row |= {f"{stage}_seconds": value for stage, value in took.items()}
        total = round(sum(took.values()), 6)
        leased = "dhcp" in took
        return row | {
            "at": boottime,
            "duration_seconds": total,
            "outcome": failed or "ok",
            "reason": reason or None,
            "ssid": task.ssid,
            "method": METHOD,
            "bssid": bss.bssid if bss else None,
            "band": bss.band if bss else None,
            "signal_dbm": _signal(bss, now, dice) if bss else None,
            "total_seconds": total,
            "dhcp_server": "198.18.0.1" if leased and failed != "dhcp" else None,
            "dns_asked": 2 if "dns" in took else None,
            "dns_answered": (0 if failed == "dns" else 2) if "dns" in took else None,
        }

    def _failed(self, bss: Bss | None, now: Conditions, dice: random.Random) -> tuple[str, str]:
        if bss is None:
            return "scan", "the SSID was not heard"
        if now.weak and dice.random() < 0.15:
            return "associate", "no answer to the association request"
        if now.no_leases:
            return "dhcp", "no offer of an address"
        if now.cut:
            return "dns", "no name server answered"
        return "", ""

    def _best(self, now: Conditions) -> Bss | None:
        alive = [bss for bss in self._reach if bss.band == "5" and bss.ap not in now.dead | now.mute]
        return min(alive, key=lambda bss: bss.walls, default=None)


def tries(rows: list[dict[str, Any]]) -> wire.Join:
    return wire.Join(**{name: [row[name] for row in rows] for name in wire.Join.__struct_fields__})


def _radios(ap: AccessPoint, number: int, walls: int) -> list[Bss]:
    low, high = _CHANNELS["2.4"], _CHANNELS["5"]
    return [
        Bss(ap.id, ap.bssids[0], "2.4", low[number % len(low)], walls),
        Bss(ap.id, ap.bssids[1], "5", high[number % len(high)], walls),
    ]


def _signal(bss: Bss, now: Conditions, dice: random.Random) -> float:
    level, wall = _LEVEL_DBM[bss.band]
    return round(level - wall * bss.walls - _WEAK_DB * now.weak + dice.uniform(-_FADING_DB, _FADING_DB), 1)


def _table(kind: Any, rows: list[dict[str, Any]], boottime: float, seconds: float, outcome: str = "ok") -> Any:
    same = {"at": boottime, "duration_seconds": seconds, "outcome": outcome}
    same["reason"] = None if outcome == "ok" else "not connected to any BSS"
    whole = [same | row for row in rows]
    return kind(**{name: [row[name] for row in whole] for name in kind.__struct_fields__})
