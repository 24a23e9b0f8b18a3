"""Loss, jitter and handshake times over a veth in the guest, beside netem's count, tcpdump and the far end's kernel.

netem stands where the answers leave the far end, so each packet it drops is one echo that is missing here. Loss is the
reach probe's, jitter a row's of one long sweep, handshakes are those of the TCP rungs.
"""

import contextlib
import ctypes
import json
import os
import re
import socket
import struct
import threading
from itertools import pairwise
from math import sqrt
from pathlib import Path
from statistics import fmean

from agent import icmp, tcp, wire
from agent.probes import figures, reach
from agent.probes.base import Deadline
from agent.probes.figures import boottime
from tests.e2e.programs import Programs
from tests.lab.accuracy_capture import Capture, Packet
from tests.lab.accuracy_figure import Figure
from tests.lab.air import run

RADIOS = 0
NEAR, FAR, PORT = "10.95.0.1", "10.95.0.2", 8443
ADDRESSES = [f"10.95.4.{number}" for number in range(1, 101)]
RUNS = 3
_ECHOES, _LOSSES = 20, (0.0, 0.01, 0.05, 0.2)
_JITTER_ECHOES = 200
_HANDSHAKES, _DELAYS_MS = 11, (0, 5, 50)
_CLONE_NEWNET = 0x40000000


def measure(programs: Programs, _: Path) -> list[Figure]:
    _lay()
    found = []
    for ratio in _LOSSES:
        found += _loss(ratio)
    found += _jitter(programs)
    for delay in _DELAYS_MS:
        found += _handshakes(programs, delay)
    return found


def _lay() -> None:
    """A veth to a namespace that answers for a hundred addresses. Each end knows the other's MAC for good: a lost ARP
    answer would be counted by netem and be no echo's."""
    run("ip", "netns", "add", "far")
    run("ip", "link", "add", "near", "type", "veth", "peer", "name", "far0", "netns", "far")
    macs = {}
    for namespace, device, address in (("", "near", NEAR), ("far", "far0", FAR)):
        with contextlib.suppress(ChildProcessError):  # a kernel without IPv6 sends nothing of its own anyway
            run("sysctl", "-q", f"net.ipv6.conf.{device}.disable_ipv6=1", namespace=namespace)
        run("ip", "addr", "add", f"{address}/24", "dev", device, namespace=namespace)
        run("ip", "link", "set", device, "up", namespace=namespace)
        macs[device] = json.loads(run("ip", "-j", "link", "show", device, namespace=namespace))[0]["address"]
    run("ip", "link", "set", "lo", "up", namespace="far")
    run("ip", "route", "add", "local", "10.95.4.0/24", "dev", "lo", namespace="far")
    run("ip", "route", "add", "10.95.4.0/24", "via", FAR)
    for namespace, device, address, mac in (("", "near", FAR, macs["far0"]), ("far", "far0", NEAR, macs["near"])):
        run("ip", "neigh", "replace", address, "lladdr", mac, "dev", device, "nud", "permanent", namespace=namespace)


def _netem(*settings: str) -> None:
    with contextlib.suppress(ChildProcessError):
        run("tc", "qdisc", "del", "dev", "far0", "root", namespace="far")
    run("tc", "qdisc", "add", "dev", "far0", "root", "netem", "limit", "10000", *settings, namespace="far")


# --- loss -------------------------------------------------------------------------------------------------------


def _loss(ratio: float) -> list[Figure]:
    targets = [wire.PlanTarget(address, address) for address in ADDRESSES]
    asked = reach.Settings(targets, count=_ECHOES, interval_seconds=0.15, timeout_seconds=1.0)
    counted: list[tuple[float, float | None]] = []
    configured: list[tuple[float, float | None]] = []
    for _ in range(RUNS):
        _netem("loss", "random", f"{ratio:.0%}")
        table = reach.probe(asked, Deadline(60.0))
        [netem] = json.loads(run("tc", "-s", "-j", "qdisc", "show", "dev", "far0", namespace="far"))
        sent = sum(table.sent)
        ours = 1 - sum(table.received) / sent
        counted.append((ours, netem["drops"] / sent))
        configured.append((ours, ratio))
    bound = 1.96 * sqrt(ratio * (1 - ratio) / (len(ADDRESSES) * _ECHOES))
    return [
        Figure(f"loss at {ratio:.0%}", "packets that netem counted as dropped", "ratio", counted, 0.0),
        Figure(f"loss at {ratio:.0%}, binomial bound", "netem's setting; 95 % of 2,000", "ratio", configured, bound),
    ]


# --- jitter -----------------------------------------------------------------------------------------------------


def rfc3550(sent: list[float], received: list[float]) -> tuple[float, float]:
    """RFC 3550 6.4.1 and A.8: (mean of |D|, mean of the smoothed J once it has forgotten that it began at 0)."""
    transits = [back - out for out, back in zip(sent, received, strict=True)]
    differences = [abs(later - earlier) for earlier, later in pairwise(transits)]
    smoothed, run_of = 0.0, []
    for difference in differences:
        smoothed += (difference - smoothed) / 16
        run_of.append(smoothed)
    return fmean(differences), fmean(run_of[48:])


def _jitter(programs: Programs) -> list[Figure]:
    _netem("delay", "10ms", "3ms")
    same: list[tuple[float, float | None]] = []
    seen: list[tuple[float, float | None]] = []
    smooth: list[tuple[float, float | None]] = []
    for number in range(RUNS):
        capture = Capture(programs, f"jitter-{number}", "near", "icmp")
        began = boottime()
        [answer] = icmp.sweep([ADDRESSES[0]], count=_JITTER_ECHOES, interval_seconds=0.03)
        ours = figures.columns([reach.echo_row("x", answer, began)])["jitter_seconds"][0]
        plain, smoothed = rfc3550([0.0] * len(answer.rtts), answer.rtts)
        same.append((ours, plain))
        smooth.append((ours, smoothed))
        seen.append((ours, rfc3550(*_echoes(capture.packets()))[0]))
    return [
        Figure("jitter, same samples", "mean |D| of RFC 3550 6.4.1", "seconds", same, 1e-6),
        Figure("jitter, packets on the wire", "mean |D| of RFC 3550, by tcpdump's stamps", "seconds", seen, 5e-5, 0.02),
        Figure("jitter, smoothed", "J of RFC 3550 A.8 (gain 1/16), mean of a run", "seconds", smooth, None, 0.1),
    ]


def _echoes(packets: list[Packet]) -> tuple[list[float], list[float]]:
    """When each echo left and its answer came, in the order of their numbers."""
    times: dict[str, dict[int, float]] = {"request": {}, "reply": {}}
    for packet in packets:
        if found := re.search(r"ICMP echo (request|reply), id \d+, seq (\d+)", packet.text):
            times[found[1]][int(found[2])] = packet.at
    both = sorted(times["request"].keys() & times["reply"].keys())
    return [times["request"][number] for number in both], [times["reply"][number] for number in both]


# --- handshakes -------------------------------------------------------------------------------------------------


def _handshakes(programs: Programs, delay_ms: int) -> list[Figure]:
    """The far end's kernel timed the same connection from its SYN-ACK to our ACK: the same way, seen from there."""
    _netem("delay", f"{delay_ms}ms")
    capture = Capture(programs, f"tcp-{delay_ms}", "near", f"tcp port {PORT}")
    ours: list[float] = []
    theirs: list[float] = []
    ports: list[int] = []
    with contextlib.closing(_listener("far")) as listener:
        for _ in range(_HANDSHAKES):
            [done] = tcp.handshakes([(FAR, PORT)], 3.0)
            accepted, (_, port) = listener.accept()
            with accepted:
                info = accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
            # struct tcp_info of linux/tcp.h: eight bytes, then 32-bit numbers, of which tcpi_rtt is the sixteenth.
            theirs.append(struct.unpack("@8x24I", info)[15] / 1e6)
            if done.seconds is None:
                raise AssertionError(f"handshake: {done.outcome} {done.reason}")
            ours.append(done.seconds)
            ports.append(port)
    took = _syn_to_syn_ack(capture.packets())
    on_wire = [took[port] for port in ports]
    name = f"TCP rung at {delay_ms} ms"
    far_end, packets = [*zip(ours, theirs, strict=True)], [*zip(ours, on_wire, strict=True)]
    return [
        Figure(name, "tcpi_rtt of that connection at the far end", "seconds", far_end, 2e-4, 0.1),
        Figure(f"{name}, on the wire", "tcpdump, SYN to SYN-ACK", "seconds", packets, 2e-4, 0.1),
    ]


def _listener(namespace: str) -> socket.socket:
    """A listening socket in a namespace; a socket stays where it was made."""
    made: list[socket.socket] = []

    def make() -> None:
        with open(f"/run/netns/{namespace}") as place:
            if ctypes.CDLL(None, use_errno=True).setns(place.fileno(), _CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.settimeout(10.0)
        sock.bind((FAR, PORT))
        sock.listen(16)
        made.append(sock)

    # A thread of its own: it alone changes the namespace.
    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    return made[0]


def _syn_to_syn_ack(packets: list[Packet]) -> dict[int, float]:
    """By the client's port."""
    began: dict[int, float] = {}
    found: dict[int, float] = {}
    for packet in packets:
        if syn := re.search(rf"\.(\d+) > {re.escape(FAR)}\.{PORT}: Flags \[S\]", packet.text):
            began[int(syn[1])] = packet.at
        elif answer := re.search(rf"{re.escape(FAR)}\.{PORT} > \S+\.(\d+): Flags \[S\.\]", packet.text):
            found[int(answer[1])] = packet.at - began[int(answer[1])]
    return found
