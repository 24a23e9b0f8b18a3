"""What an administrator does about accounts and tokens of programs: a body of plain values goes in and comes out."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from collector.access.roles import NAMED, NOTIFIER
from collector.access.secrets import SHOWN_CHARACTERS, TOKEN_PREFIX, digest, fresh_secret
from collector.administration.refusals import NotDone
from collector.store import accounts, api_tokens
from collector.store.accounts import Account
from collector.store.api_tokens import ApiToken

if TYPE_CHECKING:
    from collector.store import Store

Body = dict[str, Any]
MOST_DAYS = 3650.0
MOST_OVERLAP_HOURS = 720.0
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")
_ARGON2ID = re.compile(r"\$argon2id\$v=19\$[A-Za-z0-9+/=,$]{40,200}")


def add(store: Store, clock: Callable[[], float], body: Body, by: str) -> Body:
    """``body``: name, role, and the password's argon2id digest: the password itself never leaves the command."""
    name, role, now = _name(body["name"]), _role(body["role"]), clock()
    made = Account(name, role, _digest(body), False, now, by, now)
    if not store.write(lambda c: accounts.add(c, made)).result():
        raise NotDone(f"there is an account {name!r} already", f"wifi-collector account reset {name}", status=2)
    return {"account": name, "role": role}


def give_role(store: Store, clock: Callable[[], float], body: Body, by: str) -> Body:
    role = _role(body["role"])
    return _changed(store, body, lambda c, name: accounts.give_role(c, name, role, by, clock())) | {"role": role}


def disable(store: Store, clock: Callable[[], float], body: Body, by: str) -> Body:
    return _changed(store, body, lambda c, name: accounts.disable(c, name, by, clock()))


def enable(store: Store, clock: Callable[[], float], body: Body, by: str) -> Body:
    return _changed(store, body, lambda c, name: accounts.enable(c, name, by, clock()))


def reset(store: Store, clock: Callable[[], float], body: Body, by: str) -> Body:
    password = _digest(body)
    return _changed(store, body, lambda c, name: accounts.reset(c, name, password, by, clock()))


def create_token(store: Store, clock: Callable[[], float], body: Body, by: str) -> Body:
    """The answer holds the token's secret, which cannot be shown again."""
    asked = str(body["role"])
    role = asked if asked == NOTIFIER else _role(asked)
    name, days, now = str(body["name"])[:64], float(body["days"]), clock()
    if not 0 < days <= MOST_DAYS:
        raise NotDone(f"a token cannot be good for {days:g} days", f"choose up to {MOST_DAYS:g}", status=2)
    secret = fresh_secret(TOKEN_PREFIX)
    made = ApiToken(digest(secret), secret[:SHOWN_CHARACTERS], name, role, now, by, now + days * 86400)
    store.write(lambda c: api_tokens.add(c, made)).result()
    return _shown(secret, made)


def replace_token(store: Store, clock: Callable[[], float], body: Body, by: str) -> Body:
    """A new secret for the same program; the old one stays good for ``hours``, so that nothing fails meanwhile."""
    prefix, hours, now = str(body["prefix"])[:SHOWN_CHARACTERS], float(body["hours"]), clock()
    if not 0 <= hours <= MOST_OVERLAP_HOURS:
        hint = f"choose up to {MOST_OVERLAP_HOURS:g}"
        raise NotDone(f"an old token cannot stay good for {hours:g} hours", hint, status=2)
    secret = fresh_secret(TOKEN_PREFIX)
    shown, until = secret[:SHOWN_CHARACTERS], now + hours * 3600
    made = store.write(lambda c: api_tokens.replace(c, prefix, digest(secret), shown, by, now, until)).result()
    if made is None:
        raise NotDone(f"no token that is good begins with {prefix!r}", "see `wifi-collector token list`", status=2)
    return _shown(secret, made) | {"replaces": prefix, "old_expires_in_hours": hours}


def revoke_token(store: Store, clock: Callable[[], float], body: Body, by: str) -> Body:
    prefix = str(body["prefix"])[:SHOWN_CHARACTERS]
    found = store.write(lambda c: api_tokens.revoke(c, prefix, by, clock())).result()
    if found is None:
        raise NotDone(f"no token that is good begins with {prefix!r}", "see `wifi-collector token list`", status=2)
    return {"prefix": found.prefix, "name": found.name}


def _shown(secret: str, made: ApiToken) -> Body:
    expires = datetime.datetime.fromtimestamp(made.expires_at, datetime.UTC).isoformat(timespec="seconds")
    return {"token": secret, "prefix": made.prefix, "name": made.name, "role": made.role, "expires_at": expires}


def _changed(store: Store, body: Body, change: Callable[[Connection, str], bool]) -> Body:
    name = str(body["name"])
    if not store.write(lambda c: change(c, name)).result():
        raise NotDone(f"there is no account {name!r}", "see `wifi-collector account list`", status=2)
    return {"account": name}


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        hint = "letters, digits and . _ @ + -, at most 64 of them: ana, ana@district.example"
        raise NotDone(f"{text[:80]!r} cannot be the name of an account", hint, status=2)
    return text


def _role(text: str) -> str:
    if text not in NAMED:
        raise NotDone(f"there is no role {text!r}", f"there are {', '.join(NAMED)}", status=2)
    return text


def _digest(body: Body) -> str:
    password = str(body["password"])
    if not _ARGON2ID.fullmatch(password):
        raise NotDone("no argon2id digest of a password came", "use the command line of the same version", status=2)
    return password
