"""The units: systemd finds no fault in them, they are as closed as promised, and what they start is really there."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root for network namespaces")

ROOT = Path(__file__).resolve().parents[2]
UNITS = ROOT / "deploy" / "systemd"
NAMES = sorted(path.name for path in UNITS.glob("*.service"))
AGENT = Path(sys.executable).with_name("wifi-agent")
# `systemd-analyze security`: 0 is closed, 10 is open. The radio's unit must move a radio and is not among them.
MOST_EXPOSED = {
    "campus-wifi-prober.service": 2.0,
    "campus-wifi-shipper.service": 1.5,
    "campus-wifi-enroll.service": 1.5,
    "campus-wifi-join.service": 2.2,
}


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units as they stand, with what they start found in this tree instead of where it is installed."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed: apt-get install systemd")
    if not AGENT.exists():
        pytest.skip("wifi-agent is not installed beside this Python: pip install -e .")
    for name in NAMES:
        text = (UNITS / name).read_text().replace("/opt/campus-wifi/bin/wifi-agent", str(AGENT))
        (tmp_path / name).write_text(text.replace("/opt/campus-wifi/libexec/", f"{UNITS}/"))
    return tmp_path


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", "--no-pager", *arguments], capture_output=True, text=True, timeout=60, check=False
    )


def keys(name: str, key: str) -> list[str]:
    return re.findall(rf"(?m)^{key}=(.*)$", (UNITS / name).read_text())


def exposure(unit: Path) -> float:
    said = analyze("security", "--offline=yes", unit)
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", said.stdout)
    assert found, said.stderr
    return float(found[1])


def test_systemd_finds_no_fault_in_the_units(units: Path) -> None:
    checked = analyze("verify", *(units / name for name in NAMES))

    assert (checked.returncode, checked.stderr) == (0, "")


def test_systemd_does_find_a_fault_where_there_is_one(units: Path) -> None:
    bad = units / "campus-wifi-shipper.service"
    bad.write_text(bad.read_text().replace("RestartSec=", "RestartSecs="))

    assert "RestartSecs" in analyze("verify", bad).stderr


@pytest.mark.parametrize("name", MOST_EXPOSED)
def test_the_units_are_as_closed_as_promised(units: Path, name: str) -> None:
    assert exposure(units / name) <= MOST_EXPOSED[name]


def test_the_prober_that_may_scan_is_as_closed_as_the_one_that_may_not(units: Path) -> None:
    prober = units / "campus-wifi-prober.service"
    folder = units / "campus-wifi-prober.service.d"
    prober.write_text(prober.read_text() + (UNITS / "scan.conf").read_text())

    assert not folder.exists()
    assert exposure(prober) <= 2.0


@pytest.mark.parametrize("name", [name for name in NAMES if name != "campus-wifi-radio.service"])
def test_what_a_unit_starts_is_a_command_line_the_agent_takes(name: str) -> None:
    [line] = keys(name, "ExecStart")
    words = shlex.split(line.replace("%d", "/run/credentials/x"))
    assert words[0] == "/opt/campus-wifi/bin/wifi-agent"
    role = words[words.index("--role") + 1] if "--role" in words else None
    if role == "joiner":
        from agent.config import ROLES

        if "joiner" not in ROLES:
            pytest.skip("this agent has no role `joiner` yet")
    # --help is answered only where everything before it was understood.
    asked = subprocess.run([AGENT, *words[1:], "--help"], capture_output=True, text=True, timeout=60, check=False)

    assert asked.returncode == 0, asked.stderr


def test_each_key_of_the_example_configuration_is_one_the_agent_reads(tmp_path: Path) -> None:
    from agent.config import Config, load

    text = (UNITS / "agent.toml").read_text()
    whole = tmp_path / "agent.toml"
    whole.write_text(re.sub(r"(?m)^# (ca_file = )", r"\1", text))

    configured = load(whole, environment={})

    assert configured.recorder_socket == Path("/run/campus-wifi/recorder.sock")
    assert set(re.findall(r"(?m)^(\w+) = ", whole.read_text())) | {"role"} >= set(Config.__struct_fields__) - _later()


def _later() -> set[str]:
    """Keys that only devices with radios set; their drop-in or their unit names them."""
    from agent.config import Config

    return set(Config.__struct_fields__) - {
        "data_dir", "collector", "role", "interface", "metrics_port", "spool_quota_bytes", "ca_file", "socket",
    }  # fmt: skip


def test_prober_and_shipper_meet_where_both_may_go_and_the_key_is_where_only_one_may() -> None:
    prober, shipper = "campus-wifi-prober.service", "campus-wifi-shipper.service"

    assert keys(prober, "Group") == keys(shipper, "Group") == ["campus-wifi"]
    assert keys(prober, "User") != keys(shipper, "User")
    assert (keys(shipper, "RuntimeDirectory"), keys(shipper, "RuntimeDirectoryMode")) == (["campus-wifi"], ["0750"])
    assert keys(shipper, "StateDirectoryMode") == ["0700"]
    assert "-/var/lib/campus-wifi-agent" in keys(prober, "InaccessiblePaths")[0]
    assert keys(shipper, "CapabilityBoundingSet") == keys(shipper, "AmbientCapabilities") == [""]
    assert keys(prober, "CapabilityBoundingSet") == keys(prober, "AmbientCapabilities") == ["CAP_NET_RAW"]


def test_no_unit_holds_a_secret_in_its_command_line_or_environment() -> None:
    for name in NAMES:
        shown = " ".join(keys(name, "ExecStart") + keys(name, "Environment"))
        assert not re.search(r"campuswifi://|TOKEN|PASSWORD|PSK", shown), name
    assert keys("campus-wifi-enroll.service", "LoadCredential") == ["join:/etc/campus-wifi/join"]
    # Root's, outside of the unit's own view of the files; only where the device was enrolled.
    assert keys("campus-wifi-enroll.service", "ExecStartPost") == ["+/bin/rm -f /etc/campus-wifi/join"]


def test_the_watchdogs_allow_a_report_interval_and_a_half() -> None:
    for name in ("campus-wifi-prober.service", "campus-wifi-shipper.service", "campus-wifi-join.service"):
        assert keys(name, "Type") == ["notify"]
        assert int(keys(name, "WatchdogSec")[0]) >= 90


# --- the radio -------------------------------------------------------------------------------------------------


@pytest.fixture
def device() -> Iterator[str]:
    """A namespace with a wired interface, as a device without the radio that is asked for."""
    name = f"cw{uuid.uuid4().hex[:8]}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        subprocess.run(["ip", "-n", name, "link", "add", "wlan7", "type", "veth", "peer", "name", "other"], check=True)
        yield name
    finally:
        subprocess.run(["ip", "netns", "del", name], check=True)


def radio(device: str, verb: str, name: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["ip", "netns", "exec", device, UNITS / "radio", verb],
        env={"PATH": os.environ["PATH"], "RADIO": name},
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip


@needs_root
@pytest.mark.root
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "RADIO is not set; write RADIO="),
        ("wlan7", "wlan7 is no Wi-Fi interface; mend RADIO="),
        ("wlan8", "there is no interface wlan8 here; plug the radio in"),
        ("phy77", "there is no radio phy77 here; look at `iw phy`"),
        ("02:00:00:00:00:77", "no radio has the MAC address 02:00:00:00:00:77; plug it in"),
    ],
)
def test_a_radio_that_is_not_there_is_named_with_what_to_do_and_no_namespace_is_left(
    device: str, name: str, said: str
) -> None:
    if name and shutil.which("iw") is None:
        pytest.skip("iw is not installed: apt-get install iw")
    tried = radio(device, "start", name)

    assert tried.returncode == 1
    assert tried.stderr.startswith(f"campus-wifi-radio: {said}")
    assert not Path("/run/netns/campus-wifi-join").exists()


@needs_root
@pytest.mark.root
def test_stopping_what_was_never_started_is_no_fault(device: str) -> None:
    stopped = radio(device, "stop")

    assert (stopped.returncode, stopped.stderr) == (0, "")


def test_the_radio_script_asked_wrongly_says_how_to_ask() -> None:
    asked = subprocess.run([UNITS / "radio"], capture_output=True, text=True, timeout=10, check=False)

    assert asked.returncode == 2
    assert "RADIO=wlan1 radio start" in asked.stderr
