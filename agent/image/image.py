"""``wifi-agent prepare-image``: a card or disk that many devices are copied from holds no key, no spool and no machine
id, and each copy is given its own join string. What it finds goes out as values; only files below one
root are touched."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NamedTuple

from agent import config
from agent.clock import Clock
from agent.spool import Spool

COMMAND = Path("opt/campus-wifi/bin/wifi-agent")
CONFIG = Path("etc/campus-wifi/agent.toml")
JOIN = Path("etc/campus-wifi/join")
MACHINE_ID = Path("etc/machine-id")
WANTED = Path("etc/systemd/system/multi-user.target.wants")
UNITS = ("campus-wifi-enroll.service", "campus-wifi-shipper.service", "campus-wifi-prober.service")
SOCKET = Path("run/campus-wifi/recorder.sock")
STATE = tuple(Path("var/lib") / name for name in ("campus-wifi-agent", "campus-wifi-prober", "campus-wifi-joiner"))
# What else a system must have only once: D-Bus's copy of the machine id, and what its randomness begins with
# (machine-id(5) and systemd-random-seed.service(8) say to empty them in an image).
ONCE_ONLY = (Path("var/lib/dbus/machine-id"), Path("var/lib/systemd/random-seed"))
SPOOL = "spool.sqlite3"


class ImageError(Exception):
    """The image cannot be prepared. Says what, where and what to do."""


class Finding(NamedTuple):
    """Something of one device alone, by its path in the image, and why no copy may have it."""

    path: str
    why: str


class Image:
    """The system below ``root``; "/" is this device itself. Raises ImageError where that is no system with an agent."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        if not (self.root / "etc").is_dir():
            raise ImageError(f"{root}: no system is here (no etc); name where the image's root is mounted")
        if not os.path.lexists(self.root / COMMAND):
            raise ImageError(f"{root}: no agent is in it; run deploy/systemd/install WHEEL on it first")

    def missing(self) -> list[str]:
        """What it lacks to enroll by itself on its first start, each with what to do."""
        lacks = [
            f"{unit} does not start with the device; run: systemctl --root={self.root} enable {unit}"
            for unit in UNITS
            if not os.path.lexists(self.root / WANTED / unit)
        ]
        try:
            config.load(self._inside(CONFIG), environment={})
        except config.ConfigError as fault:
            lacks.append(str(fault))
        return lacks

    def findings(self) -> list[Finding]:
        """What must not be copied and is in it still."""
        found = [
            Finding(self._said(path), "key, spool or state of one device")
            for folder in STATE
            for path in self._below(folder)
        ]
        found += [Finding(self._said(path), "another start's state") for path in ONCE_ONLY if self._own(path)]
        machine_id = self._inside(MACHINE_ID)
        if machine_id.is_symlink() or (
            machine_id.exists() and machine_id.read_text().strip() not in {"", "uninitialized"}
        ):
            found.append(Finding(self._said(MACHINE_ID), "copies with one machine id are one device to their networks"))
        if os.path.lexists(self._inside(JOIN)):
            found.append(Finding(self._said(JOIN), "a join string, which each copy needs of its own"))
        return found

    def notes(self) -> list[str]:
        """What is left alone, and a person should know of."""
        keys = sorted(path.name for path in self._inside(Path("etc/ssh")).glob("ssh_host_*_key"))
        if not keys:
            return []
        return ["etc/ssh holds host keys: every copy would show the same. Remove them where copies make their own"]

    def unsent(self, clock: Clock) -> int:
        """Reports that no collector has acknowledged yet: they are lost with the spool."""
        path = self._inside(STATE[0] / SPOOL)
        if not path.exists():
            return 0
        spool = Spool(path, clock)
        try:
            return spool.counts().pending
        finally:
            spool.close()

    def running(self) -> bool:
        """Whether an agent runs from it now (this device itself)."""
        return os.path.lexists(self.root / SOCKET)

    def clean(self) -> None:
        """Takes away what ``findings`` says."""
        for folder in STATE:
            for path in self._below(folder):
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink()
        for path in (*ONCE_ONLY, JOIN):
            if self._own(path):
                self._inside(path).unlink()
        machine_id = self._inside(MACHINE_ID)
        # Empty and there: the first start makes a new one. Were it missing, a read-only root could not keep it.
        machine_id.unlink(missing_ok=True)
        machine_id.touch(0o444)

    def give(self, join: str) -> None:
        """Writes the join string that this one copy enrolls with, for root alone."""
        path = self._inside(JOIN)
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(join + "\n")
            file.flush()
            os.fsync(file.fileno())

    def _inside(self, path: Path) -> Path:
        """The path below the root; its folder may not lead out of the image, or this device would be changed."""
        whole = self.root / path
        if not whole.parent.resolve().is_relative_to(self.root):
            raise ImageError(f"{whole.parent} leads out of the image; put a folder in the place of that link")
        return whole

    def _below(self, folder: Path) -> list[Path]:
        whole = self._inside(folder)
        if whole.is_symlink():
            raise ImageError(f"{whole} is a link; put a folder in its place")
        return sorted(whole.iterdir()) if whole.is_dir() else []

    def _own(self, path: Path) -> bool:
        """Whether the file is there; a link to another (as D-Bus's machine id usually is) holds nothing itself."""
        whole = self._inside(path)
        return whole.is_file() and not whole.is_symlink()

    def _said(self, path: Path) -> str:
        return str(path.relative_to(self.root)) if path.is_absolute() else str(path)
