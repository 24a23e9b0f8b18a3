"""A lease put on an interface and taken off again, by ioctl: a process for each step would be in the figures.

The default route gets a poor metric. In a network namespace of the test radio's own it is the only one; beside an
uplink it serves only sockets bound to the test radio, and the device's own traffic stays where it was.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

from agent.association import Failed
from agent.dhcp import Lease

_SET_ADDRESS, _SET_MASK, _ADD_ROUTE = 0x8916, 0x891C, 0x890B
_UP, _GATEWAY = 1, 2
_METRIC = 30000


def mac_of(interface: str) -> bytes:
    """The radio's own MAC. Raises OSError where there is no such interface."""
    return bytes.fromhex(Path("/sys/class/net", interface, "address").read_text().strip().replace(":", ""))


@contextlib.contextmanager
def applied(interface: str, lease: Lease) -> Iterator[None]:
    """Address and default route while it lasts. Raises Failed for a lease that cannot be used, OSError where this
    process may not."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        _set(sock, _SET_ADDRESS, interface, lease.address)
        try:
            mask = socket.inet_ntoa(struct.pack(">I", 0xFFFFFFFF << (32 - lease.prefix_length) & 0xFFFFFFFF))
            _set(sock, _SET_MASK, interface, mask)
            if lease.router:
                try:
                    _route(sock, interface, lease.router)
                except PermissionError:
                    raise
                except OSError:
                    raise Failed("the lease's router is not in the lease's own network") from None
            yield
        finally:
            # The routes go with the address, or with the interface itself.
            with contextlib.suppress(OSError):
                _set(sock, _SET_ADDRESS, interface, "0.0.0.0")  # noqa: S104 - none


def _set(sock: socket.socket, request: int, interface: str, address: str) -> None:
    fcntl.ioctl(sock, request, struct.pack("16s16s8x", interface.encode(), _socket_address(address)))


def _route(sock: socket.socket, interface: str, router: str) -> None:
    """``struct rtentry`` of linux/route.h; the metric is one more than what `ip route` shows."""
    name = ctypes.create_string_buffer(interface.encode())
    anywhere = _socket_address("0.0.0.0")  # noqa: S104 - the default route
    entry = struct.pack(
        "@L16s16s16sHhLPhPLLH", 0, anywhere, _socket_address(router), anywhere, _UP | _GATEWAY, 0, 0, 0, _METRIC + 1,
        ctypes.addressof(name), 0, 0, 0,
    )  # fmt: skip
    fcntl.ioctl(sock, _ADD_ROUTE, entry)


def _socket_address(address: str) -> bytes:
    return struct.pack("@HH4s8x", socket.AF_INET, 0, socket.inet_aton(address))
