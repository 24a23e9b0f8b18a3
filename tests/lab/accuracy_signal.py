"""What the airspace probe hears, beside `iw` on the same radio and beside a monitor's ears.

Three access points on three channels: one of the campus, one of the campus with a second SSID, a foreign one. The first
is heard at levels from beside it to the edge; each level is set in the simulated radio and read by all three.
"""

import re
import time
from pathlib import Path
from typing import Any

from agent import wire
from agent.probes import airspace
from agent.probes.base import Deadline
from tests.e2e.programs import Programs
from tests.lab.accuracy_figure import Figure
from tests.lab.air import AccessPoint, run

RADIOS = 5
LISTENER, MONITOR = "wlan0", "mon0"
LEVELS_DBM = (-20, -67, -75, -90)
RUNS = 3
SSIDS = ["School", "School-Guests"]
CHANNELS = {36: 5_180_000_000, 44: 5_220_000_000, 48: 5_240_000_000}
# As many as the probe puts into one scan.
MORE_HERTZ = [*CHANNELS.values(), *(2_412_000_000 + 5_000_000 * number for number in range(9))]
Pairs = list[tuple[float, float | None]]


def measure(programs: Programs, folder: Path) -> list[Figure]:
    ours, second, foreign = (
        AccessPoint(programs, folder, radio, channel=channel, ssid=ssid)
        for radio, channel, ssid in zip((2, 3, 4), CHANNELS, (*SSIDS, "Neighbour"), strict=True)
    )
    for one in (ours, second, foreign):
        one.start()
        one.heard_at(-50)
    run("ip", "link", "set", LISTENER, "up")
    run("ip", "link", "set", "wlan1", "down")
    run("iw", "phy", "phy1", "interface", "add", MONITOR, "type", "monitor")
    run("ip", "link", "set", MONITOR, "up")
    listed = [ours.bssid, second.bssid]
    found = []
    for level in LEVELS_DBM:
        ours.heard_at(level)
        found += _signal(level, ours.bssid, listed)
    ours.heard_at(-50)
    return [*found, *_same(listed), *_quick(listed)]


def _signal(level: int, bssid: str, listed: list[str]) -> list[Figure]:
    scanned: Pairs = []
    heard: Pairs = []
    for _ in range(RUNS):
        by_scan = _rows(_hear(LISTENER, listed)["airspace"])
        reference = _iw()[bssid]
        by_monitor = _rows(_hear(MONITOR, listed)["airspace"])
        scanned.append((by_scan[bssid]["signal_dbm"], reference))
        heard.append((by_monitor[bssid]["signal_dbm"], reference))
    return [
        Figure(f"signal at {level} dBm, by scan", f"iw dev {LISTENER} scan dump", "dBm", scanned, 1.0),
        Figure(f"signal at {level} dBm, in monitor mode", f"iw dev {LISTENER} scan dump", "dBm", heard, 1.0),
    ]


def _same(listed: list[str]) -> list[Figure]:
    """The campus's by address, name, channel and security; the foreign one by the count on its channel, as it is kept
    by neither."""
    both: Pairs = []
    every: Pairs = []
    for _ in range(RUNS):
        scanned, heard = (_known(_hear(interface, listed)) for interface in (LISTENER, MONITOR))
        both.append((len(scanned & heard), len(scanned | heard)))
        every.append((len(scanned), len(_iw())))
    return [
        Figure("BSSs in both, scan and monitor mode", "BSSs in either", "BSSs", both, 0.0),
        Figure("BSSs by scan", f"iw dev {LISTENER} scan dump", "BSSs", every, 0.0),
    ]


def _quick(listed: list[str]) -> list[Figure]:
    found = []
    for hertz in (list(CHANNELS.values()), MORE_HERTZ):
        took: Pairs = []
        for _ in range(RUNS + 2):
            began = time.monotonic()
            _hear(LISTENER, listed, hertz)
            took.append((time.monotonic() - began, None))
        found.append(Figure(f"scan of {len(hertz)} named channels", "a limit", "seconds", took, 1.5))
    return found


def _hear(interface: str, listed: list[str], hertz: list[int] | None = None) -> dict[str, Any]:
    asked = airspace.Settings(interface, SSIDS, listed, None, hertz or list(CHANNELS.values()))
    return airspace.probe(asked, Deadline(15.0))


def _rows(table: wire.Airspace) -> dict[str, dict[str, Any]]:
    names = table.__struct_fields__
    rows = (dict(zip(names, row, strict=True)) for row in zip(*(getattr(table, name) for name in names), strict=True))
    return {row["bssid"]: row for row in rows}


def _known(tables: dict[str, Any]) -> set[tuple[Any, ...]]:
    own = {
        (row["bssid"], row["ssid"], row["channel"], row["security"], row["listed"])
        for row in _rows(tables["airspace"]).values()
    }
    air: wire.Channels = tables["channels"]
    return own | {(channel, count) for channel, count in zip(air.channel, air.foreign_bss, strict=True) if count}


def _iw() -> dict[str, float]:
    """Signal by BSSID in the kernel's results of the last scan."""
    found: dict[str, float] = {}
    for part in run("iw", "dev", LISTENER, "scan", "dump").split("\nBSS "):
        bssid = re.match(r"(?:BSS )?([0-9a-f:]{17})", part)
        signal = re.search(r"signal: (-?[\d.]+) dBm", part)
        if bssid and signal:
            found[bssid[1]] = float(signal[1])
    return found
