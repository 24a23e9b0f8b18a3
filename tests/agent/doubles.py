"""A fake clock, and a small collector on a real socket that keeps what it acknowledges: the agent's tests use both."""

from __future__ import annotations

import base64
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec
import zstandard

from agent import wire
from agent.identity import Identity, verify


class FakeClock:
    """Time that moves only when told. The wall may be wrong while boot and monotonic time are right."""

    def __init__(self, now: float = 1_800_000_010.0, state: str = "synced") -> None:
        self.at = now
        self.boot = 1000.0
        self.state = state
        self.boot_name = "b" * 32
        self.learnt: list[float] = []

    def now(self) -> float:
        return self.at

    def boottime(self) -> float:
        return self.boot

    def monotonic(self) -> float:
        return self.boot

    def boot_id(self) -> str:
        return self.boot_name

    def reading(self) -> wire.Clock:
        return wire.Clock(self.state, self.boot)  # type: ignore[arg-type]

    def learn(self, server_at: float, round_trip_seconds: float) -> None:
        self.learnt.append(server_at)
        if self.state == "unknown":
            self.at, self.state = server_at, "estimated"

    def move(self, seconds: float) -> None:
        self.at += seconds
        self.boot += seconds


class CollectorDouble:
    """Speaks the contract's HTTP over a real socket. ``fault`` may replace the next answers."""

    def __init__(self, report_seconds: int = 60) -> None:
        self.key = Identity.generate()
        self.agents: dict[str, bytes] = {}
        self.tokens = {"token"}
        self.kept: dict[tuple[str, int], str] = {}
        self.losses: list[wire.Loss] = []
        self.accepted = 0
        self.conflicts = 0
        self.requests: list[str] = []
        self.etags: list[str | None] = []
        self.fault = ""
        self.poison: set[tuple[str, int]] = set()
        self.cut_at = 0
        self.report_seconds = report_seconds
        self.lock = threading.Lock()
        self.pushed = threading.Event()
        double = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                double.answer(self, b"")

            def do_POST(self) -> None:
                double.answer(self, self.rfile.read(int(self.headers.get("Content-Length", 0))))

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            def handle_error(self, *_: object) -> None:
                """A client killed in mid-sentence is what these tests are about."""

        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def join(self, token: str = "token") -> str:
        return f"campuswifi://{token}@127.0.0.1:{self.port}?tls=0"

    def answer(self, request: BaseHTTPRequestHandler, body: bytes) -> None:
        self.requests.append(f"{request.command} {request.path}")
        status, payload, headers = self.route(request, body)
        if self.fault == "portal":
            status, payload, headers = 200, b"<html>Please log in</html>", {}
        elif self.fault == "redirect":
            status, payload, headers = 302, b"", {"Location": "http://portal.invalid/"}
        elif self.fault == "busy":
            status, payload, headers = 503, b'{"error":"busy"}', {"Retry-After": "120"}
        elif self.fault == "revoked":
            status, payload, headers = 403, b'{"error":"revoked"}', {}
        elif self.fault == "forged":
            headers["Campus-Wifi-Signature"] = Identity.generate().sign("ack", payload)
        if self.fault == "cut":
            head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(payload)}\r\n"
            whole = (head + "".join(f"{k}: {v}\r\n" for k, v in headers.items()) + "\r\n").encode() + payload
            request.wfile.write(whole[: self.cut_at])
            request.wfile.flush()
            request.close_connection = True
            return
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(payload)))
        request.end_headers()
        request.wfile.write(payload)
        self.pushed.set()

    def route(self, request: BaseHTTPRequestHandler, body: bytes) -> tuple[int, bytes, dict[str, str]]:
        if request.path == "/v1/enroll":
            return self.enroll(wire.decode(body, wire.EnrollRequest))
        if request.path == "/v1/plan":
            return self.plan(request)
        if request.path == "/v1/reports" and self.fault not in {"portal", "busy", "revoked", "redirect"}:
            return self.reports(zstandard.ZstdDecompressor().decompress(body, max_output_size=8 << 20))
        if request.path == "/v1/time":
            return 200, json.dumps({"server_at": time.time()}).encode(), {}
        return 404, b'{"error":"no such route"}', {}

    def enroll(self, asked: wire.EnrollRequest) -> tuple[int, bytes, dict[str, str]]:
        public = base64.b64decode(asked.public_key)
        if asked.token not in self.tokens or not verify(
            public, "enroll", asked.token.encode() + b"\n" + public, asked.proof
        ):
            return 403, b'{"error":"unknown token"}', {}
        agent = wire.fingerprint(public)
        if self.agents and agent not in self.agents:
            return 409, b'{"error":"the token is taken by another key"}', {}
        self.agents[agent] = public
        collector_key = base64.b64encode(self.key.public_key).decode()
        return 200, wire.encode(wire.EnrollReply(agent, "c1", "approved", collector_key, time.time())), {}

    def plan(self, request: BaseHTTPRequestHandler) -> tuple[int, bytes, dict[str, str]]:
        agent = request.headers["Campus-Wifi-Agent"]
        self.etags.append(request.headers.get("If-None-Match"))
        document = wire.encode(self.document(agent))
        etag = f'"{wire.digest(document)}"'
        if request.headers.get("If-None-Match") == etag:
            return 304, b"", {"ETag": etag}
        signed = wire.Signed("plan", self.key.sign("plan", document), msgspec.Raw(document))
        return 200, msgspec.json.encode(signed), {"ETag": etag}

    def document(self, agent: str) -> wire.Plan:
        return wire.Plan(
            schema=wire.SCHEMA,
            agent=agent,
            campus="c1",
            place="c1/main/101",
            issued_at=1_800_000_000.0,
            slot_seconds=300 if self.report_seconds == 60 else self.report_seconds * 3,
            report_seconds=self.report_seconds,
            reach_count=2,
            reach_interval_seconds=0.1,
            access_points=[wire.PlanTarget("ap-1", "127.0.0.1"), wire.PlanTarget("ap-2", "127.0.0.2")],
            paths=[wire.PathTarget("gateway", "loopback", "127.0.0.1")],
            cadence=wire.Cadence(full_seconds=float(self.report_seconds), idle_seconds=float(self.report_seconds)),
        )

    def reports(self, body: bytes) -> tuple[int, bytes, dict[str, str]]:
        push = wire.decode(body, wire.Push)
        results = []
        with self.lock:
            seen = {self.read(sealed)[0] for sealed in push.reports}
            if len(push.reports) >= 1 and seen & self.poison:
                return 422, b'{"error":"a report this collector cannot read"}', {}
            agent = ""
            for sealed in push.reports:
                key, report = self.read(sealed)
                agent = report.agent
                data = bytes(sealed.report)
                assert verify(self.agents[agent], "report", data, sealed.signature)
                status = "duplicate" if key in self.kept else "accepted"
                if status == "duplicate" and self.kept[key] != wire.digest(data):
                    self.conflicts += 1
                self.kept.setdefault(key, wire.digest(data))
                self.accepted += status == "accepted"
                if status == "accepted":
                    self.losses += report.losses
                    self.on_report(report)
                results.append(wire.Result(*key, status))
            streams = {stream for stream, _ in seen}
            ack = wire.encode(
                wire.Ack(push.request_id, agent, results, {s: self.through(s) for s in streams}, time.time(), 0.0, 50)
            )
        return 200, ack, {"Campus-Wifi-Signature": self.key.sign("ack", ack)}

    def on_report(self, report: wire.Report) -> None:
        """For a test to look on."""

    def read(self, sealed: wire.Sealed) -> tuple[tuple[str, int], wire.Report]:
        report, _ = wire.decode_report(bytes(sealed.report))
        return (report.stream, report.seq), report

    def through(self, stream: str) -> int:
        seq = 0
        while (stream, seq + 1) in self.kept:
            seq += 1
        return seq
