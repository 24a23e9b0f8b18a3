"""Builds tables of the air for tests of the judge: what a radio heard, how busy it was, and how joining went."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from agent import wire


class Bss(NamedTuple):
    """One BSS of a radio in the 5 GHz band, as it is heard at ``dbm``."""

    bssid: str
    dbm: float | None
    worth_db: float | None = 2.0
    load: float | None = None
    band: str = "5"
    channel: int = 36
    listed: bool = True
    ssid: str | None = "District"
    radio: str = ""


def _rows(count: int, at: float = 30.0) -> dict[str, list]:
    return {
        "at": [at] * count,
        "duration_seconds": [1.0] * count,
        "outcome": ["ok"] * count,
        "reason": [None] * count,
    }


def airspace(*heard: Bss, looks: int = 3) -> wire.Airspace:
    """Each BSS as it was heard in each of ``looks`` looks."""
    every = [one for one in heard for _ in range(looks)]
    none = [None] * len(every)
    return wire.Airspace(
        **_rows(len(every)),
        bssid=[one.bssid for one in every],
        ssid=[one.ssid for one in every],
        listed=[one.listed for one in every],
        radio=[one.radio or one.bssid for one in every],
        band=[one.band for one in every],
        channel=[one.channel for one in every],
        frequency_hertz=[5_180_000_000] * len(every),
        width_hertz=none,
        signal_dbm=[one.dbm for one in every],
        signal_uncertainty_db=[one.worth_db for one in every],
        generation=none,
        security=none,
        stations=none,
        utilization_ratio=[one.load for one in every],
        source=["scan"] * len(every),
    )


def channels(busy: Mapping[int, float | None], foreign: int = 1, looks: int = 3, band: str = "5") -> wire.Channels:
    """``busy``: {channel: busy ratio}, each looked at ``looks`` times."""
    every = [(channel, ratio) for channel, ratio in busy.items() for _ in range(looks)]
    none = [None] * len(every)
    return wire.Channels(
        **_rows(len(every)),
        band=[band] * len(every),
        channel=[channel for channel, _ in every],
        frequency_hertz=[5_180_000_000] * len(every),
        busy_ratio=[ratio for _, ratio in every],
        noise_dbm=none,
        active_seconds=none,
        own_radios=[0] * len(every),
        foreign_bss=[foreign] * len(every),
        foreign_radios=[foreign] * len(every),
    )


def link(*retries: float | None) -> wire.Link:
    none = [None] * len(retries)
    fixed = {name: none for name in wire.Link.__struct_fields__ if name not in {*_rows(0), "retry_ratio"}}
    return wire.Link(
        **_rows(len(retries)),
        **fixed | {"interface": ["wlan0"] * len(retries), "listed": [True] * len(retries)},
        retry_ratio=list(retries),
    )


def join(outcomes: Iterable[str], seconds: float = 2.0) -> wire.Join:
    tries = list(outcomes)
    none = [None] * len(tries)
    names = [name for name in wire.Join.__struct_fields__ if name not in _rows(0)]
    columns = dict.fromkeys(names, none) | {
        "ssid": ["District"] * len(tries),
        "method": ["psk"] * len(tries),
        "scan_seconds": [10.0] * len(tries),
        "dns_seconds": [seconds if outcome == "ok" else None for outcome in tries],
        "total_seconds": [10.0 + seconds if outcome == "ok" else None for outcome in tries],
    }
    return wire.Join(**_rows(len(tries)) | {"outcome": tries}, **columns)


def throughput(outcomes: Iterable[str], download: float = 50e6) -> wire.Throughput:
    tests = list(outcomes)
    names = [name for name in wire.Throughput.__struct_fields__ if name not in _rows(0)]
    columns = dict.fromkeys(names, [None] * len(tests)) | {
        "target": ["collector"] * len(tests),
        "download_bits_per_second": [download if outcome == "ok" else None for outcome in tests],
    }
    return wire.Throughput(**_rows(len(tests)) | {"outcome": tests}, **columns)
