"""The board: what the district, the union, principals, teachers and IT read. Server-rendered, no script, no cookie.

The same figures as ``commitment`` and ``/v1/commitment``: all three ask :mod:`collector.commitment.answers`.
``ROUTES`` is the one table of its pages, with what a reader must be allowed to do for each.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from collector.board import packed, pages
from collector.board.acts import Acts
from collector.board.behind import Answer, behind
from collector.board.doors import Doors
from collector.board.forms import Tokens
from collector.board.incident_reading import IncidentReading
from collector.board.readers import ACT, PUBLIC, READ, REPORT_ROOM, REVIEW, Readers
from collector.board.reading import Reading
from collector.board.room_reading import RoomReading
from collector.services import Services


class Entry(NamedTuple):
    """``action``: what the reader must be allowed to do; ``answer``: the method of Doors, or for POST of Acts."""

    path: str
    method: str
    action: str
    answer: str


ROUTES = (
    Entry("/", "GET", READ, "district"),
    Entry("/method", "GET", READ, "method"),
    Entry("/incidents", "GET", READ, "incidents"),
    Entry("/incidents/{number:int}", "GET", READ, "incident"),
    Entry("/incidents/{number:int}", "POST", ACT, "incident"),
    Entry("/room-reports", "GET", REVIEW, "room_reports"),
    Entry("/room-reports/{number:int}", "GET", READ, "room_report"),
    Entry("/room-reports/{number:int}", "POST", REVIEW, "room_report"),
    Entry("/campus/{campus}/report", "GET", REPORT_ROOM, "report_form"),
    Entry("/campus/{campus}/report", "POST", REPORT_ROOM, "report"),
    Entry("/campus/{campus}/qr", "GET", READ, "sheet"),
    Entry("/campus/{campus}/room/{room:path}", "GET", READ, "room"),
    Entry("/room/{place:path}", "GET", READ, "place"),
    Entry("/campus/{campus:path}", "GET", READ, "campus"),
)


def routes(services: Services, readers: Readers = PUBLIC) -> list[BaseRoute]:
    """The pages, their style sheet and their picture."""
    reading = Reading(services)
    rooms = RoomReading(services, reading)
    tokens = Tokens(services.signer.secret("board forms"))
    shown = pages.Pages(services.clock, readers, tokens)
    doors = Doors(services, readers, shown, reading, rooms, IncidentReading(services, reading))
    acts = Acts(services, readers, shown, tokens, doors, rooms)
    made: list[BaseRoute] = []
    for entry in ROUTES:
        answer: Answer = getattr(acts if entry.method == "POST" else doors, entry.answer)
        made.append(behind(entry.path, entry.method, entry.action, answer, readers, shown))
    return [
        *made,
        Route(pages.STYLE_PATH, _file(pages.STYLE, "text/css; charset=utf-8"), methods=["GET"]),
        Route(pages.ICON_PATH, _file(pages.ICON, "image/svg+xml"), methods=["GET"]),
    ]


def _file(body: bytes, media_type: str) -> Any:
    async def answer(_: Request) -> Response:
        headers = packed.HEADERS | {"Cache-Control": "public, max-age=86400"}
        return Response(body, headers=headers, media_type=media_type)

    return answer
