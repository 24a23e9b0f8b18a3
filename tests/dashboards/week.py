"""A simulated district's week, as a Prometheus would have scraped and been sent it, as blocks that a real one serves.

What is scraped is the collector's own exposition of modelled campuses; what is forwarded are the series of the closed
table with modelled values. A figure of every kind is in it: campuses short and unknown, an uplink that is cut, agents
that are silent, incidents that are open and closed.
"""

import math
import re
import subprocess
import zlib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from prometheus_client import CollectorRegistry, generate_latest

from collector.alerting import notifications
from collector.commitment.period import GAUGES
from collector.metrics import series
from collector.metrics.expose import Bounds, CampusBlock, CampusNow, Rooms, Told
from tests import binaries

WEEK_SECONDS = 7 * 86400
BLOCK_SECONDS = 7200
TARGET = b'job="campus_wifi",instance="127.0.0.1:8080"'
CRITERIA = {
    "access_point.reachability": ("reach_ratio", 0.5), "place.rtt": ("rtt_seconds", 0.1),
    "place.loss": ("loss_ratio", 0.01), "signal.primary": ("signal_dbm", -67.0),
    "signal.secondary": ("secondary_signal_dbm", -75.0), "airtime": ("airtime_ratio", 0.5),
    "link.retries": ("retry_ratio", 0.2), "join.ratio": ("join_ratio", 0.95), "join.seconds": ("join_seconds", 4.0),
    "campus.throughput": ("download_bytes_per_second", 4e5), "coverage.primary": ("signal_dbm", -67.0),
}  # fmt: skip
FAULTS = {"confirmed": 7, "false": 1, "disproved": 1, "unresolved": 4, "no_incident": 1}
"""What became of those that each alert told of."""
REPORTED, SILENT, JUDGED = 7.125, 5.125, 3.125
"""Stand in the text of an hour for instants a little and a long time before each scrape."""
SELDOM = re.compile(rb"(?m)^campus_wifi_(?:commitment|criterion|coverage)_.*\n")
"""Most lines of a large district's scrape, asked for by one campus or for now only."""
VALUES = {"seconds": 0.02, "ratio": 0.04, "dbm": -61.0, "bytes_per_second": 9e6, "bytes": 4e9, "celsius": 45.0, "": 3.0}


class District(NamedTuple):
    """``detailed``: how many of the campuses have access points, and forward what was measured. The last campus is a
    simulated one."""

    campuses: int
    detailed: int
    access_points: int = 40

    def name(self, number: int) -> str:
        return f"campus-{number}"

    def simulated(self, number: int) -> bool:
        return number == self.campuses - 1

    def agents(self, number: int) -> dict[str, str]:
        """Agent to place."""
        return {f"{number:028x}{n:04x}": f"{self.name(number)}/main/10{n}" for n in range(2)}

    def aps(self, number: int) -> list[str]:
        return [f"02:00:{number >> 8:02x}:{number & 255:02x}:00:{n:02x}" for n in range(self.access_points)]


def facts_of(criterion: str) -> tuple[str, ...]:
    """The labels of what the policy asks."""
    unit = series.THRESHOLDS[CRITERIA[criterion][0]].unit
    day = criterion.startswith("join.") or criterion == "campus.throughput"
    window = "survey" if criterion.startswith("coverage.") else "day" if day else "slot"
    return criterion, f"Title of {criterion}", window, "place", ">=", unit, "true"


def _chance(*of: object) -> float:
    """The same in every run, and evenly spread over [0, 1)."""
    return zlib.crc32(repr(of).encode()) / 2**32


def campus_at(district: District, number: int, at: float) -> CampusNow:
    """What the collector would say of the campus at that instant. A state lasts an hour."""
    hour = int(at // 3600)
    drawn = _chance(number, hour)
    cause = {0: "campus_cut_off", 1: "shared_uplink_cut", 2: "monitor_suspect"}.get(number % 50, "access_point_down")
    short = number % 50 < 3 or drawn < 0.05
    verdict = "short" if short else "unknown" if drawn < 0.1 else "met"
    aps = district.aps(number) if number < district.detailed else []
    lower = 0.90 + 0.09 * _chance(number)
    left = 1 - (1 - lower) / 0.05, 1 - (0.98 - lower) / 0.05
    said = "meets" if lower >= 0.95 else "falls_short" if lower + 0.02 < 0.95 else "not_enough_evidence"
    bounds = Bounds(lower, lower + 0.02, 0.97, *left, 90_000.0, said)
    agents = district.agents(number)
    silent = 1 if number % 20 == 0 else 0
    return CampusNow(
        campus=district.name(number), name=f"Campus {number}", region=f"r{number % 7}", board_district=str(number % 7),
        grade_span=("elementary", "middle", "high")[number % 3], uplink=f"u{number % 40}",
        simulated=district.simulated(number), in_class=True, verdict=verdict, cause=cause if short else "",
        access_points={ap: "down" if _chance(ap, hour) < 0.03 else "up" for ap in aps},
        commitment=dict.fromkeys(GAUGES, bounds),
        agents={(agent, place): SILENT if n < silent else REPORTED for n, (agent, place) in enumerate(agents.items())},
        unconfirmed=frozenset(list(agents)[:1]) if number % 20 == 2 else frozenset(), first_bell=at + 3600,
        judged_day=at - at % 86400 - 86400,
        told={a: Told(f"1.{number % 3}.0", ("synced", "estimated")[number % 9 == 0], number % 11) for a in agents},
        places=dict.fromkeys(agents.values(), "short" if short else "met"),
        criteria=dict.fromkeys(CRITERIA, (18 if short else 20, 1, 20)),
        rooms=Rooms(60, 12, {("coverage.signal", word): 20 for word in ("met", "short", "unknown")}),
        incidents={cause: 1} if short else {},
    )  # fmt: skip


def forwarded(district: District, number: int, at: float, every: float) -> Iterator[str]:
    """The measurements that agents of the campus made in the minute before, as name, labels and value."""
    keys = {
        "reach": [(ap,) for ap in district.aps(number)],
        "path": [("gateway", "10.0.0.1"), ("dns", "10.0.0.2"), ("internet", "192.0.2.1"), ("internet", "192.0.2.2")],
        "airspace": [(ap, "5") for ap in district.aps(number)[:6]], "channels": [("5", f"{c}") for c in (36, 40, 44)],
        "join": [("school", "peap")], "throughput": [()], "link": [()], "host": [()],
    }  # fmt: skip
    marked = ',simulated="true"' if district.simulated(number) else ""
    seldom = at % 900 < every
    for n, (agent, place) in enumerate(district.agents(number).items()):
        wave = 1 + 0.2 * math.sin(at / 3600 + number + n)
        for one in series.WIRE:
            if one.kind in ("join", "throughput") and not seldom:
                continue
            value = VALUES[one.series.unit] * wave
            point = f'campus="{district.name(number)}",place="{place}",agent="{agent}"{marked}'
            for k, values in enumerate(keys[one.kind]):
                labels = "".join(f',{label}="{text}"' for (_, label), text in zip(one.keys, values, strict=True))
                yield f"{one.series.name}{{{point}{labels}}} {value * (1 + k / 100):.6g}\n"


class Scrapes:
    """What ``/metrics`` of a collector says, moment after moment: its counters grow."""

    def __init__(self, district: District) -> None:
        self._district = district
        self._registry = CollectorRegistry()
        self._block = CampusBlock()
        self._own = {own.name: series.instrument(self._registry, own.name) for own in series.OWN}
        self._hour = -1
        self._text = b""

    def at(self, at: int) -> bytes:
        if at // 3600 != self._hour:
            self._hour = at // 3600
            self._text = _as_scraped(self._campuses(at))
        for declared in series.OWN:
            self._count(declared, at)
        text = self._text
        for stands, instant in ((REPORTED, at - 20), (SILENT, at - 5000), (JUDGED, at - 90)):
            text = text.replace(f"}} {stands!r}\n".encode(), b"} %d\n" % instant)
        return text + _as_scraped(generate_latest(self._registry)) + b"up{" + TARGET + b"} 1\n"

    def _campuses(self, at: int) -> bytes:
        district = self._district
        periods = [(period, f"{period} name", "2026-09-01", "2026-09-30") for period in GAUGES]
        thresholds = {(measure, one): value for one, (measure, value) in CRITERIA.items()}
        closed = {("access_point_down", word): 3 for word in ("confirmed", "false", "disproved")}
        told = {(alert, word): FAULTS[word] for alert in sorted(notifications.OPENS) for word in notifications.OUTCOMES}
        self._block.show(
            [campus_at(district, n, at) for n in range(district.campuses)], 0.95, JUDGED, thresholds, closed, periods,
            dict.fromkeys(CRITERIA, 0.9), told, [facts_of(one) for one in CRITERIA],
        )  # fmt: skip
        return self._block.text()

    def _count(self, declared: series.Series, at: int) -> None:
        one = self._own[declared.name]
        words = {"url": "https://wifi.example", "version": "1.0.0", "status": "accepted", "outcome": "taken"}
        one = (
            one.labels(*[words.get(label, "too many requests") for label in declared.labels])
            if declared.labels
            else one
        )
        if declared.type == "counter":
            one.inc(7)
        elif declared.type == "histogram":
            one.observe(0.01)
        else:
            one.set(at - 30 if "timestamp" in declared.name else 1)


def _as_scraped(text: bytes) -> bytes:
    """Without comments, and with the labels that Prometheus adds."""
    text = re.sub(rb"(?m)^#.*\n", b"", text)
    text = re.sub(rb"(?m)^(\w+)\{", rb"\1{" + TARGET + b",", text)
    return re.sub(rb"(?m)^(\w+) ", rb"\1{" + TARGET + b"} ", text)


def moments(since: float, until: float, *tiers: tuple[float, float]) -> list[int]:
    """The instants of scrapes. A tier is (seconds before the end from which on, seconds from scrape to scrape)."""
    found: set[int] = set()
    starts = [until - before for before, _ in tiers[1:]] + [until]
    begin = since
    for (_, every), end in zip(tiers, starts, strict=True):
        found.update(range(int(begin), int(end), int(every)))
        begin = end
    return sorted({*found, int(until)})


def write_blocks(district: District, when: list[int], folder: Path, seldom_before: float = 0.0) -> int:
    """Makes the blocks of a Prometheus's data folder with promtool: all that is scraped, and before ``seldom_before``
    all but the lines of :data:`SELDOM`. Returns how many samples are in them."""
    promtool = binaries.need("promtool")
    scrapes = Scrapes(district)
    samples = 0
    gaps = dict(zip(when, [60.0, *(float(b - a) for a, b in pairwise(when))], strict=True))
    for block in sorted({at // BLOCK_SECONDS for at in when}):
        path = folder.with_suffix(f".{block}.txt")
        with path.open("wb") as file:
            for at in (at for at in when if at // BLOCK_SECONDS == block):
                detail = [line for n in range(district.detailed) for line in forwarded(district, n, at, gaps[at])]
                scraped = scrapes.at(at)
                text = (SELDOM.sub(b"", scraped) if at < seldom_before else scraped) + "".join(detail).encode()
                samples += text.count(b"\n")
                file.write(text.replace(b"\n", b" %d\n" % at))
            file.write(b"# EOF\n")
        command = [promtool, "tsdb", "create-blocks-from", "openmetrics", "--quiet", path, folder]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        path.unlink()
        if ran.returncode:
            raise AssertionError(f"promtool made no block: {ran.stdout}{ran.stderr}"[:2000])
    return samples
