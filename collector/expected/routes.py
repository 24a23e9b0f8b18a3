"""``/v1/seen`` and ``/v1/campuses/{id}/seen``: the inventory against what was seen, read only."""

from __future__ import annotations

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from collector.commitment.answer_routes import as_json
from collector.expected.as_rows import as_csv
from collector.expected.looked_up import UnknownCampus, look
from collector.expected.seen import Missing
from collector.holding import held_at
from collector.services import Services


def routes(services: Services) -> list[BaseRoute]:
    """Worked out in a thread: a large district never delays ingest."""

    def found(campus: str | None) -> list[Missing]:
        now = services.clock()
        with services.store.read() as connection:
            held = held_at(connection, now)
            return list(look(connection, held, now, campus)) if held else []

    async def answer(request: Request) -> Response:
        campus: str | None = request.path_params.get("campus")
        try:
            everything = await run_in_threadpool(found, campus)
        except UnknownCampus as fault:
            return as_json({"error": str(fault)}, 404)
        if request.query_params.get("format") == "csv":
            return Response(as_csv(everything), media_type="text/csv; charset=utf-8")
        built: list[dict[str, Any]] = [one.as_json() for one in everything]
        if campus is not None:
            return as_json(built[0]) if built else as_json({"error": f"no campus {campus!r}"}, 404)
        return as_json({"campuses": built})

    return [
        Route("/v1/seen", answer, methods=["GET"]),
        Route("/v1/campuses/{campus}/seen", answer, methods=["GET"]),
    ]
