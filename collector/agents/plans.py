"""What each agent is asked to measure: inventory, hours and the approved agents go in, a signed plan comes out.

A campus's access points are spread over its agents by rendezvous hash, two agents each where there are two: an agent
that comes or goes changes only its own share. The same facts give the same bytes, so that a plan's digest (its ETag)
changes only with what it asks.
"""

from __future__ import annotations

import datetime
import hashlib
import re
import zoneinfo
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection

from agent import wire
from collector.agents.inventories import Inventories
from collector.config import Config
from collector.ingest.authenticate import KnownAgent, Refusal
from collector.inventory import WALKING, AccessPoint
from collector.judgement.day_record import local_day
from collector.school_time import hours
from collector.services import Services
from collector.store import agents

WATCHERS = 2
REACH_COUNT = 3
SWEEPS_A_SLOT = 3
"""At least: with one of them lost, a slot still holds what the policy asks of it."""
IDLE_SECONDS = 300.0
THROUGHPUT_SECONDS = 3600.0
JOIN_SECONDS = 900.0
"""Four tries an hour for each SSID: in a school day twice what the policy's day needs."""
DEMONSTRATION_THROUGHPUT_SECONDS = 60.0
DEMONSTRATION_JOIN_SECONDS = 30.0


class Issued(NamedTuple):
    """``etag``: the digest of the plan's document. ``body``: the signed envelope's bytes."""

    etag: str
    body: bytes


class Plans:
    """Answers ``GET /v1/plan``. Blocking: called in a thread."""

    def __init__(self, services: Services, inventories: Inventories) -> None:
        self._services = services
        self._inventories = inventories

    def issue(self, sender: KnownAgent) -> Issued:
        """Raises Refusal for an agent that is not approved, and before there is anything to plan with."""
        if sender.state != "approved":
            raise Refusal(403, "pending")
        now = self._services.clock()
        with self._services.store.read() as connection:
            plan = self._plan(connection, sender, now)
        document = wire.encode(plan)
        signed = wire.Signed("plan", self._services.signer.sign("plan", document), msgspec.Raw(document))
        return Issued(wire.digest(document), wire.encode(signed))

    def _plan(self, connection: Connection, sender: KnownAgent, now: float) -> wire.Plan:
        held = self._inventories.held(connection, now)
        standing = {p.agent: p for p in agents.at_campus(connection, sender.campus, now)}
        campus = held.inventory.campuses.get(sender.campus) if held else None
        if held is None or campus is None or sender.id not in standing:
            raise Refusal(503, "campus not in the inventory", 60.0)
        config = self._services.config
        today = local_day(now, campus.timezone)
        listed = held.inventory.access_points_on(campus.id, today)
        bssids = sorted(bssid for ap in listed for bssid in ap.bssids)
        watching = sorted(agent for agent, placed in standing.items() if placed.place != WALKING)
        mine = share(sender.id, watching, listed) if sender.id in watching else []
        place = standing[sender.id].place
        # However seldom an agent reports, a report may hold several sweeps.
        sweep_seconds = min(float(config.report_seconds), held.policy.slot_seconds / SWEEPS_A_SLOT)
        midnight = datetime.datetime.combine(today, datetime.time(), zoneinfo.ZoneInfo(campus.timezone)).timestamp()
        return wire.Plan(
            schema=wire.SCHEMA,
            agent=sender.id,
            campus=campus.id,
            place=None if place == WALKING else place,
            # Of the day, not of the second: the same facts must give the same digest.
            issued_at=midnight,
            slot_seconds=held.policy.slot_seconds,
            report_seconds=config.report_seconds,
            reach_count=REACH_COUNT,
            reach_interval_seconds=1.0 if config.report_seconds >= 30 else 0.2,
            access_points=[wire.PlanTarget(ap.id, ap.address, _method(ap), ap.port) for ap in mine if ap.address],
            paths=_paths(config),
            cadence=wire.Cadence(
                full_seconds=sweep_seconds,
                idle_seconds=max(IDLE_SECONDS, float(config.report_seconds)),
                windows=hours.next_windows(held.hours, campus, midnight),
            ),
            throughput=_throughput(config, campus.id),
            join=[
                wire.JoinTask(
                    ssid,
                    credential(ssid),
                    DEMONSTRATION_JOIN_SECONDS if config.demonstration else JOIN_SECONDS,
                    page=config.join_page,
                )
                for ssid in campus.join
            ],
            # As often as it sweeps, so that a slot holds several looks; where no SSID and no BSSID is known, nothing
            # that is heard could be told to be ours.
            airspace_seconds=sweep_seconds if campus.ssids or bssids else 0.0,
            ssids=list(campus.ssids),
            bssids=bssids,
            simulated=campus.simulated,
        )


def share(agent_id: str, everyone: Sequence[str], listed: Sequence[AccessPoint]) -> list[AccessPoint]:
    """The access points that ``agent_id`` watches: those for which it is among the first two of ``everyone``."""
    if len(everyone) <= WATCHERS:
        return sorted(listed, key=lambda ap: ap.id)
    mine = []
    for ap in sorted(listed, key=lambda ap: ap.id):
        ranked = sorted(everyone, key=lambda other: hashlib.sha256(f"{other}/{ap.id}".encode()).digest())
        if agent_id in ranked[:WATCHERS]:
            mine.append(ap)
    return mine


def credential(ssid: str) -> str:
    """The name under which a device keeps the secret of an SSID: its letters and digits, small, divided by dashes."""
    return "-".join(re.findall(r"[a-z0-9]+", ssid.lower())) or "default"


def _method(ap: AccessPoint) -> wire.Method:
    return "tcp" if ap.method == "tcp" else "arp" if ap.method == "arp" else "icmp"


def _paths(config: Config) -> list[wire.PathTarget]:
    """The ladder. The internet is short only if two independent targets fail."""
    url = config.url
    host, _, port = url.partition("://")[2].rpartition(":")
    if not port.isdigit():
        host, port = url.partition("://")[2], "443" if url.startswith("https") else "80"
    ladder = [
        wire.PathTarget("link", "link", method="link"),
        wire.PathTarget("gateway", "gateway"),
        wire.PathTarget("dns", "dns", method="dns", query="example.com"),
        wire.PathTarget("collector", "collector", host.strip("[]"), "tcp", int(port)),
    ]
    for target in filter(None, (part.strip() for part in config.internet_targets.split(","))):
        name, _, tcp = target.rpartition(":")
        if name and tcp.isdigit() and ":" not in name:
            ladder.append(wire.PathTarget("internet", name, name, "tcp", int(tcp)))
        else:
            ladder.append(wire.PathTarget("internet", target, target))
    return ladder


def _throughput(config: Config, campus: str) -> wire.ThroughputTask | None:
    """The leased test: against the campus's own reflector where it has one, else against the collector."""
    base, reflector = config.throughput_base, config.reflectors.get(campus, "")
    if not base and not reflector:
        return None
    if config.demonstration:
        every = DEMONSTRATION_THROUGHPUT_SECONDS
        task = wire.ThroughputTask(reflector or base, every, max_bytes=2_000_000, max_seconds=2.0, streams=2)
    else:
        task = wire.ThroughputTask(reflector or base, THROUGHPUT_SECONDS)
    return msgspec.structs.replace(task, far_end="reflector") if reflector else task
