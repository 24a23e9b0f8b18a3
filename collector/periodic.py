"""The collector's periodic work: jobs with their periods go in, each runs on one thread, never twice at once. The
collector's one importer of apscheduler."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

log = structlog.get_logger()


class Periodic:
    """Missed turns are joined into one; what fails is logged and has its next turn."""

    def __init__(self) -> None:
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(1)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        logging.getLogger("apscheduler").setLevel(logging.ERROR)

    def every(self, seconds: float, name: str, run: Callable[[], object], first_after_seconds: float) -> None:
        def turn() -> None:
            try:
                run()
            except Exception:
                log.exception("periodic work failed; it is tried again", job=name)

        first = datetime.now(UTC) + timedelta(seconds=first_after_seconds)
        self._scheduler.add_job(turn, "interval", seconds=seconds, id=name, next_run_time=first)

    def start(self) -> None:
        self._scheduler.start()

    def stop(self) -> None:
        """Lets a running job end: tell it first."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=True)
