"""The pages that readers open: a request goes in, the page it asks for comes out."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from collector.board import qr
from collector.board.finding import MAX_TEXT as MAX_FIND
from collector.board.incident_reading import IncidentReading
from collector.board.method import method_view
from collector.board.pages import Page, Pages
from collector.board.readers import ACT, REVIEW, Readers
from collector.board.reading import Reading
from collector.board.room_reading import RoomReading
from collector.board.views import DEFAULT_PERIOD, PERIODS
from collector.commitment.period import GAUGES
from collector.incidents.room_reports import MAX_TEXT, NOTICED_DAYS
from collector.judgement import coverage
from collector.services import Services

EMPTY = Page("empty.html", {})


class Doors:
    """Each method answers a GET of the table of routes."""

    def __init__(
        self,
        services: Services,
        readers: Readers,
        pages: Pages,
        reading: Reading,
        rooms: RoomReading,
        incidents: IncidentReading,
    ) -> None:
        self._services = services
        self._readers = readers
        self._pages = pages
        self._reading = reading
        self._rooms = rooms
        self._incidents = incidents

    async def district(self, request: Request) -> Response:
        period = _one_of(request.query_params.get("period"), GAUGES, DEFAULT_PERIOD)
        find = " ".join(request.query_params.get("find", "")[:MAX_FIND].split())

        def look() -> Page:
            found = self._reading.district(period, find)
            return Page("district.html", {"district": found}) if found else EMPTY

        # What one reader looks for is not kept for all: anybody could fill what is kept with words.
        shared = None if find else lambda: (period, *self._reading.version())
        return await self._pages.answer(request, look, shared=shared)

    async def campus(self, request: Request) -> Response:
        name = request.path_params["campus"]

        def look() -> Page:
            found = self._reading.campus(name)
            if found is None:
                return missing(name)
            return Page("campus.html", {"campus": found, "incidents": self._incidents.of_campus(name)})

        return await self._pages.answer(request, look)

    async def room(self, request: Request) -> Response:
        campus, room = request.path_params["campus"], request.path_params["room"]
        may_read = self._readers.may(request, REVIEW)

        def look() -> Page:
            found = self._rooms.room(f"{campus}/{room}", may_read=may_read)
            return Page("room.html", {"room": found}) if found else missing(f"{campus}/{room}", "room")

        return await self._pages.answer(request, look)

    async def place(self, request: Request) -> Response:
        """Where the label ``place`` of a series leads, which has campus and room in one."""
        place = request.path_params["place"]
        campus, _, room = place.partition("/")
        if not room:
            return await self._pages.answer(request, lambda: missing(place, "room"))
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(quote(f"/campus/{campus}/room/{room}") + query)

    async def incidents(self, request: Request) -> Response:
        query = request.query_params
        period = _one_of(query.get("period"), (*PERIODS, "all"), DEFAULT_PERIOD)
        only_open = query.get("open", "") in ("1", "true")
        names = self._readers.may(request, ACT)

        def look() -> Page:
            found = self._incidents.listed(period, query.get("campus", "")[:64], only_open=only_open, names=names)
            return Page("incidents.html", {"list": found}) if found else EMPTY

        return await self._pages.answer(request, look)

    async def incident(self, request: Request) -> Response:
        number = request.path_params["number"]
        return await self._pages.answer(request, lambda: self.incident_page(request, number))

    def incident_page(self, request: Request, number: int, problem: Any = None, status: int = 200) -> Page:
        """``problem``: why what the reader wanted to do about it was not done."""
        found = self._incidents.one(number, names=self._readers.may(request, ACT))
        if found is None:
            return missing(str(number), "incident")
        return Page("incident.html", {"incident": found, "problem": problem}, status)

    async def report_form(self, request: Request) -> Response:
        campus = request.path_params["campus"]
        return await self._pages.answer(request, lambda: self.form_page(campus, dict(request.query_params), ""))

    def form_page(self, campus: str, values: dict[str, str], problem: str, status: int = 200) -> Page:
        """``values``: what the reader has filled in; ``problem``: a key of the form's words, or empty."""
        found = self._rooms.campus(campus)
        if found is None:
            return missing(campus)
        filled = {key: values.get(key, "") for key in ("room", "date", "time", "text")}
        shown = {
            "campus": found, "values": filled, "problem": problem, "max_text": MAX_TEXT, "noticed_days": NOTICED_DAYS,
        }  # fmt: skip
        return Page("report_form.html", shown, status)

    async def room_report(self, request: Request) -> Response:
        number, may_read = request.path_params["number"], self._readers.may(request, REVIEW)

        def look() -> Page:
            found = self._rooms.report(number, may_read=may_read)
            if found is None:
                return missing(str(number), "report")
            return Page("report.html", {"status": found, "fresh": "new" in request.query_params})

        return await self._pages.answer(request, look)

    async def room_reports(self, request: Request) -> Response:
        return await self._pages.answer(
            request, lambda: Page("reports.html", {"reports": self._rooms.reports(), "zone": self._reading.timezone()})
        )

    async def sheet(self, request: Request) -> Response:
        name = request.path_params["campus"]

        def look() -> Page:
            found = self._rooms.campus(name)
            if found is None:
                return missing(name)
            address = f"{self._services.config.url}/campus/{name}/report"
            return Page("sheet.html", {"campus": found, "address": address, "code": qr.svg(address)})

        return await self._pages.answer(request, look)

    async def method(self, request: Request) -> Response:
        def look() -> Page:
            held = self._reading.held()
            if held is None:
                return EMPTY
            shown = {"method": method_view(held), "surveyed": bool(coverage.criteria(held.policy))}
            return Page("method.html", shown)

        return await self._pages.answer(request, look, shared=self._reading.version)


def missing(name: str, kind: str = "campus") -> Page:
    return Page("missing.html", {"name": name[:100], "kind": kind}, 404)


def _one_of(asked: str | None, known: Any, default: str) -> str:
    return asked if asked is not None and asked in known else default
