"""What a probe is to do, from the plan: the plan in force and the device's config go in, probe settings come out."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import msgspec

from agent import wire
from agent.config import Config
from agent.probes.base import CouldNotRun
from agent.push import Refused, Unreachable
from agent.transport import Transport

JOIN_SECONDS = 60.0
"""The longest a try to join one network may take, every stage together."""
# A device that waits for approval has no plan, and still watches its own path. Two independent names of the internet,
# because one silent name proves nothing.
PATHS_WITHOUT_PLAN = (
    wire.PathTarget("link", "link", method="link"),
    wire.PathTarget("gateway", "gateway"),
    wire.PathTarget("dns", "dns", method="dns", query="example.com"),
    wire.PathTarget("collector", "collector", method="tcp"),
)


def seconds_for(job: str, plan: wire.Plan | None, *, full: bool) -> float:
    """The probe's deadline: it must be done well before its next turn."""
    if job == "throughput":
        task = plan.throughput if plan else None
        # Idle latency, down, up, each bounded by max_seconds.
        return 15.0 + 3 * (task.max_seconds if task else 5.0)
    if job in ("host", "link") or plan is None:
        return 10.0
    if job == "join":
        return JOIN_SECONDS
    if job == "airspace":
        return 20.0
    cadence = plan.cadence.full_seconds if full else plan.cadence.idle_seconds
    return max(min(cadence * 0.8, 120.0), 2.0)


def reach(plan: wire.Plan, config: Config) -> Any:
    """Settings of a sweep over the plan's access points."""
    from agent.probes.reach import Settings  # noqa: PLC0415 - a shipper never loads it

    return Settings(
        targets=plan.access_points,
        count=plan.reach_count,
        interval_seconds=plan.reach_interval_seconds,
        **_interface(config),
    )


def path(plan: wire.Plan | None, config: Config, collector: str) -> Any:
    """Settings of the ladder. A rung "collector" without an address means the one this device reports to."""
    from agent.probes.path import Settings  # noqa: PLC0415

    url = urlsplit(collector)
    targets = []
    for target in plan.paths if plan is not None else PATHS_WITHOUT_PLAN:
        chosen = target
        if target.rung == "collector" and not target.address:
            if not url.hostname:
                continue
            port = url.port or (443 if url.scheme == "https" else 80)
            chosen = msgspec.structs.replace(target, address=url.hostname, method="tcp", port=port)
        targets.append(chosen)
    return Settings(targets=targets, **_interface(config))


def airspace(plan: wire.Plan, config: Config) -> Any:
    """Settings of listening to the air."""
    from agent.probes.airspace import Settings  # noqa: PLC0415

    return Settings(
        interface=config.wifi_interface,
        ssids=plan.ssids,
        bssids=plan.bssids,
        radio_models=config.radio_models,
        rotate=True,
    )


def link(plan: wire.Plan, config: Config) -> Any:
    """Settings of the look at the connected BSS."""
    from agent.probes.link import Settings  # noqa: PLC0415

    return Settings(interface=config.wifi_interface, bssids=plan.bssids, radio_models=config.radio_models)


def join(plan: wire.Plan, task: wire.JoinTask, config: Config) -> Any:
    """Settings of one try to join one network."""
    from agent.probes.join import Settings  # noqa: PLC0415

    return Settings(interface=config.join_interface, task=task, bssids=plan.bssids, credentials=config.credentials)


def host(config: Config) -> Any:
    """Settings of the device's look at itself."""
    from agent.probes.host import Settings  # noqa: PLC0415

    return Settings(interface=config.interface or None, data_dir=str(config.data_dir))


def throughput(
    plan: wire.Plan,
    collector: str,
    transport: Transport,
    http: Callable[[], Any],
    air_utilization_ratio: float | None = None,
) -> Any:
    """Settings of a leased transfer. Asks for the lease: without one nothing is moved."""
    from agent.probes.throughput import Settings  # noqa: PLC0415

    task = plan.throughput
    if task is None:
        raise CouldNotRun("the plan asks for no throughput test")
    # A lease counts the bytes of each direction, a task those of both.
    request = wire.LeaseRequest(secrets.token_hex(8), task.max_bytes // 2, task.max_seconds, air_utilization_ratio)
    try:
        lease, proof = transport.lease(request)
    except (Refused, Unreachable) as fault:
        raise CouldNotRun(f"no lease: {fault}", "throughput is measured again when the collector answers") from None
    return Settings(
        url=task.target or collector,
        lease=lease,
        max_bytes=min(task.max_bytes, 2 * lease.max_bytes) if lease.granted else task.max_bytes,
        max_seconds=min(task.max_seconds, lease.max_seconds) if lease.granted else task.max_seconds,
        streams=task.streams,
        http=http,
        proof=proof,
        far_end=task.far_end or "collector",
    )


def _interface(config: Config) -> dict[str, Any]:
    return {"interface": config.interface} if config.interface else {}
