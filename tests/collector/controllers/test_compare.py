"""A controller's log against our evidence: where the two part, within a slot of grace, with both sides' grounds."""

import csv
import io
import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.controllers import up_down
from collector.controllers.compare import Counts, Ours, compare
from collector.controllers.up_down import Entry
from collector.inventory import AccessPoint, Campus, Inventory
from collector.lists.sheet import Refused
from tests.collector.command import command_line
from tests.collector.judgement.test_judge_loop import AP, MORNING, SLOT
from tests.collector.small_ledger import OTHER_AP, Device, District

UP, DOWN, NOBODY = Ours("up", 1, 15, 15), Ours("down", 1, 15, 0), Ours("unknown")
INVENTORY = Inventory(
    {"lincoln": Campus("lincoln", "Lincoln")},
    {
        "lincoln": (
            AccessPoint("00:11:22:33:44:01", "lincoln", "AP-1", "10.0.0.1"),
            AccessPoint("SER-2", "lincoln", "AP-2", "10.0.0.2"),
        )
    },
)


def parts(log: list[tuple[float, bool]], *ours: Ours, until: float = 1e9):
    entries = [Entry(n + 2, "ap", at, up) for n, (at, up) in enumerate(log)]
    found = compare("ap", entries, {SLOT * n: one for n, one in enumerate(ours)}, SLOT, until, Counts())
    return [(one.kind, one.from_at // SLOT, one.to_at // SLOT, one.sent, one.received) for one in found]


def test_down_by_the_log_and_up_by_our_echoes_is_a_disagreement_and_the_slots_beside_a_change_are_not():
    log = [(0.0, True), (2.5 * SLOT, False), (7.5 * SLOT, True)]

    assert parts(log, *[UP] * 12) == [("controller_down_ours_up", 4, 6, 30, 30)]


def test_up_by_the_log_and_silent_to_us_is_a_disagreement():
    assert parts([(0.0, True)], UP, DOWN, DOWN, UP) == [("controller_up_ours_down", 1, 3, 30, 0)]


def test_down_by_the_log_where_no_agent_could_tell_is_not_measured_by_us():
    assert parts([(0.0, False)], NOBODY, NOBODY, Ours("not_reachable_from_here", 1, 15, 0), DOWN) == [
        ("not_measured_by_us", 1, 3, 15, 0)
    ]


def test_before_its_first_entry_the_log_says_nothing_and_without_any_our_down_is_told():
    assert parts([(5.0 * SLOT, True)], DOWN, DOWN, DOWN) == []
    assert parts([], UP, DOWN, NOBODY) == [("not_in_the_log", 1, 2, 15, 0)]


def test_a_radio_that_fell_silent_still_answers_its_controller():
    assert parts([(0.0, True)], Ours("radio_silent", 1, 15, 15), UP) == []


@given(
    st.lists(st.tuples(st.floats(0, 20 * SLOT), st.booleans()), max_size=6),
    st.lists(st.sampled_from([UP, DOWN, NOBODY]), min_size=1, max_size=20),
)
def test_a_log_that_is_our_own_evidence_never_parts_from_it_and_parts_never_overlap(log, ours):
    own = [(float(SLOT * n), one.received > 0) for n, one in enumerate(ours) if one is not NOBODY]
    assert [one for one in parts(own, *ours) if one[0].startswith("controller")] == []

    found = parts(sorted(log), *ours)
    assert all(first[2] <= second[1] for first, second in itertools.pairwise(found))


def parsed(text: str, zone: str = "America/Los_Angeles"):
    return up_down.parse("log.csv", text.encode(), INVENTORY, zone, lambda _: None)


@pytest.mark.parametrize(
    ("header", "row", "up"),
    [
        ("access_point,time,state", "00-11-22-33-44-01,2026-09-15T09:05:00-07:00,down", False),
        ("AP Name,Timestamp,Status", "ap-1,09/15/2026 09:05:00,Up", True),
        ("Device Name,Occurred On,Event", "AP-1,2026-09-15 09:05:00,AP disconnected from controller", False),
        ("Failure Source,Timestamp,Condition,Message", '"AP AP-1, Interface 1","Sep 15, 2026 9:05:00 AM",,'
         "AP 'AP-1' associated with controller", True),
        ("Serial,Time,State", "SER-2,1789488300,offline", False),
        ("Device,Date,Status", "10.0.0.2,1789488300000,Online", True),
    ],
)  # fmt: skip
def test_logs_of_many_shapes_say_the_same(header, row, up):
    log = parsed(f"{header}\n{row}\n")

    (entries,) = log.entries.values()
    assert [(one.at, one.up) for one in entries] == [(1789488300.0, up)]


def test_rows_about_clients_and_other_things_are_dropped_and_their_content_shown_nowhere():
    log = parsed(
        "AP Name,Time,Event\n"
        "AP-1,2026-09-15 09:05:00,AP down\n"
        "AP-1,2026-09-15 09:06:00,Client aa:bb:cc:dd:ee:ff disconnected\n"
        "AP-1,2026-09-15 09:07:00,Channel changed\n"
        "AP-9,2026-09-15 09:08:00,AP is up\n"
    )

    assert len(log.entries["00:11:22:33:44:01"]) == 1
    assert log.notes == [
        "2 rows tell of something else than an access point's state: not read",
        "1 access points of the log are in no inventory, or their name is not one's: AP-9",
    ]
    assert "aa:bb" not in repr(log)


def test_every_bad_row_is_named_and_a_file_that_is_no_log_is_refused():
    with pytest.raises(Refused) as caught:
        parsed("access_point,time,state\nAP-1,yesterday,up\nAP-1,2026-09-15 09:00:00,perhaps\nAP-1,,down\n")
    assert [str(fault) for fault in caught.value.faults] == [
        "line 2: time 'yesterday' is not a time; write it like 2026-09-15T09:05:00-07:00",
        "line 3: state 'perhaps' is neither up nor down; write up or down",
        "line 4: time is empty; export the time of each entry",
    ]
    with pytest.raises(Refused, match="this is no log of access points"):
        parsed("campus,id\na,b\n")


def test_a_time_that_the_clock_shows_twice_is_read_as_the_first_and_said():
    log = parsed("access_point,time,state\nAP-1,2026-11-01 01:30:00,down\n")

    assert log.since == 1793521800.0  # 08:30 UTC: still summer time
    assert "1 times stood twice on the clock of America/Los_Angeles: read as the first of the two" in log.notes


def test_the_command_names_access_point_time_and_both_sides_grounds(tmp_path):
    made = District(tmp_path)
    one = Device("one")
    made.clock.at = float(MORNING)
    made.enroll(one)
    for n in range(12):
        made.push(one, *(one.minute(MORNING + n * SLOT + 60 * k, ap_answers=n != 9) for k in range(5)))
    made.store.close()
    (tmp_path / "log.csv").write_text(
        "access_point,time,state\n"
        f"{AP},2026-09-15T09:00:00-07:00,up\n"
        f"{OTHER_AP},2026-09-15T09:00:00-07:00,up\n"
        f"{AP},2026-09-15T09:10:00-07:00,down\n"
        f"{AP},2026-09-15T09:40:00-07:00,up\n"
        f"{OTHER_AP},2026-09-15T10:00:00-07:00,up\n"
    )
    run = command_line(tmp_path)
    (tmp_path / "collector.toml").write_text(f'data_dir = "{tmp_path}"\n')

    said = json.loads(run("compare", "log.csv", "--json").stdout)
    rows = list(csv.DictReader(io.StringIO(run("compare", "log.csv", "--csv").stdout)))
    shown = run("compare", "log.csv")

    assert [(row["name"], row["from"][11:16], row["to"][11:16], row["kind"]) for row in rows] == [
        ("ap-1", "09:15", "09:35", "controller_down_ours_up"),
        ("ap-1", "09:45", "09:50", "controller_up_ours_down"),
        ("ap-2", "09:45", "09:50", "controller_up_ours_down"),
    ]
    assert (said["parts"][0]["sent"], said["parts"][0]["received"], said["parts"][0]["controller_line"]) == (60, 60, 4)
    assert said["slots"]["disagree"] == 6
    assert "it says down, it answered us" in shown.stdout
    assert run("compare", "nowhere.csv").returncode == 2
