"""Puts together who comes in, what readers may do, and the pages of sign-in."""

from __future__ import annotations

import contextlib

from starlette.requests import Request
from starlette.routing import BaseRoute, Route

from collector.access import passwords, roles
from collector.access.audit_log import AuditLog
from collector.access.district import BACK, THERE, District
from collector.access.doors import ACCOUNT, AUDIT_LOG, SIGN_IN, SIGN_OUT, Doors
from collector.access.entrance import visitor_of
from collector.access.oidc import Provider
from collector.access.roles import AUDIT, SELF
from collector.access.visitors import Visitors
from collector.board.behind import behind
from collector.board.forms import Tokens
from collector.board.pages import Pages
from collector.board.readers import Readers
from collector.services import Services
from collector.transport import Client

PROVIDER_SECONDS = 10.0


class Access:
    """``visitors`` and ``readers`` are what the application asks; ``routes`` the pages of sign-in."""

    def __init__(self, services: Services, ending: contextlib.ExitStack) -> None:
        """``ending`` closes what is kept open."""
        public = services.config.is_public

        def may(request: Request, action: str) -> bool:
            visitor = visitor_of(request.scope)
            # A program whose token is no more good must learn of it, also where everybody may read.
            return not visitor.fault and roles.may(visitor.role, action, public=public)

        self.visitors = Visitors(services)
        self.readers = Readers(may, lambda request: visitor_of(request.scope).name, SIGN_IN)
        tokens = Tokens(services.signer.secret("board forms"))
        pages = Pages(services.clock, self.readers, tokens)
        settings = services.config.oidc
        audit_log = AuditLog(services.store)
        audit_log.start(ending)
        doors = Doors(services, self.visitors, pages, tokens, audit_log, THERE if settings is not None else "")
        passwords.prepare()
        self.routes: list[BaseRoute] = [
            Route(SIGN_IN, doors.ask, methods=["GET"]),
            Route(SIGN_IN, doors.sign_in, methods=["POST"]),
            Route(SIGN_OUT, doors.sign_out, methods=["POST"]),
            behind(ACCOUNT, "GET", SELF, doors.account, self.readers, pages),
            behind(AUDIT_LOG, "GET", AUDIT, doors.audit_log, self.readers, pages),
        ]
        if settings is not None:
            client = Client(PROVIDER_SECONDS)
            ending.callback(client.close)
            provider = Provider(settings, client, services.clock)
            district = District(services, provider, doors)
            self.routes += [Route(THERE, district.there, methods=["GET"]), Route(BACK, district.back, methods=["GET"])]
