"""A walk: rooms measured by name arrive as of those rooms, wait where there is no network, and survive Ctrl-C."""

from __future__ import annotations

import io
import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from agent import wire
from agent.clock import RealClock
from agent.config import Config
from agent.probes.base import CouldNotRun
from agent.probes.figures import boottime
from agent.run import Last
from agent.service import ServiceError
from agent.survey import rooms
from agent.survey.table import show
from agent.survey.walk import Room, Walk, settings_of
from tests.agent.test_service import AGENT, Rig, wait_for


def airspace(*ssids: str) -> wire.Airspace:
    """The air as a radio would give it: one listed access point a network, weakest first."""
    count = len(ssids)
    none: list[Any] = [None] * count
    return wire.Airspace(
        at=[boottime()] * count, duration_seconds=[0.1] * count, outcome=["ok"] * count, reason=none,
        bssid=[f"02:00:00:00:00:{row:02x}" for row in range(count)], ssid=list(ssids), listed=[True] * count,
        radio=["02:00:00:00:00:00"] * count, band=["5"] * count, channel=[36] * count,
        frequency_hertz=[5_180_000_000] * count, width_hertz=none,
        signal_dbm=[-80.0 + row for row in range(count)], signal_uncertainty_db=none, generation=none, security=none,
        stations=none, utilization_ratio=none, source=["scan"] * count,
    )  # fmt: skip


def path() -> wire.Path:
    return wire.Path(
        at=[boottime()], duration_seconds=[0.1], outcome=["ok"], reason=[None], target=["gateway"], method=["icmp"],
        stamp=["user"], sent=[1], received=[1], rtt_min_seconds=[0.002], rtt_mean_seconds=[0.002],
        rtt_max_seconds=[0.002], jitter_seconds=[None], loss_ratio=[0.0], rung=["gateway"],
    )  # fmt: skip


def probes(**by_name: Callable[[], Any]) -> Callable[[str], Any]:
    """What stands in for the radio, looked up by a probe's name."""
    chosen = {"airspace": lambda: {"airspace": airspace("District")}, "path": path, **by_name}
    return lambda name: lambda _settings, _deadline: chosen[name]()


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path) as made:
        yield made


@pytest.fixture
def heard(rig: Rig) -> list[wire.Report]:
    """Every report that the collector took, as it came."""
    reports: list[wire.Report] = []
    rig.double.on_report = reports.append  # type: ignore[method-assign]
    return reports


def walk(rig: Rig, load: Callable[[str], Any]) -> Walk:
    clock = RealClock(rig.folder / "clock.json")
    return Walk(Config(data_dir=rig.folder), clock, load, settings=lambda *_: None)


def measured(reports: list[wire.Report]) -> list[wire.Report]:
    return [report for report in reports if report.airspace is not None or report.path is not None]


def test_each_room_arrives_as_of_that_room_and_what_is_of_no_room_says_none(rig: Rig, heard: list[wire.Report]) -> None:
    walking = walk(rig, probes())
    for place in ("c1/main/101", "c1/main/102"):
        room = walking.measure(place)
        assert set(room.tables) == {"airspace", "path"}
        assert room.reports >= 1
    wait_for(lambda: {report.place for report in heard} >= {"c1/main/101", "c1/main/102"})
    walking.close()

    for place in ("c1/main/101", "c1/main/102"):
        of = [report for report in heard if report.place == place]
        assert sum(len(report.airspace.at) for report in of if report.airspace is not None) == 1
        assert sum(len(report.path.at) for report in of if report.path is not None) == 1
    assert all(report.place is None for report in heard if report not in measured(heard))


def test_without_a_network_rooms_wait_on_the_device_and_the_next_walk_hands_them_over(
    rig: Rig, heard: list[wire.Report]
) -> None:
    rig.double.fault = "busy"
    walking = walk(rig, probes())
    walking.measure("c1/main/101")
    walking.measure("c1/gym/floor")
    assert walking.close() >= 2
    assert heard == []
    rig.double.fault = ""

    later = walk(rig, probes())
    later.hand_over(30)

    assert later.close() == 0
    assert {report.place for report in measured(heard)} == {"c1/main/101", "c1/gym/floor"}


def test_an_interruption_keeps_what_was_measured_in_the_room(rig: Rig, heard: list[wire.Report]) -> None:
    def interrupted() -> wire.Path:
        raise KeyboardInterrupt

    walking = walk(rig, probes(path=interrupted))
    with pytest.raises(KeyboardInterrupt):
        walking.measure("c1/main/101")
    walking.close()

    [report] = measured(heard)
    assert report.place == "c1/main/101"
    assert report.airspace is not None
    assert report.path is None


def test_a_probe_that_cannot_run_is_told_of_the_device_in_that_room(rig: Rig, heard: list[wire.Report]) -> None:
    def deaf() -> wire.Table:
        raise CouldNotRun("no radio", "plug one in")

    walking = walk(rig, probes(airspace=deaf))
    room = walking.measure("c1/main/101")
    walking.close()

    assert room.probes["airspace"].result == "not_run"
    [fault] = [fault for report in heard for fault in report.not_run if report.place == "c1/main/101"]
    assert (fault.probe, fault.reason) == ("airspace", "no radio")


def test_where_an_agent_runs_the_walk_says_how_to_stop_it(rig: Rig) -> None:
    rig.start()
    wait_for((rig.folder / "run.json").exists)

    with pytest.raises(ServiceError, match="systemctl stop campus-wifi-prober campus-wifi-shipper"):
        walk(rig, probes())


def test_without_a_plan_the_air_is_not_listened_to_because_every_network_would_be_a_stranger(tmp_path: Path) -> None:
    with pytest.raises(CouldNotRun, match="the district's networks are not known"):
        settings_of("airspace", None, Config(data_dir=tmp_path), "http://127.0.0.1")


# --- the command -----------------------------------------------------------------------------------------------


def survey(rig: Rig, *arguments: str, answers: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*AGENT, "survey", *arguments],
        env=rig.environment, input=answers, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def test_a_script_measures_one_room_and_reads_what_became_of_it(rig: Rig, heard: list[wire.Report]) -> None:
    done = survey(rig, "--room", "main/101", "--once", "--json")

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["place"] == "c1/main/101"
    assert told["probes"]["path"]["result"] == "measured"
    assert [report.place for report in heard if report.path is not None] == ["c1/main/101"]


def test_the_rooms_of_a_list_are_offered_one_after_the_other_and_another_may_be_named(
    rig: Rig, heard: list[wire.Report], tmp_path: Path
) -> None:
    (tmp_path / "rooms.csv").write_text("campus,building,room\nc1,main,101\nc2,main,1\nc1,main,102\n")

    done = survey(rig, "--rooms", str(tmp_path / "rooms.csv"), answers="\ngym/floor\nnonsense\nq\n")

    assert done.returncode == 0, done.stderr
    assert "Room [main/101], Enter" in done.stderr
    assert "'nonsense': write BUILDING/ROOM" in done.stderr
    assert "Room [main/102], Enter" in done.stderr
    assert {report.place for report in measured(heard)} == {"c1/main/101", "c1/gym/floor"}


def test_what_waits_is_handed_over_by_push_and_while_it_waits_push_says_why(rig: Rig, heard: list[wire.Report]) -> None:
    rig.double.fault = "busy"
    kept = survey(rig, "--room", "main/101", "--once")
    assert "wifi-agent survey --push" in kept.stdout
    refused = survey(rig, "--push")
    assert refused.returncode == 1
    assert "503 busy" in refused.stderr
    rig.double.fault = ""

    assert survey(rig, "--push").returncode == 0
    assert "c1/main/101" in {report.place for report in heard}


@pytest.mark.parametrize("arguments", [["--once"], ["--room", "101"], ["--rooms", "/nowhere.csv"]])
def test_wrong_use_is_2(rig: Rig, arguments: list[str]) -> None:
    assert survey(rig, *arguments).returncode == 2


# --- names and the table ---------------------------------------------------------------------------------------


def test_rooms_are_named_as_the_collector_names_them(tmp_path: Path) -> None:
    assert rooms.place(" main / 101 ", "c1") == "c1/main/101"
    assert rooms.place("c2/main/101", "c1") == "c2/main/101"
    for wrong in ("", "101", "a/", "a/b/c/d", "main/\x1b[2J", "a/" + "b" * 200):
        with pytest.raises(rooms.RoomError):
            rooms.place(wrong, "c1")
    listed = tmp_path / "rooms.csv"
    listed.write_text("building,room\nmain,101\nmain,101\n")
    assert rooms.listed(listed, "c1") == ["c1/main/101"]
    listed.write_text("name\n101\n")
    with pytest.raises(rooms.RoomError, match="columns building and room"):
        rooms.listed(listed, "c1")


def printed(room: Room) -> str:
    out = io.StringIO()
    show(room, Console(file=out, width=160))
    return out.getvalue()


def test_the_table_shows_the_strongest_first_and_a_networks_name_is_only_a_name() -> None:
    tables: dict[str, wire.Table] = {"airspace": airspace("weak", "[bold]loud[/]"), "path": path()}
    last = Last("measured", "", 2, time.time(), 1.0)

    text = printed(Room("c1/main/101", tables, {"airspace": last}, 1))

    assert text.index("[bold]loud[/]") < text.index("weak")
    assert "-79 dBm" in text
    assert "the path stands: gateway 2.0 ms" in text


def test_a_room_without_coverage_says_so() -> None:
    assert "no access point of the district is heard here" in printed(Room("p", {"airspace": airspace()}, {}, 1))
