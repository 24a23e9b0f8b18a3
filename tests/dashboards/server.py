"""A real Prometheus over blocks and the project's own rules, asked as Grafana asks it."""

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from collector.alerting import rules
from collector.alerting.alert import Terms
from tests import binaries
from tests.dashboards.queries import Asked
from tests.e2e.programs import Programs, until

POINTS = 1000
"""About as many as a panel across a screen asks for."""


class Server:
    """``ask`` answers with the series of a query. Raises where Prometheus refuses it."""

    def __init__(self, url: str, pid: int) -> None:
        self._http = httpx.Client(base_url=url, timeout=120, trust_env=False)
        self._pid = pid

    def cpu_seconds(self) -> float:
        """What the process has used so far, to a hundredth: on a busy machine the clock tells of others too."""
        fields = Path(f"/proc/{self._pid}/stat").read_text().rsplit(") ", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def ready(self) -> bool:
        try:
            return self._http.get("/-/ready").status_code == 200
        except httpx.TransportError:  # it does not listen yet
            return False

    def ask(self, asked: Asked, now: float, seconds: float) -> list[dict[str, Any]]:
        """As its panel does: for now, or for the ``seconds`` before it."""
        if asked.instant:
            return self._result("/api/v1/query", query=asked.expr, time=now)
        step = max(asked.step, seconds / POINTS)
        return self._result("/api/v1/query_range", query=asked.expr, start=now - seconds, end=now, step=step)

    def now(self, expr: str, at: float) -> list[dict[str, Any]]:
        return self._result("/api/v1/query", query=expr, time=at)

    def _result(self, path: str, **body: Any) -> list[dict[str, Any]]:
        answer = self._http.post(path, data=body).json()
        assert answer["status"] == "success", f"{body['query']}: {answer}"
        found: list[dict[str, Any]] = answer["data"]["result"]
        return found

    def close(self) -> None:
        self._http.close()


@contextlib.contextmanager
def serving(folder: Path, blocks: Path, terms: Terms) -> Iterator[Server]:
    """The server over ``blocks``, with rules of these terms; it does not join blocks while it is measured."""
    (folder / "rules.yml").write_text(rules.to_text(rules.rule_file(terms)))
    (folder / "prometheus.yml").write_text("global: {evaluation_interval: 1s}\nrule_files: [rules.yml]\n")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    programs = Programs(folder)
    programs.start(
        "prometheus", binaries.need("prometheus"), f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={blocks}", f"--web.listen-address={address}", "--storage.tsdb.retention.time=400d",
        "--storage.tsdb.min-block-duration=2h", "--storage.tsdb.max-block-duration=2h",
    )  # fmt: skip
    server = Server(f"http://{address}", programs.pid("prometheus"))
    try:
        until(server.ready, 120, f"Prometheus: {programs.log('prometheus')[-500:]}")
        yield server
    finally:
        server.close()
        programs.close()
