"""Asks the running collector over its admin socket, as ``wifi-collector`` does, without starting Python each time."""

import http.client
import json
import socket
from pathlib import Path
from typing import Any

from collector.administration.meeting import address


class Refused(Exception):
    """The collector's own words."""


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("admin", timeout=60)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        with address(self._path) as short:
            self.sock.connect(short)


def perform(path: Path, verb: str, body: dict[str, Any]) -> dict[str, Any]:
    """What was done. Raises Refused."""
    connection = _Connection(path)
    try:
        connection.request("POST", f"/admin/{verb}", json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        reply: dict[str, Any] = json.loads(answer.read())
    except (OSError, ValueError, http.client.HTTPException) as fault:
        raise Refused(f"the collector did not do {verb}: {fault}") from None
    finally:
        connection.close()
    if answer.status != 200:
        raise Refused(f"{verb}: {reply.get('error', answer.status)} {reply.get('hint', '')}".strip())
    return reply
