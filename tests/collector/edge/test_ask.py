"""Real echo requests and connections to a namespace: who is there answers, and nobody else."""

import os
import shutil
import time

import pytest

from collector.edge import ask
from tests.segment import Segment

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("ip"), reason="makes a network namespace: run as root"),
]


@pytest.fixture(scope="module")
def segment():
    made = Segment(300, prefix=94)
    yield made
    made.close()


@pytest.mark.parametrize("way", ["icmp raw", "tcp", None])
def test_those_that_are_there_answer_and_the_silent_one_does_not(segment, way):
    begin = time.monotonic()

    found = ask.answered([*segment.addresses, segment.silent, segment.addresses[0]], 1.5, way)

    assert found == set(segment.addresses)
    assert time.monotonic() - begin < 10


def test_it_ends_as_soon_as_all_have_answered(segment):
    begin = time.monotonic()

    assert ask.answered(segment.addresses[:3], 30.0) == set(segment.addresses[:3])
    assert time.monotonic() - begin < 10


def test_a_filtered_edge_is_silent_and_no_address_at_all_is_no_question(segment):
    segment.filter(f"ip daddr {segment.addresses[7]} drop;")

    assert ask.answered(segment.addresses[6:9], 1.0) == {segment.addresses[6], segment.addresses[8]}
    assert ask.answered([], 1.0) == set()


def test_loopback_answers_in_both_families_and_what_has_no_way_is_silent():
    assert ask.answered(["127.0.0.1", "::1", "2001:db8::1"], 0.5) >= {"127.0.0.1"}
