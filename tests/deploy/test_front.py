"""The front that speaks TLS, the real program: which door leads where, and which are closed from outside."""

import socket
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests import binaries

CADDYFILE = Path(__file__).resolve().parents[2] / "deploy" / "compose" / "Caddyfile"
BEHIND = ("collector:8080", "collector:8081", "grafana:3000")

pytestmark = pytest.mark.binaries


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


def behind(name: str) -> ThreadingHTTPServer:
    """A service that says its name, the path it was asked for and whom it was told the request is from."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            said = f"{name} {self.path} {self.headers['X-Forwarded-Proto']} {self.headers['X-Forwarded-For']}".encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, ssl.SSLContext]]:
    """Its address, and the trust of its certificate."""
    caddy = binaries.need("caddy")
    folder = tmp_path_factory.mktemp("front")
    certificate, key = folder / "certificate", folder / "key"
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days=2"]
    made += ["-subj=/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run([*made, "-keyout", key, "-out", certificate], capture_output=True, check=True, timeout=60)
    text = CADDYFILE.read_text().replace("/run/secrets/tls-certificate", str(certificate))
    text = text.replace("/run/secrets/tls-key", str(key)).replace("127.0.0.1:8079", f"127.0.0.1:{free_port()}")
    with ExitStack() as ending:
        for name in BEHIND:
            server = behind(name)
            ending.callback(server.server_close)
            ending.callback(server.shutdown)
            assert name in text
            text = text.replace(name, f"127.0.0.1:{server.server_address[1]}")
        (folder / "Caddyfile").write_text(text)
        port = free_port()
        environment = {"CAMPUS_WIFI_NAME": f"localhost:{port}", "HOME": str(folder)}
        log = ending.enter_context((folder / "log").open("wb"))
        command = [caddy, "run", "--config", folder / "Caddyfile", "--adapter", "caddyfile"]
        running = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        ending.callback(running.wait, 30)
        ending.callback(running.terminate)
        trust = ssl.create_default_context(cafile=certificate)
        address = f"https://localhost:{port}"
        deadline = time.monotonic() + 60
        while not answers(address, trust):
            assert running.poll() is None and time.monotonic() < deadline, (folder / "log").read_text()
            time.sleep(0.1)
        yield address, trust


def answers(address: str, trust: ssl.SSLContext) -> bool:
    try:
        return ask((address, trust), "/")[0] == 200
    except OSError:
        return False


def ask(front: tuple[str, ssl.SSLContext], path: str, **headers: str) -> tuple[int, str, str]:
    """Status, text, and the header by which browsers keep to TLS."""
    request = urllib.request.Request(front[0] + path, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10, context=front[1]) as answer:
            return answer.status, answer.read().decode(), answer.headers["Strict-Transport-Security"]
    except urllib.error.HTTPError as fault:
        return fault.code, fault.read().decode(), fault.headers["Strict-Transport-Security"]


@pytest.mark.parametrize(
    ("path", "service"),
    [
        ("/", "collector:8080"),
        ("/v1/reports", "collector:8080"),
        ("/campus/lincoln-hs", "collector:8080"),
        ("/v1/throughput/down?bytes=9", "collector:8081"),
        ("/grafana/d/district", "grafana:3000"),
    ],
)
def test_each_door_leads_to_its_service_with_its_path_whole(
    front: tuple[str, ssl.SSLContext], path: str, service: str
) -> None:
    status, text, strict = ask(front, path)

    assert (status, text.split()[:3]) == (200, [service, path, "https"])
    assert strict == "max-age=31536000"


@pytest.mark.parametrize("path", ["/metrics", "/v1/notifications"])
def test_what_only_the_programs_beside_it_ask_for_is_closed_from_outside(
    front: tuple[str, ssl.SSLContext], path: str
) -> None:
    assert ask(front, path)[:2] == (404, "")


def test_nobody_may_say_that_a_request_is_from_another_address(front: tuple[str, ssl.SSLContext]) -> None:
    text = ask(front, "/", **{"X-Forwarded-For": "192.0.2.66"})[1]

    assert "192.0.2.66" not in text
