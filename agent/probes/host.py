"""Host: the device itself, so that a figure of the Wi-Fi can be told from a tired little computer's."""

from __future__ import annotations

import os
from pathlib import Path

import psutil
from msgspec import Struct

from agent import surroundings, uplink, wire
from agent.clock import ask_kernel
from agent.probes.base import Deadline
from agent.probes.figures import boottime

KIND = "host"


class Settings(Struct, frozen=True):
    """``interface``: the network card to report, else that of the default route. ``data_dir``: whose disk to watch."""

    interface: str | None = None
    data_dir: str = "/"


def probe(settings: Settings, deadline: Deadline) -> wire.Host:
    """One row. ``cpu_ratio`` is over a quarter of a second of this probe's own time."""
    began = boottime()
    process = psutil.Process()
    busy = psutil.cpu_percent(interval=max(min(0.25, deadline.remaining()), 0.01)) / 100
    way = uplink.route()
    nic = settings.interface or (way.interface if way else None)
    state = psutil.net_if_stats().get(nic) if nic else None
    count = psutil.net_io_counters(pernic=True).get(nic) if nic else None
    own = process.cpu_times()
    ntp = ask_kernel()
    at = boottime()
    return wire.Host(
        at=[round(at, 6)],
        duration_seconds=[round(at - began, 6)],
        outcome=["ok"],
        reason=[None],
        cpu_ratio=[round(min(max(busy, 0.0), 1.0), 4)],
        memory_used_ratio=[round(min(psutil.virtual_memory().percent / 100, 1.0), 4)],
        disk_free_bytes=[_disk_free(settings.data_dir)],
        temperature_celsius=[_temperature()],
        nic=[nic[:64] if nic else None],
        nic_up=[bool(state.isup) if state else None],
        nic_speed_bits_per_second=[nic_speed(nic)],
        nic_receive_bytes=[count.bytes_recv if count else None],
        nic_transmit_bytes=[count.bytes_sent if count else None],
        nic_errors=[count.errin + count.errout if count else None],
        nic_drops=[count.dropin + count.dropout if count else None],
        # Of a clock that nobody disciplines the kernel says 0.
        clock_offset_seconds=[ntp.offset_seconds if ntp.synced else None],
        agent_cpu_seconds=[round(own.user + own.system, 3)],
        agent_resident_bytes=[process.memory_info().rss],
        surroundings=[surroundings.fingerprint(settings.interface)],
    )


def nic_speed(nic: str | None) -> float | None:
    """The card's agreed speed. None where the driver does not know it (most radios, every veth)."""
    state = psutil.net_if_stats().get(nic) if nic else None
    # The kernel says 65535 for "unknown" on some drivers.
    return state.speed * 1e6 if state and 0 < state.speed < 65535 * 16 and state.speed != 65535 else None


def _disk_free(folder: str) -> int | None:
    path = Path(folder)
    while not path.exists() and path != path.parent:
        path = path.parent
    try:
        found = os.statvfs(path)
    except OSError:
        return None
    return found.f_bavail * found.f_frsize


def _temperature() -> float | None:
    """The hottest sensor: throttling begins there."""
    if not hasattr(psutil, "sensors_temperatures"):
        return None
    readings = [one.current for group in psutil.sensors_temperatures().values() for one in group]
    return round(max(readings), 1) if readings else None
