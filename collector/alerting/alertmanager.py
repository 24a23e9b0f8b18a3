"""Alertmanager's interface (v2), as far as it is used here: silences, and which alerts they silence."""

from __future__ import annotations

import datetime
from typing import Any

import msgspec
from msgspec import Struct, field
from prometheus_client import CollectorRegistry

from collector.metrics import series
from collector.transport import Answer, Client, Unreachable

CREATOR = "campus-wifi"
_TIMEOUT_SECONDS = 10.0


class NotTaken(Exception):
    """Alertmanager did not answer, or not as it should. Says what it said."""


class Matcher(Struct, frozen=True):
    """An alert matches where its label ``name`` is ``value``, or matches it as a regular expression."""

    name: str
    value: str
    is_regex: bool = field(name="isRegex", default=False)
    is_equal: bool = field(name="isEqual", default=True)


class _Status(Struct, frozen=True):
    state: str = ""
    silenced_by: list[str] = field(name="silencedBy", default_factory=list)


class Silence(Struct, frozen=True):
    """``status``: pending, active or expired. One that somebody ended ends when it was last changed."""

    id: str
    matchers: list[Matcher]
    starts_at: datetime.datetime = field(name="startsAt")
    ends_at: datetime.datetime = field(name="endsAt")
    updated_at: datetime.datetime = field(name="updatedAt")
    created_by: str = field(name="createdBy", default="")
    comment: str = ""
    status: _Status = _Status()

    @property
    def stands(self) -> bool:
        return self.status.state != "expired"

    @property
    def was_ended(self) -> bool:
        return not self.stands and abs((self.updated_at - self.ends_at).total_seconds()) < 1


class Alert(Struct, frozen=True):
    labels: dict[str, str]
    status: _Status = _Status()


class Alertmanager:
    """One Alertmanager at ``url``. Every method raises NotTaken."""

    def __init__(self, url: str, registry: CollectorRegistry, client: Client | None = None) -> None:
        self._url = f"{url.rstrip('/')}/api/v2"
        self._client = client or Client(_TIMEOUT_SECONDS)
        self._requests = series.instrument(registry, "campus_wifi_alertmanager_requests_total")

    def silences(self) -> list[Silence]:
        """All that it still knows, expired ones too."""
        found: list[Silence] = _read(self._ask("GET", "/silences"), list[Silence])
        return found

    def silenced(self) -> list[Alert]:
        """The alerts that are firing and silenced."""
        query = {"active": "false", "inhibited": "true", "silenced": "true", "unprocessed": "false"}
        found: list[Alert] = _read(self._ask("GET", "/alerts", query=query), list[Alert])
        return found

    def silence(
        self, matchers: list[Matcher], starts_at: float, ends_at: float, comment: str, id_: str | None = None
    ) -> str:
        """Makes a silence, or changes the one named, from and to Unix seconds. Returns its id."""
        document = {
            "matchers": matchers,
            "startsAt": _instant(starts_at),
            "endsAt": _instant(ends_at),
            "createdBy": CREATOR,
            "comment": comment,
        } | ({"id": id_} if id_ else {})
        answer = self._ask("POST", "/silences", msgspec.json.encode(document))
        return str(_read(answer, dict[str, str]).get("silenceID", ""))

    def end(self, id_: str) -> None:
        self._ask("DELETE", f"/silence/{id_}")

    def close(self) -> None:
        self._client.close()

    def _ask(self, method: str, path: str, content: bytes | None = None, query: dict[str, str] | None = None) -> Answer:
        headers = {"Content-Type": "application/json"} if content is not None else None
        try:
            answer = self._client.request(method, self._url + path, content=content, headers=headers, query=query)
        except Unreachable as fault:
            self._requests.labels("unreachable").inc()
            raise NotTaken(f"{self._url}: no answer: {fault}") from None
        self._requests.labels("taken" if answer.is_success else str(answer.status)).inc()
        if not answer.is_success:
            raise NotTaken(f"{self._url}{path}: answered {answer.status}: {answer.said()}")
        return answer


def _read(answer: Answer, kind: Any) -> Any:
    try:
        return msgspec.json.decode(answer.body, type=kind)
    except msgspec.MsgspecError as fault:
        raise NotTaken(f"what answers is no Alertmanager (v2): {fault}; look at alertmanager_url") from None


def _instant(at: float) -> str:
    return datetime.datetime.fromtimestamp(at, datetime.UTC).isoformat()
