"""What somebody who trusts nobody does with a finished period: recompute it, spoil a byte, carry a month away."""

import dataclasses
import json
import os
import re
import sqlite3
import subprocess
from pathlib import Path

from tests.month.district_list import BIN
from tests.month.world import World
from tests.package.clean_environment import environment, wheel_of_the_checkout


@dataclasses.dataclass(frozen=True)
class Proof:
    what: str
    held: bool
    said: str


def verify(world: World) -> Proof:
    """The whole ledger, from the signed evidence."""
    done = _run(BIN / "wifi-collector", "--config", world.config, "verify")
    return Proof("verify confirms the whole period", done.returncode == 0, done.stdout.strip() or done.stderr.strip())


def spoiled(world: World, campus: str) -> Proof:
    """One bit of one kept report is turned over in the database, and turned back afterwards."""
    path = world.folder / "data" / "collector.db"
    noon = "SELECT id, body FROM evidence WHERE campus = ? ORDER BY start_at LIMIT 1 OFFSET 40"
    with sqlite3.connect(path) as db:
        number, body = db.execute(noon, (campus,)).fetchone()
        (agent, seq) = db.execute("SELECT agent, seq FROM evidence WHERE id = ?", (number,)).fetchone()
        damaged = bytearray(body)
        damaged[len(damaged) // 2] ^= 1
        db.execute("UPDATE evidence SET body = ? WHERE id = ?", (bytes(damaged), number))
    db.close()
    done = _run(BIN / "wifi-collector", "--config", world.config, "verify", "--campus", campus)
    with sqlite3.connect(path) as db:
        db.execute("UPDATE evidence SET body = ? WHERE id = ?", (body, number))
    db.close()
    text = done.stdout + done.stderr
    named = done.returncode == 1 and agent[:12] in text and re.search(rf"\b{seq}\b", text) is not None
    return Proof(f"one flipped bit in report {seq} of agent {agent[:12]} is named", named, text.strip())


def export(world: World, campus: str) -> Path:
    """The campus's month as one file."""
    out = world.folder / f"{campus}.zip"
    world.collector("export-evidence", campus, world.plan.days[0].isoformat()[:7], "--out", out)
    return out


def carried_away(bundle: Path, folder: Path) -> Proof:
    """A new environment with the wheel and what it needs, nothing of this checkout, no store and no network."""
    for name in ("wheel", "source"):
        (folder / name).mkdir(parents=True)
    wheel = wheel_of_the_checkout(folder / "wheel", folder / "source")
    program = environment(folder / "venv", wheel, "collector") / "wifi-collector"
    alone = ["unshare", "-n"] if os.geteuid() == 0 else []
    done = _run(*alone, program, "verify", bundle, "--json", cwd=folder)
    held = done.returncode == 0 and json.loads(done.stdout)["confirmed"] is True
    counts = json.loads(done.stdout)["looked_at"] if done.returncode in (0, 1) else {}
    said = ", ".join(f"{counts.get(key)} {key}" for key in ("reports", "slots", "revisions")) or done.stderr
    return Proof(f"the bundle {bundle.name} verifies in an empty environment", held, said)


def _run(*command: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL_ENV", "CAMPUS_WIFI_"))}
    return subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, timeout=1800, check=False, cwd=cwd, env=clean
    )
