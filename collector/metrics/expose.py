"""``/metrics``: what is known of the campuses goes in, Prometheus text comes out.

The collector's own health is prometheus-client's. The campus block is text kept ready per campus and rendered again
only where something changed, because building 100,000 samples anew costs seconds of CPU a scrape. The whole block is
joined from what is known now, so a label set of yesterday cannot linger.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, generate_latest

from collector.metrics import series
from collector.metrics.series import Series

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
VERDICTS = ("met", "short", "unknown")
_UP = {"up": "1", "down": "0"}
_OF_PERIOD = (
    (series.MET_LOWER, "lower"), (series.MET_UPPER, "upper"), (series.EVIDENCE, "evidence"),
    (series.CLASS_SECONDS, "class_seconds"),
    (series.BUDGET_LOWER, "budget_lower"), (series.BUDGET_UPPER, "budget_upper"),
)  # fmt: skip
_MET = {"met": "1", "short": "0"}


@dataclass(frozen=True)
class Bounds:
    """A period's share of instructional time met: at least ``lower``, at most ``upper``; the share of its error budget
    that is left, and its class time in seconds. None: no class time in it, or nothing that the objective allows."""

    lower: float | None
    upper: float | None
    evidence: float | None
    budget_lower: float | None = None
    budget_upper: float | None = None
    class_seconds: float | None = None
    verdict: str = ""


@dataclass(frozen=True)
class Told:
    """What an agent's newest report said of its device, and how many reports its spool still held. Empty and None:
    not said yet."""

    version: str = ""
    clock: str = ""
    waiting_reports: int | None = None


@dataclass(frozen=True)
class Rooms:
    """The line of coverage: rooms of the list, those measured, and by (criterion, verdict) what surveys say."""

    listed: int
    measured: int
    coverage: Mapping[tuple[str, str], int] = field(default_factory=dict)


@dataclass(frozen=True)
class CampusNow:
    """What ``/metrics`` says of one campus. ``verdict`` is of the last slot that ended more than the grace ago; empty
    out of class or before the first judgement. ``access_points``: id to up, down, or anything else (then absent).
    ``agents``: (agent, place) to when its last report was kept; ``unconfirmed``: those that may stand elsewhere;
    ``told``: what each said of itself. ``first_bell``: Unix seconds of the next school day's begin. ``places``: room to
    met, short, or anything else (then absent). ``criteria``: how many of all met it and of how many nobody knows, as
    (met, unknown, all), of slot, day and survey alike; ``judged_day``: Unix seconds of the begin of the day that those
    of a day speak of. ``incidents``: open ones by cause."""

    campus: str
    name: str
    region: str = ""
    board_district: str = ""
    grade_span: str = ""
    uplink: str = ""
    simulated: bool = False
    in_class: bool | None = None
    verdict: str = ""
    cause: str = ""
    access_points: Mapping[str, str] = field(default_factory=dict)
    commitment: Mapping[str, Bounds] = field(default_factory=dict)
    agents: Mapping[tuple[str, str], float] = field(default_factory=dict)
    unconfirmed: frozenset[str] = frozenset()
    first_bell: float | None = None
    told: Mapping[str, Told] = field(default_factory=dict)
    places: Mapping[str, str] = field(default_factory=dict)
    criteria: Mapping[str, tuple[int, int, int]] = field(default_factory=dict)
    judged_day: float | None = None
    rooms: Rooms | None = None
    incidents: Mapping[str, int] = field(default_factory=dict)


def escape(value: str) -> str:
    """A label value as the text format wants it."""
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def header(of: Series) -> str:
    text = of.help.replace("\\", "\\\\").replace("\n", "\\n")
    return f"# HELP {of.name} {text}\n# TYPE {of.name} {of.type}\n"


def _line(of: Series, values: Iterable[str], value: str) -> str:
    labels = ",".join(f'{name}="{escape(text)}"' for name, text in zip(of.labels, values, strict=True))
    return f"{of.name}{{{labels}}} {value}\n" if labels else f"{of.name} {value}\n"


def render(now: CampusNow, access_points: str | None = None) -> dict[str, str]:
    """One campus's lines for each metric; a metric about which nothing is known has none. ``access_points``: their
    lines where they stand already, which are most of the text and change least."""
    campus = now.campus
    simulated = "true" if now.simulated else "false"
    facts = (campus, now.name, now.region, now.board_district, now.grade_span, now.uplink, simulated)
    lines = {series.CAMPUS_INFO.name: _line(series.CAMPUS_INFO, facts, "1")}
    if now.in_class is not None:
        lines[series.CAMPUS_IN_CLASS.name] = _line(series.CAMPUS_IN_CLASS, (campus,), "1" if now.in_class else "0")
    for of, instant in ((series.FIRST_BELL, now.first_bell), (series.LAST_DAY, now.judged_day)):
        if instant is not None:
            lines[of.name] = _line(of, (campus,), repr(instant))
    if now.in_class and now.verdict in VERDICTS:
        lines[series.CAMPUS_VERDICT.name] = "".join(
            _line(series.CAMPUS_VERDICT, (campus, verdict), "1" if verdict == now.verdict else "0")
            for verdict in VERDICTS
        )
    if now.cause:
        lines[series.CAMPUS_CAUSE.name] = _line(series.CAMPUS_CAUSE, (campus, now.cause), "1")
    for of, bound in _OF_PERIOD:
        lines[of.name] = "".join(
            _line(of, (campus, period), repr(value))
            for period, bounds in now.commitment.items()
            if (value := getattr(bounds, bound)) is not None
        )
    lines[series.AGENT_LAST_REPORT.name] = "".join(
        _line(series.AGENT_LAST_REPORT, (campus, place, agent), repr(at)) for (agent, place), at in now.agents.items()
    )
    lines[series.AGENT_UNCONFIRMED.name] = "".join(
        _line(series.AGENT_UNCONFIRMED, (campus, place, agent), "1")
        for agent, place in now.agents
        if agent in now.unconfirmed
    )
    lines[series.PERIOD_VERDICT.name] = "".join(
        _line(series.PERIOD_VERDICT, (campus, period, bounds.verdict), "1")
        for period, bounds in now.commitment.items()
        if bounds.verdict
    )
    for of, labels, value in (*_devices(now), *_rooms(now), *_incidents(now)):
        lines[of.name] = lines.get(of.name, "") + _line(of, (campus, *labels), value)
    lines[series.AP_UP.name] = _access_points(now) if access_points is None else access_points
    return lines


_Value = tuple[Series, tuple[str, ...], str]


def _devices(now: CampusNow) -> Iterator[_Value]:
    """What agents say of themselves: labels after the campus's, and the value."""
    for agent, place in now.agents:
        told = now.told.get(agent)
        if told is None:
            continue
        if told.version:
            yield series.AGENT_INFO, (place, agent, told.version), "1"
        if told.clock:
            yield series.AGENT_CLOCK, (place, agent, told.clock), "1"
        if told.waiting_reports is not None:
            yield series.AGENT_WAITING, (place, agent), str(told.waiting_reports)


def _rooms(now: CampusNow) -> Iterator[_Value]:
    for place, state in now.places.items():
        if state in _MET:
            yield series.PLACE_MET, (place,), _MET[state]
    for criterion, (met, unknown, of_all) in now.criteria.items():
        if of_all:
            yield series.CRITERION_LOWER, (criterion,), repr(met / of_all)
            yield series.CRITERION_UPPER, (criterion,), repr((met + unknown) / of_all)
    if now.rooms is not None:
        yield series.ROOMS_LISTED, (), str(now.rooms.listed)
        yield series.ROOMS_MEASURED, (), str(now.rooms.measured)
        for (criterion, verdict), count in now.rooms.coverage.items():
            yield series.COVERAGE_ROOMS, (criterion, verdict), str(count)


def _incidents(now: CampusNow) -> Iterator[_Value]:
    for cause, count in now.incidents.items():
        yield series.INCIDENTS_OPEN, (cause,), str(count)


def _access_points(now: CampusNow) -> str:
    # The one metric with many lines a campus: its head is made once.
    head = f'{series.AP_UP.name}{{campus="{escape(now.campus)}",ap="'
    return "".join([f'{head}{escape(ap)}"}} {_UP[state]}\n' for ap, state in now.access_points.items() if state in _UP])


class CampusBlock:
    """The campus part of ``/metrics``. ``show`` replaces everything that is known; ``text`` is cheap."""

    def __init__(self) -> None:
        self._shown: dict[str, CampusNow] = {}
        self._lines: dict[str, dict[str, str]] = {}
        self._single: dict[str, list[str]] = {}
        self._text: bytes | None = b""
        self._lock = threading.Lock()

    def show(
        self,
        campuses: Iterable[CampusNow],
        objective: float | None = None,
        judged_at: float | None = None,
        thresholds: Mapping[tuple[str, str], float] | None = None,
        incidents_closed: Mapping[tuple[str, str], int] | None = None,
        periods: Iterable[tuple[str, str, str, str]] = (),
        shares: Mapping[str, float] | None = None,
        alert_faults: Mapping[tuple[str, str], int] | None = None,
        criteria: Iterable[tuple[str, ...]] = (),
    ) -> None:
        """Everything that is known now. A campus, an agent or a verdict that is not in it is gone. ``thresholds``: the
        policy's, by measure and criterion. ``incidents_closed``: how many, by cause and resolution. ``periods``: each
        one's label, name, first and last day. ``shares``: how much of a campus must meet each criterion.
        ``alert_faults``: how many somebody was told of, by alert and outcome. ``criteria``: what the policy asks, each
        one's labels."""
        shown = {now.campus: now for now in campuses}
        single: dict[str, list[str]] = {}
        for of, value in ((series.OBJECTIVE, objective), (series.JUDGED_SLOT, judged_at)):
            if value is not None:
                single[of.name] = [_line(of, (), repr(value))]
        for (measure, criterion), value in (thresholds or {}).items():
            of = series.THRESHOLDS[measure]
            single.setdefault(of.name, []).append(_line(of, (criterion,), repr(value)))
        for of, counted in ((series.INCIDENTS_CLOSED, incidents_closed), (series.ALERT_FAULTS, alert_faults)):
            for which, count in (counted or {}).items():
                single.setdefault(of.name, []).append(_line(of, which, str(count)))
        for of, facts in ((series.PERIOD_INFO, periods), (series.CRITERION_INFO, criteria)):
            if told := [_line(of, labels, "1") for labels in facts]:
                single[of.name] = told
        for criterion, share in (shares or {}).items():
            of = series.CRITERION_SHARE
            single.setdefault(of.name, []).append(_line(of, (criterion,), repr(share)))
        with self._lock:
            lines = {}
            for campus, now in shown.items():
                lines[campus] = self._lines_of(now)
            self._shown, self._lines = shown, lines
            self._single = single
            self._text = None

    def _lines_of(self, now: CampusNow) -> dict[str, str]:
        old = self._shown.get(now.campus)
        if old is None:
            return render(now)
        lines = self._lines[now.campus]
        if old == now:
            return lines
        return render(now, lines[series.AP_UP.name] if old.access_points == now.access_points else None)

    def text(self) -> bytes:
        with self._lock:
            if self._text is None:
                parts: list[str] = []
                for of in series.CAMPUS:
                    if of.name in self._single:
                        found = self._single[of.name]
                    else:
                        found = [lines[of.name] for lines in self._lines.values() if lines.get(of.name)]
                    if found:
                        parts.append(header(of))
                        parts += found
                self._text = "".join(parts).encode()
            return self._text


class Exposition:
    """The whole answer of ``/metrics``: the collector's own health, then the campuses."""

    def __init__(self, registry: CollectorRegistry, block: CampusBlock) -> None:
        self._registry = registry
        self._block = block

    def text(self) -> bytes:
        return generate_latest(self._registry) + self._block.text()
