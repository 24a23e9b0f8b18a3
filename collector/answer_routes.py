"""The answers over HTTP, read only: ``/v1/campuses``, ``/v1/campuses/{id}/ledger``, ``/v1/commitment``."""

from __future__ import annotations

import datetime
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from collector.answers import UnknownCampus, commitment
from collector.answers_csv import as_csv
from collector.holding import day_at, held_at
from collector.services import Services
from collector.store import ledger


class WrongQuery(ValueError):
    """A query that cannot be understood."""


def routes(services: Services) -> list[BaseRoute]:
    """Each answer is worked out in a thread: a large district never delays ingest."""

    async def campuses(_: Request) -> Response:
        return as_json(await run_in_threadpool(_campuses, services))

    async def days(request: Request) -> Response:
        return await _answered(_ledger, services, request)

    async def answer(request: Request) -> Response:
        return await _answered(_commitment, services, request)

    return [
        Route("/v1/campuses", campuses, methods=["GET"]),
        Route("/v1/campuses/{campus}/ledger", days, methods=["GET"]),
        Route("/v1/commitment", answer, methods=["GET"]),
    ]


async def _answered(work: Any, services: Services, request: Request) -> Response:
    try:
        response: Response = await run_in_threadpool(work, services, request)
    except WrongQuery as fault:
        return as_json({"error": str(fault)}, 400)
    except UnknownCampus as fault:
        return as_json({"error": str(fault)}, 404)
    return response


def _commitment(services: Services, request: Request) -> Response:
    query = request.query_params
    answer = commitment(
        services.store,
        day(request, "from"),
        day(request, "to"),
        query.get("campus"),
        now=services.clock(),
        why=query.get("why", "") in ("1", "true"),
    )
    if query.get("format") == "csv":
        return Response(as_csv(answer), media_type="text/csv; charset=utf-8")
    return as_json(answer)


def _campuses(services: Services) -> list[dict[str, Any]]:
    now = services.clock()
    with services.store.read() as connection:
        held = held_at(connection, now)
    if held is None:
        return []
    inventory, today = held.inventory, held.today(now)
    live = services.judge.latest() if services.judge is not None else {}
    return [
        {
            "campus": one.id,
            "name": one.name,
            "region": one.region,
            "uplink": one.uplink,
            "timezone": one.timezone,
            "simulated": one.simulated,
            "schools": [school.cds_code for school in one.schools],
            "access_points": len(inventory.access_points_on(one.id, today)),
            "rooms": len(inventory.places.get(one.id, ())),
            "slot": live[one.id].slot if one.id in live else None,
            "verdict": live[one.id].verdict.verdict if one.id in live else None,
            "cause": live[one.id].verdict.cause if one.id in live else None,
        }
        for one in inventory.campuses.values()
    ]


def _ledger(services: Services, request: Request) -> Response:
    campus = request.path_params["campus"]
    with services.store.read() as connection:
        until = day(request, "to") or day_at(connection, services.clock())
        since = day(request, "from") or until - datetime.timedelta(days=6)
        rows = ledger.revisions(connection, campus, since.isoformat(), until.isoformat())
        changes = ledger.changes(connection, campus, since.isoformat(), until.isoformat())
    found = [
        {
            "day": row.day,
            "revision": row.revision,
            "written_at": row.written_at,
            "open": row.open,
            "reason": row.reason,
            "policy": row.policy,
            "inventory": row.inventory,
            "hours": row.hours,
            "evidence": row.evidence,
            "chain": row.chain,
            "strip": row.record.strip,
            "record": row.record,
        }
        for row in rows
    ]
    document = {"campus": campus, "from": since.isoformat(), "to": until.isoformat(), "revisions": found}
    return as_json(document | {"changes": changes})


def day(request: Request, key: str) -> datetime.date | None:
    text = request.query_params.get(key)
    if text is None:
        return None
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise WrongQuery(f"{key}={text[:40]!r} is not a date like 2026-08-13") from None


def as_json(document: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(document), status, media_type="application/json")
