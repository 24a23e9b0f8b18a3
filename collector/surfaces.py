"""What shows and spreads the judgement: starts the judge, ``/metrics``, remote write and the board's pages."""

from __future__ import annotations

import contextlib

from starlette.routing import BaseRoute

from collector import remote_write
from collector.services import Services


def start(services: Services, version: str, ending: contextlib.ExitStack) -> list[BaseRoute]:
    """Starts what runs beside the server, has it stopped by ``ending``, and returns the pages to serve."""
    forwarder = remote_write.start(services)
    if forwarder is not None:
        ending.callback(forwarder.stop)
        services.store.writer.listeners.append(forwarder.wake)
    return []
