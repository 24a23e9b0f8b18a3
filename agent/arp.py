"""ARP: asks access points of the same segment on the layer below IP. scapy's only importer among the probes.

scapy builds and reads the frames (loaded by layer and only when first used); sending and timing are done here, because
scapy's own send-and-receive is milliseconds out.
"""

from __future__ import annotations

import select
import socket
import struct
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agent.probes.base import CouldNotRun

_ARP = 0x0806
_SO_TIMESTAMPNS = 35
_BURST = 10


def ask(addresses: Sequence[str], interface: str, source: str, timeout_seconds: float) -> list[float | None]:
    """Asks every address once who has it; seconds to each answer, None without one."""
    from scapy.layers.l2 import ARP, Ether  # noqa: PLC0415 - 25 MB that an agent without ARP targets never pays

    try:
        mac = Path("/sys/class/net", interface, "address").read_text().strip()
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ARP))
    except PermissionError:
        raise CouldNotRun("no permission to send ARP", "give the agent CAP_NET_RAW") from None
    except OSError as fault:
        raise CouldNotRun(f"interface {interface}: {fault.strerror}", "see `ip link` for the names there are") from None
    frames = [
        bytes(
            Ether(src=mac, dst="ff:ff:ff:ff:ff:ff")
            / ARP(op="who-has", hwsrc=mac, psrc=source, pdst=address, hwdst="00:00:00:00:00:00")
        )
        for address in addresses
    ]
    sent: dict[str, int] = {}
    came: dict[str, int] = {}
    with sock:
        try:
            sock.bind((interface, _ARP))
            sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
            sock.setblocking(False)
            for place, (address, frame) in enumerate(zip(addresses, frames, strict=True)):
                sent[address] = time.clock_gettime_ns(time.CLOCK_REALTIME)
                sock.send(frame)
                if place % _BURST == _BURST - 1:
                    _take(sock, ARP, Ether, sent, came)
                    time.sleep(0.005)
        except OSError as fault:
            raise CouldNotRun(f"{interface}: {fault.strerror}", "check the cable or link of this device") from None
        until = time.monotonic() + timeout_seconds
        while len(came) < len(sent) and (left := until - time.monotonic()) > 0:
            select.select([sock], [], [], left)
            _take(sock, ARP, Ether, sent, came)
    return [(came[a] - sent[a]) / 1e9 if a in came and came[a] > sent[a] else None for a in addresses]


def _take(sock: socket.socket, arp: Any, ether: Any, sent: dict[str, int], came: dict[str, int]) -> None:
    while True:
        try:
            frame, controls, _, _ = sock.recvmsg(256, 64)
        except BlockingIOError:
            return
        # Requests of others, and our own, pass here too: only an answer (operation 2) about an address we asked counts.
        if frame[20:22] != b"\x00\x02":
            continue
        address = ether(frame)[arp].psrc
        if address in sent and address not in came:
            came[address] = time.clock_gettime_ns(time.CLOCK_REALTIME)
            for level, kind, data in controls:
                if (level, kind) == (socket.SOL_SOCKET, _SO_TIMESTAMPNS):
                    seconds, nanoseconds = struct.unpack_from("@ll", data)
                    came[address] = seconds * 1_000_000_000 + nanoseconds
