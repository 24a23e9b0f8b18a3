"""What the read-only commands look at: the configuration, the store beside a running server, and what holds today."""

from __future__ import annotations

import argparse
import datetime
import time
from pathlib import Path
from typing import Any

from collector import config as configuration
from collector.agents.moved import moved
from collector.commands.console import Failure, wrong_use
from collector.config import Config, ConfigError
from collector.inventory import Inventory
from collector.lists.list_imports import present
from collector.store import Busy, Missing, Outdated, Store, StoreError, agents, surroundings


def settings(arguments: argparse.Namespace) -> Config:
    try:
        return configuration.load(Path(arguments.config) if arguments.config else None)
    except ConfigError as fault:
        raise wrong_use(str(fault)) from None


def open_store(config: Config, *, write: bool = False) -> Store:
    try:
        return Store(config.database_url, write=write)
    except Busy as fault:
        hint = "a server that runs does the work itself: try again, or look whether its admin socket is there"
        raise Failure(str(fault), hint) from None
    except StoreError as fault:
        raise Failure(str(fault)) from None


def present_inventory(arguments: argparse.Namespace, day: datetime.date) -> Inventory:
    """What is imported already; nothing where there is no store yet."""
    config = settings(arguments)
    try:
        with Store(config.database_url, write=False) as store, store.read() as connection:
            return present(connection, day)
    except Outdated:
        # An import writes anyhow; to show its difference the database must be up to date too.
        with open_store(config, write=True) as store, store.read() as connection:
            return present(connection, day)
    except Missing:
        return Inventory(campuses={}, access_points={}, places={})
    except StoreError as fault:
        raise Failure(str(fault)) from None


def agents_present(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """Every agent with the place where it stands now."""
    with open_store(settings(arguments)) as store, store.read() as connection:
        placements = agents.placements(connection)
        places = {one.agent: one.place for one in placements if one.to_at is None}
        doubts = moved(placements, surroundings.unconfirmed(connection), time.time())
        return [
            {
                "agent": agent.id,
                "name": agent.name,
                "campus": agent.campus,
                "place": places.get(agent.id),
                "state": agent.state,
                "simulated": agent.simulated,
                "version": agent.version,
                "created_at": agent.created_at,
                "last_seen_at": agent.last_seen_at,
                "clock_state": agent.clock_state,
                "waiting_reports": agent.waiting_reports,
                "unconfirmed_since": doubts[agent.id].since if agent.id in doubts else None,
                "unconfirmed_because": doubts[agent.id].words if agent.id in doubts else None,
            }
            for agent in agents.every(connection)
        ]
