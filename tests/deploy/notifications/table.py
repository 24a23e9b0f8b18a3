"""The golden table: each seeded fault and exactly what it tells whom.

python -m tests.deploy.notifications.table      # writes notifications.txt anew; read it before you commit it
"""

import contextlib
import sys
import tempfile
import threading
import time
from pathlib import Path

from tests.deploy.notifications.faults import SCENES
from tests.deploy.notifications.running import Scene

TABLE = Path(__file__).with_name("notifications.txt")
_HEAD = """\
# What each fault tells whom: the deployed rules and routes in the real Prometheus and Alertmanager, written by
# `python -m tests.deploy.notifications.table`. A region without a line is told nothing.
"""


def run(folder: Path) -> str:
    """All scenes side by side, in the time of the longest."""
    with contextlib.ExitStack() as ending:
        running = {}
        for number, (name, (sites, slots)) in enumerate(SCENES.items()):
            running[name] = Scene(folder / str(number), sites, slots)
            ending.callback(running[name].close)
        for scene in running.values():
            scene.await_ready()
        end = max([scene.begin() for scene in running.values()])
        threading.Event().wait(end - time.time())
        return _HEAD + "".join(_section(name, scene) for name, scene in running.items())


def _section(name: str, scene: Scene) -> str:
    told = scene.told()
    lines = [f"\n## {name}"]
    for region in sorted({site.region for site in scene.district.sites} | told.keys()):
        lines += [
            f"{region}:" + ("" if region in told else " nothing"),
            *(f"  {line}" for line in told.get(region, [])),
        ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        TABLE.write_text(run(Path(made)))
    sys.stdout.write(TABLE.read_text())
