"""Our image and its containers by buildah and podman, with storage of their own below one folder. No registry is asked:
what the Dockerfile starts from is stood in for by a minimal Debian with its Python, under the same name."""

import contextlib
import json
import os
import resource
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pytest

from tests.deploy.composed import DEPLOY, ROOT, mounts

DOCKERFILE = DEPLOY / "compose" / "Dockerfile"
# Without a meaning for one container that a test starts and stops: it stands alone, so without the others' networks.
# A key that is neither here nor in _OPTIONS is refused, so that nothing of compose.yaml is left out unseen.
_LEFT_OUT = {"image", "build", "restart", "logging", "networks", "network_mode", "ports", "depends_on"}


class Podman:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        runtime = "runc" if shutil.which("runc") else "crun"
        places = ["--root", folder / "store", "--runroot", folder / "run"]
        self._buildah = ["buildah", *places]
        self._podman = ["podman", *places, "--tmpdir", folder / "tmp", "--runtime", runtime,
                        "--cgroup-manager", "cgroupfs", "--events-backend", "file"]  # fmt: skip

    def build(self, base: Path, tag: str) -> None:
        """Every step of the Dockerfile, on ``base`` (a tar file) in the place of the image that it names."""
        [name] = {line.split()[1] for line in DOCKERFILE.read_text().splitlines() if line.startswith("FROM ")}
        at_home = "ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"
        self("import", "--quiet", "--change", at_home, str(base), f"docker.io/library/{name}")
        own = [
            f"--volume={p}:{p}:ro" for p in ("/etc/pip.conf", "/etc/ssl/certs/ca-certificates.crt") if Path(p).exists()
        ]
        built = _run(
            *self._buildah, "bud", "--isolation", "chroot", "--pull-never", "--layers=false", *own,
            "--file", DOCKERFILE, "--ignorefile", f"{DOCKERFILE}.dockerignore", "--tag", tag, ROOT, timeout=1500,
        )  # fmt: skip
        assert built.returncode == 0, (built.stdout + built.stderr)[-3000:]

    def start(self, *arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        return _run(*self._podman, *arguments, timeout=timeout)

    def __call__(self, *arguments: str) -> str:
        """What it printed; a status other than 0 fails the test."""
        done = self.start(*arguments)
        assert done.returncode == 0, f"podman {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout

    def pour(self, file: IO[str], *arguments: str) -> None:
        """The file goes in by standard input."""
        subprocess.run([*map(str, self._podman), *arguments], stdin=file, timeout=120, check=True)

    def options(self, service: dict[str, Any], **volumes: str) -> list[str]:
        """A service of compose.yaml as `podman run` takes it; ``volumes`` mounts others in the place of named ones."""
        given = ["--pull=never", "--network=none", *limits()]
        for key, value in service.items():
            if key not in _LEFT_OUT:
                given += _OPTIONS[key](value)
        for target, (source, mode) in mounts(service).items():
            where = volumes.get(source, source)
            given.append(f"--volume={(DEPLOY / where).resolve() if '/' in where else where}:{target}:{mode}")
        return given

    def run(self, service: dict[str, Any], *options: str, **volumes: str) -> subprocess.CompletedProcess[str]:
        entry, *rest = [*service.get("entrypoint", []), None]
        entrypoint = [f"--entrypoint={entry}"] if entry else []
        command = [*(part for part in rest if part), *service.get("command", [])]
        every = [*options, *self.options(service, **volumes), *entrypoint, service["image"], *command]
        return self.start("run", *every)


def _health(given: dict[str, Any]) -> list[str]:
    what, *command = given["test"]
    assert what == "CMD"
    times = [
        f"--health-{key.replace('_', '-')}={given[key]}" for key in ("interval", "timeout", "retries", "start_period")
    ]
    return [f"--health-cmd={json.dumps(command)}", *times]


_OPTIONS = {
    "read_only": lambda value: [f"--read-only={str(value).lower()}", "--read-only-tmpfs=false"],
    "cap_drop": lambda value: [f"--cap-drop={one}" for one in value],
    "security_opt": lambda value: [f"--security-opt={one.replace(':true', '')}" for one in value],
    "pids_limit": lambda value: [f"--pids-limit={value}"],
    "mem_limit": lambda value: [f"--memory={value}"],
    "tmpfs": lambda value: [f"--tmpfs={one}" for one in value],
    "environment": lambda value: [f"--env={key}={one}" for key, one in value.items()],
    "sysctls": lambda value: [f"--sysctl={key}={one}" for key, one in value.items()],
    "stop_grace_period": lambda value: [f"--stop-timeout={value.removesuffix('s')}"],
    "healthcheck": _health,
    # Said by `options` and `run`, in their places.
    "volumes": lambda value: [],
    "entrypoint": lambda value: [],
    "command": lambda value: [],
}


def limits() -> list[str]:
    """What a root without CAP_SYS_RESOURCE may have: podman would ask for a million, also where that is refused."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return [f"--ulimit=nofile={files}:{files}", "--ulimit=nproc=4096:4096"]


def _run(*command: str | Path, timeout: float) -> subprocess.CompletedProcess[str]:
    line = [str(part) for part in command]
    return subprocess.run(line, capture_output=True, text=True, timeout=timeout, check=False)


def base(kept: Path) -> Path:
    """The stand-in as a tar file, made once by debootstrap and kept."""
    tar, tree = kept / "base.tar", kept / "tree"
    if not tar.exists():
        shutil.rmtree(tree, ignore_errors=True)
        wanted = "--include=ca-certificates,python3,python3-venv"
        made = _run("debootstrap", "--variant=minbase", wanted, "bookworm", tree, timeout=900)
        if made.returncode:
            pytest.skip(f"no Debian can be had for the base image: {made.stdout.strip()[-200:]}")
        # Where the image has them.
        for name in ("python", "python3"):
            (tree / "usr/local/bin" / name).symlink_to("/usr/bin/python3")
        packed = _run(
            "tar", "--create", "--one-file-system", "--directory", tree, "--file", kept / "new.tar", ".", timeout=300
        )
        assert packed.returncode == 0, packed.stderr
        (kept / "new.tar").rename(tar)
        shutil.rmtree(tree)
    return tar


@contextlib.contextmanager
def podman(folder: Path) -> Iterator[Podman]:
    made = Podman(folder)
    try:
        yield made
    finally:
        made.start("rm", "--all", "--force", "--volumes")
        made.start("rmi", "--all", "--force")
        for line in reversed(Path("/proc/mounts").read_text().splitlines()):
            if (where := line.split()[1]).startswith(f"{folder}/"):
                subprocess.run(["umount", where], check=False)
        shutil.rmtree(folder, ignore_errors=True)


def need() -> None:
    """Skips where an image cannot be built and run."""
    missing = [name for name in ("podman", "buildah", "debootstrap") if not shutil.which(name)]
    if not shutil.which("runc") and not shutil.which("crun"):
        missing.append("runc")
    if missing:
        pytest.skip(f"needs Debian's {', '.join(missing)}: apt-get install --no-install-recommends {' '.join(missing)}")
    if os.geteuid() != 0:
        pytest.skip("needs root: a file system and namespaces of its own")
