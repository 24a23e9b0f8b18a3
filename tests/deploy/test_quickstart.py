"""deploy/quickstart starts everything, answers, and leaves nothing behind, however it ends."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import binaries

ROOT = Path(__file__).resolve().parents[2]


def free_ports(count: int) -> int:
    """The first of ``count`` free ports in a row, away from those that are given out by themselves."""
    for first in range(18000 + os.getpid() % 1000, 30000, count):
        try:
            for port in range(first, first + count):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        return first
    raise AssertionError("no free ports")


def processes_below(folder: Path) -> list[str]:
    """Command lines of running processes that name a file below ``folder``, but for the kernel's dead."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if str(folder) in line:
                found.append(line)
    return found


def namespaces() -> set[str]:
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=False).stdout
    return {line.split()[0] for line in listed.splitlines() if line.startswith("campuswifi")}


@pytest.fixture
def command(tmp_path: Path) -> Iterator[list[str]]:
    """quickstart below a directory of its own, with this environment's Python and binaries instead of new ones."""
    if not Path(sys.executable).with_name("wifi-collector").exists():
        pytest.skip("the commands are not installed beside this Python: pip install -e .")
    before = namespaces()
    folder = tmp_path / "with a space"
    yield [
        sys.executable, str(ROOT / "deploy" / "demonstration"), "--dir", str(folder), "--campuses", "2",
        "--port", str(free_ports(6)), "--access-points", "namespace",
    ]  # fmt: skip
    deadline = time.monotonic() + 10
    while processes_below(folder) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert processes_below(folder) == []
    assert namespaces() <= before


def environment() -> dict[str, str]:
    found = binaries.find("prometheus")
    return {**os.environ, **({"CAMPUS_WIFI_BINARIES": str(found.parent)} if found else {})}


def start(command: list[str], *more: str) -> "subprocess.Popen[str]":
    folder = Path(command[command.index("--dir") + 1])
    folder.mkdir(parents=True, exist_ok=True)
    return subprocess.Popen(
        [*command, *more], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(), cwd=ROOT
    )


def query(url: str, text: str) -> list[dict[str, object]]:
    asked = f"{url}/api/v1/query?{urllib.parse.urlencode({'query': text})}"
    with urllib.request.urlopen(asked, timeout=10) as answer:
        result: list[dict[str, object]] = json.load(answer)["data"]["result"]
    return result


def test_a_taken_port_is_named_with_the_option_that_changes_it(command: list[str]) -> None:
    first = int(command[command.index("--port") + 1])
    with socket.socket() as other:
        other.bind(("127.0.0.1", first + 2))
        other.listen()
        run = start(command)
        out, err = run.communicate(timeout=60)

    assert run.returncode == 1
    assert f"port {first + 2} (for prometheus) is taken" in err
    assert "--port" in err
    assert out == ""


def test_wrong_use_is_refused_before_anything_starts(command: list[str]) -> None:
    run = start(command, "--for", "0")
    _, err = run.communicate(timeout=60)

    assert run.returncode == 2
    assert "--for" in err


@pytest.mark.e2e
@pytest.mark.binaries
@pytest.mark.timeout(600)
def test_it_gets_ready_has_data_prints_the_answer_and_leaves_nothing_behind(command: list[str]) -> None:
    binaries.need("prometheus"), binaries.need("alertmanager")
    run = start(command, "--for", "15")
    assert run.stdout is not None and run.stderr is not None
    try:
        line = run.stdout.readline()
        assert line.startswith("READY "), line + (run.stderr.read() if run.poll() is not None else "")
        urls = dict(part.split("=", 1) for part in line.split()[1:])
        assert list(urls)[:4] == ["collector", "prometheus", "alertmanager", "board"]
        assert float(query(urls["prometheus"], "count(campus_wifi_ap_rtt_seconds)")[0]["value"][1]) > 0  # type: ignore[index]
        with urllib.request.urlopen(urls["board"], timeout=10) as board:
            assert b"this-machine" in board.read()
        with urllib.request.urlopen(urls["collector"] + "/metrics", timeout=10) as metrics:
            shown = metrics.read()
        promtool = binaries.find("promtool")
        if promtool:
            checked = subprocess.run([promtool, "check", "metrics"], input=shown, capture_output=True, check=False)
            assert checked.returncode == 0, checked.stdout + checked.stderr
        out, err = run.communicate(timeout=120)
    finally:
        if run.poll() is None:
            run.terminate()
            run.communicate(timeout=60)

    assert run.returncode == 0, err
    assert "This machine" in out
    assert len(re.findall(r"Simulated", out)) >= 2


@pytest.mark.e2e
@pytest.mark.binaries
@pytest.mark.timeout(600)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "kill -9"])
def test_nothing_is_left_when_it_is_stopped_while_starting(command: list[str], number: signal.Signals) -> None:
    binaries.need("prometheus"), binaries.need("alertmanager")
    run = start(command)
    folder = Path(command[command.index("--dir") + 1])
    deadline = time.monotonic() + 120
    log = folder / "run" / "log" / "alertmanager.log"
    while not log.exists() and run.poll() is None and time.monotonic() < deadline:
        time.sleep(0.1)
    assert run.poll() is None and log.exists(), run.communicate()[1]
    made = namespaces()

    run.send_signal(number)
    run.communicate(timeout=60)

    if number == signal.SIGKILL:
        # Nobody is left to remove it: that it outlives a killed quickstart is known, and the test tidies up.
        for name in made:
            if name == f"campuswifi{run.pid % 100000}":
                subprocess.run(["ip", "netns", "del", name], check=False)
