"""What expires leaves its digests, the judge lets it be, and `verify` says "expired" of just that and nothing else."""

import sqlite3
import struct

import msgspec
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from collector import retention
from collector.administration.refusals import NotDone
from collector.cli import main
from collector.commands.verify import _first
from collector.compaction.compactor import Compactor
from collector.config import Config
from collector.store import Batch, Incoming, Store, audit, evidence, holds, joined, ledger
from collector.store.facts import StoreFacts
from collector.store.schema import evidence_hour
from tests.collector.small_ledger import DAY, MORNING, Device, District, lived_in

KEPT_DAYS = 10
CONFIG = Config(evidence_days=KEPT_DAYS)
WHERE, XOR = st.integers(0, 2**32), st.integers(1, 255)


@pytest.fixture
def district(tmp_path):
    made = joined_district(tmp_path)
    yield made
    made.store.close()


def joined_district(folder) -> District:
    made = lived_in(folder)
    made.clock.at = float(MORNING + 3 * DAY)
    assert Compactor(made.store, made.clock, 3600.0, forwards=False).run().reports > 10
    return made


def aged(district: District, days: float = KEPT_DAYS + 0.5) -> int:
    """So long after the first day's evidence; returns how many joined hours expire then."""
    district.clock.at = MORNING + days * DAY + 7200.0
    return retention.apply(district.store, CONFIG, district.clock)


def looked_at(store: Store):
    with store.read() as connection:
        return _first(StoreFacts(connection, None, None, None))


def hold(district: District) -> dict:
    day = "2026-09-01"
    body = {"campus": "lincoln", "from": "2026-01-01", "to": "2026-12-31", "reason": f"grievance of {day}"}
    return retention.add_hold(district.store, district.clock, body, "ana")


def test_evidence_past_its_time_is_expired_the_chain_is_intact_and_younger_days_are_judged_again(district):
    before = looked_at(district.store)[1]

    assert aged(district) > 0

    difference, counts = looked_at(district.store)
    assert difference is None
    assert counts.expired_days == 1
    assert counts.kept_days == KEPT_DAYS
    assert counts.days == before.days - 1
    assert counts.chain == before.chain


def test_what_is_gone_is_counted_and_a_repeat_of_it_is_still_known(district):
    with district.store.read() as connection:
        first, count = evidence.of_campus(connection, "lincoln", 0, 4e9)[0], evidence.count_kept(connection)
    aged(district)
    again = Incoming(first.report(), first.digest, first.signature, evidence.pack(first.document()))
    outcome = district.store.submit(Batch(first.agent, [again], district.clock())).result()

    assert outcome.results[0].status == "duplicate"
    with district.store.read() as connection:
        assert evidence.count_kept(connection) == count
        assert first.digest not in {one.digest for one in evidence.of_campus(connection, "lincoln", 0, 4e9)}
        assert "evidence expired" in {one.action for one in audit.entries(connection)}


def test_late_evidence_of_an_expired_slot_changes_no_verdict(district):
    aged(district)
    with district.store.read() as connection:
        before = ledger.newest_of_period(connection, "2000-01-01", "2999-01-01", "lincoln")
    late = Device("one")
    late.seq = 900
    district.push(late, late.minute(float(MORNING), ap_answers=False))
    for _ in range(3):
        district.judge.step()

    with district.store.read() as connection:
        after = ledger.newest_of_period(connection, "2000-01-01", "2999-01-01", "lincoln")
    days = {row.day for row in before}
    assert next(row for row in after if row.day in days) == before[0]


def test_a_hold_keeps_evidence_until_it_is_released(district):
    made = hold(district)

    assert aged(district) == 0
    with district.store.read() as connection:
        (planned,) = retention.plan(connection, CONFIG, district.clock())["campuses"]
    assert planned["reports"] == 0
    assert planned["held_reports"] > 0

    retention.release_hold(district.store, district.clock, {"hold": made["hold"]}, "ben")
    assert aged(district) > 0
    assert looked_at(district.store)[0] is None
    with district.store.read() as connection:
        (one,) = holds.every(connection)
        done = [entry.action for entry in audit.entries(connection)]
    assert (one.set_by, one.released_by) == ("ana", "ben")
    assert {"hold set", "hold released"} <= set(done)


def test_a_hold_of_no_campus_no_reason_or_no_period_is_refused(district):
    good = {"campus": "lincoln", "from": "2026-01-01", "to": "2026-01-02", "reason": "why"}
    for wrong in ({"campus": "nowhere"}, {"reason": " "}, {"from": "2026-02-01"}):
        with pytest.raises(NotDone):
            retention.add_hold(district.store, district.clock, good | wrong, "ana")
    with pytest.raises(NotDone):
        retention.release_hold(district.store, district.clock, {"hold": 77}, "ana")


def test_evidence_that_was_only_deleted_is_no_expired_evidence(district):
    raw = sqlite3.connect(district.store.path)
    raw.execute("DELETE FROM evidence_hour WHERE id = (SELECT min(id) FROM evidence_hour)")
    raw.commit()

    assert looked_at(district.store)[0] is not None


@pytest.mark.parametrize("kept_days", [0, 1, KEPT_DAYS])
def test_evidence_that_went_before_its_time_is_named(district, kept_days):
    with district.store.read() as connection:
        one = next(joined.read(connection, evidence_hour.c.campus == "lincoln"))
    at = one.last_at + (kept_days - 0.5) * DAY
    assert district.store.write(lambda c: joined.exchange(c, one, one.expired(at, kept_days))).result()

    difference = looked_at(district.store)[0]
    assert difference is not None
    assert difference.what == "it was let go before its time"


def test_a_bundle_of_expired_days_verifies_and_says_so(district, tmp_path, capsys):
    aged(district)
    (tmp_path / "collector.toml").write_text(f'data_dir = "{district.store.path.parent}"\n')
    out, month = tmp_path / "b.zip", _month(district)
    assert (
        main(["--config", str(tmp_path / "collector.toml"), "export-evidence", "lincoln", month, "--out", str(out)])
        == 0
    )
    assert main(["verify", str(out)]) == 0

    assert "evidence expired, chain intact: 1 campus-days" in capsys.readouterr().out


def _month(district: District) -> str:
    with district.store.read() as connection:
        return ledger.first_day(connection, "lincoln")[:7]


class Files:
    """A store with a joined day and an expired one, closed, in somebody else's hands."""

    def __init__(self, folder) -> None:
        district = joined_district(folder)
        aged(district)
        district.store.close()
        self.raw = sqlite3.connect(district.store.path, isolation_level=None)
        self.raw.row_factory = sqlite3.Row
        self.store = Store(str(district.store.url), write=False)
        self.rows = [dict(row) for row in self.raw.execute("SELECT * FROM evidence_hour ORDER BY id")]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    made = Files(tmp_path_factory.mktemp("joined"))
    difference, counts = looked_at(made.store)
    assert difference is None
    assert counts.expired_days and counts.days
    yield made
    made.store.close()
    made.raw.close()


def changed(value, where: int, xor: int):
    if isinstance(value, bytes):
        at = where % len(value)
        return value[:at] + bytes([value[at] ^ xor]) + value[at + 1 :]
    if isinstance(value, float):
        data = bytearray(struct.pack("d", value))
        data[where % 8] ^= xor
        (other,) = struct.unpack("d", data)
        assume(other == other and abs(other) != float("inf"))
        return other
    if isinstance(value, int):
        return value ^ xor
    at = where % len(value)
    letter = chr(ord(value[at]) ^ (xor & 0x7F))
    assume(letter not in (value[at], "\0"))
    return value[:at] + letter + value[at + 1 :]


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(row=WHERE, column=WHERE, where=WHERE, xor=XOR)
def test_any_changed_byte_of_a_joined_or_expired_hour_is_found(files, row, column, where, xor):
    cells = files.rows[row % len(files.rows)]
    names = [name for name, value in cells.items() if value not in (None, "", b"") and name != "id"]
    name = names[column % len(names)]
    value = 1 - cells[name] if name == "anchors" else changed(cells[name], where, xor)
    update = f'UPDATE evidence_hour SET "{name}" = ? WHERE id = ?'
    try:
        files.raw.execute(update, (value, cells["id"]))
        difference = looked_at(files.store)[0]
    finally:
        files.raw.execute(update, (cells[name], cells["id"]))

    assert difference is not None, name
    assert msgspec.json.encode(difference)
