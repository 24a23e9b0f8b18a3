"""A disk that fills up under a running spool: nothing stops, nothing needs deleting by hand, and all of it is told."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent import wire
from agent.spool import Spool
from tests.agent.doubles import FakeClock
from tests.agent.test_spool import keys, maker


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("mounting a small tmpfs needs root")
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)], check=False)
    if mounted.returncode:
        pytest.skip("this machine does not let us mount a tmpfs")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.root
def test_a_full_disk_loses_nothing_while_the_reserve_lasts_and_recovers_by_itself(small_disk: Path) -> None:
    spool = Spool(small_disk / "spool.sqlite3", FakeClock(), quota_bytes=64 << 20)
    sealed = [spool.seal(maker(pad=100)) for _ in range(20)]
    ballast = small_disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(1 << 12))
        except OSError:
            pass
    refused = False
    for _ in range(120):
        sealed.append(spool.seal(maker(pad=100)))
        refused = refused or bool(spool.fault)
        assert spool.newest(1)[0].report == sealed[-1].report, "the live state is always there to be sent"
    assert refused, "the disk never filled"
    assert spool.counts().lost == 0
    ballast.unlink()
    sealed.append(spool.seal(maker(pad=100)))
    assert spool.fault == ""
    assert spool.counts().memory == 0
    assert (small_disk / "spool.sqlite3.reserve").exists()
    spool.close()
    again = Spool(small_disk / "spool.sqlite3", FakeClock())
    assert sorted(keys(again.oldest(1000))) == sorted(keys(sealed))
    again.close()


@pytest.mark.root
def test_a_disk_smaller_than_the_quota_never_wedges_the_agent(small_disk: Path) -> None:
    told: list[wire.Loss] = []
    clock = FakeClock()
    spool = Spool(small_disk / "spool.sqlite3", clock, quota_bytes=512 << 20)
    sealed = [spool.seal(maker(pad=300, seen=told)) for _ in range(400)]
    assert spool.fault == ""
    left = keys(spool.oldest(1000))
    assert len(left) > 50
    assert left[-20:] == keys(sealed)[-20:], "the newest are kept"
    for _ in range(3):
        spool.acknowledge(keys(spool.oldest(50)), {})
        sealed.append(spool.seal(maker(seen=told)))
    named = {(loss.stream, seq) for loss in told for seq in range(loss.first_seq, loss.last_seq + 1)}
    assert named == set(keys(sealed[:400])) - set(left)
    assert spool.counts().lost == len(named)
    spool.close()
