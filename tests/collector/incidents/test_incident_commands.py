"""``exclusions``, ``incident`` and ``room-report`` as real processes, beside a running server and without one."""

import json
import os
import socket
import subprocess
import sys
import time

import pytest

from collector.incidents.finding import Incident, Part
from collector.store import Store, incidents

PERIOD = ("--from", "2026-10-12T08:00-07:00", "--to", "2026-10-12T12:00-07:00")


@pytest.fixture
def folder(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    (tmp_path / "collector.toml").write_text(f'data_dir = "{tmp_path}/data"\nlisten = "127.0.0.1:{port}"\n')
    (tmp_path / "campuses.csv").write_text("id,name,region\nlincoln,Lincoln,East\noak,Oak,East\n")
    (tmp_path / "rooms.csv").write_text("campus,building,room\nlincoln,main,101\n")
    return tmp_path


def environment():
    return {key: value for key, value in os.environ.items() if not key.startswith("CAMPUS_WIFI_")}


@pytest.fixture
def collector(folder):
    def run(*words: str):
        return subprocess.run(
            [sys.executable, "-m", "collector.cli", *words],
            cwd=folder, env=environment(), capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    for kind, name in (("campuses", "campuses.csv"), ("rooms", "rooms.csv")):
        assert run("import", kind, name, "--apply").returncode == 0
    return run


@pytest.fixture
def one_incident(folder, collector):
    part = Part("lincoln", 1_789_000_200, 1_789_002_000, 1800, (), ("00:11:22:33:44:01",))
    fault = Incident("campus lincoln", part.from_at, part.to_at, "access_point_down", "1 down", (part,))
    with Store(f"sqlite:///{folder}/data/collector.db") as store:
        return store.write(lambda c: incidents.add(c, fault, 1_789_001_100.0)).result()


@pytest.fixture
def server(folder, one_incident):
    process = subprocess.Popen([sys.executable, "-m", "collector.cli", "serve"], cwd=folder, env=environment())
    deadline = time.monotonic() + 30
    path = folder / "data" / "admin.sock"
    while True:
        assert process.poll() is None
        assert time.monotonic() < deadline
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            if probe.connect_ex(str(path)) == 0:
                break
        time.sleep(0.05)
    yield process
    process.terminate()
    process.wait(20)


def test_planned_work_is_asked_for_approved_by_another_and_listed(collector, folder):
    made = collector("exclusions", "add", "--region", "East", *PERIOD, "--reason", "cabling", "--by", "ana", "--json")
    assert json.loads(made.stdout)["exclusions"] == [1, 2], made.stderr

    mine = collector("exclusions", "approve", "1", "2", "--by", "ana")
    other = collector("exclusions", "approve", "1", "2", "--by", "ben")
    listed = json.loads(collector("exclusions", "list", "--json").stdout)

    assert (mine.returncode, mine.stderr.startswith("wifi-collector: exclusion 1 was asked for by ana")) == (1, True)
    assert other.returncode == 0, other.stderr
    assert [(one["campus"], one["approved_by"]) for one in listed] == [("lincoln", "ben"), ("oak", "ben")]
    assert "cabling" in collector("exclusions", "list").stdout
    (folder / "bad.csv").write_text("campus,from,to,reason\nelm,now,later,x\n")
    bad = collector("exclusions", "add", "--file", "bad.csv")
    assert (bad.returncode, "bad.csv: line 2: campus 'elm' is not known" in bad.stderr) == (2, True)
    assert collector("exclusions", "add", "--campus", "oak").returncode == 2


def test_planned_work_is_withdrawn_with_a_reason_that_stays_in_the_list_beside_a_running_server(collector, server):
    row = ("--campus", "oak", *PERIOD, "--reason", "cabling", "--by", "ana")
    assert collector("exclusions", "add", *row).returncode == 0
    assert collector("exclusions", "approve", "1", "--by", "ben").returncode == 0

    bare = collector("exclusions", "withdraw", "1")
    done = collector("exclusions", "withdraw", "1", "--by", "carl", "--reason", "called off")
    again = collector("exclusions", "withdraw", "1", "--by", "dora", "--reason", "called off")
    shown = collector("exclusions", "list").stdout
    (one,) = json.loads(collector("exclusions", "list", "--json").stdout)

    assert (bare.returncode, "--reason" in bare.stderr) == (2, True)
    assert (done.returncode, done.stdout) == (0, "withdrawn by carl: called off; 0 slots are judged again\n"), (
        done.stderr
    )
    assert (again.returncode, "withdrawn already, by carl: called off" in again.stderr) == (1, True)
    assert "by carl: called off" in shown
    assert (one["approved_by"], one["withdrawn_by"], one["withdrawn_reason"]) == ("ben", "carl", "called off")
    assert "exclusion withdrawn" in collector("audit", "list").stdout


def test_an_incident_is_worked_on_beside_a_running_server(collector, server, one_incident):
    number = str(one_incident)
    for words in (
        ("ack", number, "--by", "ana", "--note", "on my way"),
        ("step", number, "fixed", "--by", "ana"),
        ("note", number, "cable replaced", "--by", "ana"),
        ("close", number, "--as", "confirmed", "--reason", "a cable", "--by", "ben"),
    ):
        done = collector("incident", *words)
        assert done.returncode == 0, done.stderr

    shown = json.loads(collector("incident", "show", number, "--json").stdout)
    listed = json.loads(collector("incident", "list", "--json").stdout)
    figures = json.loads(collector("incident", "figures", "--json").stdout)

    assert [(step["step"], step["by"]) for step in shown["steps"]] == [
        ("acknowledged", "ana"), ("fixed", "ana"), ("note", "ana"), ("note", "ben"),
    ]  # fmt: skip
    assert (shown["state"], shown["resolution"], shown["lost_seconds"]) == ("closed", "confirmed", 1800)
    assert [one["id"] for one in listed] == [one_incident]
    assert json.loads(collector("incident", "list", "--open", "--json").stdout) == []
    assert figures["campuses"][0]["steps"]["acknowledged"]["count"] == 1
    assert figures["regions"][0]["region"] == "East"
    for words in (("list",), ("show", number), ("figures",)):
        said = collector("incident", *words)
        assert (said.returncode, "lincoln" in said.stdout) == (0, True), said.stderr
    assert collector("incident", "show", "99").returncode == 2


def test_a_room_is_reported_and_its_survey_listed(collector):
    made = collector("room-report", "add", "--room", "lincoln/main/101", "--text", "slow", "--by", "mx lee")
    listed = json.loads(collector("room-report", "list", "--due", "--json").stdout)

    assert made.stdout.startswith("lincoln/main/101 is to be surveyed by ")
    assert [(one["place"], one["text"], one["survey"]) for one in listed] == [("lincoln/main/101", "slow", "due")]
    assert "lincoln/main/101" in collector("room-report", "list").stdout
    reviewed = collector("room-report", "review", str(listed[0]["id"]), "--as", "withheld", "--json")
    assert json.loads(reviewed.stdout)["review"] == "withheld"
    assert collector("room-report", "add", "--room", "lincoln/x", "--text", "slow").returncode == 2
