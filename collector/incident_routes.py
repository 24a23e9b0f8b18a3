"""Incidents over HTTP, read only and open to all: ``/v1/incidents``, ``/v1/incidents/{id}``. What changes one goes
through the administrator's socket."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from collector import incident_answers
from collector.answer_routes import WrongQuery, as_json, day
from collector.services import Services


def routes(services: Services) -> list[BaseRoute]:
    async def every(request: Request) -> Response:
        try:
            period = day(request, "from"), day(request, "to")
        except WrongQuery as fault:
            return as_json({"error": str(fault)}, 400)
        query = request.query_params
        return as_json(
            await run_in_threadpool(
                incident_answers.listed,
                services.store,
                period,
                query.get("campus"),
                now=services.clock(),
                only_open=query.get("open", "") in ("1", "true"),
            )
        )

    async def one(request: Request) -> Response:
        number = request.path_params["number"]
        found = await run_in_threadpool(incident_answers.one_of, services.store, number, now=services.clock())
        return as_json({"error": f"no incident {number}"}, 404) if found is None else as_json(found)

    return [
        Route("/v1/incidents", every, methods=["GET"]),
        Route("/v1/incidents/{number:int}", one, methods=["GET"]),
    ]
