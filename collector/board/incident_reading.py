"""Where the incident pages look: incidents with their steps and figures, as the reader may see them."""

from __future__ import annotations

import datetime

from collector.board import incident as page
from collector.board.reading import Reading
from collector.board.views import DEFAULT_PERIOD, PERIODS
from collector.incidents import answers
from collector.services import Services

_OF_CAMPUS = 20


class IncidentReading:
    """Safe from any thread. ``names``: the reader may read who did what, and the notes."""

    def __init__(self, services: Services, reading: Reading) -> None:
        self._services = services
        self._reading = reading

    def one(self, number: int, *, names: bool) -> page.IncidentView | None:
        """None where there is none of that number, or no inventory."""
        held = self._reading.held()
        now = self._services.clock()
        document = answers.one_of(self._services.store, number, now=now, names=names, held=held)
        if held is None or document is None:
            return None
        return page.incident(document, held.inventory, held.timezone)

    def listed(self, period: str, campus: str, *, only_open: bool, names: bool) -> page.IncidentList | None:
        """``period``: a key of PERIODS, or "all". None where no inventory was imported yet."""
        held = self._reading.held()
        if held is None:
            return None
        now = self._services.clock()
        today = held.today(now)
        since = None if period == "all" else today - datetime.timedelta(days=PERIODS[period] - 1)
        store = self._services.store
        found = answers.listed(
            store, (since, None), campus or None, now=now, only_open=only_open, names=names, held=held
        )
        shown = [page.incident(one, held.inventory, held.timezone) for one in found[: page.LISTED]]
        answer = answers.figures_of(store, (since, None), now=now, held=held)
        known = held.inventory.campuses.get(campus)
        return page.IncidentList(
            period=period,
            campus=campus,
            campus_name=(known.name or known.id) if known else campus,
            only_open=only_open,
            timezone=held.timezone,
            real=tuple(one for one in shown if not one.simulated),
            simulated=tuple(one for one in shown if one.simulated),
            more=max(0, len(found) - page.LISTED),
            figures=page.figures(answer, simulated=False),
            simulated_figures=page.figures(answer, simulated=True),
            left_out={why: count for why, count in answer["left_out"].items() if count},
        )

    def of_campus(self, campus: str) -> tuple[page.IncidentView, ...]:
        """The campus's incidents of the longest period, newest first; those that last stand before all."""
        held = self._reading.held()
        if held is None:
            return ()
        now = self._services.clock()
        since = held.today(now) - datetime.timedelta(days=PERIODS[DEFAULT_PERIOD] - 1)
        found = answers.listed(self._services.store, (since, None), campus, now=now, held=held)
        views = [page.incident(one, held.inventory, held.timezone) for one in found]
        views.sort(key=lambda one: one.state != "open")
        return tuple(views[:_OF_CAMPUS])
