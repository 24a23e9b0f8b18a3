"""What readers send: a form goes in; it is done through the administrator's operations, and the next page comes out.

A form that cannot be taken is shown again as it was filled in, with what to mend.
"""

from __future__ import annotations

import datetime
import zoneinfo
from collections.abc import Callable
from typing import Any

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from collector.administration.operations import perform
from collector.administration.refusals import NotDone
from collector.board.doors import Doors
from collector.board.forms import FIELD, Refused, Tokens, fields
from collector.board.language import LANGUAGES
from collector.board.pages import Pages
from collector.board.readers import Readers
from collector.board.room_reading import RoomReading
from collector.incidents.room_reports import BOARD, MAX_TEXT, NOTICED_DAYS, Enough
from collector.ingest.buckets import Buckets
from collector.services import Services

REPORT_RATE, REPORT_BURST = 1 / 60, 20.0
"""Reports of one sender: a whole school may stand behind one address."""
_VERBS = {"step": "incident-step", "note": "incident-note", "close": "incident-close"}
_DONE = 303
_log = structlog.get_logger()


class Acts:
    """Each method answers a POST of the table of routes."""

    def __init__(
        self,
        services: Services,
        readers: Readers,
        pages: Pages,
        tokens: Tokens,
        doors: Doors,
        rooms: RoomReading,
    ) -> None:
        self._services = services
        self._readers = readers
        self._pages = pages
        self._tokens = tokens
        self._doors = doors
        self._rooms = rooms
        self._reporting = Buckets(REPORT_RATE, REPORT_BURST)

    async def report(self, request: Request) -> Response:
        """ "My room is bad"."""
        campus = request.path_params["campus"]

        async def act(given: dict[str, str]) -> Response:
            problem, body = await run_in_threadpool(self._report_of, campus, given)
            if not problem:
                sender = request.client.host if request.client else ""
                if wait := self._reporting.take(sender, self._services.clock()):
                    again = await self._form_again(request, campus, given, "too_fast", 429)
                    again.headers["Retry-After"] = str(int(wait) + 1)
                    return again
                try:
                    made = await run_in_threadpool(self._perform, "room-report-add", body, BOARD)
                    return _to(request, f"/room-reports/{made['room_report']}", new="1")
                except Enough as enough:
                    problem = "room_enough" if enough.room else "campus_enough"
                    return await self._form_again(request, campus, given, problem, 429)
                except NotDone as fault:
                    _log.warning("board: room report not kept", fault=str(fault)[:200])
                    problem = "not_kept"
            return await self._form_again(request, campus, given, problem, 422)

        return await self._taken(request, act)

    async def incident(self, request: Request) -> Response:
        """A step, a note or the last word."""
        number = request.path_params["number"]

        async def act(given: dict[str, str]) -> Response:
            verb = _VERBS.get(given.get("act", ""))
            if verb is None:
                raise Refused(400, "not_a_form")
            body = {key: given[key] for key in ("step", "note", "as", "reason") if given.get(key)}
            try:
                await run_in_threadpool(self._perform, verb, {"incident": number} | body, self._readers.who(request))
            except NotDone as fault:
                said = fault
                return await self._pages.answer(request, lambda: self._doors.incident_page(request, number, said, 422))
            return _to(request, f"/incidents/{number}")

        return await self._taken(request, act)

    async def room_report(self, request: Request) -> Response:
        """An operator has read the words of a report."""
        number = request.path_params["number"]

        async def act(given: dict[str, str]) -> Response:
            body = {"report": number, "as": given.get("as", "")}
            try:
                await run_in_threadpool(self._perform, "room-report-review", body, self._readers.who(request))
            except NotDone:
                return await self._pages.refused(request, 422, "not_reviewed")
            return _to(request, "/room-reports")

        return await self._taken(request, act)

    async def _taken(self, request: Request, act: Callable[[dict[str, str]], Any]) -> Response:
        try:
            given = await fields(request)
            who = self._readers.who(request)
            self._tokens.check(given.get(FIELD, ""), request.url.path, who, self._services.clock())
            response: Response = await act(given)
        except Refused as refused:
            return await self._pages.refused(request, refused.status, refused.why)
        return response

    def _perform(self, verb: str, body: dict[str, Any], by: str) -> dict[str, Any]:
        services = self._services
        return perform(services.store, services.config, services.clock, verb, body | {"by": by or BOARD})

    async def _form_again(
        self, request: Request, campus: str, given: dict[str, str], problem: str, status: int
    ) -> Response:
        return await self._pages.answer(request, lambda: self._doors.form_page(campus, given, problem, status))

    def _report_of(self, campus: str, given: dict[str, str]) -> tuple[str, dict[str, Any]]:
        """What is wrong with the form (empty: nothing), and what it asks to keep."""
        found = self._rooms.campus(campus)
        if found is None:
            raise Refused(404, "no_campus")
        if given.get("leave_empty"):
            # A field that no person sees: only a program fills it in.
            raise Refused(400, "not_a_form")
        room, text = given.get("room", ""), given.get("text", "").strip()
        if room not in {place for place, _ in found.rooms}:
            return "room", {}
        if not text or len(text) > MAX_TEXT:
            return "text", {}
        try:
            date = datetime.date.fromisoformat(given.get("date", ""))
            time = datetime.time.fromisoformat(given.get("time", ""))
        except ValueError:
            return "when", {}
        noticed = datetime.datetime.combine(date, time, zoneinfo.ZoneInfo(found.timezone))
        if not -300 <= found.today.timestamp() - noticed.timestamp() <= NOTICED_DAYS * 86400:
            return "when", {}
        return "", {"place": room, "text": text, "noticed_at": noticed.timestamp()}


def _to(request: Request, path: str, **query: str) -> Response:
    """The next page, in the language that the reader chose."""
    lang = request.query_params.get("lang")
    wanted = query | ({"lang": lang} if lang in LANGUAGES and lang else {})
    address = path + ("?" + "&".join(f"{key}={value}" for key, value in wanted.items()) if wanted else "")
    return RedirectResponse(address, _DONE)
