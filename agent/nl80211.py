"""nl80211, the kernel's door to its radios: an interface goes in, what was scanned, surveyed and connected comes out.

pyroute2's one importer, for its message codec alone: its own socket has no deadlines, its scan no list of frequencies,
and its reading of information elements trusts them. The socket here is a plain one, always with a deadline.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import struct
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from agent.elements import Beacon, band_of
from agent.probes.base import CouldNotRun, Deadline
from agent.radio import (
    Attributes,
    Connected,
    Interface,
    Survey,
    beacon_of,
    connected_of,
    interface_of,
    seen_at,
    surveys_of,
)

_GET_WIPHY, _SET_WIPHY, _GET_INTERFACE, _GET_STATION, _GET_SCAN, _TRIGGER_SCAN = 1, 2, 5, 17, 32, 33
_NEW_SCAN_RESULTS, _SCAN_ABORTED, _GET_SURVEY, _ABORT_SCAN = 34, 35, 50, 114
_GENL_CTRL, _CTRL_GETFAMILY = 0x10, 3
_NLMSG_ERROR, _NLMSG_DONE = 2, 3
_REQUEST, _ACK, _DUMP = 1, 4, 0x300
_SOL_NETLINK, _ADD_MEMBERSHIP = 270, 1
_HEADER = struct.Struct("=IHHII")
_MHZ = 1_000_000
_TRIES = 3
# enum nl80211_bss; pyroute2's own list ends before the time of hearing.
_BSS = (
    (1, "BSSID", "cdata"), (2, "FREQUENCY", "uint32"), (5, "CAPABILITY", "uint16"),
    (6, "INFORMATION_ELEMENTS", "cdata"), (7, "SIGNAL_MBM", "int32"), (9, "STATUS", "uint32"),
    (10, "SEEN_MS_AGO", "uint32"), (11, "BEACON_IES", "cdata"), (15, "LAST_SEEN_BOOTTIME", "uint64"),
)  # fmt: skip
_WANTED = frozenset({name for _, name, _ in _BSS}) | {
    "IFINDEX", "IFTYPE", "WIPHY", "WIPHY_FREQ", "CHANNEL_WIDTH", "BSS", "SURVEY_INFO", "STA_INFO",
    "WIPHY_BANDS", "FREQS", "FREQ", "DISABLED", "SUPPORTED_IFTYPES",
    "NOISE", "IN_USE", "TIME", "TIME_BUSY",
    "SIGNAL", "SIGNAL_AVG", "BEACON_SIGNAL_AVG", "TX_BITRATE", "RX_BITRATE", "BITRATE", "BITRATE32", "TX_PACKETS",
    "TX_RETRIES", "BEACON_LOSS", "CONNECTED_TIME",
}  # fmt: skip


# --- what is asked ----------------------------------------------------------------------------------------------


def interface(name: str, deadline: Deadline) -> Interface:
    """The Wi-Fi interface of that name. Raises CouldNotRun where there is none."""
    index = _index(name)
    with closing(_Talk(deadline)) as talk:
        found = next(talk.ask(_GET_INTERFACE, {"IFINDEX": index}, f"{name} is no Wi-Fi interface"), {})
    return interface_of(name, index, found)


def frequencies(radio: Interface, deadline: Deadline) -> list[int]:
    """The centre frequencies in hertz that this radio may listen to, under the rules of its country."""
    return abilities(radio.phy, deadline)[0]


def abilities(phy: int, deadline: Deadline) -> tuple[list[int], bool]:
    """The frequencies of a radio by its number, and whether it has monitor mode."""
    found: set[int] = set()
    modes: set[str] = set()
    with closing(_Talk(deadline)) as talk:
        asked = {"WIPHY": phy, "SPLIT_WIPHY_DUMP": True}
        for part in talk.ask(_GET_WIPHY, asked, f"radio phy{phy}", dump=True):
            modes.update(part.get("SUPPORTED_IFTYPES", ()))
            for band in part.get("WIPHY_BANDS", ()):
                for one in band.get("FREQS", ()):
                    if "DISABLED" not in one and band_of(one["FREQ"] * _MHZ):
                        found.add(one["FREQ"] * _MHZ)
    return sorted(found), "monitor" in modes


def scan(radio: Interface, listen: Sequence[int], deadline: Deadline) -> list[Beacon]:
    """Scans the frequencies (hertz) and gives the BSSs heard in this very scan. Raises CouldNotRun.

    The events are subscribed to before the scan is triggered: asked for afterwards, the end of a short scan is missed
    and waited for in vain. Where somebody else is scanning, it waits for that scan's end and asks again."""
    with closing(_Talk(deadline)) as events, closing(_Talk(deadline)) as talk:
        events.join("scan")
        for _ in range(_TRIES):
            began = _trigger(talk, events, radio, listen, deadline)
            try:
                if _finished(events, radio.number, deadline):
                    break
            except CouldNotRun:
                _abort(radio)
                raise
        else:
            raise CouldNotRun(f"scan on {radio.name}: aborted {_TRIES} times", "something else uses this radio")
        now = time.clock_gettime(time.CLOCK_BOOTTIME)
        dump = talk.ask(_GET_SCAN, {"IFINDEX": radio.number}, f"scan results of {radio.name}", dump=True)
        heard = [beacon_of(one["BSS"]) for one in dump if "BSS" in one and seen_at(one["BSS"], now) >= began]
    return [beacon for beacon in heard if beacon is not None]


def survey(radio: Interface, deadline: Deadline) -> dict[int, Survey]:
    """The counters of every channel that the driver tells of, by frequency in hertz."""
    with closing(_Talk(deadline)) as talk:
        dump = talk.ask(_GET_SURVEY, {"IFINDEX": radio.number}, f"survey of {radio.name}", dump=True)
        try:
            return surveys_of([one["SURVEY_INFO"] for one in dump if "SURVEY_INFO" in one])
        except _Unsupported:
            return {}


def connected(radio: Interface, deadline: Deadline) -> Connected | None:
    """The BSS that a station interface is connected to; None where it is not."""
    with closing(_Talk(deadline)) as talk:
        dump = talk.ask(_GET_SCAN, {"IFINDEX": radio.number}, f"the BSS of {radio.name}", dump=True)
        mine = [one["BSS"] for one in dump if one.get("BSS", {}).get("STATUS") == 1]
        bss = beacon_of(mine[0]) if mine else None
        if bss is None:
            return None
        asked = {"IFINDEX": radio.number, "MAC": bss.bssid}
        try:
            told = next(talk.ask(_GET_STATION, asked, f"the link of {radio.name}"), {})
        except _Gone:
            return None
    return connected_of(bss, told.get("STA_INFO", {}))


def tune(radio: Interface, frequency_hertz: int, deadline: Deadline) -> bool:
    """Sets a monitor interface to a channel of 20 MHz; False where the radio is bound to another (it is associated)."""
    with closing(_Talk(deadline)) as talk:
        asked = {"IFINDEX": radio.number, "WIPHY_FREQ": frequency_hertz // _MHZ, "CHANNEL_WIDTH": 1}
        try:
            list(talk.ask(_SET_WIPHY, asked, f"channel of {radio.name}"))
        except _Busy:
            return False
    return True


# --- the scan's course ------------------------------------------------------------------------------------------


def _trigger(talk: _Talk, events: _Talk, radio: Interface, listen: Sequence[int], deadline: Deadline) -> float:
    """Starts a scan; CLOCK_BOOTTIME seconds just before it began."""
    asked = {
        "IFINDEX": radio.number,
        "SCAN_FREQUENCIES": _list(struct.pack("=I", hertz // _MHZ) for hertz in listen),
        # One empty name: whoever is there may answer. Where the country forbids asking, the kernel only listens.
        "SCAN_SSIDS": _list([b""]),
    }
    while True:
        events.drain()
        began = time.clock_gettime(time.CLOCK_BOOTTIME)
        try:
            list(talk.ask(_TRIGGER_SCAN, asked, f"scan on {radio.name}"))
            return began
        except _Busy:
            # Somebody else's scan: its end is an event, and a guard of half a second where that is not told.
            events.event(min(0.5, deadline.remaining()))
            if deadline.remaining() <= 0:
                raise CouldNotRun(
                    f"scan on {radio.name}: the radio was busy until the deadline", "something else scans or joins"
                ) from None


def _finished(events: _Talk, index: int, deadline: Deadline) -> bool:
    """Whether the scan begun ended with results (or else was aborted). Raises CouldNotRun at the deadline."""
    ours = False
    while True:
        told = events.event(deadline.remaining())
        if told is None:
            raise CouldNotRun(
                "scan: no end within the deadline", "listen to fewer frequencies; if even few hang, see `dmesg`"
            )
        command, attributes = told
        if attributes.get("IFINDEX") != index:
            continue
        # Only what follows our own start is ours: another's end may have come just before.
        ours = ours or command == _TRIGGER_SCAN
        if ours and command in (_NEW_SCAN_RESULTS, _SCAN_ABORTED):
            return command == _NEW_SCAN_RESULTS


def _abort(radio: Interface) -> None:
    """Ends our own scan, which nobody waits for any more and which holds the radio. Some drivers cannot."""
    with suppress(CouldNotRun), closing(_Talk(Deadline(0.5))) as talk:
        list(talk.ask(_ABORT_SCAN, {"IFINDEX": radio.number}, f"scan on {radio.name}"))


def _list(values: Any) -> bytes:
    """A netlink array: attributes numbered from 1."""
    packed = b""
    for number, value in enumerate(values, 1):
        size = 4 + len(value)
        packed += struct.pack("=HH", size, number) + value + bytes(-size % 4)
    return packed


# --- the socket -------------------------------------------------------------------------------------------------


class _Busy(CouldNotRun):
    """EBUSY: the radio does something else just now."""


class _Gone(CouldNotRun):
    """ENOENT: there is no such station."""


class _Unsupported(CouldNotRun):
    """EOPNOTSUPP: this driver does not tell."""


class _Talk:
    """One generic netlink socket that never waits past its deadline."""

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline
        self._codec = _codec()
        self._sequence = 0
        try:
            self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16)
            self._socket.bind((0, 0))
        except OSError as fault:
            raise CouldNotRun(f"netlink: {fault.strerror}", "this kernel has no generic netlink") from None
        self._family, self._groups = self._resolve()

    def close(self) -> None:
        self._socket.close()

    def join(self, group: str) -> None:
        """Subscribes to a group of events."""
        self._socket.setsockopt(_SOL_NETLINK, _ADD_MEMBERSHIP, self._groups[group])

    def drain(self) -> None:
        """Forgets the events that came until now."""
        while select.select([self._socket], [], [], 0)[0]:
            self._receive()

    def event(self, seconds: float) -> tuple[int, Attributes] | None:
        """The next event; None where none came in time."""
        if not select.select([self._socket], [], [], max(seconds, 0.0))[0]:
            return None
        data = self._receive()
        return data[16], decode(data)

    def ask(self, command: int, asked: Attributes, what: str, *, dump: bool = False) -> Iterator[Attributes]:
        """Sends one request and gives each message of its answer."""
        message = self._codec.message()
        message["cmd"] = command
        message["attrs"] = [[f"NL80211_ATTR_{name}", value] for name, value in asked.items()]
        for data in self._exchange(message, self._family, _REQUEST | (_DUMP if dump else _ACK), what):
            yield decode(data)

    def _resolve(self) -> tuple[int, dict[str, int]]:
        message = self._codec.control()
        message["cmd"], message["version"] = _CTRL_GETFAMILY, 1
        message["attrs"] = [["CTRL_ATTR_FAMILY_NAME", "nl80211"]]
        try:
            [data] = self._exchange(message, _GENL_CTRL, _REQUEST | _ACK, "nl80211")
        except _Gone:
            raise CouldNotRun("this kernel has no Wi-Fi (nl80211)", "load the radio's driver, see `dmesg`") from None
        family = self._codec.control(data)
        family.decode()
        groups = family.get_attr("CTRL_ATTR_MCAST_GROUPS") or []
        by_name = {g.get_attr("CTRL_ATTR_MCAST_GRP_NAME"): g.get_attr("CTRL_ATTR_MCAST_GRP_ID") for g in groups}
        return family.get_attr("CTRL_ATTR_FAMILY_ID"), by_name

    def _exchange(self, message: Any, kind: int, flags: int, what: str) -> Iterator[bytes]:
        self._sequence += 1
        header = message["header"]
        header["type"], header["flags"], header["sequence_number"] = kind, flags, self._sequence
        message.encode()
        self._socket.send(bytes(message.data))
        while True:
            if not select.select([self._socket], [], [], self._deadline.remaining())[0]:
                raise CouldNotRun(f"{what}: no answer from the kernel within the deadline", "see `dmesg`")
            data = self._receive()
            at = 0
            while at + _HEADER.size <= len(data):
                size, told, _, sequence, _ = _HEADER.unpack_from(data, at)
                one, at = data[at : at + size], at + (size + 3 & ~3)
                if sequence != self._sequence:
                    continue
                if told in (_NLMSG_DONE, _NLMSG_ERROR):
                    # A dump that is refused ends with the error in its last word.
                    number = -struct.unpack_from("=i", one, 16)[0] if size >= 20 else 0
                    if number:
                        _refuse(number, what)
                    return
                yield one

    def _receive(self) -> bytes:
        try:
            return self._socket.recv(1 << 17)
        except OSError as fault:
            raise CouldNotRun(f"netlink: {fault.strerror}", "too much at once: it is tried again") from None


def decode(data: bytes) -> Attributes:
    """One netlink message of nl80211 to plain values."""
    message = _codec().message(data)
    message.decode()
    return _plain(message, _WANTED)


def _refuse(number: int, what: str) -> None:
    hints = {
        errno.EPERM: "give the agent CAP_NET_ADMIN",
        errno.EACCES: "give the agent CAP_NET_ADMIN",
        errno.ENODEV: "the radio is gone: see `iw dev` for the ones there are",
        errno.ENETDOWN: "switch the interface on: `ip link set IF up`",
        errno.EINVAL: "the radio refuses: is each frequency one of its own (`iw phy`)?",
        errno.ERFKILL: "the radio is blocked: `rfkill unblock wifi`",
    }
    kinds: dict[int, type[CouldNotRun]] = {
        errno.EBUSY: _Busy, errno.ENOENT: _Gone, errno.EOPNOTSUPP: _Unsupported,
    }  # fmt: skip
    raise kinds.get(number, CouldNotRun)(f"{what}: {os.strerror(number)}", hints.get(number, "see `dmesg`"))


def _index(name: str) -> int:
    try:
        return int(Path("/sys/class/net", name, "ifindex").read_text())
    except (OSError, ValueError):
        raise CouldNotRun(f"no interface {name!r}", "see `iw dev` for the names there are") from None


def _plain(nest: Any, wanted: frozenset[str]) -> Attributes:
    """Only what somebody reads is decoded: the rest of pyroute2's readings is slow, and some of it fails."""
    found: Attributes = {}
    for slot in nest["attrs"]:
        name = slot[0].removeprefix(nest.prefix)
        if name in wanted:
            found.setdefault(name, _value(slot[1], wanted))
    return found


def _value(value: Any, wanted: frozenset[str]) -> Any:
    if isinstance(value, list):
        return [_value(one, wanted) for one in value]
    return _plain(value, wanted) if hasattr(value, "prefix") else value


@cache
def _codec() -> SimpleNamespace:
    """pyroute2's messages, with elements, addresses and lists as plain bytes."""
    try:
        from pyroute2.netlink import ctrlmsg, nla  # noqa: PLC0415 - 20 MB that an agent without a radio never pays
        from pyroute2.netlink.nl80211 import nl80211cmd  # noqa: PLC0415
    except ImportError:
        raise CouldNotRun("pyroute2 is not installed", "pip install 'campus-wifi[agent]'") from None
    plain = {"SCAN_FREQUENCIES": "cdata", "SCAN_SSIDS": "cdata", "SPLIT_WIPHY_DUMP": "flag"}

    class Bss(nla):  # type: ignore[misc]
        prefix = "NL80211_BSS_"
        nla_map = tuple((number, f"NL80211_BSS_{name}", kind) for number, name, kind in _BSS)

    class Message(nl80211cmd):  # type: ignore[misc]
        bss = Bss
        nla_map = tuple(
            (name, plain.get(name.removeprefix(nl80211cmd.prefix), kind)) for name, kind in nl80211cmd.nla_map
        )

    return SimpleNamespace(message=Message, control=ctrlmsg)
