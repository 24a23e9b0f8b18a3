"""Finds the programs of other projects that tests and quickstart run, without installing them as services.

Looked for in ``$CAMPUS_WIFI_BINARIES`` (a directory), then where ``tests/run`` extracts Debian's packages
(``.venv/debian``), then on ``PATH``.
"""

import os
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
_PLACES = ("", "usr/bin", "usr/sbin", "bin")
# Debian's name for a program, where it differs from its authors' name.
_DEBIAN = {"alertmanager": "prometheus-alertmanager"}


def find(name: str) -> Path | None:
    """The program called ``name`` ("prometheus", "promtool", "alertmanager", "amtool", ...), or None."""
    names = [name, _DEBIAN[name]] if name in _DEBIAN else [name]
    given = os.environ.get("CAMPUS_WIFI_BINARIES")
    folders = [Path(given)] if given else []
    folders += [ROOT / ".venv" / "debian"]
    for candidate in names:
        for folder in folders:
            for place in _PLACES:
                path = folder / place / candidate
                if path.is_file() and os.access(path, os.X_OK):
                    return path
    for candidate in names:
        if found := shutil.which(candidate):
            return Path(found)
    return None


def need(name: str) -> Path:
    """The program, or the test skips and says how to get it."""
    path = find(name)
    if path is None:
        pytest.skip(f"{name} is not on this machine: run tests/run as root, or set CAMPUS_WIFI_BINARIES")
    return path


def need_root() -> None:
    """Skips where the test is not root: raw sockets and network namespaces need it."""
    if os.geteuid() != 0:
        pytest.skip("needs root: raw sockets and network namespaces")
