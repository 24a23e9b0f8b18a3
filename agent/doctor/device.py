"""The device itself: its link, its way out, what the kernel lets the agent do, its clock, its disk."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
from pathlib import Path

from agent import icmp, uplink
from agent.clock import RealClock
from agent.config import Config
from agent.doctor.check import Check
from agent.probes.base import CouldNotRun, Deadline

_NEIGHBOURS_NEEDED = icmp.MAX_TARGETS + 24
_ALL = ("reach", "path", "host", "throughput")
# Bit numbers in the kernel's capability mask (capability.h).
_CAPABILITIES = {"CAP_NET_ADMIN": 12, "CAP_NET_RAW": 13}
_TIME_DAEMONS = {"systemd-timesyn": "systemd-timesyncd", "chronyd": "chrony", "ntpd": "ntpd"}
# Below this a spool holds hours, not an outage.
_LEAST_DISK_BYTES = 64 << 20


def examine(config: Config) -> list[Check]:
    """Every check, in the order of the ladder."""
    return [
        _link(), _gateway(), _addresses(), _names(), _icmp(), _arp(), _scapy(), _scans(), _joins(), _neighbours(),
        _clock(), _disk(config.data_dir, config.spool_quota_bytes),
    ]  # fmt: skip


def capable(name: str, status: Path = Path("/proc/self/status")) -> bool:
    """Whether this process holds the capability ``name``."""
    for line in status.read_text().splitlines():
        if line.startswith("CapEff:"):
            return bool(int(line.split()[1], 16) >> _CAPABILITIES[name] & 1)
    return False


def _link() -> Check:
    up = [name for name in uplink.interfaces() if uplink.carrier(name)]
    if up:
        return Check("link", "ok", f"up: {', '.join(up)}", needed=True)
    mend = "plug in the cable, or join the Wi-Fi; then `ip -br link`"
    return Check("link", "missing", "no interface has a link", mend, _ALL, needed=True)


def _gateway() -> Check:
    way = uplink.route()
    if way is not None:
        return Check("gateway", "ok", f"{way.gateway or 'on link'} through {way.interface}")
    return Check("gateway", "warning", "no default route", "check DHCP on this network, or `ip route`")


def _addresses() -> Check:
    # Towards an address of the documentation range: asks the routes, sends nothing.
    own = uplink.source("192.0.2.1")
    if own is not None:
        return Check("address", "ok", own)
    return Check("address", "warning", "none that leads outside", "check DHCP: `networkctl status`, or `ip -br addr`")


def _names() -> Check:
    servers = uplink.name_servers()
    if servers:
        return Check("name servers", "ok", ", ".join(servers))
    return Check("name servers", "warning", "none configured", "check DHCP, or /etc/resolv.conf")


def _icmp() -> Check:
    try:
        raw = _can_open(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        [answer] = icmp.sweep(["127.0.0.1"], count=1, timeout_seconds=0.5, deadline=Deadline(2))
    except CouldNotRun as fault:
        return Check("ping", "missing", fault.reason, fault.hint, ("reach", "path"), needed=True)
    kind = "raw socket" if raw else "ping socket"
    if not answer.received:
        mend = "a firewall on this device drops ICMP: check `nft list ruleset`"
        found = f"{kind}, but no answer from this device itself"
        return Check("ping", "missing", found, mend, ("reach", "path"), needed=True)
    if not answer.kernel:
        return Check("ping", "warning", f"{kind}, without kernel transmit stamps",
                     "times are less exact, and marked so", needed=True)  # fmt: skip
    return Check("ping", "ok", f"{kind}, timed by the kernel", needed=True)


def _arp() -> Check:
    if _can_open(socket.AF_PACKET, socket.SOCK_RAW, 0):
        return Check("ARP", "ok", "packet socket")
    return Check(
        "ARP",
        "warning",
        "no permission for packet sockets",
        "give the agent CAP_NET_RAW (its unit does); here: run this as root",
    )


def _scapy() -> Check:
    if importlib.util.find_spec("scapy") is not None:
        return Check("scapy", "ok", "installed; loaded only when ARP is asked for")
    return Check("scapy", "warning", "not installed: no ARP probe", "pip install 'campus-wifi[agent]'")


def _neighbours() -> Check:
    try:
        limit = int(Path("/proc/sys/net/ipv4/neigh/default/gc_thresh3").read_text())
    except (OSError, ValueError):
        return Check("neighbour table", "warning", "its limit cannot be read here", "look on the host: gc_thresh3")
    if limit >= _NEIGHBOURS_NEEDED:
        return Check("neighbour table", "ok", f"room for {limit} addresses of the own segment")
    return Check("neighbour table", "warning", f"room for {limit} addresses of the own segment",
                 f"for big networks: sysctl net.ipv4.neigh.default.gc_thresh3={4 * _NEIGHBOURS_NEEDED}")  # fmt: skip


def _scans() -> Check:
    if capable("CAP_NET_ADMIN"):
        return Check("CAP_NET_ADMIN", "ok", "held: scans and channels may be asked for")
    mend = "deploy/systemd/scan.conf gives it to the prober; here: run this as root"
    return Check("CAP_NET_ADMIN", "warning", "not held: the kernel starts no scan", mend, ("airspace", "join"))


def _joins() -> Check:
    if shutil.which("wpa_supplicant", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"):
        return Check("wpa_supplicant", "ok", "installed")
    mend = "apt-get install --no-install-recommends wpasupplicant iw"
    return Check("wpa_supplicant", "warning", "not installed: nothing can be joined", mend, ("join",))


def _clock() -> Check:
    state = RealClock().reading().state
    daemons = _time_daemons()
    held = f" ({', '.join(daemons)})" if daemons else ""
    if state == "synced":
        return Check("clock", "ok", f"held by NTP{held}")
    found = f"{state}: not held by NTP{held or '; no time daemon runs'}"
    mend = "chronyc tracking, or timedatectl timesync-status" if daemons else "apt-get install systemd-timesyncd"
    return Check("clock", "warning", found, f"{mend}; until then the collector's time is used")


def _time_daemons() -> list[str]:
    names = set()
    for path in Path("/proc").glob("[0-9]*/comm"):
        try:
            names.add(path.read_text().strip())
        except OSError:  # ended meanwhile
            continue
    return sorted(shown for name, shown in _TIME_DAEMONS.items() if name in names)


def _disk(folder: Path, quota_bytes: int) -> Check:
    place = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(place).free
    found = f"{free / 2**20:,.0f} MiB free for a spool of {quota_bytes / 2**20:,.0f} MiB in {folder}"
    if not os.access(place, os.W_OK):
        mend = "set data_dir to a folder the agent may write, or run this as the agent's user"
        return Check("spool", "warning", f"{place} may not be written by user {os.geteuid()}", mend)
    if free >= quota_bytes:
        return Check("spool", "ok", found)
    mend = f"make room, or set spool_quota_bytes = {max(free // 2, _LEAST_DISK_BYTES)} in agent.toml"
    if free < _LEAST_DISK_BYTES:
        return Check("spool", "missing", found, mend, needed=True)
    return Check("spool", "warning", found, mend)


def _can_open(family: int, kind: int, protocol: int) -> bool:
    try:
        socket.socket(family, kind, protocol).close()
    except OSError:
        return False
    return True
