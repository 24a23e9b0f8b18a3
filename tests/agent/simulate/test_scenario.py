"""Faults placed on purpose are where the file says, and a file that cannot be played is refused with its mend."""

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from agent.simulate import district
from agent.simulate.faults import Fault, Faults
from agent.simulate.probes import ModelProbes, Place
from agent.simulate.scenario import KINDS, Scenario, ScenarioError, load

ZONE = ZoneInfo("America/Los_Angeles")
DISTRICT = district.model(3)
SEEDED = Faults(DISTRICT, 1, 300.0)
WHEN = "from = 2026-10-06T09:00:00\nto = 2026-10-06T11:00:00"


def at(day: int, hour: int, minute: int = 0) -> float:
    return datetime(2026, 10, day, hour, minute, tzinfo=ZONE).timestamp()


def played(tmp_path: Path, text: str) -> Scenario:
    path = tmp_path / "faults.toml"
    path.write_text(text)
    return load(path, DISTRICT, SEEDED, 300.0)


def entry(kind: str, more: str = "", when: str = WHEN) -> str:
    return f'[[faults]]\nkind = "{kind}"\ncampus = "sim-001"\n{more}\n{when}\n'


def needed(kind: str) -> str:
    return {"access_point": "access_point = 1", "agent": "agent = 1"}.get(KINDS[kind], "")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_fault_can_be_placed_and_is_there_from_its_first_to_its_last_slot(
    tmp_path: Path, kind: str
) -> None:
    scenario = played(tmp_path, entry(kind, needed(kind)))

    assert scenario.at("sim-001", at(6, 8, 59)) == []
    assert [fault.kind for fault in scenario.at("sim-001", at(6, 9))] == [kind]
    assert [fault.kind for fault in scenario.at("sim-001", at(6, 10, 59))] == [kind]
    assert scenario.at("sim-001", at(6, 11)) == scenario.at("sim-002", at(6, 9)) == []


def test_the_truth_names_what_was_placed_and_nothing_that_lies_outside_of_the_period(tmp_path: Path) -> None:
    scenario = played(tmp_path, entry("access_point_down", "access_point = 2") + entry("agent_silent", "agent = 2"))

    named = {(fault.kind, fault.subject) for fault in scenario.between(at(6, 0), at(7, 0))}
    assert named == {
        ("access_point_down", DISTRICT[0].access_points[1].id), ("agent_silent", "/".join(DISTRICT[0].agents[1])),
    }  # fmt: skip
    assert scenario.between(at(7, 0), at(8, 0)) == []


def test_an_access_point_may_be_named_by_its_id_and_a_time_by_its_offset(tmp_path: Path) -> None:
    named = f'access_point = "{DISTRICT[0].access_points[4].id}"'
    when = "from = 2026-10-06T16:00:00Z\nto = 2026-10-06T18:00:00Z"

    (fault,) = played(tmp_path, entry("access_point_down", named, when)).between(0.0, 2e9)

    assert (fault.subject, fault.from_at, fault.to_at) == (DISTRICT[0].access_points[4].id, at(6, 9), at(6, 11))


def test_agents_have_power_only_when_the_file_says(tmp_path: Path) -> None:
    text = '[powered]\nweekdays = ["monday", "tuesday"]\nfrom = 07:00:00\nto = 16:00:00\n'
    scenario = played(tmp_path, text)
    probes = ModelProbes(Place(DISTRICT[0], *DISTRICT[0].agents[0]), scenario, seed=1, boot_at=0.0)

    off = [probes.conditions(when).off for when in (at(6, 6, 59), at(6, 7), at(6, 15, 59), at(6, 16), at(7, 12))]

    assert off == [True, False, False, True, True]
    assert scenario.between(at(5, 0), at(9, 0)) == []


def test_the_seeds_faults_happen_too_where_the_file_asks_for_them(tmp_path: Path) -> None:
    alone = played(tmp_path, entry("wan_cut"))
    both = played(tmp_path, "seeded = true\n" + entry("wan_cut"))

    drawn = SEEDED.between(at(6, 0), at(9, 0))
    assert drawn
    assert [fault.kind for fault in alone.between(at(6, 0), at(9, 0))] == ["wan_cut"]
    assert sorted(both.between(at(6, 0), at(9, 0))) == sorted(
        [*drawn, Fault("wan_cut", "sim-001", "", at(6, 9), at(6, 11))]
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[faults", "not TOML"),
        ("sedeed = true", "unknown key `sedeed`"),
        ("faults = 3", r"write each fault as \[\[faults\]\]"),
        (entry("earthquake"), "fault 1: kind 'earthquake' is not known: write one of access_point_down"),
        (entry("wan_cut").replace("sim-001", "lincoln"), "campus 'lincoln' is not of this district"),
        (entry("wan_cut", "agent = 1"), "of the whole campus: leave out agent"),
        (entry("weak_room"), "agent is None: write a number from 1 to 2"),
        (entry("weak_room", "agent = 3"), "write a number from 1 to 2"),
        (entry("access_point_down", "access_point = 0"), "write a number from 1 to"),
        (entry("wan_cut", "seconds = 3"), "of slow_dns alone"),
        (entry("wan_cut", when="from = 2026-10-06T09:00:00"), "to is None: write to = "),
        (entry("wan_cut", when="from = 2026-10-06T11:00:00\nto = 2026-10-06T09:00:00"), "exchange the two"),
        (entry("wan_cut", when="from = 2026-10-06T09:01:00\nto = 2026-10-06T11:00:00"), "whole slots of 300 s"),
        ("[powered]\nfrom = 16:00:00\nto = 07:00:00", "write from = 06:30:00"),
        ('[powered]\nweekdays = ["mon"]', "write some of monday"),
    ],
)
def test_a_file_that_cannot_be_played_is_refused_with_its_mend(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ScenarioError, match=said):
        played(tmp_path, text)
