"""A throw-away Debian: this machine's own files with an empty layer above them, in namespaces that vanish with what was
written there. Programs that would reach past it, or that need a running systemd, are stood in for by ones that write
down how they were called."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_MOUNTS = """
set -e
mount -t tmpfs -o size=2g none "$1"
mkdir "$1/upper" "$1/work" "$1/merged"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/merged"
mkdir -p "$1/merged/release" "$1/merged/given"
mount --bind -o ro "$2" "$1/merged/release"
mount --bind "$3" "$1/merged/given"
mount -t proc proc "$1/merged/proc"
mount --rbind /dev "$1/merged/dev"
mount --make-rslave "$1/merged/dev"
mount -t tmpfs none "$1/merged/run"
# Whatever this machine runs already is not there.
rm -rf "$1/merged/etc/campus-wifi" "$1/merged/opt/campus-wifi"
echo ready
exec sleep infinity
"""
# The real one enables and disables, which needs no systemd that runs; whatever starts or stops is said to have done so.
_SYSTEMCTL = """#!/bin/sh
echo "systemctl $*" >>/given/calls
case $1 in
enable | disable) exec /usr/bin/systemctl --root=/ $(echo "$*" | sed s/--now//) ;;
cat) exit 1 ;;
esac
"""
# Debian's packages as they were fetched for the tests: their units and their user, without asking the archive.
_APT_GET = """#!/bin/sh
echo "apt-get $*" >>/given/calls
cp -n /release/.venv/debian/lib/systemd/system/prometheus*.service /lib/systemd/system/
getent passwd prometheus >/dev/null || useradd --system --user-group --home-dir /var/lib/prometheus prometheus
"""
# Written by programs of the system's own, whatever is installed with them.
_TRACES = ("/etc/passwd-", "/etc/group-", "/etc/shadow-", "/etc/gshadow-", "/etc/.pwd.lock", "/etc/subuid-",
           "/etc/subgid-", "/var/log/", "/tmp", "/root", "/release", "/given", "/run", "/proc", "/dev",
           "/var/cache/ldconfig")  # fmt: skip


class Throwaway:
    """``run`` is a command in it, as root; ``written`` what differs from the machine's own files."""

    def __init__(self, holder: subprocess.Popen[str], folder: Path, given: Path) -> None:
        self._holder = holder
        self._folder = folder
        self.given = given

    def run(self, *command: str | Path, net: bool = True, fails: bool = False) -> subprocess.CompletedProcess[str]:
        """Without ``net`` the command has no network at all. Unless it ``fails``, status 0 is asked for."""
        line = ["nsenter", f"--target={self._inner()}", "--mount", "--pid"]
        line += [] if net else ["unshare", "--net"]
        line += ["chroot", self._folder / "merged", "env", "-i", f"PATH={self.path}", "HOME=/root", "LC_ALL=C.UTF-8"]
        line += [f"{name}={os.environ[name]}" for name in os.environ if net and name.startswith("PIP_")]
        ran = subprocess.run([*line, *command], capture_output=True, text=True, timeout=400, check=False)
        assert fails or ran.returncode == 0, ran.stdout + ran.stderr
        return ran

    path = "/given/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    def calls(self) -> list[str]:
        """How systemctl and apt-get were called since the last time that this was asked."""
        log = self.given / "calls"
        said = log.read_text().splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return said

    def text(self, path: str) -> str:
        return self.run("cat", path).stdout

    def exists(self, path: str) -> bool:
        return self.run("test", "-e", path, fails=True).returncode == 0

    def mode(self, path: str) -> str:
        """Owner, group and mode, as stat says them."""
        return self.run("stat", "--format=%U:%G %a", path).stdout.strip()

    def written(self) -> set[str]:
        """Each file that is there, gone or other than on the machine itself."""
        return {path for path, upper in self._upper() if not upper.is_dir() and not _same(upper, Path(path))}

    def folders(self) -> set[str]:
        """Folders that the machine itself does not have."""
        return {path for path, upper in self._upper() if upper.is_dir() and not Path(path).is_dir()}

    def _upper(self) -> Iterator[tuple[str, Path]]:
        upper = Path(f"/proc/{self._inner()}/root{self._folder}/upper")
        for found in upper.rglob("*"):
            path = f"/{found.relative_to(upper)}"
            if not path.startswith(_TRACES):
                yield path, found

    def _inner(self) -> int:
        """The process that holds the namespaces; its parent is outside of the PID namespace."""
        children = Path(f"/proc/{self._holder.pid}/task/{self._holder.pid}/children").read_text().split()
        return int(children[0])


def _same(upper: Path, own: Path) -> bool:
    """Whether a file of the upper layer (a character device where one was taken away) is what the machine has."""
    return upper.is_file() and own.is_file() and upper.read_bytes() == own.read_bytes()


@contextmanager
def throwaway(folder: Path) -> Iterator[Throwaway]:
    """Skips where this machine does not let one be made."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("needs root: a throw-away root is made of mounts")
    layers, given = folder / "layers", folder / "given"
    layers.mkdir()
    (given / "bin").mkdir(parents=True)
    for name, text in (("systemctl", _SYSTEMCTL), ("apt-get", _APT_GET)):
        (given / "bin" / name).write_text(text)
        (given / "bin" / name).chmod(0o755)
    isolated = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation=private"]
    holder = subprocess.Popen(
        [*isolated, "sh", "-c", _MOUNTS, "sh", layers, ROOT, given],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert holder.stdout is not None and holder.stderr is not None
    try:
        if holder.stdout.readline() != "ready\n":
            pytest.skip(f"no throw-away root can be made here: {holder.stderr.read().strip()}")
        yield Throwaway(holder, layers, given)
    finally:
        holder.kill()
        holder.communicate(timeout=30)
