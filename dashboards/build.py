"""Writes dashboards/json from the code; ``--check`` changes nothing and fails where the two differ.

python -m dashboards.build [--check]
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from dashboards import campus, commitment, district, place, reporting

FOLDER = Path(__file__).resolve().parent / "json"
EVERY = (district, campus, place, reporting, commitment)


def render(made: Any) -> str:
    """A dashboard's JSON. Panels get their number as id, so that links to one stay right from build to build. What the
    SDK cannot leave out would put links and annotations into a menu: they are to be seen."""
    document = json.loads(JSONEncoder(sort_keys=True).encode(made.build()))
    for number, panel in enumerate(document["panels"], 1):
        panel["id"] = number
    for shown in (*document["links"], *document["annotations"].get("list", [])):
        shown.pop("placement", None)
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def files() -> dict[str, str]:
    return {f"{module.UID}.json": render(module.make()) for module in EVERY}


def main(argv: list[str] | None = None, folder: Path = FOLDER) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing; fail where the files are not up to date")
    check = parser.parse_args(argv).check
    made = files()
    present = {path.name: path.read_text() for path in folder.glob("*.json")}
    if made == present:
        print(f"{len(made)} dashboards are up to date")
        return 0
    if check:
        wrong = sorted(name for name in made.keys() | present.keys() if made.get(name) != present.get(name))
        print(f"not what the code builds: {', '.join(wrong)}; run python -m dashboards.build", file=sys.stderr)
        return 1
    folder.mkdir(exist_ok=True)
    for name in present.keys() - made.keys():
        (folder / name).unlink()
    for name, text in made.items():
        (folder / name).write_text(text)
    print(f"wrote {', '.join(sorted(made))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
