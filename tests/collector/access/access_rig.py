"""The whole collector as it is composed for people, on a real loopback socket, and askers of every kind."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from prometheus_client import CollectorRegistry

from collector import surfaces
from collector.access import administration, passwords
from collector.access.composed import Access
from collector.access.secrets import digest, fresh_secret
from collector.app import create_app
from collector.board.forms import Tokens
from collector.config import Config
from collector.services import Services
from collector.signer import Signer
from collector.store import Store, sessions
from collector.store.sessions import Session
from tests.collector.rig import Clock, Rig, fill

PASSWORD = "four words beside another"
ROLES = ("viewer", "operator", "admin")


class People(Rig):
    """``app``: what is served; ``cookie``: the session's name."""

    def __init__(self, url: str, services: Services, clock: Clock, app: Any, cookie: str) -> None:
        super().__init__(url, services, clock)
        self.app = app
        self.cookie = cookie
        self._tokens = Tokens(services.signer.secret("board forms"))

    def account(self, name: str, role: str) -> None:
        body = {"name": name, "role": role, "password": passwords.digest(PASSWORD)}
        administration.add(self.store, self.clock, body, "test")

    def session(self, name: str, way: str = sessions.LOCAL, role: str = "", lasts: float = 3600.0) -> dict[str, str]:
        """A header with the cookie of a session that begins now."""
        secret, now = fresh_secret(), self.clock()
        made = Session(digest(secret), name, way, role, now, now, now + lasts)
        self.store.write(lambda c: sessions.begin(c, made)).result()
        return {"Cookie": f"{self.cookie}={secret}"}

    def bearer(self, role: str, days: float = 1.0) -> dict[str, str]:
        made = administration.create_token(
            self.store, self.clock, {"name": f"a {role}", "role": role, "days": days}, "test"
        )
        return {"Authorization": f"Bearer {made['token']}"}

    def form_token(self, path: str, who: str = "") -> str:
        return self._tokens.make(path, who, self.clock())

    def sign_in(self, name: str, password: str = PASSWORD, **more: Any) -> httpx.Response:
        form = {"name": name, "password": password, "token": self.form_token("/sign-in")} | more
        return self.http.post("/sign-in", data=form)


@contextlib.contextmanager
def serving(folder: Path, clock: Clock | None = None, **config: Any) -> Iterator[People]:
    clock = clock or Clock()
    settings = Config(data_dir=folder, throughput_listen="off", **config)
    with contextlib.ExitStack() as ending:
        store = ending.enter_context(Store(settings.database_url, slot_seconds=300))
        fill(store, clock())
        services = Services(store, settings, Signer.load_or_create(folder), clock, CollectorRegistry())
        access = Access(services, ending)
        pages = [*surfaces.start(services, "1.0", ending, access.readers), *access.routes]
        app = create_app(services, pages, access.readers, access.visitors)
        listener = socket.create_server(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        server = uvicorn.Server(
            uvicorn.Config(app, lifespan="off", log_config=None, access_log=False, http="httptools")
        )
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])), daemon=True)
        thread.start()
        people = People(url, services, clock, app, access.visitors.cookie)
        try:
            yield people
        finally:
            people.http.close()
            server.should_exit = True
            thread.join(20)
