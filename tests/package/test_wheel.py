"""The wheel as it ships: built once, installed in clean environments without the source tree, each extra alone."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.package, pytest.mark.timeout(600)]


def run(*command: str | Path, cwd: Path, timeout: float = 300) -> subprocess.CompletedProcess[str]:
    line = [str(part) for part in command]
    return subprocess.run(line, cwd=cwd, env=clean(), capture_output=True, text=True, timeout=timeout, check=False)


def clean() -> dict[str, str]:
    """The environment without what would show an installed program the source tree or this environment."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL_ENV", "CAMPUS_WIFI_", "COV_"))}


def tracked() -> list[str]:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: what would be shipped is not known")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True)
    return [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    source = tmp_path_factory.mktemp("source")
    # Built from a copy: files that no commit has must not slip in, and nothing is written into the checkout.
    for name in tracked():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, source / name)
    built = run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, source, cwd=out)
    assert built.returncode == 0, built.stdout + built.stderr
    return next(out.glob("*.whl"))


def environment(folder: Path, wheel: Path, extra: str) -> Path:
    """A clean virtual environment with the hash-pinned requirements of one extra and the wheel; its bin directory."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True, timeout=120)
    pip = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    pins = ROOT / "deploy" / "requirements" / f"{extra}.txt"
    pinned = run(*pip, "--require-hashes", "-r", pins, cwd=folder, timeout=400)
    if pinned.returncode and "hash" not in pinned.stderr.lower():
        pytest.skip(f"the pinned packages cannot be had here: {pinned.stderr.strip().splitlines()[-1]}")
    assert pinned.returncode == 0, pinned.stderr
    # Whatever the extra needs must be in its pins: nothing is fetched for the wheel itself.
    installed = run(*pip, "--no-index", f"{wheel}[{extra}]", cwd=folder)
    assert installed.returncode == 0, installed.stderr
    return folder / "bin"


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
