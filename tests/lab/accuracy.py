"""One part of tests/bench/accuracy.py, in the guest: ``python -m tests.lab.accuracy echo|signal|join``.

Writes ``/lab/result.json``: the part's figures, or the fault that ended it with the ends of its programs' logs.
"""

import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import msgspec

from tests.e2e.programs import Programs
from tests.lab import accuracy_echo, accuracy_join, accuracy_signal
from tests.lab.accuracy_figure import Figure

OUT = Path("/lab")
PARTS: dict[str, tuple[int, Callable[[Programs, Path], list[Figure]]]] = {
    "echo": (accuracy_echo.RADIOS, accuracy_echo.measure),
    "signal": (accuracy_signal.RADIOS, accuracy_signal.measure),
    "join": (accuracy_join.RADIOS, accuracy_join.measure),
}


class Result(msgspec.Struct):
    figures: list[Figure] = []
    fault: str = ""


def report(result: Result, out: Path = OUT) -> None:
    (out / "result.new").write_bytes(msgspec.json.encode(result))
    (out / "result.new").rename(out / "result.json")


def main(part: str) -> int:
    folder = Path("/tmp/lab-accuracy")
    folder.mkdir()
    programs = Programs(folder)
    result = Result()
    try:
        result.figures = PARTS[part][1](programs, folder)
    except Exception:
        logs = (f"--- {log.name}\n{log.read_text(errors='replace')[-1500:]}" for log in sorted(folder.glob("*.log")))
        result.fault = "\n".join([traceback.format_exc(), *logs])
    finally:
        programs.close()
    report(result)
    return bool(result.fault)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
