"""The spool against a plain model, against damage, and against a disk that refuses."""

from __future__ import annotations

import hashlib
import random
import sqlite3
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from agent import wire
from agent.spool import MEMORY_REPORTS, Draft, Held, Numbered, Spool
from tests.agent.doubles import FakeClock

AGENT = "a" * 32


def maker(pad: int = 0, priority: int = 2, seen: list[wire.Loss] | None = None):
    def make(number: Numbered) -> Draft:
        report = wire.Report(
            schema=1,
            agent=AGENT,
            agent_version="0",
            stream=number.stream,
            seq=number.seq,
            boot_id="b" * 32,
            start_at=60.0 * number.seq,
            duration_seconds=60.0,
            clock=wire.Clock("synced", 1.0),
            plan=None,
            losses=number.losses,
            # Noise that does not compress, so that a report's size is what the test says.
            not_run=[wire.NotRun(0.0, "x", random.Random(number.seq + i).randbytes(100).hex()) for i in range(pad)],
        )
        if seen is not None:
            seen.extend(number.losses)
        return Draft(wire.encode(report), "sig", "b" * 32, report.start_at, 60.0 * number.seq + 60, False, priority)

    return make


def keys(reports: list[Held]) -> list[tuple[str, int]]:
    return [(held.stream, held.seq) for held in reports]


class SpoolMachine(RuleBasedStateMachine):
    """Seal, acknowledge, reject, restart, crash, restore the collector: the model is a list and two sets."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.clock = FakeClock()
        self.path = Path(self.folder.name) / "spool.sqlite3"
        self.spool = Spool(self.path, self.clock)
        self.sealed: dict[tuple[str, int], bytes] = {}
        self.order: list[tuple[str, int]] = []
        self.acked: set[tuple[str, int]] = set()
        self.aside: set[tuple[str, int]] = set()
        self.unwritten: set[tuple[str, int]] = set()

    def teardown(self) -> None:
        if hasattr(self, "spool"):
            self.spool.close()
            self.folder.cleanup()

    @property
    def pending(self) -> list[tuple[str, int]]:
        return [key for key in self.order if key not in self.acked and key not in self.aside]

    @rule(priority=st.integers(0, 2))
    def seal(self, priority: int) -> None:
        self.clock.move(60)
        held = self.spool.seal(maker(priority=priority))
        assert (held.stream, held.seq) not in self.sealed, "a number was given out twice"
        self.sealed[held.stream, held.seq] = held.report
        self.order.append((held.stream, held.seq))
        self.unwritten.clear()

    @precondition(lambda self: self.pending)
    @rule(data=st.data())
    def acknowledge_some(self, data: st.DataObject) -> None:
        chosen = data.draw(st.sets(st.sampled_from(self.pending), min_size=1))
        self.spool.acknowledge(chosen, {})
        self.acked |= chosen
        self.unwritten |= chosen

    @precondition(lambda self: self.pending)
    @rule()
    def acknowledge_through(self) -> None:
        stream, seq = self.pending[0]
        covered = {key for key in self.order if key[0] == stream and key[1] <= seq}
        self.spool.acknowledge([], {stream: seq})
        self.unwritten |= covered - self.acked - self.aside
        self.acked |= covered - self.aside

    @precondition(lambda self: self.pending)
    @rule(data=st.data())
    def reject(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(self.pending))
        self.spool.reject(*key, "rejected: test")
        self.aside.add(key)

    @rule()
    def restart(self) -> None:
        self.spool.close()
        self.unwritten.clear()
        self.spool = Spool(self.path, self.clock)

    @rule()
    def crash(self) -> None:
        # What only memory knew of acknowledgements is gone: those reports are sent again, and recognised.
        self.spool._shelf.db.close()  # type: ignore[union-attr]
        self.acked -= self.unwritten
        self.unwritten.clear()
        self.spool = Spool(self.path, self.clock)

    @invariant()
    def everything_recorded_is_there_and_nothing_else(self) -> None:
        if not hasattr(self, "spool"):
            return
        assert keys(self.spool.oldest(1000)) == self.pending
        assert keys(self.spool.newest(1000)) == self.pending[::-1]
        assert all(held.report == self.sealed[held.stream, held.seq] for held in self.spool.oldest(1000))
        counts = self.spool.counts()
        assert counts.pending == len(self.pending)
        assert counts.rejected == len(self.aside)
        streams = {stream for stream, _ in self.order}
        assert len(streams) <= 1
        assert [seq for _, seq in self.order] == list(range(1, len(self.order) + 1)), "numbers are dense"


TestSpoolAgainstModel = SpoolMachine.TestCase
TestSpoolAgainstModel.settings = settings(
    max_examples=25, stateful_step_count=25, suppress_health_check=list(HealthCheck)
)


def test_acknowledged_reports_are_kept_48_hours_and_then_let_go(tmp_path: Path) -> None:
    clock = FakeClock()
    spool = Spool(tmp_path / "s", clock)
    first = spool.seal(maker())
    spool.acknowledge([(first.stream, first.seq)], {first.stream: 1})
    clock.move(47 * 3600)
    spool.seal(maker())
    assert spool.counts().acknowledged == 1
    clock.move(3 * 3600)
    spool.seal(maker())
    assert spool.counts().acknowledged == 0
    assert spool.counts().pending == 2


def test_a_collector_restored_from_a_backup_is_sent_again_what_it_lost(tmp_path: Path) -> None:
    clock = FakeClock()
    spool = Spool(tmp_path / "s", clock)
    held = [spool.seal(maker()) for _ in range(10)]
    stream = held[0].stream
    spool.acknowledge(keys(held), {stream: 10})
    spool.flush()
    assert spool.oldest(100) == []
    fresh = spool.seal(maker())
    spool.acknowledge([(stream, fresh.seq)], {stream: 4})
    spool.flush()
    assert [h.seq for h in spool.oldest(100)] == [5, 6, 7, 8, 9, 10]


def test_a_full_spool_drops_the_oldest_of_the_lowest_priority_and_says_so(tmp_path: Path) -> None:
    told: list[wire.Loss] = []
    spool = Spool(tmp_path / "s", FakeClock(), quota_bytes=1 << 20)
    for number in range(200):
        spool.seal(maker(pad=100, priority=2 if number % 4 else 0, seen=told))
    left = spool.oldest(1000)
    assert spool.counts().bytes <= 1 << 20
    assert (tmp_path / "s").stat().st_size <= 1 << 20
    assert 0 < len(left) < 200
    assert [held.seq for held in left][-1] == 200
    gone = set(range(1, 201)) - {held.seq for held in left}
    # Numbers 1, 5, 9 … had the lowest priority: they went before any other, and the others oldest first.
    lowest, others = set(range(1, 201, 4)), sorted(set(range(1, 201)) - set(range(1, 201, 4)))
    assert lowest - gone <= {193, 197}
    assert sorted(gone - lowest) == others[: len(gone - lowest)]
    spool.acknowledge([(left[0].stream, left[0].seq)], {})
    for _ in range(3):
        spool.seal(maker(seen=told))
    lost = [loss for loss in told if loss.reason == "spool full"]
    assert {seq for loss in lost for seq in range(loss.first_seq, loss.last_seq + 1)} == gone
    assert spool.counts().lost == len(gone)
    assert all(loss.from_at == 60.0 * loss.first_seq for loss in lost)


def test_acknowledged_reports_make_room_before_any_other_is_lost(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "s", FakeClock(), quota_bytes=1 << 20)
    for _ in range(300):
        held = spool.seal(maker(pad=100))
        spool.acknowledge([(held.stream, held.seq)], {held.stream: held.seq})
    assert spool.counts().lost == 0


def test_a_lost_tombstone_carrier_has_its_tombstones_told_again(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "s", FakeClock())
    told: list[wire.Loss] = []
    first, second = spool.seal(maker()), spool.seal(maker())
    spool.reject(first.stream, first.seq, "rejected: poison")
    carrier = spool.seal(maker(seen=told))
    assert [loss.first_seq for loss in told] == [1]
    spool.reject(carrier.stream, carrier.seq, "rejected: poison too")
    told.clear()
    spool.seal(maker(seen=told))
    assert {loss.first_seq for loss in told} == {1, 3}
    assert [held.seq for held in spool.oldest(9)] == [second.seq, 4]


def _fill(path: Path, count: int = 60) -> dict[tuple[str, int], bytes]:
    spool = Spool(path, FakeClock())
    sealed = [spool.seal(maker(pad=30)) for _ in range(count)]
    spool.close()
    return {(held.stream, held.seq): held.report for held in sealed}


@pytest.mark.parametrize("seed", range(40))
def test_a_damaged_spool_costs_only_what_is_damaged_and_never_delivers_altered_bytes(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "s"
    sealed = _fill(path)
    chance = random.Random(seed)
    data = bytearray(path.read_bytes())
    kind = ("bits", "zero page", "truncate", "junk")[seed % 4]
    if kind == "bits":
        for _ in range(chance.randint(1, 20)):
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    elif kind == "zero page":
        page = chance.randrange(len(data) // 4096) * 4096
        data[page : page + 4096] = bytes(4096)
    elif kind == "truncate":
        del data[chance.randrange(len(data)) :]
    else:
        at = chance.randrange(len(data))
        data[at : at + 512] = chance.randbytes(512)
    path.write_bytes(data)
    spool = Spool(path, FakeClock())
    told: list[wire.Loss] = []
    assert spool.fault == ""
    left = spool.oldest(1000)
    for held in left:
        assert sealed[held.stream, held.seq] == held.report
    fresh = spool.seal(maker(seen=told))
    again = spool.seal(maker(seen=told))
    assert (fresh.stream, fresh.seq) not in sealed
    assert again.seq == fresh.seq + 1
    missing = sealed.keys() - set(keys(left))
    if missing:
        assert told, f"{kind}: {len(missing)} reports are gone and no tombstone says so"
        # Where the stream's own row could be read, the tombstones name every missing number.
        named = {(loss.stream, seq) for loss in told for seq in range(loss.first_seq, loss.last_seq + 1)}
        assert (
            missing <= named
            or any(loss.count == 0 or loss.stream != left[0].stream for loss in told)
            or ({seq for _, seq in missing - named} <= set(range(max((h.seq for h in left), default=0) + 1, 61)))
        )
    if kind == "zero page":
        # A page holds parts of a few reports: most of the sixty must have survived, unless it was the root of all.
        assert len(left) >= 40 or told
    spool.close()


def test_a_spool_of_nothing_but_junk_is_put_aside_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "s"
    path.write_bytes(random.Random(1).randbytes(50_000))
    told: list[wire.Loss] = []
    spool = Spool(path, FakeClock())
    spool.seal(maker(seen=told))
    assert spool.fault == ""
    assert [loss.reason for loss in told] == ["damaged spool: nothing could be read"]
    assert (tmp_path / "s.damaged").exists()


def test_a_report_altered_under_the_running_spool_is_set_aside_and_told(tmp_path: Path) -> None:
    path = tmp_path / "s"
    _fill(path, 5)
    with sqlite3.connect(path) as db:
        db.execute("UPDATE report SET signature = 'other' WHERE seq = 3")
    db.close()
    spool = Spool(path, FakeClock())
    assert [held.seq for held in spool.oldest(9)] == [1, 2, 4, 5]
    told: list[wire.Loss] = []
    spool.seal(maker(seen=told))
    assert [(loss.first_seq, loss.reason) for loss in told] == [(3, "damaged in the spool")]


def test_a_disk_that_refuses_costs_nothing_while_memory_lasts(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    clock = FakeClock()
    folder.write_text("a file where the folder should be")
    spool = Spool(folder / "s", clock)
    assert spool.fault
    in_memory = [spool.seal(maker()) for _ in range(5)]
    assert keys(spool.oldest(9)) == keys(in_memory)
    assert keys(spool.newest(2)) == keys(in_memory)[:2:-1]
    spool.acknowledge([(in_memory[0].stream, 1)], {})
    folder.unlink()
    after = spool.seal(maker())
    assert spool.fault == ""
    assert after.stream != in_memory[0].stream
    assert keys(spool.oldest(9)) == [*keys(in_memory)[1:], (after.stream, after.seq)]
    spool.close()
    assert len(Spool(folder / "s", clock).oldest(9)) == 5


def test_memory_overflowing_while_the_disk_refuses_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.write_text("")
    spool = Spool(folder / "s", FakeClock())
    for _ in range(MEMORY_REPORTS + 3):
        held = spool.seal(maker())
    assert spool.counts().memory == MEMORY_REPORTS
    told: list[wire.Loss] = []
    folder.unlink()
    spool.seal(maker(seen=told))
    losses = [*told, *(x for h in spool.oldest(999) for x in wire.decode_report(h.report)[0].losses)]
    assert {loss.first_seq for loss in losses if loss.reason == "disk refused"} == {1, 2, 3}
    assert held.stream == losses[0].stream


def test_a_spool_that_the_first_version_wrote_is_read_to_the_byte_and_goes_on_in_its_stream(tmp_path: Path) -> None:
    """spool-v1.db stays as it is: five reports, the first acknowledged, the second set aside. Each later format must
    read it, or an upgrade loses what a campus measured while it was cut off."""
    path = tmp_path / "spool.db"
    path.write_bytes((Path(__file__).parent / "spool-v1.db").read_bytes())
    stream = "6730558479d68ea2e45e771f978fc1d6"

    spool = Spool(path, FakeClock())

    assert (spool.fault, keys(spool.oldest(10))) == ("", [(stream, 3), (stream, 4), (stream, 5)])
    assert [hashlib.sha256(held.report).hexdigest()[:16] for held in spool.oldest(10)] == [
        "422447e5d25d2567", "a71a8b868afc5c9e", "b27bed47d1465b00",
    ]  # fmt: skip
    counts = spool.counts()
    assert (counts.acknowledged, counts.rejected, counts.lost) == (1, 1, 0)
    fresh = spool.seal(maker())
    assert (fresh.stream, fresh.seq) == (stream, 6)
