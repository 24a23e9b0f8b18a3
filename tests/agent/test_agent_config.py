"""A wrong setting is refused with the file, the key and the mend; the command line answers 2."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from agent.config import Config, ConfigError, load


def write(folder: Path, text: str) -> Path:
    path = folder / "agent.toml"
    path.write_text(text)
    return path


def test_every_key_is_read_and_the_environment_wins(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        'collector = "https://c:1"\ndata_dir = "/d"\nrole = "shipper"\ninterface = "eth0"\nmetrics_port = 1\n'
        'spool_quota_bytes = 2000000\nca_file = "/ca"\nsocket = "/s"\n'
        'wifi_interface = "wlan0"\njoin_interface = "wlan1"\ncredentials = "/secrets"\nradio_models = "/r"\n',
    )
    found = load(path, {"CAMPUS_WIFI_AGENT_METRICS_PORT": "7", "CAMPUS_WIFI_AGENT_ROLE": "all"})
    assert found == Config(
        data_dir=Path("/d"), collector="https://c:1", role="all", interface="eth0", wifi_interface="wlan0",
        join_interface="wlan1", credentials=Path("/secrets"), radio_models=Path("/r"), metrics_port=7,
        spool_quota_bytes=2_000_000, ca_file=Path("/ca"), socket=Path("/s"),
    )  # fmt: skip


def test_the_file_may_be_named_by_the_environment(tmp_path: Path) -> None:
    path = write(tmp_path, 'data_dir = "/here"\n')
    assert load(None, {"CAMPUS_WIFI_AGENT_CONFIG": str(path)}).data_dir == Path("/here")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('colector = "https://x"', "{path}: unknown key `colector`; did you mean `collector`?"),
        (
            "zzz = 1",
            "{path}: unknown key `zzz`; known keys: ca_file, collector, credentials, data_dir, interface, "
            "join_interface, metrics_port, radio_models, role, socket, spool_quota_bytes, wifi_interface",
        ),
        ('metrics_port = "x"', "{path}: `metrics_port` is 'x'; write a whole number from 0 to 65535"),
        ("metrics_port = 70000", "{path}: `metrics_port` is 70000; write a whole number from 0 to 65535"),
        ("metrics_port = true", "{path}: `metrics_port` is True; write a whole number from 0 to 65535"),
        ("data_dir = 3", '{path}: `data_dir` is 3; write text in quotes: data_dir = "..."'),
        ('data_dir = ""', "{path}: `data_dir` is empty; write the folder that holds the agent's key and spool"),
        ('role = "both"', "{path}: `role` is 'both'; write one of all, prober, joiner, shipper"),
        ('collector = "c:1"', "{path}: `collector` is 'c:1'; write its URL: https://HOST:PORT"),
    ],
)
def test_a_mistake_is_named_with_file_key_and_mend(tmp_path: Path, text: str, said: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as fault:
        load(path, {})
    assert str(fault.value) == said.format(path=path)


def test_what_is_not_toml_and_what_is_not_there_are_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"agent.toml: not TOML: .*line 1.*; mend that line"):
        load(write(tmp_path, "= 1"), {})
    with pytest.raises(ConfigError, match="no such file; name another with --config"):
        load(tmp_path / "other.toml", {})
    with pytest.raises(
        ConfigError, match="environment variable CAMPUS_WIFI_AGENT_ROL: unknown key `rol`; did you mean"
    ):
        load(None, {"CAMPUS_WIFI_AGENT_ROL": "all"})


def cli(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "agent.cli", *arguments],
        check=False,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )


@pytest.mark.parametrize("verb", ["run", "status", "enroll"])
def test_the_command_line_answers_2_to_a_wrong_setting(tmp_path: Path, verb: str) -> None:
    path = write(tmp_path, 'colector = "x"')
    done = cli("--config", str(path), verb, *(["campuswifi://t@h:1"] if verb == "enroll" else []))
    assert done.returncode == 2
    assert done.stderr == f"wifi-agent: {path}: unknown key `colector`; did you mean `collector`?\n"


def test_a_damaged_join_string_is_wrong_use_and_its_token_is_not_repeated(tmp_path: Path) -> None:
    path = write(tmp_path, f'data_dir = "{tmp_path}/d"')
    for join in ("http://secrettoken@h", "campuswifi://secrettoken@h:1?ca=12", "secrettoken", "campuswifi://h:x"):
        done = cli("--config", str(path), "enroll", join)
        assert done.returncode == 2
        assert "join string" in done.stderr
        assert "secrettoken" not in done.stderr + done.stdout


def test_a_device_that_is_not_enrolled_says_what_to_do(tmp_path: Path) -> None:
    path = write(tmp_path, f'data_dir = "{tmp_path}/d"')
    done = cli("--config", str(path), "run")
    assert done.returncode == 1
    assert done.stderr.endswith("this device is not enrolled; run `wifi-agent enroll` first\n")
    done = cli("--config", str(path), "status")
    assert done.returncode == 0
    assert "not enrolled" in done.stdout


def test_help_is_there_for_every_verb_and_loads_no_network_library() -> None:
    done = cli("--help")
    assert done.returncode == 0
    for verb in ("measure", "doctor", "enroll", "run", "status", "simulate"):
        assert f"    {verb}" in done.stdout
    code = "import sys, agent.cli\ntry: agent.cli.main(['--help'])\nexcept SystemExit: pass\n"
    code += "assert not {'httpx', 'scapy', 'apscheduler', 'sqlite3'} & set(sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL, check=False).returncode == 0


def test_running_without_a_collector_installed_package_loads_nothing_of_it() -> None:
    code = "import sys, agent.service\n"
    code += (
        "heavy = {'collector', 'sqlalchemy', 'starlette', 'uvicorn', 'scapy', 'rich', 'jinja2'} & set(sys.modules)\n"
    )
    code += "assert not heavy, heavy"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
