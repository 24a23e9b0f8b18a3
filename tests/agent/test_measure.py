"""`wifi-agent measure` and `wifi-agent doctor` as a person or a script runs them."""

import json
import os
import subprocess
import sys

import pytest

can_ping = pytest.mark.skipif(os.geteuid() != 0, reason="needs root for ICMP")


def agent(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "import sys; from agent.cli import main; sys.exit(main())", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@can_ping
def test_a_script_gets_one_object_with_the_wires_names() -> None:
    done = agent("measure", "reach", "--target", "127.0.0.1", "--count", "2", "--interval", "0.01", "--json")
    found = json.loads(done.stdout)

    assert done.returncode == 0
    assert found.keys() >= {"probe", "started_at", "duration_seconds", "outcome", "rows"}
    assert (found["probe"], found["outcome"]) == ("reach", "ok")
    [row] = found["rows"]
    assert (row["target"], row["sent"], row["received"], row["loss_ratio"]) == ("127.0.0.1", 2, 2, 0.0)
    assert row["rtt_min_seconds"] <= row["rtt_mean_seconds"] <= row["rtt_max_seconds"]
    assert found["started_at"] <= row["at"] + 0.01


@can_ping
def test_a_person_sees_who_does_not_answer_and_why() -> None:
    done = agent(
        "measure", "reach", "--target", "127.0.0.1", "--target", "127.0.0.2-3", "--count", "1", "--method", "tcp",
        "--port", "1",
    )  # fmt: skip

    assert done.returncode == 0
    assert "refused" in done.stdout
    assert "3 of 3 do not answer" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("reach", "--target", "10.0.0.0/8"), "neighbour table"),
        (("reach", "--target", "10.0.0.300"), "10.0.0.300"),
        (("reach", "--target", "10.0.0.1", "--method", "tcp"), "--port"),
        (("reach", "--target", "10.0.0.1", "--count", "0"), "not above 0"),
        (("reach",), "--target"),
        (("throughput", "--url", "ftp://x"), "http"),
        (("path", "--target", "a:b:c"), "HOST:PORT"),
        (("airspace",), "--interface"),
        (("link", "--bssid", "02:00:5e:00:53:01"), "--interface"),
    ],
)
def test_wrong_use_is_refused_with_what_to_write(arguments, words) -> None:
    done = agent("measure", *arguments)

    assert done.returncode == 2
    assert words in done.stderr
    assert done.stdout == ""


@can_ping
def test_an_interface_that_is_not_there_is_said_and_is_no_measurement() -> None:
    done = agent("measure", "reach", "--target", "127.0.0.1", "--interface", "nope0", "--json")

    assert done.returncode == 1
    assert json.loads(done.stdout)["outcome"] == "could_not_run"
    assert "nope0" in json.loads(done.stdout)["reason"]


def test_the_host_is_measured_without_any_right() -> None:
    done = agent("measure", "host", "--json")

    assert done.returncode == 0
    assert json.loads(done.stdout)["rows"][0]["cpu_ratio"] is not None


def test_help_has_an_example() -> None:
    for arguments in (("measure", "--help"), ("measure", "reach", "--help"), ("doctor", "--help")):
        done = agent(*arguments)
        assert done.returncode == 0
        assert "example" in done.stdout


def test_the_doctor_names_each_thing_and_its_mend() -> None:
    done = agent("doctor", "--json")
    found = json.loads(done.stdout)

    assert done.returncode == (0 if found["able"] else 1)
    assert {check["name"] for check in found["checks"]} >= {"link", "gateway", "ping", "ARP", "clock"}
    assert all(check["mend"] for check in found["checks"] if check["state"] != "ok")
