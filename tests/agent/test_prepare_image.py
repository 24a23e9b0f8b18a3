"""An image that a van of agents is copied from holds nothing of one device; each copy becomes a device of its own."""

import csv
import datetime
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.image.image import STATE, UNITS, WANTED, Image
from agent.spool import Spool
from tests.agent.doubles import CollectorDouble, FakeClock
from tests.agent.test_service import AGENT
from tests.agent.test_spool import maker

ROOT = Path(__file__).resolve().parents[2]
SOON = (datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=72)).isoformat(timespec="seconds")
STATE_FILES = ("identity.key", "enrollment.json", "collector-ca.pem", "plan.json", "clock.json", "run.json")


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A system as deploy/systemd/install leaves it, that has been a device already."""
    root = tmp_path / "image"
    for folder in (*STATE, WANTED, Path("etc/campus-wifi"), Path("opt/campus-wifi/bin"), Path("var/lib/dbus")):
        (root / folder).mkdir(parents=True)
    (root / "opt/campus-wifi/bin/wifi-agent").touch()
    (root / "etc/campus-wifi/agent.toml").write_text((ROOT / "deploy/systemd/agent.toml").read_text())
    for unit in UNITS:
        (root / WANTED / unit).symlink_to(f"/etc/systemd/system/{unit}")
    for name in STATE_FILES:
        (root / STATE[0] / name).write_text("{}")
    (root / STATE[1] / "held").mkdir()
    (root / STATE[1] / "held" / "one").touch()
    (root / "etc/campus-wifi/join").write_text("campuswifi://old-token@127.0.0.1:1?tls=0\n")
    (root / "etc/machine-id").write_text("0123456789abcdef0123456789abcdef\n")
    (root / "var/lib/dbus/machine-id").symlink_to("/etc/machine-id")
    return root


def prepare(root: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [*AGENT, "prepare-image", "--root", root, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def write_joins(path: Path, *rows: tuple[str, int, str, str]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["campus", "agents", "expires_at", "join"])
        writer.writerows(rows)
    return path


def test_no_key_no_spool_no_machine_id_and_no_join_string_stay_and_the_configuration_does(image: Path) -> None:
    configured = (image / "etc/campus-wifi/agent.toml").read_text()

    done = prepare(image)

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("fit to be copied\n")
    assert "removed: var/lib/campus-wifi-agent/identity.key (" in done.stdout
    assert [list((image / folder).iterdir()) for folder in STATE] == [[], [], []]
    assert (image / "etc/machine-id").read_text() == ""
    assert not (image / "etc/campus-wifi/join").exists()
    assert (image / "etc/campus-wifi/agent.toml").read_text() == configured
    assert "old-token" not in done.stdout
    assert prepare(image, "--check").stdout == "fit to be copied\n"


def test_a_check_changes_nothing_and_says_what_is_in_it(image: Path) -> None:
    before = sorted(image.rglob("*"))

    checked = prepare(image, "--check", "--json")

    said = json.loads(checked.stdout)
    assert (checked.returncode, said["fit"]) == (1, False)
    paths = {one["path"] for one in said["found"]}
    assert {"etc/machine-id", "etc/campus-wifi/join", "var/lib/campus-wifi-agent/identity.key"} <= paths
    assert sorted(image.rglob("*")) == before


def test_reports_that_were_never_sent_are_not_thrown_away_unasked(image: Path) -> None:
    spool = Spool(image / STATE[0] / "spool.sqlite3", FakeClock())
    spool.seal(maker()), spool.seal(maker())
    spool.close()

    refused = prepare(image)

    assert refused.returncode == 1
    assert "2 reports in it were never sent; let them go out first, or --discard" in refused.stderr
    assert (image / STATE[0] / "identity.key").exists()
    assert prepare(image, "--discard").returncode == 0
    assert list((image / STATE[0]).iterdir()) == []


def test_an_image_whose_units_do_not_start_or_whose_configuration_is_wrong_is_not_fit(image: Path) -> None:
    (image / WANTED / UNITS[0]).unlink()
    (image / "etc/campus-wifi/agent.toml").write_text('interfase = "eth0"\n')

    done = prepare(image)

    assert done.returncode == 1
    assert f"missing: {UNITS[0]} does not start with the device; run: systemctl --root={image} enable" in done.stdout
    assert "did you mean `interface`?" in done.stdout
    assert done.stdout.endswith("not fit to be copied\n")


def test_an_agent_that_runs_is_to_be_stopped_first(image: Path) -> None:
    (image / "run/campus-wifi").mkdir(parents=True)
    (image / "run/campus-wifi/recorder.sock").touch()

    refused = prepare(image)

    assert (refused.returncode, (image / STATE[0] / "identity.key").exists()) == (1, True)
    assert "its agent runs; stop it: systemctl stop" in refused.stderr


def test_a_link_that_leads_out_of_the_image_is_refused_and_what_it_leads_to_stays(image: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (image / STATE[0]).rename(outside)
    (image / STATE[0]).symlink_to(outside)

    refused = prepare(image)

    assert refused.returncode == 1
    assert "is a link; put a folder in its place" in refused.stderr
    assert {path.name for path in outside.iterdir()} == set(STATE_FILES)


def test_a_machine_id_that_is_a_link_is_replaced_and_not_followed(image: Path, tmp_path: Path) -> None:
    own = tmp_path / "machine-id"
    own.write_text("this machine's\n")
    (image / "etc/machine-id").unlink()
    (image / "etc/machine-id").symlink_to(own)

    assert prepare(image).returncode == 0

    assert own.read_text() == "this machine's\n"
    assert not (image / "etc/machine-id").is_symlink()


def test_where_there_is_no_agent_the_command_that_installs_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()

    assert "run deploy/systemd/install WHEEL on it first" in prepare(tmp_path).stderr
    assert "no system is here" in prepare(tmp_path / "etc").stderr


# --- join strings ----------------------------------------------------------------------------------------------


def test_each_card_gets_the_next_line_and_no_other_and_more_than_there_are_is_refused(
    image: Path, tmp_path: Path
) -> None:
    lines = [("lincoln", 2, SOON, "campuswifi://tok-l@127.0.0.1:1?tls=0")]
    lines += [("mark-twain", 1, SOON, "campuswifi://tok-m@127.0.0.1:1?tls=0")]
    joins = write_joins(tmp_path / "joins.csv", *lines)

    cards = []
    for _ in range(3):
        done = prepare(image, "--joins", joins)
        assert done.returncode == 0, done.stderr
        cards.append(
            (done.stdout.splitlines()[-2].partition(",")[0], (image / "etc/campus-wifi/join").read_text()[:18])
        )
    refused = prepare(image, "--joins", joins)

    assert cards == [
        ("this card: lincoln", "campuswifi://tok-l"),
        ("this card: lincoln", "campuswifi://tok-l"),
        ("this card: mark-twain", "campuswifi://tok-m"),
    ]
    assert oct((image / "etc/campus-wifi/join").stat().st_mode & 0o777) == "0o600"
    assert "every join string was given already" in refused.stderr
    given = tmp_path / "joins.csv.given"
    assert [row["campus"] for row in csv.DictReader(given.open())] == ["lincoln", "lincoln", "mark-twain"]
    assert "tok-" not in given.read_text() + refused.stderr


@pytest.mark.parametrize(
    ("row", "arguments", "said"),
    [
        (("a", 1, "2026-01-01T00:00:00+00:00", "campuswifi://t@127.0.0.1:1?tls=0"), [], "the join string of a ended"),
        (("a", 1, SOON, "https://t@127.0.0.1"), [], "line 2: this is not a join string"),
        (("a", 1, "tomorrow", "campuswifi://t@127.0.0.1:1?tls=0"), [], "line 2: agents or expires_at"),
        (("a", 1, SOON, "campuswifi://t@127.0.0.1:1?tls=0"), ["--campus", "b"], "no line for campus b"),
    ],
)
def test_a_line_that_cannot_be_used_is_named_and_the_card_stays_as_it_was(
    image: Path, tmp_path: Path, row: tuple[str, int, str, str], arguments: list[str], said: str
) -> None:
    joins = write_joins(tmp_path / "joins.csv", row)

    refused = prepare(image, "--joins", joins, *arguments)

    assert refused.returncode == 1
    assert said in refused.stderr
    assert (image / STATE[0] / "identity.key").exists()
    assert not (tmp_path / "joins.csv.given").exists()


@pytest.fixture
def collectors() -> Iterator[list[CollectorDouble]]:
    """Each knows a token for one device."""
    doubles = [CollectorDouble(), CollectorDouble()]
    try:
        yield doubles
    finally:
        for double in doubles:
            double.close()


def test_two_copies_of_one_image_are_two_devices_once_each_has_started(
    image: Path, tmp_path: Path, collectors: list[CollectorDouble]
) -> None:
    lines = [(f"c{number}", 1, SOON, collector.join()) for number, collector in enumerate(collectors)]
    joins = write_joins(tmp_path / "joins.csv", *lines)
    assert prepare(image).returncode == 0
    devices = []
    for name in ("one", "two"):
        card = tmp_path / name
        subprocess.run(["cp", "-a", image, card], check=True)
        assert prepare(card, "--joins", joins).returncode == 0
        # What campus-wifi-enroll.service starts.
        enrolled = subprocess.run(
            [*AGENT, "enroll", "--no-wait", "--json", "--join-file", card / "etc/campus-wifi/join"],
            env=os.environ | {"CAMPUS_WIFI_AGENT_DATA_DIR": str(card / STATE[0])},
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert enrolled.returncode == 0, enrolled.stderr
        devices.append(json.loads(enrolled.stdout)["agent"])

    assert len(set(devices)) == 2
    assert Image(tmp_path / "one").findings() != []
