"""The answers over HTTP, read only: ``/v1/campuses``, ``/v1/campuses/{id}/ledger``, ``/v1/commitment``."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from collector.commitment import lists
from collector.commitment.answers import Asked, UnknownCampus, answer
from collector.commitment.as_csv import as_csv
from collector.commitment.groups import BY
from collector.commitment.period import UnknownPeriod
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

    async def commitment(request: Request) -> Response:
        return await _answered(_commitment, services, request)

    return [
        Route("/v1/campuses", campuses, methods=["GET"]),
        Route("/v1/campuses/{campus}/ledger", days, methods=["GET"]),
        Route("/v1/commitment", commitment, methods=["GET"]),
    ]


async def _answered(work: Any, services: Services, request: Request) -> Response:
    try:
        response: Response = await run_in_threadpool(work, services, request)
    except (WrongQuery, UnknownPeriod) as fault:
        return as_json({"error": str(fault)}, 400)
    except UnknownCampus as fault:
        return as_json({"error": str(fault)}, 404)
    return response


def _commitment(services: Services, request: Request) -> Response:
    query = request.query_params
    since, until, period = day(request, "from"), day(request, "to"), query.get("period", "")
    if period and (since or until):
        raise WrongQuery("period and from or to say two things: leave one of them out")
    asked = Asked(
        period=period,
        campus=query.get("campus"),
        by=_one_of(request, "by", BY) or "campus",
        why=query.get("why", "") in ("1", "true"),
        rooms_over=_share(request, "rooms_over", lists.ROOMS_OVER),
        evidence_floor=_share(request, "evidence_floor", lists.EVIDENCE_FLOOR),
        term=services.config.term,
    )
    listed = _one_of(request, "list", lists.NAMES)
    found = answer(services.store, asked, now=services.clock(), since=since, until=until)
    if query.get("format") == "csv":
        return Response(as_csv(found, listed), media_type="text/csv; charset=utf-8")
    return as_json(found["lists"][listed] if listed else found)


def _one_of(request: Request, key: str, known: Sequence[str]) -> str | None:
    text = request.query_params.get(key)
    if text is not None and text not in known:
        raise WrongQuery(f"{key}={text[:40]!r} is none of {', '.join(known)}")
    return text


def _share(request: Request, key: str, default: float) -> float:
    text = request.query_params.get(key)
    if text is None:
        return default
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise WrongQuery(f"{key}={text[:40]!r} is no share from 0 to 1")
    return share


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
            "board_district": one.board_district,
            "grade_span": one.grade_span,
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
