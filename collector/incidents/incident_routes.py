"""Incidents over HTTP: ``/v1/incidents``, ``/v1/incidents/{id}``, without names; and what a program with an operator's
token does about one."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Struct, field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from collector.access.entrance import visitor_of
from collector.administration.operations import perform
from collector.administration.refusals import NotDone
from collector.commitment.answer_routes import WrongQuery, as_json, day
from collector.incidents import answers
from collector.ingest.body import read
from collector.services import Services

MAX_BODY_BYTES = 16 << 10


class Act(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """``act``: step (with ``step``), note (``note``) or close (``as``: confirmed or false, ``reason``). ``at``: Unix
    seconds, of a step that was done before now."""

    act: Literal["step", "note", "close"]
    step: str = ""
    note: str = ""
    reason: str = ""
    resolution: str = field(name="as", default="")
    at: float | None = None

    def fields(self) -> dict[str, object]:
        named = {"step": self.step, "note": self.note, "reason": self.reason, "as": self.resolution, "at": self.at}
        return {key: value for key, value in named.items() if value not in ("", None)}


def routes(services: Services) -> list[BaseRoute]:
    async def every(request: Request) -> Response:
        try:
            period = day(request, "from"), day(request, "to")
        except WrongQuery as fault:
            return as_json({"error": str(fault)}, 400)
        query = request.query_params
        return as_json(
            await run_in_threadpool(
                answers.listed,
                services.store,
                period,
                query.get("campus"),
                now=services.clock(),
                only_open=query.get("open", "") in ("1", "true"),
            )
        )

    async def one(request: Request) -> Response:
        number = request.path_params["number"]
        found = await run_in_threadpool(answers.one_of, services.store, number, now=services.clock())
        return as_json({"error": f"no incident {number}"}, 404) if found is None else as_json(found)

    async def act(request: Request) -> Response:
        if "authorization" not in request.headers:
            # A cookie alone could be a form that another site had a browser send.
            return as_json({"error": "acts need a bearer token of an operator"}, 401)
        sent = await read(request, MAX_BODY_BYTES)
        if sent is None:
            return as_json({"error": f"more than {MAX_BODY_BYTES} bytes"}, 413)
        try:
            body = msgspec.json.decode(sent, type=Act)
        except msgspec.MsgspecError as fault:
            return as_json({"error": f"wrong body: {fault}"}, 400)
        given = {"incident": request.path_params["number"], "by": visitor_of(request.scope).name} | body.fields()

        def work() -> object:
            return perform(services.store, services.config, services.clock, f"incident-{body.act}", given)

        try:
            return as_json(await run_in_threadpool(work))
        except NotDone as fault:
            return as_json({"error": fault.reason, "hint": fault.hint}, 422)

    return [
        Route("/v1/incidents/{number:int}", act, methods=["POST"]),
        Route("/v1/incidents", every, methods=["GET"]),
        Route("/v1/incidents/{number:int}", one, methods=["GET"]),
    ]
