"""The administrator's socket: ``POST /admin/VERB`` on a Unix socket that only the collector's user may open.

What each verb does stands in :mod:`collector.administration.operations`, which the command line uses too where no
server runs.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from collector.administration import meeting, operations
from collector.administration.refusals import NotDone
from collector.services import Services


def create_admin(services: Services) -> Starlette:
    """The application that is served on the socket."""

    running: dict[str, tuple[int, int]] = {}

    async def progress(request: Request) -> Response:
        done, whole = running.get(request.path_params["verb"], (0, 0))
        return _json(200, {"done": done, "all": whole})

    async def perform(request: Request) -> Response:
        try:
            body = msgspec.json.decode(await request.body() or b"{}", type=dict)
        except msgspec.MsgspecError as fault:
            return _json(400, {"error": f"wrong body: {fault}", "hint": "use the command line of the same version"})
        verb = request.path_params["verb"]
        running[verb] = (0, 0)

        def told(done: int, whole: int) -> None:
            running[verb] = (done, whole)

        def work() -> dict[str, Any]:
            own = (services.store, services.config, services.clock)
            return operations.perform(*own, verb, body, judge=services.judge, progress=told)

        try:
            done = await run_in_threadpool(work)
        except NotDone as fault:
            return _json(400, {"error": fault.reason, "hint": fault.hint, "status": getattr(fault, "status", 1)})
        finally:
            running.pop(verb, None)
        return _json(200, done)

    return Starlette(
        routes=[
            Route("/admin/{verb}", perform, methods=["POST"]),
            # Asked for while the POST is still out: long work says how far it is.
            Route("/admin/{verb}", progress, methods=["GET"]),
        ]
    )


def bind_socket(data_dir: Path) -> socket.socket:
    """A fresh socket for the collector's user alone. One that a killed server left behind is replaced."""
    path = data_dir / meeting.SOCKET
    path.unlink(missing_ok=True)
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        with meeting.address(path) as short:
            made.bind(short)
    finally:
        os.umask(before)
    return made


def _json(status: int, content: object) -> Response:
    return Response(msgspec.json.encode(content), status, media_type="application/json")
