"""The whole way: deployed routes in a real Alertmanager, a real socket, the collector's door, the incident's step."""

import contextlib
import datetime
import json
import re
import socket
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp

from collector.alerting import routes
from collector.config import Config
from collector.judgement.judge import Judge
from collector.services import Services
from collector.signer import Signer
from collector.store import incidents
from tests import binaries
from tests.collector.incident_rig import a_district, measured, stands
from tests.collector.judgement.test_judge_loop import MORNING, Now
from tests.e2e.programs import Programs, until

DEPLOYED = Path(__file__).resolve().parents[3] / "deploy" / "alertmanager" / "alertmanager.yml"
pytestmark = pytest.mark.binaries


@contextlib.contextmanager
def served(app: ASGIApp) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(20)


@contextlib.contextmanager
def alertmanager(folder: Path, collector: str) -> Iterator[str]:
    """With the deployed configuration, told to the collector alone and without waiting."""
    text = re.sub(r"(?m)^      - url: http://127\.0\.0\.1:9095/.*\n(?:        .*\n)+", "", DEPLOYED.read_text())
    text = text.replace("http://127.0.0.1:8080", collector).replace("group_wait: 30s", "group_wait: 1s")
    (folder / "alertmanager.yml").write_text(
        text.replace("/etc/campus-wifi/secrets/notifications-token", str(folder / "token"))
    )
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    programs = Programs(folder)
    try:
        programs.start(
            "alertmanager", binaries.need("alertmanager"), f"--config.file={folder}/alertmanager.yml",
            f"--storage.path={folder}/data", f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address=",
        )  # fmt: skip
        url = f"http://127.0.0.1:{port}"
        until(lambda: urllib.request.urlopen(f"{url}/-/ready", timeout=1).status == 200, 60, "it is ready")
        yield url
    finally:
        programs.close()


def test_a_page_becomes_the_incidents_step_and_the_watchdog_comes_back(tmp_path: Path) -> None:
    binaries.need("alertmanager")
    clock = Now(MORNING - 3600.0)
    (tmp_path / "token").write_text("f" * 64)
    with a_district(tmp_path, clock) as store:
        clock.at = float(MORNING)
        stands(store, clock)
        config = Config(data_dir=tmp_path, notifications_token_file=tmp_path / "token")
        services = Services(store, config, Signer.load_or_create(tmp_path), clock)
        judge = Judge(store, clock, 60.0)
        measured(store, clock, judge, "msss")
        app = Starlette(routes=routes.routes(services))
        # What Alertmanager sends bears its own time: the collector's clock is its, the incident is of today.
        clock.at = datetime.datetime.now(datetime.UTC).timestamp()
        with served(app) as collector, alertmanager(tmp_path, collector) as url:
            alerts = [
                {"labels": {"alertname": "CampusShort", "severity": "page", "campus": "lincoln", "region": "East"}},
                {"labels": {"alertname": "Watchdog", "severity": "watchdog"}},
            ]
            clock.at += 5
            request = urllib.request.Request(
                f"{url}/api/v2/alerts", json.dumps(alerts).encode(), {"Content-Type": "application/json"}
            )
            urllib.request.urlopen(request, timeout=5).close()

            def steps() -> list[str]:
                with store.read() as connection:
                    return [one.by for one in incidents.steps(connection, [1])[1] if one.step == "notified"]

            def watchdog() -> bool:
                return services.registry.get_sample_value("campus_wifi_watchdog_timestamp_seconds") == clock.at

            until(lambda: steps() == ["receiver page"], 30, "the incident says who was told")
            until(watchdog, 30, "the watchdog is back")
