"""Everything that an agent and a collector keep, log, export or send on, gathered in one folder to be searched."""

import contextlib
import json
import re
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import cramjam

from tests.e2e.programs import until
from tests.lab.air import run
from tests.lab.world import HOMES, World


@contextlib.contextmanager
def receiver(url: str) -> Iterator[list[bytes]]:
    """A receiver of remote write that takes everything; the bodies as they came, unpacked."""
    bodies: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            packed = self.rfile.read(int(self.headers["Content-Length"]))
            bodies.append(bytes(cramjam.snappy.decompress_raw(packed)))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    where = urlsplit(url)
    with ThreadingHTTPServer((where.hostname or "", where.port or 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield bodies
        server.shutdown()


def metrics(world: World) -> dict[str, str]:
    """What each program serves to a Prometheus, and the agent's status."""
    found = {"metrics-collector": world.get("/metrics").decode()}
    for role in world.roles:
        data = world.folder / ("agent" if role in ("shipper", "all") else role)
        port = json.loads((data / "run.json").read_text())["port"]
        for page in ("metrics", "status"):
            url = f"http://127.0.0.1:{port}/{page}"
            found[f"{page}-{role}"] = run("busybox", "wget", "-qO-", url, namespace=HOMES.get(role, "room"))
    return found


def drained(world: World) -> None:
    """Waits until the collector has sent on all that it has."""

    def look() -> bool:
        told = re.search(r"(?m)^campus_wifi_remote_write_pending_reports (\S+)", world.get("/metrics").decode())
        return told is not None and float(told[1]) == 0

    until(look, 60, "everything is written to the receiver")


def hold(world: World, folder: Path, texts: dict[str, str], written: list[bytes]) -> None:
    """Leaves all of it in ``folder``; to be called when the programs have ended, so that their files are whole."""
    folder.mkdir()
    for data in ("agent", "prober", "joiner", "collector"):
        shutil.copytree(world.folder / data, folder / data)
    for program in (*world.roles, "collector"):
        shutil.copy(world.folder / f"{program}.log", folder)
    for name, text in texts.items():
        (folder / name).write_text(text)
    (folder / "remote-write").write_bytes(b"".join(written))
