"""The one table of who may ask for which route of the collector.

A route that is not in the table is not served: the application refuses to start with it.
"""

from __future__ import annotations

from collector.access.roles import ACT, AUDIT, READ, SCRAPE, SELF
from collector.board import ROUTES as PAGES

ANYONE = "anyone"
AGENT = "agent"
ENROLLING = "token"
WEBHOOK = "bearer token"
LEASE = "lease"
"""Leave for one throughput test, as /v1/leases gave it to an agent."""
OWN_CHECK = frozenset({ANYONE, AGENT, ENROLLING, WEBHOOK, LEASE})
"""Routes that ask for no role: they are open, or check a signature or a secret of their own."""

WHO: dict[tuple[str, str], str] = {
    ("POST", "/v1/reports"): AGENT,
    ("POST", "/v1/enroll"): ENROLLING,
    ("GET", "/v1/plan"): AGENT,
    ("POST", "/v1/leases"): AGENT,
    # Served by the process for throughput tests, at an address of its own.
    ("GET", "/v1/throughput/down"): LEASE,
    ("POST", "/v1/throughput/up"): LEASE,
    ("GET", "/v1/time"): ANYONE,
    ("POST", "/v1/notifications"): WEBHOOK,
    ("GET", "/v1/campuses"): READ,
    ("GET", "/v1/campuses/{campus}/ledger"): READ,
    ("GET", "/v1/campuses/{campus}/seen"): READ,
    ("GET", "/v1/seen"): READ,
    ("GET", "/v1/commitment"): READ,
    ("GET", "/v1/incidents"): READ,
    ("GET", "/v1/incidents/{number:int}"): READ,
    ("POST", "/v1/incidents/{number:int}"): ACT,
    ("GET", "/metrics"): SCRAPE,
    ("GET", "/healthz"): ANYONE,
    ("GET", "/readyz"): ANYONE,
    ("GET", "/openapi.json"): ANYONE,
    ("GET", "/docs"): ANYONE,
    ("GET", "/sign-in"): ANYONE,
    ("POST", "/sign-in"): ANYONE,
    ("GET", "/sign-in/district"): ANYONE,
    ("GET", "/sign-in/back"): ANYONE,
    ("POST", "/sign-out"): ANYONE,
    ("GET", "/account"): SELF,
    ("GET", "/audit"): AUDIT,
    ("GET", "/board/{file}"): ANYONE,
    **{(page.method, page.path): page.action for page in PAGES},
}
"""What whoever asks for a route must be allowed to do, by method and path: roles, and the pages that the board's own
table names."""


class Unlisted(Exception):
    """A route that the table does not name."""


def action_of(method: str, path: str) -> str:
    """Raises Unlisted."""
    if method == "GET" and path.startswith("/board/"):
        path = "/board/{file}"
    try:
        return WHO[method, path]
    except KeyError:
        raise Unlisted(f"{method} {path}: collector/access/table.py does not say who may ask for it") from None
