"""Real 802.11: each scene is run by the real agent and judged by the real collector; verdict and cause are right."""

import json
import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from tests import binaries
from tests.lab import kernel
from tests.lab.machine import Lab
from tests.lab.scenes import SCENES

pytestmark = [pytest.mark.lab, pytest.mark.root, pytest.mark.timeout(1200)]
_WITHIN_SECONDS = 400


@pytest.fixture(scope="session")
def seen(request: pytest.FixtureRequest) -> Iterator[Any]:
    """What each scene saw. Two guests run at a time: all scenes that this session asks for start at once."""
    binaries.need_root()
    kernel.need()
    wanted = [item.get_closest_marker("scene") for item in request.session.items]
    names = sorted({mark.args[0] for mark in wanted if mark})
    with ThreadPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
        running: dict[str, Future[dict[str, Any]]] = {name: pool.submit(_run, name) for name in names}

        def look(name: str) -> dict[str, Any]:
            result = running[name].result()
            assert "fault" not in result, result["fault"] + result["said"]
            found: dict[str, Any] = result["seen"]
            return found

        yield look
        for one in running.values():
            one.cancel()


def _run(name: str) -> dict[str, Any]:
    assert name in SCENES
    with Lab("-m", "tests.lab.scenes", name, radios=5) as lab:
        result: dict[str, Any] = json.loads(lab.wait_for("result.json", _WITHIN_SECONDS))
        logs = lab.folder / "logs"
        if "fault" in result:
            result["said"] = lab.said() + "".join(
                f"\n--- {log.name}\n{log.read_text(errors='replace')[-2500:]}" for log in sorted(logs.glob("*.log"))
            )
        return result
