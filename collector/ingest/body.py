"""A request's body, as far as somebody wants to read it."""

from __future__ import annotations

from starlette.requests import Request


async def read(request: Request, most_bytes: int) -> bytes | None:
    """None where it is longer."""
    parts = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > most_bytes:
            return None
        parts.append(part)
    return b"".join(parts)
