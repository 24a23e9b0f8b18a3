"""``token``: leave for agents to enroll at a campus, as a join string with address, token and CA pin; and bearer tokens
with which programs read or act over HTTP, or Alertmanager brings what it told."""

from __future__ import annotations

import argparse
import csv
import io
import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from collector.access.roles import NAMED, NOTIFIER
from collector.commands.administer import perform
from collector.commands.console import Failure, cell, err, out, print_json, say, table, wrong_use
from collector.commands.present import open_store, settings
from collector.store import api_tokens


def add_parser(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("token", help="tokens: agents enroll, programs read the API, Alertmanager notifies")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    create = actions.add_parser(
        "create",
        help="make one token, or one for each campus of a file",
        description="A token is shown once and kept only as a digest. One token is good for --agents devices of one "
        "campus. With --file FILE, a CSV with a column campus (and, if wanted, agents), the join strings go "
        "into --out, a file that only you can read. With --kind api it is a bearer token for a program; with --kind "
        "notifications it is the one that Alertmanager's webhook shows, and good for nothing else.",
        epilog="example: wifi-collector token create --campus lincoln-hs\n"
        "         wifi-collector token create --file campuses.csv --out joins.csv\n"
        "         wifi-collector token create --kind api --role viewer --name prometheus > token.txt\n"
        "         wifi-collector token create --kind notifications --name alertmanager > notifications-token",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    create.add_argument("--campus", metavar="ID")
    create.add_argument("--agents", type=int, default=1, metavar="N", help="devices that may use it (default: 1)")
    create.add_argument("--hours", type=float, default=72.0, metavar="H", help="how long it is good (default: 72)")
    create.add_argument("--file", type=Path, metavar="CSV", help="one token for each row's campus")
    create.add_argument("--out", type=Path, metavar="CSV", help="where the join strings of --file go")
    create.add_argument(
        "--kind", choices=("agent", "api", NOTIFIER), default="agent", help="who is to use it (default: agent)"
    )
    create.add_argument("--role", choices=tuple(NAMED), help="of a program, with --kind api (default: viewer)")
    create.add_argument("--name", metavar="TEXT", help="what the program is called, for lists and the audit log")
    create.add_argument("--days", type=float, default=365.0, metavar="N", help="a program's is good for (default: 365)")
    create.set_defaults(run=run)
    listed = actions.add_parser(
        "list", help="tokens of programs, without their secrets", epilog="example: wifi-collector token list --json"
    )
    listed.set_defaults(run=_list)
    replace = actions.add_parser(
        "replace",
        help="make a new token for the same program; the old one ends a little later",
        description="The new token has the name, role and length of life of the old one, which stays good for --hours, "
        "so that nothing fails until the program has the new one.",
        epilog="example: wifi-collector token replace cwa_Qx3pT0aa --hours 24 > notifications-token",
    )
    replace.add_argument("prefix", metavar="PREFIX", help="the old one's first characters, as `token list` shows them")
    replace.add_argument("--hours", type=float, default=24.0, metavar="H", help="the old one is good for (default: 24)")
    replace.set_defaults(run=_replace)
    revoke = actions.add_parser(
        "revoke", help="end a program's token at once", epilog="example: wifi-collector token revoke cwa_Qx3pT0aa"
    )
    revoke.add_argument("prefix", metavar="PREFIX", help="its first characters, as `token list` shows them")
    revoke.set_defaults(run=_revoke)
    for one in (create, listed, replace, revoke):
        one.add_argument("--json", action="store_true", help="print the result for a script")


def run(arguments: argparse.Namespace) -> int:
    if arguments.kind != "agent":
        return _for_program(arguments)
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


def _for_program(arguments: argparse.Namespace) -> int:
    if not arguments.name:
        program = "prometheus" if arguments.kind == "api" else "alertmanager"
        raise wrong_use(
            f"--kind {arguments.kind} needs --name", f"name the program that is to use it: --name {program}"
        )
    if arguments.campus or arguments.file:
        raise wrong_use("--campus and --file are of agents' tokens", f"leave them out with --kind {arguments.kind}")
    if arguments.kind == NOTIFIER and arguments.role:
        raise wrong_use("a token for notifications has no role: it can read nothing", "leave --role out")
    role = NOTIFIER if arguments.kind == NOTIFIER else arguments.role or "viewer"
    return _made(arguments, "api-token-create", {"name": arguments.name, "role": role, "days": arguments.days})


def _replace(arguments: argparse.Namespace) -> int:
    return _made(arguments, "api-token-replace", {"prefix": arguments.prefix, "hours": arguments.hours})


def _made(arguments: argparse.Namespace, verb: str, body: dict[str, Any]) -> int:
    made = perform(arguments, verb, body)
    if arguments.json:
        print_json(made)
    else:
        say(made["token"])
        # Beside it, so that the token alone goes into a file.
        old = (
            f"; {made['replaces']} for {made['old_expires_in_hours']:g} more hours at most"
            if "replaces" in made
            else ""
        )
        err().print(f"a token for {made['name']} ({made['role']}), good until {made['expires_at']}{old}", markup=False)
    return 0


def _list(arguments: argparse.Namespace) -> int:
    with open_store(settings(arguments)) as store, store.read() as connection:
        found = api_tokens.every(connection)
    now = time.time()
    rows = [
        {
            "prefix": one.prefix,
            "name": one.name,
            "role": one.role,
            "state": one.fault(now).removesuffix(" token") or "good",
            "expires_at": datetime.fromtimestamp(one.expires_at, UTC).isoformat(timespec="seconds"),
            "created_by": one.created_by,
        }
        for one in found
    ]
    if arguments.json:
        print_json(rows)
    elif not rows:
        say("no tokens of programs: wifi-collector token create --kind api --name NAME")
    else:
        shown = table("tokens of programs", *rows[0])
        for row in rows:
            shown.add_row(*(cell(value) for value in row.values()))
        out().print(shown)
    return 0


def _revoke(arguments: argparse.Namespace) -> int:
    done = perform(arguments, "api-token-revoke", {"prefix": arguments.prefix})
    if arguments.json:
        print_json(done)
    else:
        say(f"token {done['prefix']} of {done['name']} is revoked")
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
