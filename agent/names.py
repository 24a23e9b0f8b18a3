"""A name to an IPv4 address within a bounded time: the system's resolver has no deadline of its own."""

from __future__ import annotations

import socket
import threading


class Unresolved(Exception):
    """No address. Says why."""


def address_of(name: str, seconds: float) -> str:
    """The first IPv4 address of ``name``; a literal address is its own. Raises Unresolved."""
    try:
        socket.inet_pton(socket.AF_INET, name)
    except OSError:
        pass
    else:
        return name
    found: list[str] = []
    why: list[str] = []

    def look() -> None:
        try:
            found.append(str(socket.getaddrinfo(name, None, socket.AF_INET, socket.SOCK_STREAM)[0][4][0]))
        except (OSError, UnicodeError) as fault:
            why.append(getattr(fault, "strerror", None) or str(fault))

    thread = threading.Thread(target=look, name=f"resolve {name}", daemon=True)
    thread.start()
    thread.join(max(seconds, 0.05))
    if found:
        return found[0]
    raise Unresolved(f"{name[:80]}: {why[0] if why else 'the resolver did not answer in time'}")
