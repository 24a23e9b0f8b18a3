"""One period from nothing to the comparison, for the command and for the tests."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from tests.month.compare import Row, compare
from tests.month.placed_faults import Plan
from tests.month.world import World

ACCESS_POINTS = 8
"""About so many a campus."""


def lived(
    plan: Plan, folder: Path, directory: Path | None, *, tell: Callable[[float, str], None]
) -> tuple[World, list[Row]]:
    """Lives the plan below ``folder`` and holds the answers against the oracle. ``tell``: how much is done, and what is
    done now. When this returns no program runs any more."""
    world = World(plan, folder, directory, access_points=ACCESS_POINTS, tell=tell)
    try:
        world.found()
        world.live()
        days = (plan.days[0].isoformat(), plan.days[-1].isoformat())
        late = {world.campuses[number]["id"] for number in plan.late}
        ledgers = {id_: json.loads(world.get(f"/v1/campuses/{id_}/ledger?from={days[0]}&to={days[1]}")) for id_ in late}
    finally:
        world.close()
    (folder / "ledgers.json").write_text(json.dumps(ledgers))
    (folder / "acts.json").write_text(json.dumps(world.acts))
    answer = world.collector("commitment", "--from", days[0], "--to", days[1], "--why", "--json")
    (folder / "commitment.json").write_text(answer)
    return world, compare(folder)


def memory() -> Path | None:
    """Where hundreds of spools that sync each report cost nothing, where there is such a place with room."""
    path = Path("/dev/shm")
    return path if path.is_dir() and shutil.disk_usage(path).free > 4 << 30 else None
