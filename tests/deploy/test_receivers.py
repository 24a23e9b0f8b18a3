"""The example receivers: accepted by amtool beside the deployed routes, and delivered to real doubles of mail server,
webhook and chat by the real Alertmanager, with their secrets read from files."""

import base64
import contextlib
import json
import socket
import socketserver
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import binaries
from tests.e2e.programs import Programs, until

DEPLOY = Path(__file__).resolve().parents[2] / "deploy" / "alertmanager"
RECEIVERS = sorted(path.stem for path in (DEPLOY / "receivers").glob("*.yml"))
SECRET = "a-secret-of-the-test"
pytestmark = pytest.mark.binaries


def merged(name: str) -> dict[str, Any]:
    """The deployed configuration with these receivers, as the file says an operator does it."""
    deployed = yaml.safe_load((DEPLOY / "alertmanager.yml").read_text())
    return deployed | yaml.safe_load((DEPLOY / "receivers" / f"{name}.yml").read_text())


@pytest.mark.parametrize("name", RECEIVERS)
def test_amtool_accepts_each_example_beside_the_deployed_routes(name: str, tmp_path: Path) -> None:
    config = merged(name)
    if "templates" in config:
        config["templates"] = [str(DEPLOY / "campus-wifi.tmpl")]
    (tmp_path / "alertmanager.yml").write_text(yaml.safe_dump(config))
    command = [binaries.need("amtool"), "check-config", tmp_path / "alertmanager.yml"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert {one["name"] for one in config["receivers"]} == {"nobody", "page", "ticket", "digest", "watchdog"}


@pytest.mark.parametrize("name", RECEIVERS)
def test_no_example_holds_a_secret_and_each_tells_the_collector_who_was_told(name: str) -> None:
    text = (DEPLOY / "receivers" / f"{name}.yml").read_text()

    assert "_password:" not in text
    assert "credentials:" not in text
    assert "api_url:" not in text
    back = "http://127.0.0.1:8080/v1/notifications"
    told = {
        one["name"]
        for one in merged(name)["receivers"]
        for hook in one.get("webhook_configs", ())
        if hook["url"] == back
    }
    assert told == {"page", "ticket", "watchdog"}


class Mail(socketserver.ThreadingTCPServer):
    """Enough of SMTP (RFC 5321, RFC 4954) to be sent to: who logged in, and the messages."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        self.messages: list[Any] = []
        self.logins: list[bytes] = []
        super().__init__(("127.0.0.1", 0), _Session)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Session(socketserver.StreamRequestHandler):
    server: Mail

    def handle(self) -> None:
        self._say("220 double")
        while line := self.rfile.readline():
            verb = line.split()[0].upper() if line.split() else b""
            if verb == b"EHLO":
                self._say("250-double\r\n250 AUTH PLAIN")
            elif verb == b"AUTH":
                self.server.logins.append(base64.b64decode(line.split()[2]))
                self._say("235 in")
            elif verb == b"DATA":
                self._say("354 go on")
                body = b"".join(iter(self.rfile.readline, b".\r\n"))
                self.server.messages.append(message_from_bytes(body, policy=policy.default))
                self._say("250 kept")
            elif verb == b"QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 ok")

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


class Posted(ThreadingHTTPServer):
    """Keeps each request's path, authorization and JSON body."""

    def __init__(self) -> None:
        kept: list[tuple[str, str, dict[str, Any]]] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                kept.append((self.path, self.headers.get("Authorization", ""), json.loads(body)))
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.kept = kept
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


@contextlib.contextmanager
def alerting(folder: Path, config: dict[str, Any]) -> Iterator[Programs]:
    """The real Alertmanager told of one campus that falls short and one closet that is dark."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config["route"] |= {"group_wait": "1s"}
    config["templates"] = [str(DEPLOY / "campus-wifi.tmpl")]
    (folder / "alertmanager.yml").write_text(yaml.safe_dump(config))
    programs = Programs(folder)
    try:
        programs.start(
            "alertmanager", binaries.need("alertmanager"), f"--config.file={folder}/alertmanager.yml",
            f"--storage.path={folder}/data", f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address=",
        )  # fmt: skip
        url = f"http://127.0.0.1:{port}"
        until(lambda: urllib.request.urlopen(f"{url}/-/ready", timeout=1).status == 200, 60, "it is ready")
        said = {
            "summary": "Lincoln falls short now", "description": "Its page shows which rooms.",
            "runbook_url": "https://r.example#campusshort", "board_url": "https://b.example/campus/lincoln",
            "dashboard_url": "https://g.example/d/campus",
        }  # fmt: skip
        labels = {"alertname": "CampusShort", "severity": "page", "region": "north", "campus": "lincoln"}
        body = json.dumps([{"labels": labels, "annotations": said}]).encode()
        request = urllib.request.Request(f"{url}/api/v2/alerts", body, {"Content-Type": "application/json"})
        urllib.request.urlopen(request, timeout=5).close()
        yield programs
    finally:
        programs.close()


def secret(folder: Path, text: str = SECRET) -> str:
    file = folder / "secret"
    file.touch(0o600)
    file.write_text(text)
    return str(file)


@pytest.mark.parametrize("name", ["email", "teams"])
def test_a_page_by_mail_says_what_where_and_what_to_do_with_the_password_of_a_file(name: str, tmp_path: Path) -> None:
    mail = Mail()
    config = merged(name)
    config["global"] |= {
        "smtp_smarthost": f"127.0.0.1:{mail.server_address[1]}",
        "smtp_auth_password_file": secret(tmp_path),
        "smtp_require_tls": False,
    }
    with alerting(tmp_path, config):
        until(lambda: mail.messages, 30, "the mail comes")
    mail.shutdown()
    mail.server_close()

    (message,) = mail.messages[:1]
    text = message.get_body(("plain",)).get_content()
    assert message["Subject"] == "Lincoln falls short now"
    assert message["To"] == next(one for one in config["receivers"] if one["name"] == "page")["email_configs"][0]["to"]
    for part in ("Its page shows which rooms.", "https://r.example#campusshort", "https://b.example/campus/lincoln"):
        assert part in text
    assert mail.logins[0].endswith(f"\0{SECRET}".encode())


def test_a_page_in_a_chat_has_title_text_and_link_and_its_address_comes_from_a_file(tmp_path: Path) -> None:
    chat = Posted()
    config = merged("slack")
    for receiver in config["receivers"]:
        for one in receiver.get("slack_configs", ()):
            one["api_url_file"] = secret(tmp_path, f"{chat.url}/services/T0/B0/{SECRET}")
    with alerting(tmp_path, config):
        until(lambda: chat.kept, 30, "the chat hears")
    chat.shutdown()
    chat.server_close()

    path, _, body = chat.kept[0]
    (attachment,) = body["attachments"]
    assert path == f"/services/T0/B0/{SECRET}"
    assert body["channel"] == "#wifi-on-call"
    assert attachment["title"] == "Lincoln falls short now"
    assert attachment["title_link"] == "https://b.example/campus/lincoln"
    assert "https://r.example#campusshort" in attachment["text"]


def test_a_page_by_webhook_carries_the_token_of_a_file_and_goes_back_to_the_collector_as_well(tmp_path: Path) -> None:
    notifier, collector = Posted(), Posted()
    text = json.dumps(merged("webhook")).replace("https://notifier.district.example", notifier.url)
    text = text.replace("http://127.0.0.1:8080", collector.url)
    for name in ("notifier-token", "notifications-token", "switch-token"):
        text = text.replace(f"/etc/campus-wifi/secrets/{name}", secret(tmp_path))
    with alerting(tmp_path, json.loads(text)):
        until(lambda: notifier.kept and collector.kept, 30, "both hear")
    for server in (notifier, collector):
        server.shutdown()
        server.server_close()

    assert [(path, token) for path, token, _ in notifier.kept] == [("/page", f"Bearer {SECRET}")]
    path, token, body = collector.kept[0]
    assert (path, token) == ("/v1/notifications", f"Bearer {SECRET}")
    assert (body["version"], body["receiver"]) == ("4", "page")
    assert body["alerts"][0]["labels"]["campus"] == "lincoln"
