"""A beacon that is missed must have been heard before, more than in passing."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent import wire
from collector.cli import main
from collector.commands.verify import _first
from collector.judgement.beacons import MOST, STRETCH_SECONDS, Heard, stretch
from collector.store import ledger, marks
from collector.store.facts import StoreFacts
from tests.air_evidence import Bss, airspace, channels
from tests.collector.judgement.test_judge_loop import AP, MORNING, SLOT
from tests.collector.small_ledger import DAY, OTHER_RADIO, RADIO, SECOND, Device, District, lived_in

INSTANTS = st.lists(st.integers(0, 12).map(lambda n: n * 100.0), min_size=1, max_size=10)


def heard(instants, counted_from: float = 0.0) -> Heard:
    found = None
    for at in instants:
        found = Heard((at,), counted_from) if found is None else found.also(at)
    assert found is not None
    return found


@settings(max_examples=500)
@given(INSTANTS, st.data())
def test_order_and_repetition_of_what_was_heard_change_nothing(instants, data):
    first: dict[int, float] = {}
    for at in sorted(instants, reverse=True):
        first[stretch(at)] = at

    shuffled = data.draw(st.permutations([*instants, *data.draw(st.lists(st.sampled_from(instants)))]))
    assert heard(shuffled).at == tuple(sorted(first.values())[:MOST])


@settings(max_examples=300)
@given(INSTANTS, INSTANTS, st.data())
def test_of_a_beacon_known_before_stretches_were_counted_later_ones_count_from_then_on(before, after, data):
    """What was heard before moves its first time and adds nothing: of the rest nobody kept count."""
    since = 2000.0
    late = data.draw(st.lists(st.sampled_from(before)))
    known = Heard((min(before),), since)
    for at in data.draw(st.permutations([*late, *(since + one for one in after)])):
        known = known.also(at)

    counted = {stretch(since + one): since + one for one in sorted(after, reverse=True)}
    assert known.at == (min(before), *sorted(counted.values())[: MOST - 1])


class Room:
    """One agent by a radio, over slots in which the access point answers no echo from some slot on."""

    def __init__(self, folder, policy: str) -> None:
        self.district = District(folder, name=policy)
        self.agent = Device("one")
        self.district.clock.at = float(MORNING)
        self.district.enroll(self.agent)

    def slot(self, n: int, *, ours: bool, answers: bool = True) -> list:
        """Five minutes; whatever it hears, it hears a stranger and the other radio too."""
        others = (Bss("02:00:00:00:09:00", -70.0, listed=False, ssid=None), Bss(OTHER_RADIO, -55.0))
        bss = (Bss(RADIO, -60.0), *others) if ours else others
        air = {"airspace": airspace(*bss), "channels": channels({36: 0.1})}
        return [self.agent.minute(MORNING + n * SLOT + 60 * k, ap_answers=answers, **air) for k in range(5)]

    def state(self, n: int) -> str:
        self.district.judge_until(MORNING + (n + 1) * SLOT + 61)
        return self.district.judge.latest()["lincoln"].verdict.access_points[AP]

    def judged_all(self) -> None:
        waiting = 1
        while waiting:
            self.district.judge.step()
            with self.district.store.read() as connection:
                waiting = marks.count(connection)


def gone(room: Room, heard_in: int) -> str:
    """The state of an access point whose beacon was heard in so many slots and that then is silent altogether."""
    for n in range(4):
        # It never answers an echo: only the beacon says that it lives.
        room.district.push(room.agent, *room.slot(n, ours=n < heard_in, answers=False))
    found = room.state(3)
    room.district.store.close()
    return found


@pytest.mark.parametrize(
    ("policy", "heard_in", "state"),
    [
        ("baseline-2", 1, "down"),
        ("baseline-3", 0, "not_reachable_from_here"),
        ("baseline-3", 1, "not_reachable_from_here"),
        ("baseline-3", 2, "not_reachable_from_here"),
        ("baseline-3", 3, "down"),
        ("strict-3", 1, "not_reachable_from_here"),
    ],
)
def test_a_beacon_heard_in_passing_makes_nobody_a_witness_from_version_3_on(tmp_path, policy, heard_in, state):
    assert gone(Room(tmp_path, policy), heard_in) == state


def test_an_agent_that_heard_it_once_may_still_disprove_what_another_misses(tmp_path):
    """It is no accuser; but while it hears nothing at all, nobody knows what it would have heard."""
    room, other = Room(tmp_path, "baseline-3"), Device("two")
    room.district.enroll(other, SECOND)
    room.district.push(other, *(other.minute(MORNING + 60 * k, ap_answers=False,
                                             airspace=airspace(Bss(RADIO, -80.0))) for k in range(5)))  # fmt: skip
    for n in range(4):
        room.district.push(room.agent, *room.slot(n, ours=n < 3, answers=False))
        if n == 3:
            deaf = {"airspace": None, "channels": channels({36: 0.1}, foreign=0)}
            start = MORNING + n * SLOT
            room.district.push(other, *(other.minute(start + 60 * k, ap_answers=False, **deaf) for k in range(5)))

    assert room.state(3) == "not_reachable_from_here"
    room.district.store.close()


def test_late_beacons_bring_the_time_forward_and_what_lies_between_is_judged_again(tmp_path):
    room = Room(tmp_path, "baseline-3")
    late = room.slot(1, ours=True, answers=False)
    for n in (0, 2, 3, 4, 5, 6):
        room.district.push(room.agent, *room.slot(n, ours=n in (0, 2, 5), answers=False))
    room.district.judge_until(MORNING + 7 * SLOT + 61)
    assert _letters(room)[3] == "u"

    # Heard in the slots 0, 1 and 2 it is missed in the slots 3 and 4, where so far nobody could miss it.
    room.district.push(room.agent, *late)
    room.judged_all()
    assert _letters(room)[3:5] == "ss"
    assert _letters(room)[6] == "s"
    assert _verified(room.district) is None
    room.district.store.close()


def _letters(room: Room) -> str:
    with room.district.store.read() as connection:
        row = ledger.newest(connection, "lincoln", "2026-09-15")
    return "".join(letter for _, letter in row.record.slots() if letter != "-")


def _verified(district: District):
    with district.store.read() as connection:
        return _first(StoreFacts(connection, None, None, None))[0]


@pytest.fixture
def lived(tmp_path):
    made = lived_in(tmp_path, name="baseline-3")
    one = Device("one")
    one.seq = 500
    for n in range(3):
        air = {"airspace": airspace(Bss(RADIO, -60.0), Bss(OTHER_RADIO, -55.0)), "channels": channels({36: 0.1})}
        start = MORNING + 2 * DAY + n * SLOT
        made.push(one, *(one.minute(start + 60 * k, **air) for k in range(5)))
    made.judge_until(MORNING + 3 * DAY)
    yield made
    made.store.close()


def test_a_ledger_of_version_3_verifies_from_the_store_and_from_a_bundle(lived, tmp_path, capsys):
    assert _verified(lived) is None
    (tmp_path / "collector.toml").write_text(f'data_dir = "{lived.store.path.parent}"\n')
    out = tmp_path / "b.zip"
    config = ["--config", str(tmp_path / "collector.toml")]
    assert main([*config, "export-evidence", "lincoln", "2026-09", "--out", str(out)]) == 0
    assert main(["verify", str(out)]) == 0, capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ("second_at = second_at + 7", "no signed report says so"),
        ("third_at = third_at - 900", "no signed report says so"),
        ("third_at = NULL", "a report is earlier than the ones that are kept in mind"),
        ("second_at = third_at, third_at = NULL", "a report is earlier than the ones that are kept in mind"),
    ],
)
def test_a_time_that_nobody_signed_or_that_was_left_out_is_named(lived, change, what):
    lived.store.write(lambda c: c.exec_driver_sql(f"UPDATE heard SET {change}")).result()

    difference = _verified(lived)
    assert difference is not None
    assert difference.what == what


def test_a_ledger_from_before_stretches_were_counted_verifies_and_goes_on(tmp_path):
    """As the migration leaves it: one time of each beacon, and others counted from the upgrade on."""
    made = lived_in(tmp_path)
    assert _verified(made) is None
    upgrade = float(MORNING + 2 * DAY)

    def migrate(connection):
        connection.exec_driver_sql(f"UPDATE heard SET second_at = NULL, third_at = NULL, counted_from = {upgrade}")

    made.store.write(migrate).result()
    assert _verified(made) is None
    one = Device("one")
    one.seq = 500
    air = {"airspace": airspace(Bss(RADIO, -60.0)), "channels": channels({36: 0.1})}
    for at in (upgrade + SLOT, upgrade + 3 * SLOT, upgrade - DAY + 900):
        made.push(one, one.minute(at, **air))
    made.judge_until(upgrade + DAY)

    assert _verified(made) is None
    made.store.close()


def test_the_key_is_left_out_of_documents_that_do_not_say_it():
    from collector.policies.policy import shipped

    assert b"min_beacon_stretches" not in shipped("baseline-2").to_bytes()
    assert shipped("baseline-2").beacon_stretches == 1
    assert {shipped(name).beacon_stretches for name in ("baseline-3", "strict-3")} == {3}
    assert shipped("baseline-3").slot_seconds == STRETCH_SECONDS
    assert msgspec.json.decode(wire.encode(shipped("baseline-3")))["min_beacon_stretches"] == 3
