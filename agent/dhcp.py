"""A DHCP lease as a measurement (RFC 2131): an interface goes in; server, address and seconds come out, or why not.

Over a packet socket, as a device without an address must, with a kernel filter that lets through nothing but answers
to DHCP clients. No library: the seconds are what this is for. Never a host name; the client is its radio's own MAC.

A first repetition comes after 1 s, not RFC 2131's 4 s (meant, it says, for a 10 Mb/s Ethernet). The access point opens
its port only when it has worked through the last message of the handshake, and drops what comes before. A DISCOVER sent
in the same millisecond is lost so, now and then, and 4 s would be the network's in the figures. The devices that
pupils hold ask again as soon: Apple's client after 1 s, Android's after 1 or 2.
"""

from __future__ import annotations

import contextlib
import ctypes
import ipaddress
import random
import secrets
import socket
import struct
import time
from typing import NamedTuple

from agent.association import Failed
from agent.checksum import checksum

_DISCOVER, _OFFER, _REQUEST, _ACK, _NAK, _RELEASE = 1, 2, 3, 5, 6, 7
_COOKIE = b"\x63\x82\x53\x63"
_ETHERTYPE_IP = 0x0800
_SO_ATTACH_FILTER = 26
# What a device asks for: mask, router, name servers, lease time, captive portal (RFC 8910).
_WANTED = bytes((1, 3, 6, 51, 54, 114))
# Doubled up to RFC 2131's 64 s, each up to a quarter more or less, which is the RFC's second in four.
_FIRST_WAIT_SECONDS = 1.0
_LONGEST_WAIT_SECONDS = 64.0
_SPREAD_RATIO = 0.25
# UDP, not a later fragment, to port 68; (code, jump if true, jump if false, constant) of classic BPF.
_FILTER = (
    (0x30, 0, 0, 9), (0x15, 0, 6, 17), (0x28, 0, 0, 6), (0x45, 4, 0, 0x1FFF),
    (0xB1, 0, 0, 0), (0x48, 0, 0, 2), (0x15, 0, 1, 68), (0x06, 0, 0, 0xFFFF), (0x06, 0, 0, 0),
)  # fmt: skip


class Lease(NamedTuple):
    """``seconds``: from the first DISCOVER to the ACK. ``resent``: how often we had to ask again."""

    server: str
    address: str
    prefix_length: int
    router: str
    name_servers: tuple[str, ...]
    lease_seconds: int
    captive_portal: str
    seconds: float
    resent: int


class _Message(NamedTuple):
    kind: int
    address: str
    options: dict[int, bytes]


def release(interface: str, mac: bytes, lease: Lease) -> None:
    """Gives the address back, so that a test radio does not use up a school's pool. Nobody answers this."""
    options = {54: socket.inet_aton(lease.server)}
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
        sock.bind((lease.address, 68))
        message = _packed(_RELEASE, secrets.token_bytes(4), mac, 0, options, lease.address)
        sock.sendto(message, (lease.server, 67))


class Client:
    """One conversation with whatever servers there are. Make it before the clock runs: to open and close a packet
    socket takes the kernel tens of milliseconds. Raises OSError where this device may not ask."""

    def __init__(self, interface: str, mac: bytes) -> None:
        self._mac, self._interface = mac, interface
        self._began = self._until = 0.0
        self._xid = secrets.token_bytes(4)
        self._resent = 0
        self._refused = False
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
        try:
            _only_answers(self._socket)
            self._socket.bind((interface, _ETHERTYPE_IP))
        except OSError:
            self._socket.close()
            raise

    def close(self) -> None:
        self._socket.close()

    def obtain(self, seconds: float) -> Lease:
        """Asks for a lease for at most ``seconds``. Raises Failed where no server grants one."""
        self._began = time.monotonic()
        self._until = self._began + seconds
        offer = self._exchange(_DISCOVER, {}, {_OFFER})
        if offer is None:
            if self._refused:
                raise Failed("the DHCP server offers no address: its pool may be used up")
            raise Failed("no DHCP server answered")
        chosen = {50: socket.inet_aton(offer.address), 54: offer.options[54]}
        answer = self._exchange(_REQUEST, chosen, {_ACK, _NAK})
        took = time.monotonic() - self._began
        if answer is None:
            raise Failed("the DHCP server offered an address and then fell silent")
        if answer.kind == _NAK:
            raise Failed("the DHCP server refused the address that it had offered (NAK)")
        return _lease(answer, took, self._resent)

    def _exchange(self, kind: int, options: dict[int, bytes], wanted: set[int]) -> _Message | None:
        """Sends and sends again until an answer of a wanted kind comes, or None when time is up."""
        wait, first = _FIRST_WAIT_SECONDS, True
        while time.monotonic() < self._until:
            self._resent += not first
            first = False
            elapsed = int(time.monotonic() - self._began)
            asked = {61: b"\x01" + self._mac, 55: _WANTED, **options}
            datagram = _datagram(_packed(kind, self._xid, self._mac, elapsed, asked))
            self._socket.sendto(datagram, (self._interface, _ETHERTYPE_IP, 0, 0, b"\xff" * 6))
            spread = random.uniform(1 - _SPREAD_RATIO, 1 + _SPREAD_RATIO)  # noqa: S311 - spreads requests, hides nothing
            pause = wait * spread
            answer = self._answer(wanted, min(time.monotonic() + pause, self._until))
            if answer is not None:
                return answer
            wait = min(wait * 2, _LONGEST_WAIT_SECONDS)
        return None

    def _answer(self, wanted: set[int], until: float) -> _Message | None:
        while (left := until - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                data = self._socket.recv(4096)
            except TimeoutError:
                return None
            except PermissionError:
                raise
            except OSError:
                # The link was down since the last look: said once, and nothing is lost by it.
                continue
            message = _parsed(data, self._xid, self._mac)
            if message is None or message.kind not in wanted:
                continue
            if message.kind != _NAK and (message.address == "0.0.0.0" or len(message.options.get(54, b"")) != 4):  # noqa: S104
                self._refused = True
                continue
            return message
        return None


def _only_answers(sock: socket.socket) -> None:
    """No other packet may reach this process, whoever's it is."""
    program = b"".join(struct.pack("@HBBI", *step) for step in _FILTER)
    kept = ctypes.create_string_buffer(program)
    sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("@HP", len(_FILTER), ctypes.addressof(kept)))


def _packed(
    kind: int,
    xid: bytes,
    mac: bytes,
    elapsed: int,
    options: dict[int, bytes],
    address: str = "0.0.0.0",  # noqa: S104
) -> bytes:
    head = struct.pack(">BBBB4sHH4s12x16s192x", 1, 1, 6, 0, xid, elapsed, 0, socket.inet_aton(address), mac)
    listed = b"".join(bytes((code, len(value))) + value for code, value in options.items())
    return (head + _COOKIE + bytes((53, 1, kind)) + listed + b"\xff").ljust(300, b"\0")


def _datagram(message: bytes) -> bytes:
    """IP and UDP around it, from 0.0.0.0:68 to 255.255.255.255:67."""
    length = 8 + len(message)
    addresses = b"\0" * 4 + b"\xff" * 4
    pseudo = addresses + struct.pack(">BBHHHHH", 0, 17, length, 68, 67, length, 0) + message
    udp = struct.pack(">HHHH", 68, 67, length, checksum(pseudo) or 0xFFFF)
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + length, 0, 0, 64, 17, 0) + addresses
    return head[:10] + struct.pack(">H", checksum(head)) + head[12:] + udp + message


def _parsed(packet: bytes, xid: bytes, mac: bytes) -> _Message | None:
    """The answer to us in an IP packet, or None: others' answers are passed over unread."""
    data = packet[(packet[0] & 15) * 4 + 8 :] if packet else b""
    if len(data) < 241 or data[0] != 2 or data[4:8] != xid or data[28:34] != mac or data[236:240] != _COOKIE:
        return None
    options: dict[int, bytes] = {}
    at = 240
    while at + 1 < len(data) and data[at] != 255:
        if data[at] == 0:
            at += 1
            continue
        value = data[at + 2 : at + 2 + data[at + 1]]
        # A long option comes in parts (RFC 3396).
        options[data[at]] = options.get(data[at], b"") + value
        at += 2 + data[at + 1]
    kind = options.get(53, b"\0")[:1]
    return _Message(kind[0] if kind else 0, socket.inet_ntoa(data[16:20]), options)


def _lease(answer: _Message, seconds: float, resent: int) -> Lease:
    options = answer.options
    mask = options.get(1, b"\xff\xff\xff\x00")[:4]
    try:
        prefix = ipaddress.IPv4Network(f"0.0.0.0/{socket.inet_ntoa(mask)}").prefixlen
    except (ValueError, OSError):
        raise Failed("the DHCP server's lease has a network mask that is none") from None
    portal = options.get(114, b"").decode("ascii", "replace")
    return Lease(
        server=socket.inet_ntoa(options[54]),
        address=answer.address,
        prefix_length=prefix,
        router=next(iter(_list(options.get(3, b""))), ""),
        name_servers=_list(options.get(6, b"")),
        lease_seconds=int.from_bytes(options.get(51, b"")[:4], "big"),
        # RFC 8910: this word says that there is no portal.
        captive_portal="" if portal == "urn:ietf:params:capport:unrestricted" else portal,
        seconds=seconds,
        resent=resent,
    )


def _list(value: bytes) -> tuple[str, ...]:
    return tuple(socket.inet_ntoa(value[at : at + 4]) for at in range(0, len(value) - 3, 4))
