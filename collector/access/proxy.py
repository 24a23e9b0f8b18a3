"""What a proxy in front says: of the sender's address and scheme, and, where it signs people in, of who they are.

It is believed only by the address of the connection itself. Whoever else sends the same headers has them taken away.
"""

from __future__ import annotations

from typing import Any

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from collector.access.roles import Role
from collector.access.settings import Proxy, highest
from collector.config import Config

PEER = "campus_wifi.peer"
"""Where the request's scope holds the address that the connection came from, whatever its headers say."""
_MOST = 64
_log = structlog.get_logger()


def behind(app: ASGIApp, config: Config) -> ASGIApp:
    """The application as it is served where ``config`` says that a proxy is in front; else as it is."""
    if not config.behind_proxy:
        return app
    if config.proxy is not None:
        trusted: list[str] | str = [str(one) for one in config.proxy.addresses]
    else:
        # Which address the proxy has only the administrator knows.
        _log.warning("behind_proxy without [proxy] addresses: whoever sends a request may say from where it comes")
        trusted = "*"
    return _Peer(ProxyHeadersMiddleware(app, trusted_hosts=trusted))  # type: ignore[arg-type]


class _Peer:
    """Remembers the connection's own address before a header replaces it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope[PEER] = scope["client"][0] if scope.get("client") else ""
        await self._app(scope, receive, send)


def said(scope: Any, proxy: Proxy) -> tuple[str, Role] | None:
    """Name and role as the proxy says them; None where it says nobody. Headers that it did not send are taken out of
    ``scope``."""
    peer = scope.get(PEER) or (scope["client"][0] if scope.get("client") else "")
    if not proxy.roles or not proxy.is_at(peer):
        headers = MutableHeaders(scope=scope)
        for name in (proxy.user_header, proxy.groups_header):
            while name in headers:
                del headers[name]
        return None
    headers_ = Headers(scope=scope)
    names = headers_.getlist(proxy.user_header)
    # Two lines are one of the proxy and one that it let through.
    if len(names) != 1 or not (name := names[0].strip()) or not name.isprintable():
        return None
    lines = headers_.getlist(proxy.groups_header)
    if len(lines) > 1:
        return None
    groups = [one.strip() for line in lines for one in line.replace(";", ",").split(",")]
    return name[:_MOST], highest(proxy.roles, groups)
