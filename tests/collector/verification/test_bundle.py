"""A month in one file: checked by a process without a store and a network, for somebody who trusts nobody."""

import csv
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.collector.small_ledger import lived_in

COLLECTOR = [sys.executable, "-m", "collector.cli"]
ROOT = Path(__file__).resolve().parents[3]


def run(*command, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("CAMPUS_WIFI_")}
    return subprocess.run(
        command, cwd=folder, env=environment | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A folder with a closed store and its configuration, and the bundle of its month."""
    folder = tmp_path_factory.mktemp("kept")
    lived_in(folder).store.close()
    (folder / "collector.toml").write_text(f'data_dir = "{folder}"\nlisten = "127.0.0.1:18080"\n')
    done = run(*COLLECTOR, "export-evidence", "lincoln", "2026-09", "--out", "lincoln.zip", "--json", folder=folder)
    assert done.returncode == 0, done.stderr
    return folder, folder / "lincoln.zip", json.loads(done.stdout)


def test_a_bundle_is_confirmed_on_a_laptop_without_store_and_network(kept, tmp_path):
    shutil.copy(kept[1], tmp_path / "lincoln.zip")
    alone = ["unshare", "-n"] if os.geteuid() == 0 and shutil.which("unshare") else []

    done = run(*alone, *COLLECTOR, "verify", "lincoln.zip", "--json", folder=tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    said = json.loads(done.stdout)
    assert said["confirmed"] is True
    assert (said["looked_at"]["reports"], said["looked_at"]["slots"]) == (30, 290)
    assert said["looked_at"]["chain"] == kept[2]["chain"] != ""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lincoln.zip"]


def test_the_file_is_the_owners_alone_whole_or_not_there_and_never_overwritten(kept):
    folder, bundle, said = kept
    again = run(*COLLECTOR, "export-evidence", "lincoln", "2026-09", "--out", "lincoln.zip", folder=folder)
    nowhere = run(*COLLECTOR, "export-evidence", "lincoln", "2026-09", "--out", "no/such/folder.zip", folder=folder)

    assert again.returncode == 2
    assert nowhere.returncode == 1
    assert hashlib.sha256(bundle.read_bytes()).hexdigest() == said["sha256"]
    assert bundle.stat().st_mode & 0o777 == 0o600
    assert list(folder.glob("*.partial")) == []


@pytest.mark.parametrize(
    "words",
    [
        ("export-evidence", "lincoln", "2026-13", "--out", "x.zip"),
        ("export-evidence", "lincoln", "2026-9", "--out", "x.zip"),
        ("export-evidence", "nowhere", "2026-09", "--out", "x.zip"),
        ("export-evidence", "lincoln", "2025-01", "--out", "x.zip"),
        ("verify", "no-such-file.zip"),
        ("verify", "lincoln.zip", "--campus", "lincoln"),
        ("verify", "--campus", "nowhere"),
        ("verify", "--from", "2026-09-16", "--to", "2026-09-15"),
    ],
)
def test_wrong_use_is_said_and_ends_with_two(kept, words):
    done = run(*COLLECTOR, *words, folder=kept[0])

    assert done.returncode == 2, done.stdout
    assert done.stderr.count("\n") >= 2


def test_the_store_is_confirmed_by_the_command_too(kept):
    done = run(*COLLECTOR, "verify", "--from", "2026-09-16", "--campus", "lincoln", folder=kept[0])

    assert (done.returncode, done.stdout.split(":")[0]) == (0, "confirmed"), done.stdout


def test_what_is_in_it_can_be_read_by_people(kept):
    with zipfile.ZipFile(kept[1]) as archive:
        rows = list(csv.DictReader(io.StringIO(archive.read("summary.csv").decode())))
        readme = archive.read("README.txt").decode()
        listed = archive.read("manifest.sha256").decode()
        manifest = archive.read("manifest.json")

    assert [(row["day"], row["revision"], row["open"]) for row in rows] == [
        ("2026-09-15", "2", "no"), ("2026-09-16", "1", "yes"),
    ]  # fmt: skip
    assert "wifi-collector verify" in readme
    assert listed == f"{hashlib.sha256(manifest).hexdigest()}  manifest.json\n"


def forged(source: Path, target: Path, member: str, old: bytes, new: bytes) -> Path:
    """Changes a member and makes manifest and digests right again, as somebody who knows the format would."""
    with zipfile.ZipFile(source) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    assert old in members[member]
    members[member] = members[member].replace(old, new, 1)
    manifest = json.loads(members["manifest.json"])
    manifest["members"][member] = hashlib.sha256(members[member]).hexdigest()
    members["manifest.json"] = json.dumps(manifest).encode()
    members["manifest.sha256"] = (hashlib.sha256(members["manifest.json"]).hexdigest() + "  manifest.json\n").encode()
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return target


@pytest.mark.parametrize(
    ("member", "old", "new", "what"),
    [
        ("reports/2026-09-15.jsonl", b'"received":[3,3]', b'"received":[0,3]', "its document is not the one"),
        ("reports/witnesses.jsonl", b'"received":[3,3]', b'"received":[2,3]', "its document is not the one"),
        ("ledger.jsonl", b'"reason":"first judged"', b'"reason":"first guessed"', "its link of the chain"),
        ("ledger.jsonl", b'"strip":"', b'"strip":"m', "its strip is not its body's"),
        ("context.json", b'"first_answers": [', b'"first_answers": [["a", "b", 1.0],', "no signed report says so"),
        ("context.json", b'lincoln/main/102', b'lincoln/main/101', "its verdict"),
        ("context.json", b'"first_answers"', b'"last_answers"', "cannot be read"),
    ],
)  # fmt: skip
def test_a_forger_who_mends_the_manifest_is_found_out(kept, tmp_path, member, old, new, what):
    made = forged(kept[1], tmp_path / "forged.zip", member, old, new)

    done = run(*COLLECTOR, "verify", str(made), folder=tmp_path)

    assert done.returncode == 1
    assert what in done.stdout + done.stderr


def test_a_file_that_is_cut_off_is_no_bundle(kept, tmp_path):
    cut = tmp_path / "cut.zip"
    cut.write_bytes(kept[1].read_bytes()[:-200])

    done = run(*COLLECTOR, "verify", str(cut), folder=tmp_path)

    assert done.returncode == 1
    assert "damaged" in done.stderr
