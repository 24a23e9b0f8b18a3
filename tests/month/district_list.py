"""The campuses of a month: drawn by lot from the real district's list, taken in by the importer and then marked
simulated; where that list is not at hand, the simulator's own."""

import csv
import json
import random
import subprocess
import sys
from pathlib import Path

from collector.grades import levels
from collector.inventory import Campus
from collector.lists.list_imports import present
from collector.store import Store
from tests.month.placed_faults import Plan

BIN = Path(sys.executable).parent
SSID = "SIMULATED-School"
SEED = 2018


def run(*command: str | Path, timeout: float = 600) -> str:
    """One command of the product to its end; its standard output. Raises with both outputs where it fails."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=timeout, check=False)
    if done.returncode:
        raise AssertionError(f"{command} ended {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return done.stdout


def write(plan: Plan, folder: Path, directory: Path | None) -> Path:
    """``campuses.csv``, as ``wifi-collector import campuses`` and ``wifi-agent simulate --campus-list`` read it."""
    chosen = _from_directory(folder, directory, plan) if directory is not None else _made_up(folder, plan)
    path = folder / "campuses.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("id", "name", "region", "uplink", "simulated", "bells", "ssids", "join", "agents"))
        for number, (id_, name, bells) in enumerate(chosen):
            agents = 1 if number in plan.alone else 2
            writer.writerow((id_, name, "", plan.uplinks.get(number, ""), "yes", bells, SSID, SSID, agents))
    return path


def _from_directory(folder: Path, directory: Path, plan: Plan) -> list[tuple[str, str, str]]:
    config = folder / "directory.toml"
    config.write_text(f"data_dir = {json.dumps(str(folder / 'directory'))}\n")
    (folder / "directory").mkdir()
    run(BIN / "wifi-collector", "--config", config, "import", "campuses", directory,
        "--valid-from", plan.days[0].isoformat(), "--apply", "--json")  # fmt: skip
    with Store(f"sqlite:///{folder / 'directory' / 'collector.db'}", write=False) as store, store.read() as connection:
        known = present(connection, plan.days[-1]).campuses
    drawn = random.Random(SEED).sample(sorted(known), plan.campuses)
    return [(f"sim-{id_}", f"{known[id_].name} (simulated)", _bells(known[id_])) for id_ in drawn]


def _bells(campus: Campus) -> str:
    found = {level for school in campus.schools for level in levels(school.grades)}
    return "elementary" if "elementary" in found else "secondary"


def _made_up(folder: Path, plan: Plan) -> list[tuple[str, str, str]]:
    run(BIN / "wifi-agent", "simulate", "--campuses", str(plan.campuses), "--write-inventory", folder / "made-up")
    with (folder / "made-up" / "campuses.csv").open(newline="") as file:
        return [
            (row["id"], row["name"], ("elementary", "secondary")[n % 2]) for n, row in enumerate(csv.DictReader(file))
        ]
