"""The board: what the district, the union, principals and IT read without an account. Server-rendered, no script."""

from __future__ import annotations

from starlette.routing import BaseRoute

from collector.services import Services


def routes(services: Services) -> list[BaseRoute]:
    """The pages, their style sheet and their picture."""
    return []
