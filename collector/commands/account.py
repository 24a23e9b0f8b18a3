"""``account``: people who sign in to the board, with a role and a password that this collector keeps as a digest."""

from __future__ import annotations

import argparse
import getpass
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from collector.access import passwords
from collector.access.roles import NAMED
from collector.commands.console import cell, out, print_json, say, table, wrong_use
from collector.commands.present import open_store, settings
from collector.commands.records import act, acting
from collector.store import accounts


def add_parser(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "account",
        help="people who sign in: viewers, operators, administrators",
        description="A password is asked for, or read from standard input or a file: never from the command line. Who "
        "made, changed or closed an account stands in the audit log.",
        epilog="example: wifi-collector account add ana --role operator",
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    add = _one(actions, "add", "make an account", "ana --role operator --password-file ana.txt")
    role = _one(actions, "role", "give an account another role", "ana admin")
    disable = _one(actions, "disable", "close an account and end its sessions", "ana")
    enable = _one(actions, "enable", "open a closed account again", "ana")
    reset = _one(actions, "reset", "give a new password; sessions of the old one end", "ana --password-file ana.txt")
    add.add_argument("--role", choices=tuple(NAMED), required=True)
    role.add_argument("role", choices=tuple(NAMED))
    for one in (add, reset):
        one.add_argument(
            "--password-file", type=Path, metavar="FILE", help="its first line is the password (default: asked for)"
        )
    add.set_defaults(run=_add)
    reset.set_defaults(run=_reset)
    for one, said in ((role, "has another role"), (disable, "is closed"), (enable, "is open again")):
        one.set_defaults(run=_change, said=said)
    listed = actions.add_parser("list", help="every account", epilog="example: wifi-collector account list --json")
    listed.add_argument("--json", action="store_true", help="print it for a script")
    listed.set_defaults(run=_list)


def _one(
    actions: argparse._SubParsersAction[argparse.ArgumentParser], name: str, text: str, example: str
) -> argparse.ArgumentParser:
    one = actions.add_parser(name, help=text, epilog=f"example: wifi-collector account {name} {example}")
    one.add_argument("name", metavar="NAME")
    acting(one)
    return one


def _add(arguments: argparse.Namespace) -> int:
    body = {"role": arguments.role, "password": _digest(arguments)}
    return _done(arguments, "account-add", body, f"may sign in as {arguments.role}")


def _reset(arguments: argparse.Namespace) -> int:
    return _done(arguments, "account-reset", {"password": _digest(arguments)}, "has a new password")


def _change(arguments: argparse.Namespace) -> int:
    body = {"role": arguments.role} if arguments.action == "role" else {}
    return _done(arguments, f"account-{arguments.action}", body, arguments.said)


def _done(arguments: argparse.Namespace, verb: str, body: dict[str, Any], said: str) -> int:
    return act(arguments, verb, body | {"name": arguments.name}, lambda done: f"account {done['account']} {said}")


def _digest(arguments: argparse.Namespace) -> str:
    """The digest is made here: the password itself goes nowhere."""
    password = _password(arguments.password_file)
    if fault := passwords.fault_of(password, arguments.name):
        raise wrong_use(fault, "choose another; four words that do not belong together are good")
    return passwords.digest(password)


def _password(path: Path | None) -> str:
    if path is not None:
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as fault:
            raise wrong_use(f"{path} cannot be read: {fault}", "its first line is the password") from None
        return lines[0] if lines else ""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    password = getpass.getpass("new password: ")
    if getpass.getpass("once more: ") != password:
        raise wrong_use("the two passwords are not the same", "run the command again")
    return password


def _list(arguments: argparse.Namespace) -> int:
    with open_store(settings(arguments)) as store, store.read() as connection:
        found = accounts.every(connection)
    rows = [
        {
            "name": one.name,
            "role": one.role,
            "disabled": one.disabled,
            "created_at": _when(one.created_at),
            "created_by": one.created_by,
            "password_at": _when(one.password_at),
        }
        for one in found
    ]
    if arguments.json:
        print_json(rows)
        return 0
    if not rows:
        say("no accounts: wifi-collector account add NAME --role operator")
        return 0
    shown = table("accounts", "name", "role", "state", "made", "by", "password of")
    for row in rows:
        state = "closed" if row["disabled"] else "open"
        keys = ("created_at", "created_by", "password_at")
        shown.add_row(*(cell(value) for value in (row["name"], row["role"], state, *(row[key] for key in keys))))
    out().print(shown)
    return 0


def _when(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
