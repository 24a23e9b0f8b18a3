"""The internet checksum (RFC 1071), for packets that this agent builds itself."""

from __future__ import annotations

import struct


def checksum(data: bytes) -> int:
    """Of IP headers, ICMP and UDP; an odd byte counts as if a zero followed it."""
    even = data + b"\0" * (len(data) % 2)
    total: int = sum(struct.unpack(f">{len(even) // 2}H", even))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
