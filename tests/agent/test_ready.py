"""The end of an enrollment: the technician may leave, or is told what is missing and what to do."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.plan import InForce, PlanError
from agent.push import Refused, Unreachable
from agent.ready import Look, Step, told
from tests.agent.doubles import CollectorDouble
from tests.agent.test_service import AGENT, Rig


@pytest.fixture
def device(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path) as made:
        yield made


def enroll(rig: Rig, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*AGENT, "enroll", *arguments], env=rig.environment, capture_output=True, text=True, timeout=90, check=False
    )


def test_a_device_that_runs_and_is_heard_lets_the_technician_leave(device: Rig) -> None:
    device.start()

    done = enroll(device, "--wait", "60")

    assert done.returncode == 0, done.stdout
    assert done.stdout.endswith("You can leave: this device measures and is heard.\n")
    assert "room c1/main/101" in done.stdout


def test_a_device_that_does_not_run_is_told_the_command_that_starts_it(device: Rig) -> None:
    checked = enroll(device, "--check")

    assert checked.returncode == 1
    assert "Do not leave yet:\n  running: systemctl start campus-wifi-shipper campus-wifi-prober" in checked.stdout
    assert "ok       plan" in checked.stdout


def test_a_script_gets_each_step(device: Rig) -> None:
    steps = json.loads(enroll(device, "--check", "--json").stdout)["steps"]

    assert [(step["name"], step["done"]) for step in steps] == [
        ("approved", True), ("running", False), ("first report", False), ("plan", True),
    ]  # fmt: skip


def test_a_collector_that_is_not_there_sends_to_the_doctor(device: Rig) -> None:
    device.double.close()

    checked = enroll(device, "--check")

    assert checked.returncode == 1
    assert "approved: wifi-agent doctor --collector" in checked.stdout


def test_without_waiting_enrollment_ends_as_soon_as_the_device_is_known(device: Rig) -> None:
    done = enroll(device, "--no-wait")

    assert (done.returncode, done.stdout.count("\n")) == (0, 1)


def test_a_device_that_never_enrolled_has_nothing_to_check(tmp_path: Path, device: Rig) -> None:
    device.environment["CAMPUS_WIFI_AGENT_DATA_DIR"] = str(tmp_path / "other")

    checked = enroll(device, "--check")

    assert checked.returncode == 1
    assert "this device is not enrolled; give a join string" in checked.stderr


class Answers:
    """A collector that gives each of these, one an asking."""

    def __init__(self, *answers: InForce | Exception) -> None:
        self.left = list(answers)
        self.at = 0.0

    def __call__(self) -> InForce:
        answer = self.left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def monotonic(self) -> float:
        return self.at


def steps(look: Look) -> dict[str, Step]:
    return {step.name: step for step in look.steps()}


def test_approval_and_plan_are_asked_for_now_and_then_and_not_again_once_they_came(device: Rig) -> None:
    from agent.config import Config

    in_force = InForce(device.double.document("a" * 32), "d" * 64)
    collector = Answers(Refused(403, "pending"), Refused(503, "campus not in the inventory"), in_force)
    look = Look(Config(data_dir=device.folder), "a" * 32, collector, collector.monotonic)

    pending = steps(look)
    assert not pending["approved"].done
    assert f"wifi-collector agents approve {'a' * 32}" in pending["approved"].mend
    assert (steps(look), len(collector.left)) == (pending, 2)
    collector.at += 20
    unlisted = steps(look)
    assert unlisted["approved"].done
    assert "wifi-collector import" in unlisted["plan"].mend
    collector.at += 20
    assert steps(look)["plan"].done
    collector.at += 100
    assert steps(look)["approved"].done


@pytest.mark.parametrize("fault", [Unreachable("no route"), PlanError("a plan that our collector did not sign")])
def test_what_is_not_the_collectors_word_neither_approves_nor_plans(device: Rig, fault: Exception) -> None:
    from agent.config import Config

    seen = steps(Look(Config(data_dir=device.folder), "a" * 32, Answers(fault)))

    assert (seen["approved"].done, seen["plan"].done) == (False, False)
    assert str(fault) in seen["approved"].found
    assert "Do not leave yet:" in told(list(seen.values()))


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give a folder to another user")
def test_root_enrolls_for_the_user_who_owns_the_folder(tmp_path: Path) -> None:
    made = tmp_path / "theirs"
    made.mkdir()
    double = CollectorDouble()
    try:
        os.chown(made, 65534, 65534)
        environment = {**os.environ, "CAMPUS_WIFI_AGENT_DATA_DIR": str(made), "CAMPUS_WIFI_AGENT_JOIN": double.join()}
        done = subprocess.run([*AGENT, "enroll"], env=environment, capture_output=True, text=True, check=False)

        assert done.returncode == 0, done.stderr
        assert {(made / name).stat().st_uid for name in ("identity.key", "enrollment.json")} == {65534}
    finally:
        double.close()
