"""The wheel and clean environments to install it in, without the source tree."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


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


def wheel_of_the_checkout(out: Path, source: Path) -> Path:
    """The wheel, built into ``out`` from a copy in ``source``: files that no commit has must not slip in, and nothing
    is written into the checkout."""
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
