"""How fast a campus spends its error budget: a ticket long before the month is lost.

The budget is class time: what the objective leaves of a month's instructional seconds may be short. Burn rate as in The
Site Reliability Workbook (Google, 2018, chapter 5, multiwindow, multi-burn-rate alerts), in class time instead of
around the clock: factor = share of the month's budget x month's class / class in the window. A window's factor must
stay below 1 / (1 - objective), or not even a total outage would reach it. Only what is proven short is spent.
"""

from __future__ import annotations

from msgspec import Struct

from collector.alerting.alert import CAMPUS_LABELS, IN_CLASS, Alert, Terms, firing, of_campus, verdict

# Education Code 46201: 54,000 minutes in 180 days for grades 4 to 8; a month has 21 school days.
CLASS_SECONDS_A_DAY = 18_000
SCHOOL_DAYS_A_MONTH = 21
MONTH_CLASS_SECONDS = CLASS_SECONDS_A_DAY * SCHOOL_DAYS_A_MONTH
LEAST_SHORT_SLOTS = 2
"""One short slot is no trend, however small the budget."""
SPENT = "campus:campus_wifi_short:slot"
_HIGHEST = 0.9
"""Of the factor that only a total outage reaches: above it the alert would be proven too late to be of use."""


class Window(Struct, frozen=True):
    """``slots`` on the clock, of which ``class_seconds`` are class where a slot has 300 s; the budget still burns where
    as much is spent in the newest ``recent_slots`` with their ``recent_class_seconds``."""

    name: str
    budget_share: float
    slots: int
    class_seconds: int
    recent_slots: int
    recent_class_seconds: int

    def factor(self, slot_objective: float) -> float:
        wanted = self.budget_share * MONTH_CLASS_SECONDS / self.class_seconds
        return min(wanted, _HIGHEST / (1 - slot_objective)) if slot_objective < 1 else wanted

    def spent_slots(self, slot_objective: float) -> tuple[float, float]:
        """Short slots in the window, and in its newest part, above which it fires."""
        rate = self.factor(slot_objective) * (1 - slot_objective) / 300
        return max(rate * self.class_seconds, LEAST_SHORT_SLOTS - 0.5), rate * self.recent_class_seconds


WINDOWS = (
    Window("hour", 0.1, 12, 3600, 3, 900),
    Window("day", 0.25, 288, CLASS_SECONDS_A_DAY, 24, 7200),
    Window("week", 0.5, 2016, 5 * CLASS_SECONDS_A_DAY, 288, CLASS_SECONDS_A_DAY),
)


def recordings() -> list[dict[str, str]]:
    """A sample a slot, so that a week of a thousand campuses is two million samples and not forty."""
    short = f"max by (campus) ({verdict('short')})"
    return [{"record": SPENT, "expr": f"{short} or max by (campus) ({IN_CLASS} * 0)"}]


def alerts(terms: Terms) -> list[Alert]:
    each = [_burns(window, terms) for window in WINDOWS]
    paged = firing("CampusShort")
    return [
        Alert(
            # Told to nobody: Alertmanager holds the budget's ticket back by it. A fault that paged needs no ticket for
            # what it cost when it is over, and an alert that has resolved holds nothing back any more.
            "CampusToldToday", f"max by ({', '.join(CAMPUS_LABELS)}) (max_over_time({paged}[{terms.slots(288)}]))", 0.0,
            "none", "campus", "{{ $labels.name }} was paged for within a day",
            "Campus {{ $labels.campus }} was paged for within a day, so its error budget's ticket is held back.",
        ),
        Alert(
            "CampusBudgetBurns", " or ".join(each), 0.0, "ticket", "campus",
            "{{ $labels.name }} spends its error budget too fast ({{ $labels.window }})",
            f"Of the time that may be short in a month ({_minutes(terms)} minutes of class), campus "
            "{{ $labels.campus }} has spent {{ $value | humanizePercentage }} within one {{ $labels.window }}.",
        )
    ]  # fmt: skip


def _burns(window: Window, terms: Terms) -> str:
    """The share of the month's budget that the window has spent, where that is too much and still goes on."""
    most, recent = window.spent_slots(terms.slot_objective)
    month = MONTH_CLASS_SECONDS / 300 * (1 - terms.slot_objective)
    whole = f"sum_over_time({SPENT}[{terms.slots(window.slots)}]) > {most:.4g}"
    newest = f"sum_over_time({SPENT}[{terms.slots(window.recent_slots)}]) > {recent:.4g}"
    named = f'label_replace({whole} and {newest}, "window", "{window.name}", "", "")'
    return of_campus(f"{named} / {month:.6g}")


def _minutes(terms: Terms) -> str:
    return f"{MONTH_CLASS_SECONDS * (1 - terms.slot_objective) / 60:.0f}"
