"""The board over a real server on loopback."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import uvicorn
import uvloop
from prometheus_client import CollectorRegistry

from collector import board
from collector.app import create_app
from collector.board.readers import PUBLIC, Readers
from collector.commitment import answer_routes
from collector.config import Config
from collector.incidents import incident_routes
from collector.services import Services
from collector.signer import Signer
from tests.collector.board.sample_district import NOW, Judged_, fill, open_store

CAMPUS = "campus-0000"
PAGES = {
    "/": "/",
    "/method": "/method",
    "/incidents": "/incidents",
    "/incidents/{number:int}": "/incidents/1",
    "/room-reports": "/room-reports",
    "/room-reports/{number:int}": "/room-reports/2",
    "/campus/{campus}/report": f"/campus/{CAMPUS}/report",
    "/campus/{campus}/qr": f"/campus/{CAMPUS}/qr",
    "/campus/{campus}/room/{room:path}": f"/campus/{CAMPUS}/room/Main/100",
    "/room/{place:path}": f"/room/{CAMPUS}/Main/101",
    "/campus/{campus:path}": f"/campus/{CAMPUS}",
}
"""Each path of the table of routes with an address of it; a page that is missing here fails."""
OTHERS = (
    "/campus/nowhere",
    "/incidents?campus=campus-0000&open=1",
    f"/campus/{CAMPUS}/room/Main/104",
    "/?period=7d",
    "/?find=elementary+1",
)


class Board:
    def __init__(self, url: str, services: Services) -> None:
        self.url = url
        self.services = services
        self.http = httpx.Client(base_url=url, timeout=60, trust_env=False)


@contextlib.contextmanager
def serving(
    folder: Path, *, now: float = NOW, filled: bool = True, readers: Readers = PUBLIC, **sample: Any
) -> Iterator[Board]:
    store = open_store(folder)
    live = fill(store, **sample) if filled else {}
    services = Services(store, Config(data_dir=folder), Signer.load_or_create(folder), lambda: now, CollectorRegistry())
    services.judge = Judged_(live)
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    app = create_app(
        services, [*answer_routes.routes(services), *incident_routes.routes(services), *board.routes(services, readers)]
    )
    options = uvicorn.Config(app, lifespan="off", log_config=None, access_log=False, http="httptools")
    server = uvicorn.Server(options)

    def serve() -> None:
        # The loop that the collector runs on: asyncio's own leaves Nagle's algorithm on for a socket made so, and each
        # larger page waits 40 ms for a delayed acknowledgement.
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(server.serve([listener]))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        shown = Board(url, services)
        yield shown
        shown.http.close()
    finally:
        server.should_exit = True
        thread.join(20)
        store.close()
