"""deploy/bootstrap.sh: finds what a bare machine has, and says what it lacks instead of failing somewhere else."""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def bash(script: str, path: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/bash", "-euc", f". {ROOT}/deploy/bootstrap.sh; PATH={path}; {script}"],
        env={"PATH": path, "HOME": os.environ.get("HOME", "/"), **environment},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def program(folder: Path, name: str, script: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/bash\n{script}\n")
    path.chmod(0o755)
    return path


def python_of(version: tuple[int, int], makes_venvs: bool) -> str:
    """A stand-in that answers the two questions as a Python of this version would."""
    return (
        'case "$2" in\n'
        f"  *version_info*) exit {0 if version >= (3, 11) else 1} ;;\n"
        f"  *ensurepip*) exit {0 if makes_venvs else 1} ;;\n"
        "*) exit 1 ;;\nesac"
    )


def test_a_python_too_old_is_passed_over_for_one_that_fits(tmp_path: Path) -> None:
    old = program(tmp_path / "bin", "old-python", python_of((3, 9), True))
    program(tmp_path / "bin", "python3", python_of((3, 12), True))

    chosen = bash("choose_python; echo $python", f"{tmp_path}/bin:/usr/bin:/bin", CAMPUS_WIFI_PYTHON=str(old))

    assert chosen.stdout.strip() == f"{tmp_path}/bin/python3"


def test_the_python_that_is_named_is_taken_where_it_fits(tmp_path: Path) -> None:
    named = program(tmp_path / "bin", "mine", python_of((3, 13), True))
    program(tmp_path / "bin", "python3", python_of((3, 12), True))

    chosen = bash("choose_python; echo $python", f"{tmp_path}/bin:/usr/bin:/bin", CAMPUS_WIFI_PYTHON=str(named))

    assert chosen.stdout.strip() == str(named)


def test_a_package_that_cannot_be_installed_is_said_with_what_to_type(tmp_path: Path) -> None:
    program(tmp_path / "bin", "id", "echo 1000")
    program(tmp_path / "bin", "apt-get", "exit 100")

    told = bash("apt_install fping || echo status $?", f"{tmp_path}/bin:/usr/bin:/bin")

    assert told.stdout.strip() == "status 1"
    assert "sudo apt-get install fping" in told.stderr


def test_debian_s_packages_are_unpacked_and_never_installed(tmp_path: Path) -> None:
    log = tmp_path / "asked"
    program(tmp_path / "bin", "apt-get", f'echo "$*" >> {log}; touch thing_1_all.deb')
    program(tmp_path / "bin", "dpkg-deb", 'mkdir -p "$3/usr/bin" && touch "$3/usr/bin/thing"')

    twice = "extract_debian into thing; extract_debian into thing"
    done = bash(f"cd {tmp_path}; {twice}", f"{tmp_path}/bin:/usr/bin:/bin")

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "into" / "usr" / "bin" / "thing").exists()
    assert log.read_text().splitlines() == ["-qq download thing"]


def test_a_package_that_cannot_be_fetched_is_said_and_the_rest_goes_on(tmp_path: Path) -> None:
    program(tmp_path / "bin", "apt-get", "exit 100")

    done = bash(f"cd {tmp_path}; extract_debian into thing; echo went on", f"{tmp_path}/bin:/usr/bin:/bin")

    assert done.stdout.strip() == "went on"
    assert "thing could not be fetched" in done.stderr
