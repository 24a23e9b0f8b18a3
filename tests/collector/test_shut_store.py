"""A database that cannot be opened: whose it is, who asked and what to do, said by every command that looks at it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import binaries

pytestmark = pytest.mark.root
_NOBODY = 65534
# Root without its powers is held by owner and mode like anybody.
_POWERLESS = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")
_MOUNTED_TO_READ = ("unshare", "--mount", "sh", "-c", 'mount --bind -o ro data data && exec "$@"', "sh")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    binaries.need_root()
    folder = tmp_path / "data"
    folder.mkdir(mode=0o755)
    (tmp_path / "collector.toml").write_text(f'data_dir = "{folder}"\nlisten = "127.0.0.1:18079"\n')
    (tmp_path / "campuses.csv").write_text("id,name\noak,Oak\n")
    return folder


def said(data: Path, before: tuple[str, ...], *arguments: str) -> str:
    done = subprocess.run(
        [*before, sys.executable, "-m", "collector.cli", *arguments],
        cwd=data.parent, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stdout == "" and "Traceback" not in done.stderr
    return done.stderr


def test_a_folder_of_another_is_named_with_its_owner_and_who_asked(data: Path) -> None:
    os.chown(data, _NOBODY, _NOBODY)

    assert said(data, _POWERLESS, "serve") == (
        f"wifi-collector: {data}/collector.db: cannot be opened: {data} belongs to nobody:nogroup (65534:65534), "
        f"mode 0755, and cannot be written by root (0:0), as whom this runs; "
        f"run as its owner, or give it: chown 0:0 {data}\n"
    )


@pytest.mark.parametrize(
    "arguments",
    [("commitment",), ("policy", "show"), ("import", "campuses", "campuses.csv"), ("agents", "list")],
    ids=" ".join,
)
def test_who_may_not_enter_the_folder_is_told_and_not_shown_an_empty_district(
    data: Path, arguments: tuple[str, ...]
) -> None:
    os.chown(data, _NOBODY, _NOBODY)
    data.chmod(0o700)

    assert f"{data} belongs to nobody:nogroup (65534:65534), mode 0700, and cannot be entered by root" in said(
        data, _POWERLESS, *arguments
    )


@pytest.mark.parametrize(
    ("command", "name", "what"), [("commitment", "collector.db", "read"), ("serve", "collector.db.lock", "written")]
)
def test_a_file_of_another_in_a_folder_of_ones_own_is_named(data: Path, command: str, name: str, what: str) -> None:
    for file in {"collector.db", name}:
        (data / file).touch(mode=0o600)
    os.chown(data / name, _NOBODY, _NOBODY)

    assert f"{data / name} belongs to nobody:nogroup (65534:65534), mode 0600, and cannot be {what} by root" in said(
        data, _POWERLESS, command
    )


def test_a_folder_mounted_to_be_read_is_said_to_be_that(data: Path) -> None:
    assert f"{data} is on a file system that is mounted read-only; mount it to be written" in said(
        data, _MOUNTED_TO_READ, "serve"
    )


def test_a_database_that_is_none_is_refused_in_its_own_words(data: Path) -> None:
    (data / "collector.db").write_text("campus,name\n" * 100)

    assert said(data, (), "serve") == f"wifi-collector: {data}/collector.db: cannot be opened: file is not a database\n"
