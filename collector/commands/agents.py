"""``agents``: who enrolled, and the dated placements that say which device stood in which room when."""

from __future__ import annotations

import argparse
import datetime
from typing import Any

from collector.commands.administer import perform
from collector.commands.console import cell, out, print_json, say, table
from collector.commands.present import agents_present
from collector.commands.when import instant

_ACTIONS = {
    "approve": "let a pending agent's measurements count, from its first one on",
    "assign": "say in which room of its campus an agent stands",
    "move": "say that an agent stands in another room now (or since --at)",
    "confirm": "say that an agent whose gateway or segment changed still stands where it stood",
    "replace": "put one agent into another one's place, and take the old one out of service",
    "revoke": "take an agent out of service at once",
}


def add_parser(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "agents",
        help="list, approve, assign, move, confirm, replace or revoke agents",
        epilog="example: wifi-collector agents approve 3f2a --place lincoln-hs/main/101",
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    shown = actions.add_parser(
        "list", help="every agent, its state and its place", epilog="example: wifi-collector agents list --pending"
    )
    shown.add_argument("--campus", metavar="ID")
    shown.add_argument("--pending", action="store_true", help="only those that wait for approval")
    shown.add_argument("--json", action="store_true", help="print the list for a script")
    shown.set_defaults(run=_list)
    for action, help_text in _ACTIONS.items():
        example = f"example: wifi-collector agents {action} 3f2a"
        if action in ("assign", "move"):
            example += " --place lincoln-hs/main/101"
        if action == "replace":
            example += " 9c41"
        sub = actions.add_parser(action, help=help_text, description=help_text.capitalize() + ".", epilog=example)
        sub.add_argument("agent", help="the agent's id, or enough of its beginning to be the only one")
        if action == "replace":
            sub.add_argument("successor", help="the agent that takes its place")
        if action in ("approve", "assign", "move"):
            needed = action != "approve"
            sub.add_argument("--place", metavar="CAMPUS/BUILDING/ROOM", required=needed)
        if action not in ("confirm", "revoke"):
            sub.add_argument("--at", metavar="TIME", type=instant, help="since when (ISO 8601; default: see above)")
        sub.add_argument("--json", action="store_true", help="print the result for a script")
        sub.set_defaults(run=_act)


def _act(arguments: argparse.Namespace) -> int:
    body: dict[str, Any] = {"agent": arguments.agent}
    for key in ("place", "at", "successor"):
        value = getattr(arguments, key, None)
        if value is not None:
            body[key] = value
    result = perform(arguments, f"agents-{arguments.action}", body)
    if arguments.json:
        print_json(result)
    else:
        say(result["said"])
    return 0


def _list(arguments: argparse.Namespace) -> int:
    agents = [
        agent
        for agent in agents_present(arguments)
        if (arguments.campus is None or agent["campus"] == arguments.campus)
        and (not arguments.pending or agent["state"] == "pending")
    ]
    if arguments.json:
        print_json(agents)
        return 0
    if not agents:
        say("no agents: make a token with `wifi-collector token create --campus ID` and enroll one with it")
        return 0
    shown = table(f"{len(agents)} agents", "agent", "name", "campus", "place", "state", "last seen (UTC)", "in doubt")
    styles = {"pending": "yellow", "revoked": "red"}
    for agent in agents:
        shown.add_row(
            cell(agent["agent"][:12]),
            cell(agent["name"] or "-"),
            cell(agent["campus"]),
            cell(agent["place"] or "-"),
            cell(agent["state"], styles.get(agent["state"], "green")),
            cell(_clock_text(agent["last_seen_at"])),
            cell(_doubt_text(agent), "red"),
        )
    out().print(shown)
    pending = sum(agent["state"] == "pending" for agent in agents)
    if pending:
        say(f"{pending} pending: compare the id with the device's, then `wifi-collector agents approve ID`")
    if any(agent["unconfirmed_since"] is not None for agent in agents):
        say("unconfirmed: it counts for nothing until `wifi-collector agents confirm ID`, or move: `agents move ID`")
    return 0


def _doubt_text(agent: dict[str, Any]) -> str:
    since = agent["unconfirmed_since"]
    return "" if since is None else f"unconfirmed since {_clock_text(since)} ({agent['unconfirmed_because']})"


def _clock_text(at: float | None) -> str:
    if at is None:
        return "never"
    return datetime.datetime.fromtimestamp(at, datetime.UTC).strftime("%Y-%m-%d %H:%M:%S")
