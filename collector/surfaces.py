"""What judges, shows and spreads: starts the judge, ``/metrics`` and remote write, and collects the pages to serve."""

from __future__ import annotations

import contextlib

from starlette.routing import BaseRoute, Route

from collector import board
from collector.agents.inventories import Inventories
from collector.alerting import keeping_step
from collector.alerting import routes as notification_routes
from collector.board.readers import PUBLIC, Readers
from collector.commitment import answer_routes
from collector.edge.watch import Watch
from collector.expected import routes as expected_routes
from collector.incidents import incident_routes
from collector.judgement.judge import Judge
from collector.keeping import Keeping
from collector.metrics import current, remote_write
from collector.policies import beginning
from collector.services import Services


def start(services: Services, version: str, ending: contextlib.ExitStack, readers: Readers = PUBLIC) -> list[BaseRoute]:
    """Starts what runs beside the server, has it stopped by ``ending``, and returns the pages to serve. ``readers``:
    who may do what on them."""
    config = services.config
    beginning.ensure_policy(
        services.store,
        services.clock,
        demonstration=config.demonstration,
        report_seconds=config.report_seconds,
        name=config.policy,
    )
    with services.store.read() as connection:
        held = Inventories().policy(connection, services.clock())
    services.store.writer.slot_seconds = held.slot_seconds
    services.judge = judge = Judge(services.store, services.clock, float(config.grace_seconds))
    ending.callback(judge.stop)
    judge.start()
    edges = Watch(services, held.slot_seconds)
    edges.start(ending)
    shown = current.start(services, version)
    ending.callback(shown.stop)
    forwarder = remote_write.start(services)
    if forwarder is not None:
        ending.callback(forwarder.stop)
        services.store.writer.listeners.append(forwarder.wake)
    Keeping(services).start(ending)
    metrics = Route("/metrics", shown.endpoint, methods=["GET"])
    answers = [*answer_routes.routes(services), *expected_routes.routes(services), *incident_routes.routes(services)]
    told = notification_routes.routes(services)
    step = keeping_step.start(services)
    if step is not None:
        ending.callback(step.stop)
    return [metrics, *answers, *told, *board.routes(services, readers)]
