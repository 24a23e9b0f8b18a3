"""The wheel as it ships: built once, installed in clean environments without the source tree, each extra alone."""

import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.package.clean_environment import clean, environment, run, tracked, wheel_of_the_checkout

pytestmark = [pytest.mark.package, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return wheel_of_the_checkout(tmp_path_factory.mktemp("wheel"), tmp_path_factory.mktemp("source"))


@pytest.fixture(scope="module")
def agent(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return environment(tmp_path_factory.mktemp("agent") / "venv", wheel, "agent")


@pytest.fixture(scope="module")
def collector(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return environment(tmp_path_factory.mktemp("collector") / "venv", wheel, "collector")


def test_the_wheel_holds_every_module_and_every_file_that_is_read_at_run_time(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    wanted = {name for name in tracked() if name.startswith(("agent/", "collector/"))}

    assert wanted - names == set()
    assert "agent/py.typed" in names
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"agent", "collector"}


def test_the_agent_alone_measures_without_anything_of_the_collector(agent: Path, tmp_path: Path) -> None:
    shown = run(agent / "wifi-agent", "measure", "--help", cwd=tmp_path)
    assert shown.returncode == 0, shown.stderr
    assert "reach" in shown.stdout

    asked = ["measure", "reach", "--target", "127.0.0.1", "--count", "3", "--interval", "0.05", "--json"]
    measured = run(agent / "wifi-agent", *asked, cwd=tmp_path)
    if measured.returncode == 1 and os.geteuid() != 0:
        pytest.skip(f"this user may not send ICMP: {measured.stderr.strip()}")
    assert measured.returncode == 0, measured.stderr
    answer = json.loads(measured.stdout)
    assert [row["target"] for row in answer["rows"]] == ["127.0.0.1"]
    assert answer["rows"][0]["received"] == 3

    looked = "from importlib.util import find_spec; print([m for m in ('sqlalchemy', 'uvicorn') if find_spec(m)])"
    assert run(agent / "python", "-c", looked, cwd=tmp_path).stdout.strip() == "[]"


def test_the_agent_alone_says_what_its_device_can_measure(agent: Path, tmp_path: Path) -> None:
    told = run(agent / "wifi-agent", "doctor", cwd=tmp_path)

    assert told.returncode in {0, 1}, told.stderr
    assert "Traceback" not in told.stderr


def test_the_agent_alone_simulates(agent: Path, tmp_path: Path) -> None:
    made = run(agent / "wifi-agent", "simulate", "--campuses", "2", "--write-inventory", "model", cwd=tmp_path)

    assert made.returncode == 0, made.stderr
    assert (tmp_path / "model" / "campuses.csv").read_text().count("\n") == 3


def test_the_collector_alone_has_help_for_each_verb_and_no_scapy(collector: Path, tmp_path: Path) -> None:
    shown = run(collector / "wifi-collector", "--help", cwd=tmp_path)

    assert shown.returncode == 0, shown.stderr
    assert {"serve", "import", "token", "commitment"} <= set(shown.stdout.split())
    scapy = run(collector / "python", "-c", "import scapy", cwd=tmp_path)
    assert "No module named 'scapy'" in scapy.stderr


@pytest.fixture
def served(collector: Path, tmp_path: Path) -> Iterator[str]:
    with socket.socket() as first, socket.socket() as second:
        first.bind(("127.0.0.1", 0))
        second.bind(("127.0.0.1", 0))
        port, throughput = first.getsockname()[1], second.getsockname()[1]
    (tmp_path / "collector.toml").write_text(
        f'data_dir = "data"\nlisten = "127.0.0.1:{port}"\nthroughput_listen = "127.0.0.1:{throughput}"\n'
    )
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(
            [collector / "wifi-collector", "--config", "collector.toml", "serve"],
            cwd=tmp_path, env=clean(), stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    try:
        url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 60
        while not answers(f"{url}/readyz"):
            assert server.poll() is None, (tmp_path / "log").read_text()
            assert time.monotonic() < deadline, (tmp_path / "log").read_text()
            time.sleep(0.1)
        yield url
        server.send_signal(signal.SIGTERM)
        assert server.wait(30) == 0, (tmp_path / "log").read_text()
    finally:
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def test_the_collector_alone_serves_its_board_imports_and_answers(collector: Path, tmp_path: Path, served: str) -> None:
    for path in ("/healthz", "/metrics", "/", "/v1/campuses"):
        assert answers(served + path), path
    (tmp_path / "campuses.csv").write_text("id,name\nlincoln-hs,Lincoln High\n")
    command = [collector / "wifi-collector", "--config", "collector.toml"]

    imported = run(*command, "import", "campuses", "campuses.csv", "--apply", cwd=tmp_path)
    token = run(*command, "token", "create", "--campus", "lincoln-hs", cwd=tmp_path)
    told = run(*command, "commitment", "--json", cwd=tmp_path)

    assert imported.returncode == 0, imported.stderr
    assert token.stdout.startswith("campuswifi://"), token.stderr
    assert told.returncode == 0, told.stderr
    assert [campus["campus"] for campus in json.loads(told.stdout)["campuses"]] == ["lincoln-hs"]
