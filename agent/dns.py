"""One DNS question over UDP and whether its answer is one. No library: nothing is cached, retried or followed here,
because the question is how the *server* does."""

from __future__ import annotations

import secrets
import socket
import struct
import time
from typing import NamedTuple

_CODES = {1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED"}


class Reply(NamedTuple):
    """``outcome``: ok, timeout, refused, unreachable, send, or the server's own code (servfail, nxdomain…)."""

    outcome: str
    reason: str
    seconds: float | None
    addresses: tuple[str, ...] = ()


def question(name: str, number: int) -> bytes:
    """A recursive question for ``name``'s IPv4 address."""
    labels = name.rstrip(".").encode("idna").split(b".")
    packed = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
    return struct.pack(">HHHHHH", number, 0x0100, 1, 0, 0, 0) + packed + struct.pack(">HH", 1, 1)


def ask(server: str, name: str, timeout_seconds: float, port: int = 53, interface: str = "") -> Reply:
    """Asks ``server`` once. Answers that are not to our question are passed over, as a resolver must."""
    number = secrets.randbelow(1 << 16)
    query = question(name, number)
    with socket.socket(socket.AF_INET6 if ":" in server else socket.AF_INET, socket.SOCK_DGRAM) as sock:
        began = time.monotonic()
        try:
            if interface:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
            sock.connect((server, port))
            sock.send(query)
        except OSError as fault:
            return Reply("send", fault.strerror or str(fault), None)
        while (left := began + timeout_seconds - time.monotonic()) > 0:
            sock.settimeout(left)
            try:
                data = sock.recv(4096)
            except TimeoutError:
                break
            except ConnectionRefusedError:
                return Reply("refused", "no DNS server listens there", None)
            except OSError as fault:
                return Reply("unreachable", fault.strerror or str(fault), None)
            took = time.monotonic() - began
            if len(data) < len(query) or data[:2] != query[:2] or not data[2] & 0x80:
                continue
            if data[12 : len(query)].lower() != query[12:].lower():
                continue
            code = data[3] & 15
            if code:
                word = _CODES.get(code, f"RCODE{code}")
                return Reply(word.lower(), f"the server answered {word} for {name[:60]}", None)
            return Reply("ok", "", took, _addresses(data, len(query)))
    return Reply("timeout", "no answer", None)


def _addresses(data: bytes, at: int) -> tuple[str, ...]:
    """The IPv4 addresses among the answers, which begin at ``at``. What is cut short ends the list."""
    found = []
    for _ in range(struct.unpack_from(">H", data, 6)[0]):
        while at < len(data) and 0 < data[at] < 0xC0:
            at += 1 + data[at]
        at += 2 if at < len(data) and data[at] >= 0xC0 else 1
        if at + 10 > len(data):
            break
        kind, _, _, length = struct.unpack_from(">HHIH", data, at)
        at += 10
        if kind == 1 and length == 4 and at + 4 <= len(data):
            found.append(socket.inet_ntoa(data[at : at + 4]))
        at += length
    return tuple(found)
