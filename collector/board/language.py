"""The board's texts in the reader's language: a .po catalogue and an Accept-Language go in, words come out."""

from __future__ import annotations

import datetime
import gettext
import io
import unicodedata
import zoneinfo
from functools import lru_cache
from importlib import resources

from babel import Locale, dates
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from collector.board import told, words
from collector.board.told import Telling, Words

LANGUAGES = {"en": "en_US", "es": "es_US"}
"""California's readers: dates and clocks as they write them."""
DEFAULT = "en"
_BIDI = {"\u200e", "\u200f", "\u061c", *map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x206A))}
_FIELDS = {"cause": words.CAUSES, "stage": words.STAGES, "resolution": words.INCIDENTS, "list": words.LISTS}
"""The fields of the judge's sentences that are words of ours."""


class Language:
    """One language's catalogue with the ways it writes shares, times and spans."""

    def __init__(self, code: str) -> None:
        self.code = code
        self.locale = Locale.parse(LANGUAGES[code])
        self.catalogue = _read(code)
        self._told = Telling(code, self.catalogue.gettext, self._field)

    def word(self, kind: dict[str, str], key: str) -> str:
        """The word for a key of one of the tables; a key that is in none is shown as it is."""
        text = kind.get(key)
        return plain(key) if text is None else self.catalogue.gettext(text)

    def verdict(self, key: str) -> str:
        return self.word(words.VERDICTS, key)

    def answer(self, key: str) -> str:
        return self.word(words.ANSWERS, key)

    def fallen(self, keys: tuple[str, ...]) -> str:
        """Which halves made the answer no better; empty where there is nothing to tell."""
        return " + ".join(self.word(words.FALLEN, key) for key in keys)

    def period(self, key: str) -> str:
        return self.word(words.PERIODS, key)

    def cause(self, key: str) -> str:
        return self.word(words.CAUSES, key)

    def access_point(self, key: str) -> str:
        return self.word(words.ACCESS_POINTS, key)

    def agent(self, key: str) -> str:
        return self.word(words.AGENTS, key)

    def chosen(self, key: str) -> str:
        return self.word(words.CHOSEN, key)

    def incident(self, key: str) -> str:
        return self.word(words.INCIDENTS, key)

    def step(self, key: str) -> str:
        return self.word(words.STEPS, key)

    def left_out(self, key: str) -> str:
        return self.word(words.LEFT_OUT, key)

    def survey(self, key: str) -> str:
        return self.word(words.SURVEYS, key)

    def review(self, key: str) -> str:
        return self.word(words.REVIEWS, key)

    def knows(self, text: str) -> bool:
        """Whether a text of a policy is one that the catalogue has: those of the shipped policies."""
        return self.code == DEFAULT or self.catalogue.gettext(text) != text

    def policy_text(self, text: str) -> str:
        return self.catalogue.gettext(text) if text else ""

    def reason(self, text: str) -> str:
        """Why a slot was judged again; one that a person gave stands in their words."""
        return ", ".join(
            self.word(words.REASONS, one) if one in words.REASONS else plain(self._told.reason(one).text)
            for one in text.split(", ")
        )

    def evidence(self, cause: str, text: str) -> Words:
        """The evidence of a cause, which the ledger keeps in English."""
        return self._told.evidence(cause, text)

    def judges_note(self, text: str) -> Words:
        """What the judge noted beside a step of an incident: a cause, or a sentence."""
        return Words(self.cause(text)) if text in words.CAUSES else self._told.of_incident(text)

    def refusal(self, text: str) -> Words:
        """Why something was not done about an incident, or what to do instead."""
        return self._told.of_incident(text)

    def act(self, text: str) -> Words:
        """An act of the audit log."""
        return self._of_log(words.ACTS, text)

    def way(self, text: str) -> Words:
        """The door by which an act came in."""
        return self._of_log(words.WAYS, text)

    def _of_log(self, kind: dict[str, str], key: str) -> Words:
        """A newer collector may have written what this one has no word for."""
        return Words(self.word(kind, key)) if key in kind else Words(key, told.WRITTEN_IN)

    def _field(self, name: str, value: str) -> str:
        return self.word(_FIELDS[name], value) if name in _FIELDS else value

    def time(self, at: float, zone: str) -> str:
        return _time(at // 60 * 60, zone, "short", self.locale)

    def hour(self, at: float, zone: str) -> str:
        """The hour as California writes it in both languages: 8 AM."""
        return _time(at, zone, "h\u00a0a", self.locale)

    def moment(self, at: float, zone: str, now: float) -> str:
        """A time of today as the time alone, of another day with its date."""
        local = _local(at, zone)
        if local.date() == _local(now, zone).date():
            return self.time(at, zone)
        return f"{_day(local.date(), 'MMMd', self.locale)}, {self.time(at, zone)}"

    def span(self, from_at: float, to_at: float, zone: str, now: float) -> str:
        """From one instant to another; the day stands once where both are of one."""
        same = _local(from_at, zone).date() == _local(to_at, zone).date()
        end = self.time(to_at, zone) if same else self.moment(to_at, zone, now)
        return f"{self.moment(from_at, zone, now)} – {end}"

    def day(self, iso: str) -> str:
        return _day(datetime.date.fromisoformat(iso), "MMMEd", self.locale)

    def day_at(self, at: float, zone: str) -> str:
        """The local day of an instant."""
        return _day(_local(at, zone).date(), "MMMEd", self.locale)

    def date(self, iso: str) -> str:
        return dates.format_date(datetime.date.fromisoformat(iso[:10]), "medium", locale=self.locale)

    def date_and_time(self, at: float, zone: str) -> str:
        local = _local(at, zone)
        return f"{dates.format_date(local.date(), 'medium', locale=self.locale)}, {self.time(at, zone)}"

    def short_date(self, iso: str) -> str:
        """For the edge of a picture: 11/18."""
        return _day(datetime.date.fromisoformat(iso), "Md", self.locale)

    def duration(self, seconds: float) -> str:
        minutes, rest = divmod(round(seconds), 60)
        if minutes == 0 and rest:
            return f"{rest} s"
        hours, minutes = divmod(minutes, 60)
        return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min"


def percent(ratio: float) -> str:
    """Cut, not rounded: 94.96 % must never read as the 95 % that would meet the objective."""
    tenths = int(ratio * 1000 + 1e-9)
    return f"{tenths // 10}\u00a0%" if tenths % 10 == 0 else f"{tenths / 10:.1f}\u00a0%"


def quantity(value: float, unit: str) -> str:
    """A threshold as people say it: 50 %, 100 ms, 3.2 Mb/s. A unit not known here stands as the policy has it."""
    if unit == "ratio":
        return f"{value * 100:g}\u00a0%"
    if unit == "seconds" and value < 1:
        return f"{value * 1000:g}\u00a0ms"
    if unit == "seconds":
        return f"{value:g}\u00a0s"
    if unit == "bits per second":
        return f"{value / 1e6:g}\u00a0Mb/s"
    return f"{value:g} {plain(unit)}"


def plain(text: object) -> str:
    """Names come from other people's lists: what could move a reader's terminal, or turn a line around, becomes a mark
    that shows it was there."""
    text = str(text)
    if text.isprintable():  # nearly all are, and this is read a thousand times a page
        return text
    return "".join(
        "\ufffd" if one in _BIDI or (unicodedata.category(one) in ("Cc", "Cs", "Cn") and one not in "\n\t") else one
        for one in text
    )


def chosen(asked: str | None, accepted: str) -> str:
    """``?lang=`` first, then the best of Accept-Language, then English."""
    if asked in LANGUAGES:
        return asked
    best, weight = DEFAULT, 0.0
    for part in accepted.split(",")[:20]:
        tag, _, parameter = part.partition(";")
        code = tag.strip().lower().partition("-")[0]
        try:
            quality = float(parameter.strip().removeprefix("q=")) if parameter.strip() else 1.0
        except ValueError:
            continue
        if code in LANGUAGES and quality > weight:
            best, weight = code, quality
    return best


def _read(code: str) -> gettext.GNUTranslations:
    path = resources.files("collector.board").joinpath("locale", code, "LC_MESSAGES", "board.po")
    catalogue = read_po(io.BytesIO(path.read_bytes()), locale=code)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


@lru_cache(maxsize=8192)
def _time(at: float, zone: str, form: str, locale: Locale) -> str:
    return _narrow(dates.format_time(_local(at, zone), form, locale=locale))


@lru_cache(maxsize=2048)
def _day(day: datetime.date, skeleton: str, locale: Locale) -> str:
    return dates.format_skeleton(skeleton, day, locale=locale)


def _local(at: float, zone: str) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(at, zoneinfo.ZoneInfo(zone))


def _narrow(text: str) -> str:
    """CLDR's narrow spaces, as the plain no-break space that every font has."""
    return text.replace("\u202f", "\u00a0")
