"""The agent's own state, on loopback only: what the service knows goes in, ``/metrics`` and ``/status`` come out."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

Status = dict[str, Any]


class AgentCollector(Collector):
    """Built anew at each scrape from the service's status, so that no stale label set lingers."""

    def __init__(self, status: Callable[[], Status]) -> None:
        self._status = status

    def collect(self) -> Iterator[Metric]:
        status = self._status()
        info = GaugeMetricFamily(
            "campus_wifi_agent_info", "This agent.", labels=["agent", "campus", "role", "version", "plan"]
        )
        labels = [str(status.get(key) or "") for key in ("agent", "campus", "role", "version", "plan")]
        info.add_metric(labels, 1)
        yield info
        clock = GaugeMetricFamily(
            "campus_wifi_agent_clock_state", "1 for the state the device's clock is in.", labels=["state"]
        )
        for state in ("synced", "estimated", "unknown"):
            clock.add_metric([state], float(status["clock"]["state"] == state))
        yield clock
        runs = CounterMetricFamily("campus_wifi_agent_probe_runs", "Probes run.", labels=["probe", "result"])
        for (probe, result), count in sorted(status["runs"].items()):
            runs.add_metric([probe, result], count)
        yield runs
        seconds = GaugeMetricFamily(
            "campus_wifi_agent_probe_duration_seconds", "How long the latest run took.", labels=["probe"]
        )
        for probe, last in sorted(status["probes"].items()):
            seconds.add_metric([probe], last["seconds"])
        yield seconds
        yield from _spool(status.get("spool"))
        yield from _push(status.get("push"))


def _spool(spool: Status | None) -> Iterator[Metric]:
    if spool is None:
        return
    held = GaugeMetricFamily("campus_wifi_agent_spool_reports", "Reports held in the spool.", labels=["state"])
    for state in ("pending", "acknowledged", "rejected", "memory"):
        held.add_metric([state], spool[state])
    yield held
    yield GaugeMetricFamily("campus_wifi_agent_spool_bytes", "Bytes in use in the spool.", value=spool["bytes"])
    yield GaugeMetricFamily("campus_wifi_agent_spool_quota_bytes", "The spool's limit.", value=spool["quota_bytes"])
    yield CounterMetricFamily(
        "campus_wifi_agent_reports_lost", "Reports given up since start; each is told to the collector.", spool["lost"]
    )
    yield GaugeMetricFamily(
        "campus_wifi_agent_spool_fault", "1 while the disk refuses the spool.", value=float(bool(spool["fault"]))
    )


def _push(push: Status | None) -> Iterator[Metric]:
    if push is None:
        return
    state = GaugeMetricFamily("campus_wifi_agent_push_state", "1 for the state pushing is in.", labels=["state"])
    for name in ("ok", "waiting", "refused"):
        state.add_metric([name], float(push["state"] == name))
    yield state
    results = CounterMetricFamily("campus_wifi_agent_pushed_reports", "Reports answered for.", labels=["status"])
    for name, key in (("accepted", "accepted"), ("duplicate", "duplicates"), ("rejected", "rejected")):
        results.add_metric([name], push[key])
    yield results
    yield CounterMetricFamily("campus_wifi_agent_push_requests", "Pushes tried.", push["requests"])
    yield CounterMetricFamily("campus_wifi_agent_push_failures", "Pushes that brought no answer.", push["failures"])
    if push["last_success_at"] is not None:
        yield GaugeMetricFamily(
            "campus_wifi_agent_last_push_timestamp_seconds",
            "When the collector last acknowledged.",
            value=push["last_success_at"],
        )


class MetricsServer:
    """``/metrics``, ``/status`` and ``/healthz`` on 127.0.0.1. ``port`` 0 takes a free one."""

    def __init__(self, port: int, status: Callable[[], Status]) -> None:
        registry = CollectorRegistry()
        registry.register(AgentCollector(status))

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/metrics":
                    self._answer("text/plain; version=0.0.4; charset=utf-8", generate_latest(registry))
                elif self.path == "/status":
                    self._answer("application/json", json.dumps(plain(status())).encode())
                elif self.path == "/healthz":
                    self._answer("text/plain", b"ok\n")
                else:
                    self.send_error(404)

            def _answer(self, kind: str, body: bytes) -> None:
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """A scrape is no event."""

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.5,), name="metrics", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def plain(status: Status) -> Status:
    """The status as JSON can hold it."""
    runs = {f"{probe}:{result}": count for (probe, result), count in status["runs"].items()}
    return {**status, "runs": runs}
