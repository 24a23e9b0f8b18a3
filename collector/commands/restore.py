"""``restore``: puts a checked backup in the store's place. Only with no server running, and never over a store that
is there: agents keep what they sent for two days and send again what the restored store asks for."""

from __future__ import annotations

import argparse
from pathlib import Path

from collector.commands.console import Failure, print_json, say, wrong_use
from collector.commands.present import settings
from collector.config import Config
from collector.store.backups import BadBackup, restore


def add_parser(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "restore",
        help="put a backup in the place of a lost store",
        description="Checks the backup first. Refuses while a server runs or a store is there: move that away by hand.",
        epilog="example: wifi-collector restore /mnt/second-machine/campus-wifi-2026-09-01.sqlite",
    )
    parser.add_argument("file", type=Path)
    parser.add_argument("--json", action="store_true", help="print the result for a script")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    if not arguments.file.is_file():
        raise wrong_use(f"{arguments.file} is not there", "name the file that `wifi-collector backup` wrote")
    config = settings(arguments)
    try:
        result = restore(_database(config), arguments.file)
    except BadBackup as fault:
        raise Failure(fault.reason, fault.hint) from None
    if arguments.json:
        print_json(result)
    else:
        counts = ", ".join(f"{count} {name}" for name, count in result["rows"].items())
        say(f"restored {result['file']}: {counts}. Start the server; agents send again what is missing")
    return 0


def _database(config: Config) -> Path:
    prefix = "sqlite:///"
    if not config.database_url.startswith(prefix):
        raise wrong_use("this store is not SQLite", "restore it with pg_restore")
    return Path(config.database_url.removeprefix(prefix))
