"""The sweep against a real kernel in a network namespace."""

import gc
import os
import shutil
import subprocess
import sys
import time

import pytest

from agent import icmp, wire
from agent.probes import reach
from agent.probes.base import CouldNotRun, Deadline
from tests.segment import Segment, run

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0 or shutil.which("ip") is None, reason="needs root and iproute2"),
]


@pytest.fixture(scope="module")
def segment():
    made = Segment(40, prefix=91)
    yield made
    made.close()


@pytest.fixture
def filtered(segment):
    if shutil.which("nft") is None:
        pytest.skip("needs nft")
    yield segment
    segment.filter("")


def sweep(addresses, count=3, interval=0.05, timeout=0.3, **more):
    return icmp.sweep(addresses, count=count, interval_seconds=interval, timeout_seconds=timeout, **more)


def test_all_answer_and_are_timed_by_the_kernel(segment) -> None:
    answers = sweep(segment.addresses)

    assert [(a.sent, a.received) for a in answers] == [(3, 3)] * 40
    assert all(a.kernel and len(a.rtts) == 3 and all(0 < rtt < 0.3 for rtt in a.rtts) for a in answers)


def test_a_silent_address_is_loss_of_its_own_and_of_no_other(segment) -> None:
    silent, good = sweep([segment.silent, segment.addresses[0]])

    assert (silent.sent, silent.received, silent.rtts) == (3, 0, [])
    assert good.received == 3


def test_what_a_filter_drops_is_counted_packet_by_packet(filtered) -> None:
    lossy, whole = filtered.addresses[:2]
    filtered.filter(f"ip daddr {lossy} icmp type echo-request numgen inc mod 4 0 drop")

    answers = sweep([lossy, whole], count=20, interval=0.01)

    assert (answers[0].sent, answers[0].received) == (20, 15)
    assert answers[1].received == 20


def test_what_a_router_says_is_the_reason(filtered) -> None:
    filtered.filter(f"ip daddr {filtered.addresses[0]} reject with icmp type admin-prohibited")

    [answer] = sweep(filtered.addresses[:1])

    assert answer.received == 0
    assert answer.unreachable
    assert answer.failure == "filtered"


_IMPOSTOR = """
import socket, sys
forged, other, doubled = sys.argv[1:]
tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
tap.bind(("lan", 0x0800))
out = {}
for source in (other, doubled):
    out[source] = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    out[source].bind((source, 0))
print("ready", flush=True)
while True:
    frame = tap.recv(2048)
    if frame[23] == 1 and frame[34] == 8:
        target, peer = socket.inet_ntoa(frame[30:34]), socket.inet_ntoa(frame[26:30])
        source = other if target == forged else doubled if target == doubled else None
        if source:
            total = int.from_bytes(frame[36:38], "big") + 0x0800
            checksum = (total & 0xFFFF) + (total >> 16)
            out[source].sendto(bytes([0, 0]) + checksum.to_bytes(2, "big") + frame[38:98], (peer, 0))
"""


def test_an_answer_from_another_address_or_a_second_one_counts_for_nothing(filtered) -> None:
    forged, other, doubled = filtered.addresses[:3]
    filtered.filter(f"ip daddr {forged} icmp type echo-request drop")
    command = ["ip", "netns", "exec", filtered.namespace, sys.executable, "-c", _IMPOSTOR, forged, other, doubled]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as impostor:
        try:
            assert impostor.stdout.readline() == "ready\n"
            answers = sweep([forged, doubled])
        finally:
            impostor.kill()

    assert [(a.sent, a.received) for a in answers] == [(3, 0), (3, 3)]


def test_an_answer_after_the_timeout_is_lost(segment) -> None:
    [answer] = sweep(segment.addresses[:1], timeout=1e-7)

    assert (answer.sent, answer.received) == (3, 0)


def test_without_transmit_stamps_the_times_are_ours_and_marked(segment) -> None:
    [answer] = sweep(segment.addresses[:1], kernel_stamps=False)
    row = reach.echo_row("ap", answer, 0.0)

    assert answer.received == 3
    assert row.stamp == "user"


def test_a_send_that_fails_is_an_outcome_of_its_target_alone(segment) -> None:
    refused = "10.91.14.1"
    run("ip", "route", "add", "prohibit", f"{refused}/32")
    try:
        bad, good = sweep([refused, segment.addresses[0]])
    finally:
        run("ip", "route", "del", "prohibit", f"{refused}/32")

    assert (bad.sent, bad.failed_sends) == (0, 3)
    assert reach.echo_row("ap", bad, 0.0).outcome == "send"
    assert (good.received, good.kernel) == (3, True)


def test_an_interface_that_goes_down_on_the_way_is_our_failure_not_theirs() -> None:
    own = Segment(5, prefix=92)
    try:
        down = subprocess.Popen(["sh", "-c", f"sleep 0.4; ip link set {own.interface} down"])
        with pytest.raises(CouldNotRun):
            reach.probe(reach.Settings([wire.PlanTarget("a", own.addresses[0])], 8, 0.15, 0.3), Deadline(10))
        down.wait()
    finally:
        own.close()


def test_a_link_that_is_cut_is_our_failure_not_theirs() -> None:
    own = Segment(5, prefix=92)
    try:
        own.inside("link", "set", "lan", "down")
        with pytest.raises(CouldNotRun, match="no link"):
            reach.probe(reach.Settings([wire.PlanTarget("a", own.addresses[0])], 2, 0.05, 0.2), Deadline(10))
    finally:
        own.close()


def test_the_deadline_ends_a_sweep(segment) -> None:
    began = time.monotonic()

    [answer] = sweep([segment.silent], count=100, interval=0.1, deadline=Deadline(0.5))

    assert time.monotonic() - began < 1.0
    assert 1 <= answer.sent < 10


def test_many_sweeps_leave_no_descriptor_open(segment) -> None:
    settings = reach.Settings(
        [
            wire.PlanTarget("a", segment.addresses[0]),
            wire.PlanTarget("b", segment.addresses[1], "tcp", 9),
            wire.PlanTarget("c", segment.addresses[2], "arp"),
        ],
        count=1,
        timeout_seconds=0.2,
    )
    reach.probe(settings, Deadline(5))
    gc.collect()
    before = len(os.listdir("/proc/self/fd"))

    for _ in range(50):
        reach.probe(settings, Deadline(5))

    gc.collect()
    assert len(os.listdir("/proc/self/fd")) <= before


def test_without_privileges_a_ping_socket_measures_as_well(segment) -> None:
    program = (
        "import os\nfrom agent import icmp\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "[a] = icmp.sweep(['127.0.0.1'], count=3, interval_seconds=0.02, timeout_seconds=0.5)\n"
        "print(a.sent, a.received, a.kernel)\n"
    )
    command = ["ip", "netns", "exec", segment.namespace]
    for groups, words in (("0 65534", "3 3 True"), ("1 0", "no permission")):
        subprocess.run([*command, "sysctl", "-qw", f"net.ipv4.ping_group_range={groups}"], check=True)
        done = subprocess.run([*command, sys.executable, "-c", program], capture_output=True, text=True, check=False)
        assert words in done.stdout + done.stderr
