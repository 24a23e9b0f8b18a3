"""Where this device is plugged in, as one fingerprint: the gateway's MAC address and the segment it stands on.

A device that was carried to another room's segment, another campus or home says another fingerprint, and the collector
asks before it believes it again. The gateway is infrastructure; no other neighbour is looked at. The gateway of a home
would still tell which home: so the digest is keyed with what only this device knows, and nobody can search for it.
"""

from __future__ import annotations

import hmac
from pathlib import Path

from agent import uplink

MACHINE_ID = Path("/etc/machine-id")
"""Stable over restarts and readable to every process of the device, but not to be told to others (machine-id(5))."""
_HEX_DIGITS = 32


def fingerprint(
    interface: str | None = None, machine_id: Path = MACHINE_ID, tables: Path = uplink.TABLES
) -> str | None:
    """None without a gateway, while its MAC address is not known, and on a device without a machine id."""
    gateway = uplink.gateway(interface, tables)
    if gateway is None:
        return None
    try:
        key = machine_id.read_bytes().strip()
    except OSError:
        return None
    told = f"campus-wifi surroundings\n{gateway.mac}\n{gateway.segment}"
    return hmac.new(key, told.encode(), "sha256").hexdigest()[:_HEX_DIGITS] if key else None
