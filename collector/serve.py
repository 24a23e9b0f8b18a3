"""Runs the collector: opens the store, starts judge, forwarder and servers, and ends them all on SIGTERM or Ctrl-C.

Three listeners: agents and people over HTTP(S), the administrator's Unix socket, and throughput tests in a process of
their own.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec
import structlog
import uvicorn
import uvloop

from collector import heap, surfaces
from collector.access.composed import Access
from collector.access.proxy import behind
from collector.access.table import action_of
from collector.administration import admin, meeting
from collector.app import create_app
from collector.config import Config, Listen
from collector.presence import Presence
from collector.services import Services
from collector.signer import Signer
from collector.store import Store
from collector.throughput.leases import PURPOSE
from collector.throughput.server import ROUTES, Settings

KEEP_ALIVE_SECONDS = 75
log = structlog.get_logger()


class ServeError(Exception):
    """The collector cannot be started. Says what, where and what to do."""


def serve(
    config: Config, ready: Callable[[str], None] = lambda _: None, *, clock: Callable[[], float] = time.time
) -> None:
    """Serves until told to stop. ``ready`` is called once with the address, when requests are answered; ``clock`` gives
    Unix seconds. Raises ServeError, StoreError, SignerError."""
    heap.tune()
    listener = _listen(config.address)
    with contextlib.closing(listener), Store(config.database_url, slot_seconds=slot_seconds(config)) as store:
        config.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        services = Services(store, config, Signer.load_or_create(config.data_dir), clock)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(services, listener, ready))


def slot_seconds(config: Config) -> int:
    """The slot's length until a policy in the store says otherwise."""
    return 3 * config.report_seconds if config.demonstration else 300


async def _serve(services: Services, listener: socket.socket, ready: Callable[[str], None]) -> None:
    config = services.config
    loop = asyncio.get_running_loop()
    with contextlib.ExitStack() as ending:
        Presence(services).start(ending)
        access = Access(services, ending)
        pages = [*surfaces.start(services, _version(), ending, access.readers), *access.routes]
        ending.enter_context(_throughput(services))
        main = _Server(_settings(behind(create_app(services, pages, access.readers, access.visitors), config), config))
        socket_ = admin.bind_socket(config.data_dir)
        ending.callback((config.data_dir / meeting.SOCKET).unlink, missing_ok=True)
        private = _Server(
            uvicorn.Config(admin.create_admin(services), lifespan="off", log_config=None, access_log=False)
        )

        def stop() -> None:
            main.should_exit = private.should_exit = True

        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop)
        serving = asyncio.gather(main.serve([listener]), private.serve([socket_]))
        while not (main.started and private.started) and not serving.done():
            await asyncio.sleep(0.01)
        if not serving.done():
            log.info("serving", address=config.url, store=services.store.place)
            ready(config.url)
        await serving


class _Server(uvicorn.Server):
    """Two servers share a loop: signals are taken once, above both."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _settings(app: object, config: Config) -> uvicorn.Config:
    return uvicorn.Config(
        app,  # type: ignore[arg-type]
        loop="none",
        http="httptools",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        # What a proxy says is read where the connection's own address is still known: see collector/access/proxy.py.
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=5,
        h11_max_incomplete_event_size=16 << 10,
        ssl_certfile=str(config.tls_certificate) if config.tls_certificate else None,
        ssl_keyfile=str(config.tls_key) if config.tls_key else None,
    )


def _listen(address: Listen) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((address.host, address.port))
    except (OSError, OverflowError) as fault:
        made.close()
        raise ServeError(f"listen = {address.host}:{address.port}: {fault}; free that port or choose another") from None
    return made


@contextlib.contextmanager
def _throughput(services: Services) -> Iterator[None]:
    """The process for throughput tests; it ends when its standard input is closed, so also when we are killed. Raises
    Unlisted where it would serve what the table of routes does not name."""
    for method, path in ROUTES:
        action_of(method, path)
    config = services.config
    address = config.throughput_address
    if address is None:
        yield
        return
    settings = Settings(
        services.signer.secret(PURPOSE),
        address.host,
        address.port,
        str(Path(config.tls_certificate).absolute()) if config.tls_certificate else "",
        str(Path(config.tls_key).absolute()) if config.tls_key else "",
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "collector.throughput.server"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    assert process.stdin is not None
    try:
        process.stdin.write(msgspec.json.encode(settings) + b"\n")
        process.stdin.flush()
        yield
    finally:
        with contextlib.suppress(OSError):
            process.stdin.close()
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _version() -> str:
    try:
        return version("campus-wifi")
    except PackageNotFoundError:
        return "unknown"
