"""One cell of an imported file as a value: text goes in, an identifier, address or date comes out, or a BadCell that
says what is wrong and what mends it."""

from __future__ import annotations

import datetime
import ipaddress
import re
import zoneinfo
from functools import lru_cache

METHODS = ("icmp", "arp", "tcp")
CHOSEN = ("drawn", "complaint", "chosen")

_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SERIAL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{3,63}")
_HEX12 = re.compile(r"[0-9a-f]{12}")
_YES = frozenset({"yes", "y", "true", "1"})
_NO = frozenset({"", "no", "n", "false", "0"})


class BadCell(ValueError):
    def __init__(self, reason: str, mend: str) -> None:
        super().__init__(f"{reason}; {mend}")
        self.reason = reason
        self.mend = mend


def identifier(column: str, text: str) -> str:
    """A campus's own stable id. A CDS code names a school, and a campus can hold several schools."""
    if not text:
        raise BadCell(f"{column} is empty", f"give every row its {column}")
    if re.fullmatch(r"\d{14}", text):
        raise BadCell(
            f"{column} {text} looks like a CDS code, which names a school",
            "give the campus an id of its own and put CDS codes into the column schools",
        )
    if not _IDENTIFIER.fullmatch(text):
        raise BadCell(f"{column} {text!r} is not an id", "use up to 64 letters, digits, dot, dash or underscore")
    return text


def name(column: str, text: str, most: int = 120) -> str:
    if not text:
        raise BadCell(f"{column} is empty", f"give every row its {column}")
    if len(text) > most:
        raise BadCell(f"{column} is {len(text)} characters long", f"shorten it to {most}")
    return text


def part(column: str, text: str) -> str:
    """A building's or a room's name: part of a place's id, whose parts are divided by a slash."""
    if "/" in text:
        raise BadCell(f"{column} {text!r} holds a slash", "write a dash instead: the slash divides building and room")
    return name(column, text, 48)


def hardware_id(text: str) -> str:
    """An access point's id: its Ethernet MAC in any of the usual forms, written one way, or else its serial number."""
    if not text:
        raise BadCell("id is empty", "give the access point's Ethernet MAC address or serial number")
    digits = re.sub(r"[:.\-\s]", "", text.lower())
    if _HEX12.fullmatch(digits):
        return _mac("id", text, digits)
    if re.search(r"[:\s]", text) or not _SERIAL.fullmatch(text):
        raise BadCell(f"id {text!r} is neither a MAC address nor a serial number", "copy it from the device's label")
    return text


def bssid(text: str) -> str:
    digits = re.sub(r"[:.\-]", "", text.lower())
    if not _HEX12.fullmatch(digits):
        raise BadCell(f"BSSID {text!r} is not a MAC address", "write it like 00:11:22:33:44:55")
    return _mac("BSSID", text, digits)


def _mac(column: str, text: str, digits: str) -> str:
    if int(digits[:2], 16) & 1 or not int(digits, 16):
        raise BadCell(f"{column} {text!r} is no device's address", "copy the address from the device's label")
    return ":".join(digits[at : at + 2] for at in range(0, 12, 2))


def address(column: str, text: str) -> str:
    if not text:
        raise BadCell(f"{column} is empty", "give the IPv4 or IPv6 address at which it answers")
    try:
        value = ipaddress.ip_address(text)
    except ValueError:
        if "/" in text:
            raise BadCell(f"{column} {text!r} is a network", "give the address alone, without the slash") from None
        raise BadCell(f"{column} {text!r} is not an IP address", "write it like 10.1.2.3 or 2001:db8::1") from None
    if value.is_multicast or value.is_unspecified or text == "255.255.255.255":
        raise BadCell(f"{column} {text} is no single device's address", "give the address at which it answers")
    return str(value)


@lru_cache(maxsize=64)
def timezone(text: str) -> str:
    try:
        zoneinfo.ZoneInfo(text)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise BadCell(f"timezone {text!r} is not known", "write it like America/Los_Angeles") from None
    return text


def yes_or_no(column: str, text: str) -> bool:
    folded = text.lower()
    if folded in _YES:
        return True
    if folded in _NO:
        return False
    raise BadCell(f"{column} {text!r} is neither yes nor no", "write yes or no")


def one_of(column: str, text: str, choices: tuple[str, ...], default: str) -> str:
    folded = text.lower() or default
    if folded not in choices:
        raise BadCell(f"{column} {text!r} is not known", f"write one of {', '.join(choices)}")
    return folded


def port(text: str, method: str) -> int | None:
    if method != "tcp":
        if text:
            raise BadCell(f"port {text} with method {method}", "only the method tcp has a port: leave it empty")
        return None
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65535:
        raise BadCell(f"port {text!r} is not a port", "the method tcp needs a port from 1 to 65535")
    return int(text)


def date(column: str, text: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise BadCell(f"{column} {text!r} is not a date", "write it like 2026-08-13") from None


def listed(text: str) -> list[str]:
    """The parts of a cell that holds several values."""
    return [item for item in re.split(r"[;|\s]+", text) if item]


def ssids(column: str, text: str) -> tuple[str, ...]:
    """SSIDs divided by semicolons: they may hold spaces, commas and bars. One has 1 to 32 bytes (IEEE 802.11)."""
    found = tuple(part for part in (part.strip() for part in text.split(";")) if part)
    for ssid in found:
        if len(ssid.encode()) > 32:
            raise BadCell(f"{column} {ssid!r} is longer than 32 bytes", "write each SSID, divided by semicolons")
    return found
