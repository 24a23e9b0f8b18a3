"""Boots the lab: a guest kernel with real 802.11 radios that sees this machine's files and runs our Python in it.

The guest's root is this machine's, read-only below a memory overlay; ``/lab`` is a folder that both can write. What the
guest's program writes there is how it reports: each file appears whole (it is renamed into place).
"""

import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from tests.lab import kernel

_INIT = """#!/bin/bash
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8
mount -t proc proc /proc; mount -t sysfs sys /sys
mount -t tmpfs -o size=60% tmpfs /mnt; mkdir -p /mnt/u /mnt/w /mnt/new; N=/mnt/new
mount -t overlay -o lowerdir=/,upperdir=/mnt/u,workdir=/mnt/w overlay $N
mkdir -p $N/lab; mount -t hostfs -o "$LAB" none $N/lab
mount -t proc proc $N/proc; mount -t sysfs sys $N/sys; mount -t devtmpfs dev $N/dev
mkdir -p $N/dev/pts $N/dev/shm; mount -t devpts devpts $N/dev/pts; mount -t tmpfs tmpfs $N/dev/shm
mount -t tmpfs tmpfs $N/run; mount -t debugfs debugfs $N/sys/kernel/debug
exec chroot $N /bin/bash /lab/inner
"""
_INNER = """#!/bin/bash
hostname wifilab; ip link set lo up; ulimit -n 4096
# The kernel reads the regulatory database beside mounting its root: where it came first, every 5 GHz channel is closed.
iw reg reload
cd {root} && {command} >/lab/stdout 2>/lab/stderr </dev/null
echo $? >/lab/status.new; mv /lab/status.new /lab/status
dmesg >/lab/dmesg
sync; busybox poweroff -f
"""
_tick = threading.Event()


class LabError(AssertionError):
    """The lab's program failed, or did not do in time what was waited for."""


class Lab:
    """A booted guest that runs one program. Use as a context; leaving it ends the guest."""

    def __init__(self, *command: str, radios: int, memory: str = "768M") -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="campus-wifi-lab-")
        self.folder = Path(self._folder.name)
        for name, text in (
            ("init", _INIT),
            ("inner", _INNER.format(root=kernel.ROOT, command=" ".join([sys.executable, *command]))),
        ):
            (self.folder / name).write_text(text)
            (self.folder / name).chmod(0o755)
        with (self.folder / "console").open("wb") as console:
            self._guest = subprocess.Popen(
                [
                    kernel.need(), f"mem={memory}", "rootfstype=hostfs", "rootflags=/", "ro",
                    f"init={self.folder}/init", f"LAB={self.folder}", "con=null", "con0=null,fd:1", "con1=null",
                    "ssl=null", f"mac80211_hwsim.radios={radios}",
                ],
                stdin=subprocess.DEVNULL, stdout=console, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

    def __enter__(self) -> "Lab":
        return self

    def __exit__(self, *_: object) -> None:
        if self._guest.poll() is None:
            # User-Mode Linux is a group of processes of its own.
            os.killpg(self._guest.pid, 9)
        self._guest.wait(10)
        self._folder.cleanup()

    def wait_for(self, name: str, within_seconds: float) -> bytes:
        """The file's bytes as soon as the guest has written it. Raises LabError with what the guest said."""
        until = time.monotonic() + within_seconds
        path = self.folder / name
        while not path.exists():
            ended = self._guest.poll() is not None or (self.folder / "status").exists()
            if path.exists():
                break
            if ended or time.monotonic() > until:
                why = "the guest ended" if ended else f"not within {within_seconds:.0f} s"
                raise LabError(f"{name}: {why}\n{self.said()}")
            _tick.wait(0.1)
        return path.read_bytes()

    def said(self) -> str:
        """The ends of the guest program's outputs, for a failing test."""
        parts = []
        for name in ("stdout", "stderr", "console"):
            path = self.folder / name
            if path.exists():
                parts.append(f"--- {name}\n{path.read_text(errors='replace')[-3000:]}")
        return "\n".join(parts)
