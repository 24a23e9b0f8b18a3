"""``token create``: leave for agents to enroll at a campus, as a join string that carries address, token and CA pin."""

from __future__ import annotations

import argparse
import csv
import io
import os
from pathlib import Path

from collector.commands.administer import perform
from collector.commands.console import Failure, print_json, say, wrong_use


def add_parser(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("token", help="make tokens with which agents enroll")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    create = actions.add_parser(
        "create",
        help="make one token, or one for each campus of a file",
        description="A token is shown once and kept only as a digest. One token is good for --agents devices of one "
        "campus. With --file FILE, a CSV with a column campus (and, if wanted, agents), the join strings go "
        "into --out, a file that only you can read.",
        epilog="example: wifi-collector token create --campus lincoln-hs\n"
        "         wifi-collector token create --file campuses.csv --out joins.csv",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    create.add_argument("--campus", metavar="ID")
    create.add_argument("--agents", type=int, default=1, metavar="N", help="devices that may use it (default: 1)")
    create.add_argument("--hours", type=float, default=72.0, metavar="H", help="how long it is good (default: 72)")
    create.add_argument("--file", type=Path, metavar="CSV", help="one token for each row's campus")
    create.add_argument("--out", type=Path, metavar="CSV", help="where the join strings of --file go")
    create.add_argument("--json", action="store_true", help="print the result for a script")
    create.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    if (arguments.campus is None) == (arguments.file is None):
        raise wrong_use("give either --campus or --file", "example: wifi-collector token create --campus lincoln-hs")
    if arguments.agents < 1 or arguments.hours <= 0:
        raise wrong_use("--agents and --hours must be above zero")
    if arguments.file is not None:
        return _batch(arguments)
    wanted = [{"campus": arguments.campus, "agents": arguments.agents}]
    made = perform(arguments, "token-create", {"tokens": wanted, "hours": arguments.hours})["tokens"]
    if arguments.json:
        print_json(made[0])
    else:
        say(made[0]["join"])
    return 0


def _batch(arguments: argparse.Namespace) -> int:
    if arguments.out is None:
        raise wrong_use("--file needs --out", "the join strings are secrets: they go into a file, not on the screen")
    if arguments.out.exists():
        raise wrong_use(f"{arguments.out} exists already", "name a new file: nothing is overwritten")
    wanted = _wanted(arguments.file, arguments.agents)
    made = perform(arguments, "token-create", {"tokens": wanted, "hours": arguments.hours})["tokens"]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["campus", "agents", "expires_at", "join"])
    for token in made:
        writer.writerow([token["campus"], token["agents"], token["expires_at"], token["join"]])
    try:
        handle = os.open(arguments.out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text.getvalue())
    except OSError as fault:
        raise Failure(
            f"{arguments.out} cannot be written: {fault.strerror}", "make the tokens again elsewhere"
        ) from None
    if arguments.json:
        print_json({"tokens": len(made), "file": str(arguments.out)})
    else:
        say(f"{len(made)} join strings in {arguments.out} (readable only by you)")
    return 0


def _wanted(path: Path, agents: int) -> list[dict[str, object]]:
    try:
        rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"))))
    except (OSError, UnicodeDecodeError, csv.Error) as fault:
        raise wrong_use(f"{path} cannot be read: {fault}", "it is a CSV file in UTF-8 with a column campus") from None
    wanted: list[dict[str, object]] = []
    for line, row in enumerate(rows, start=2):
        campus = (row.get("campus") or row.get("id") or "").strip()
        count = (row.get("agents") or str(agents)).strip()
        if not campus:
            raise wrong_use(f"{path}: line {line}: no campus", "give every row its campus id in a column campus")
        if not count.isdigit() or int(count) < 1:
            raise wrong_use(f"{path}: line {line}: agents {count!r} is not a number above zero")
        wanted.append({"campus": campus, "agents": int(count)})
    if not wanted:
        raise wrong_use(f"{path} has no rows", "one row for each campus")
    return wanted
