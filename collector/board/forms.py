"""Forms that readers send back: their fields go in, checked values come out; forged ones are refused.

A form carries a token that only this collector can make, for one path, one account and some hours, so that no other
site can have a reader's browser send one. It needs no cookie and no session. A browser that says that another site
sent the form is refused as well.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import Request

FIELD = "token"
"""The name of the field that holds the token."""
MAX_BODY_BYTES = 16 << 10
_MAX_FIELDS = 20
_VALID_SECONDS = 12 * 3600
_TYPE = "application/x-www-form-urlencoded"


class Refused(Exception):
    """A form that is not taken. ``status``: of HTTP; ``why``: a key of the pages' words."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.why = why


class Tokens:
    """``secret`` never leaves the collector; a token is its digest over what it is good for."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def make(self, path: str, who: str, now: float) -> str:
        at = f"{int(now)}"
        return f"{at}.{self._digest(path, who, at)}"

    def check(self, token: str, path: str, who: str, now: float) -> None:
        """Raises Refused."""
        at, _, digest = token.partition(".")
        if not at.isdecimal() or not hmac.compare_digest(digest.encode(), self._digest(path, who, at).encode()):
            raise Refused(403, "forged")
        if not -60 <= now - int(at) <= _VALID_SECONDS:
            raise Refused(403, "old")

    def _digest(self, path: str, who: str, at: str) -> str:
        message = "\n".join(("board form", at, who, path)).encode()
        return hmac.new(self._secret, message, hashlib.sha256).hexdigest()


async def fields(request: Request) -> dict[str, str]:
    """The fields of a form that this site's own page sent. Raises Refused."""
    _from_here(request)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _TYPE:
        raise Refused(415, "not_a_form")
    parts = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > MAX_BODY_BYTES:
            raise Refused(413, "too_long")
        parts.append(part)
    try:
        text = b"".join(parts).decode("ascii")
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=_MAX_FIELDS, errors="strict"))
    except ValueError:
        raise Refused(400, "not_a_form") from None


def _from_here(request: Request) -> None:
    """What a browser says of where a form is from; what is no browser says nothing, and the token decides."""
    headers: Mapping[str, str] = request.headers
    site = headers.get("sec-fetch-site")
    origin = headers.get("origin")
    if site is not None:
        if site not in ("same-origin", "none"):
            raise Refused(403, "other_site")
    elif origin is not None and urlsplit(origin).netloc != headers.get("host"):
        raise Refused(403, "other_site")
