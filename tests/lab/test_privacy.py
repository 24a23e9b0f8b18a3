"""Ten thousand clients talk beside an agent that listens, and no trace of them is in anything that is kept or sent on.

The district's own access point is among what is searched for: that it is found, in the same places and by the same
search, proves that a client would have been.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests import binaries
from tests.lab import kernel, traces
from tests.lab.crowd import CLIENTS, Client, clients
from tests.lab.machine import Lab

_WITHIN_SECONDS = 900
_AP = "access point"
# Where a trace would be, each left with something in it.
PLACES = (
    "agent/spool.sqlite3", "collector/collector.db", "collector.log", "shipper.log", "prober.log", "joiner.log",
    "metrics-collector", "metrics-shipper", "metrics-prober", "metrics-joiner", "remote-write",
    "commitment.json", "commitment.csv",
)  # fmt: skip


class Held(NamedTuple):
    """What the scene saw, and all bytes that were left, by file."""

    seen: dict[str, Any]
    places: dict[str, list[bytes]]


@pytest.fixture(scope="module")
def held() -> Iterator[Held]:
    binaries.need_root()
    kernel.need()
    with Lab("-m", "tests.lab.scenes", "crowd", radios=5) as lab:
        result = json.loads(lab.wait_for("result.json", _WITHIN_SECONDS))
        assert "fault" not in result, result["fault"] + lab.said()
        root = lab.folder / "held"
        yield Held(result["seen"], {str(path.relative_to(root)): list(traces.opened(path)) for path in _files(root)})


def _files(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.is_file())


def _all_traces(everybody: list[Client]) -> traces.Traces:
    wanted = traces.Traces()
    for number, one in enumerate(everybody):
        wanted.add(f"client {number}", traces.forms(one.mac))
        wanted.add(f"client {number}", traces.words(one))
    return wanted


@pytest.mark.lab
@pytest.mark.root
@pytest.mark.timeout(1200)
def test_nothing_of_ten_thousand_clients_is_kept_logged_exported_or_sent_on(
    held: Held, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = _all_traces(clients(held.seen["seed"]))
    wanted.add(_AP, traces.forms(bytes.fromhex(held.seen["bssid"].replace(":", ""))))

    found = {name: set().union(*map(wanted.found, parts)) for name, parts in held.places.items()}

    size = sum(len(part) for parts in held.places.values() for part in parts)
    with capsys.disabled():
        print(
            f"\n{CLIENTS} clients in {held.seen['rounds']} rounds, heard: {held.seen['heard']}; "
            f"{wanted.count} traces searched in {len(found)} files, {size} bytes"
        )
    assert {name: sorted(them)[:5] for name, all_ in found.items() if (them := {f for f in all_ if _AP not in f})} == {}
    assert {*PLACES} - {name for name, parts in held.places.items() if any(parts)} == set()
    # Proof that the same search finds what is there: a signed report as it was stored, and what was written on.
    for place in ("agent/spool.sqlite3", "collector/collector.db"):
        reports = [part for part in held.places[place] if b'"airspace":{' in part]
        assert reports, place
        assert f"{_AP}: colons" in set().union(*map(wanted.found, reports)), place
    assert f"{_AP}: colons" in found["remote-write"]


@pytest.mark.lab
@pytest.mark.root
@pytest.mark.timeout(1200)
def test_the_agent_listened_both_ways_while_its_own_radio_heard_the_crowd(held: Held) -> None:
    heard = held.seen["heard"]

    assert [heard[source]["clients"] for source in ("scan", "monitor")] == [CLIENTS, CLIENTS]
    assert min(heard["scan"]["hotspots"], heard["monitor"]["hotspots"]) > 0
    assert min(heard["scan"]["turns"], heard["monitor"]["turns"]) >= 2
    assert held.seen["rounds"] >= 1


def test_the_search_finds_every_form_of_every_trace_wherever_it_stands() -> None:
    everybody = clients(7)
    wanted = _all_traces(everybody)
    one = everybody[7777]
    every = [*traces.forms(one.mac), *traces.words(one)]

    missed = [
        name
        for offset, (name, trace) in enumerate(every)
        if f"client 7777: {name}" not in wanted.found(b"." * offset + trace + b'"}\n')
    ]

    assert missed == []
    assert len(every) * CLIENTS == wanted.count
    assert wanted.found(b'{"bssid":["02:00:00:00:02:00"],"ssid":["School"]}' * 1000) == set()
