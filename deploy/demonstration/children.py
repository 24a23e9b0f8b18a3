"""The processes of a demonstration: each in a group of its own with a log, and none of them outlives this one."""

import contextlib
import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PATIENCE_SECONDS = 10.0
_libc = ctypes.CDLL(None)


class Died(Exception):
    """A process of ours ended by itself. The text has the end of its log."""


class Children:
    """Starts processes, notices when one dies, and ends them all, the last started first."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._running: list[tuple[str, subprocess.Popen[bytes]]] = []
        logs.mkdir(parents=True, exist_ok=True)

    def start(self, name: str, command: Sequence[str | Path], environment: Mapping[str, str] | None = None) -> None:
        """Starts ``command``; its output goes to ``name``.log."""
        parent = os.getpid()

        def bind_to_parent() -> None:
            # The kernel ends it even where this process is killed and can end nothing itself.
            _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != parent:
                os._exit(1)

        with (self._logs / f"{name}.log").open("ab") as log:
            child = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
                preexec_fn=bind_to_parent,  # noqa: PLW1509 - one thread here
            )
        self._running.append((name, child))

    def check(self) -> None:
        """Raises Died if one of them ended."""
        for name, child in self._running:
            if child.poll() is not None:
                raise Died(f"{name} ended with status {child.returncode}:\n{self.tail(name)}")

    def tail(self, name: str, lines: int = 15) -> str:
        """The end of a log, for people."""
        path = self._logs / f"{name}.log"
        text = path.read_text(errors="replace").splitlines() if path.exists() else []
        return "\n".join([*(f"    {line}" for line in text[-lines:]), f"    (all of it: {path})"])

    def tails(self) -> str:
        return "\n".join(f"  {name}:\n{self.tail(name, 5)}" for name, _ in self._running)

    def stop(self) -> None:
        """Ends all of them with everything they started. Harmless to call twice."""
        for _, child in reversed(self._running):
            self._signal(child, signal.SIGTERM)
        until = time.monotonic() + _PATIENCE_SECONDS
        for _, child in reversed(self._running):
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(max(until - time.monotonic(), 0.1))
            # What a process left in its group goes too.
            self._signal(child, signal.SIGKILL)
            child.wait()
        self._running.clear()

    def _signal(self, child: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            # Started with start_new_session, so the group is the child's own.
            os.killpg(child.pid, number)
