"""The server's units: systemd finds no fault in them on top of Debian's own, they are closed, and what they start knows
its flags and its files."""

import configparser
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from collector import config
from tests import binaries

ROOT = Path(__file__).resolve().parents[2]
SERVER = ROOT / "deploy" / "server"
DEBIAN = ("prometheus", "prometheus-alertmanager")
# `systemd-analyze security`: 0 is closed, 10 is open.
MOST_EXPOSED = {"campus-wifi-collector": 1.5, "prometheus": 1.5, "prometheus-alertmanager": 1.5}


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """Our unit and Debian's with our drop-ins, each starting a program that is on this machine."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed: apt-get install systemd")
    command = Path(sys.executable).with_name("wifi-collector")
    text = (SERVER / "campus-wifi-collector.service").read_text()
    (tmp_path / "campus-wifi-collector.service").write_text(
        text.replace("/opt/campus-wifi-collector/bin/wifi-collector", str(command))
    )
    for name in DEBIAN:
        program = binaries.need(name)
        shipped = program.parents[2] / "lib" / "systemd" / "system" / f"{name}.service"
        if not shipped.exists():
            pytest.skip(f"Debian's unit of {name} is not here: run tests/run")
        # `verify` of a file looks for no drop-ins beside it: they are added as systemd would, after it.
        text = shipped.read_text() + (SERVER / f"{name}.conf").read_text()
        (tmp_path / f"{name}.service").write_text(text.replace(f"/usr/bin/{name}", str(program)))
    return tmp_path


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = ["systemd-analyze", "--no-pager", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_systemd_finds_no_fault_in_the_servers_units(units: Path) -> None:
    checked = analyze("verify", "--man=no", *(units / f"{name}.service" for name in MOST_EXPOSED))

    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.parametrize("name", MOST_EXPOSED)
def test_the_servers_units_are_as_closed_as_promised(units: Path, name: str) -> None:
    said = analyze("security", "--offline=yes", units / f"{name}.service")
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", said.stdout)

    assert found, said.stderr
    assert float(found[1]) <= MOST_EXPOSED[name]


def _started(name: str) -> str:
    text = (SERVER / f"{name}.conf").read_text().replace("\\\n", " ")
    return re.findall(r"(?m)^ExecStart=(.+)$", text)[-1]


@pytest.mark.parametrize("name", DEBIAN)
def test_the_programs_know_each_flag_and_answer_this_machine_alone(name: str) -> None:
    program = binaries.need(name.removeprefix("prometheus-"))
    flags = re.findall(r"--([\w.-]+)", _started(name))

    told = subprocess.run([program, "--help"], capture_output=True, text=True, timeout=60, check=False)

    assert [flag for flag in flags if f"--{flag}" not in told.stdout + told.stderr] == []
    assert "--web.listen-address=127.0.0.1:" in _started(name)


def test_the_collectors_unit_starts_a_command_line_the_collector_takes() -> None:
    text = (SERVER / "campus-wifi-collector.service").read_text()
    [line] = re.findall(r"(?m)^ExecStart=\S+ (.*)$", text)
    command = Path(sys.executable).with_name("wifi-collector")

    asked = subprocess.run([command, *line.split(), "--help"], capture_output=True, text=True, timeout=60, check=False)

    assert asked.returncode == 0, asked.stderr


def test_the_configuration_that_is_installed_names_the_addresses_and_the_file_that_the_others_have() -> None:
    held = config.load(SERVER / "collector.toml", environment={})
    alertmanager = yaml.safe_load((ROOT / "deploy" / "alertmanager" / "alertmanager.yml").read_text())
    hooks = [hook for one in alertmanager["receivers"] for hook in one.get("webhook_configs", [])]
    [token] = {hook["http_config"]["authorization"]["credentials_file"] for hook in hooks if "http_config" in hook}

    assert held.address.is_loopback
    assert token in (SERVER / "install").read_text().replace("$etc", "/etc/campus-wifi")
    assert f"--web.listen-address={held.alertmanager_url.removeprefix('http://')}" in _started(DEBIAN[1])
    assert held.remote_write_url.removesuffix("/api/v1/write").endswith("127.0.0.1:9090")
    assert f"{held.url}/v1/notifications" in {hook["url"] for hook in hooks}


def test_grafana_gets_the_folders_that_the_install_script_fills() -> None:
    unit = configparser.RawConfigParser(strict=False, delimiters="=")
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    text = (SERVER / "grafana-server.conf").read_text()
    install = (SERVER / "install").read_text()

    unit.read_string(re.sub(r"(?m)^Environment=(\w+)=", r"\1=", text))
    held = unit["Service"]

    assert held["GF_PATHS_PROVISIONING"] == "/etc/campus-wifi/grafana/provisioning"
    assert "$etc/grafana/provisioning/$kind" in install and "$etc/grafana/dashboards" in install
    assert held["CAMPUS_WIFI_DASHBOARDS"] == "/etc/campus-wifi/grafana/dashboards"
    assert (ROOT / "dashboards" / "json" / Path(held["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]).name).exists()
    assert not re.search(r"(?m)^GF_SECURITY_ADMIN_PASSWORD=", text)


def test_the_script_may_be_run() -> None:
    assert (SERVER / "install").stat().st_mode & stat.S_IXUSR
