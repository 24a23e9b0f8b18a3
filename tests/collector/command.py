"""The collector's command line as an operator types it, in a folder of its own."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def command_line(folder: Path, settings: str = "") -> Run:
    """Writes collector.toml, and gives what runs one command beside it, untouched by this machine's own settings."""
    (folder / "collector.toml").write_text(f'data_dir = "{folder}/data"\n{settings}')
    environment = {key: value for key, value in os.environ.items() if not key.startswith("CAMPUS_WIFI_")}

    def run(*arguments: object) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "collector.cli", *map(str, arguments)],
            cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    return run
