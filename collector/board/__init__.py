"""The board: what the district, the union, principals and IT read without an account. Server-rendered, no script.

``routes`` gives the pages "/" and "/campus/{id}". The same figures as ``commitment`` and ``/v1/commitment``: all three
ask :mod:`collector.answers`.
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from collector.board import pages
from collector.board.reading import Reading
from collector.services import Services


def routes(services: Services) -> list[BaseRoute]:
    """The pages, their style sheet and their picture."""
    reading = Reading(services)
    shown = pages.Pages(services.clock)

    async def district(request: Request) -> Response:
        return await shown.answer(request, lambda: _district(reading))

    async def campus(request: Request) -> Response:
        return await shown.answer(request, lambda: _campus(reading, request.path_params["campus"]))

    return [
        Route("/", district, methods=["GET"]),
        Route("/campus/{campus:path}", campus, methods=["GET"]),
        Route(pages.STYLE_PATH, _file(pages.STYLE, "text/css; charset=utf-8"), methods=["GET"]),
        Route(pages.ICON_PATH, _file(pages.ICON, "image/svg+xml"), methods=["GET"]),
    ]


def _district(reading: Reading) -> pages.Page:
    found = reading.district()
    return pages.Page("district.html", {"district": found}) if found else pages.Page("empty.html", {})


def _campus(reading: Reading, name: str) -> pages.Page:
    found = reading.campus(name)
    if found is None:
        return pages.Page("missing.html", {"name": name[:100]}, 404)
    return pages.Page("campus.html", {"campus": found})


def _file(body: bytes, media_type: str) -> Any:
    async def answer(_: Request) -> Response:
        headers = pages.HEADERS | {"Cache-Control": "public, max-age=86400"}
        return Response(body, headers=headers, media_type=media_type)

    return answer
