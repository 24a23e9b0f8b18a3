"""An administrator's write reaches the store by one of two ways: the running server's admin socket, or, where no
server runs, this process under the store's exclusive lock. There is one writer, always."""

from __future__ import annotations

import argparse
import http.client
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from collector.administration import meeting, operations
from collector.administration.operations import Progress, no_news
from collector.administration.refusals import NotDone
from collector.commands.console import Failure
from collector.commands.present import open_store, settings
from collector.policies.beginning import ensure_policy

_PATIENCE_SECONDS = 600.0
_LOOK_SECONDS = 0.5


class _SocketConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("admin", timeout=_PATIENCE_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        with meeting.address(self._path) as short:
            self.sock.connect(short)


def perform(
    arguments: argparse.Namespace, verb: str, body: dict[str, Any], progress: Progress = no_news
) -> dict[str, Any]:
    """Does it, and returns what was done. ``progress`` is told how far long work is. Raises Failure where it could not
    be."""
    config = settings(arguments)
    path = Path(config.data_dir) / meeting.SOCKET
    with _watched(path, verb, progress):
        served = _ask_server(path, verb, body)
    if served is not None:
        return served
    with open_store(config, write=True) as store:
        # What a server does when it starts: without a policy and hours nothing can be judged or planned.
        ensure_policy(
            store,
            time.time,
            demonstration=config.demonstration,
            report_seconds=config.report_seconds,
            name=config.policy,
        )
        try:
            return operations.perform(store, config, time.time, verb, body, progress=progress)
        except NotDone as fault:
            raise Failure(fault.reason, fault.hint, fault.status) from None


@contextmanager
def _watched(path: Path, verb: str, progress: Progress) -> Iterator[None]:
    """Asks the server now and then how far it is, for as long as it works."""
    if progress is no_news or not path.exists():
        yield
        return
    over = threading.Event()

    def watch() -> None:
        while not over.wait(_LOOK_SECONDS):
            connection = _SocketConnection(path)
            try:
                connection.request("GET", f"/admin/{verb}")
                said = msgspec.json.decode(connection.getresponse().read(), type=dict[str, int])
            except (OSError, http.client.HTTPException, msgspec.MsgspecError):
                continue  # what the work comes to is told where it is asked for
            finally:
                connection.close()
            progress(said["done"], said["all"])

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _ask_server(path: Path, verb: str, body: dict[str, Any]) -> dict[str, Any] | None:
    connection = _SocketConnection(path)
    try:
        connection.connect()
    except (FileNotFoundError, ConnectionRefusedError):
        return None  # no server: a socket file may be left of one that was killed
    except OSError as fault:
        raise Failure(f"{path} cannot be used: {fault.strerror}", "run this as the user that runs the server") from None
    try:
        headers = {"Content-Type": "application/json"}
        connection.request("POST", f"/admin/{verb}", msgspec.json.encode(body), headers)
        answer = connection.getresponse()
        content = answer.read()
        reply: dict[str, Any] = msgspec.json.decode(content, type=dict[str, Any])
    except (OSError, http.client.HTTPException, msgspec.DecodeError) as fault:
        reason = f"the server did not answer on {path}: {fault}"
        raise Failure(reason, "look into the server's log; nothing is known to have changed") from None
    finally:
        connection.close()
    if answer.status != 200:
        reason = str(reply.get("error", f"the server answered {answer.status}"))
        raise Failure(reason, str(reply.get("hint", "")), int(reply.get("status", 1)))
    return reply
