"""Seals and pushes as fast as it can until it is killed, claiming each report on standard output once it is recorded.

Run by test_crash.py: python crash_driver.py DATA_DIR COLLECTOR_URL COLLECTOR_KEY_HEX SECONDS_BETWEEN_PUSHES
"""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

from agent import wire
from agent.clock import RealClock
from agent.identity import Identity
from agent.push import Pusher
from agent.recorder import WindowRecorder
from agent.spool import Spool
from agent.transport import Transport, client


def main(folder: Path, url: str, key: bytes, pause: float) -> None:
    clock = RealClock()
    identity = Identity.load_or_create(folder / "identity.key")
    spool = Spool(folder / "spool.sqlite3", clock)
    transport = Transport(url, identity=identity, clock=clock, http=client(None, clock), collector_key=key)
    pusher = Pusher(agent_id=identity.id, spool=spool, courier=transport, clock=clock)
    recorder = WindowRecorder(identity=identity, spool=spool, clock=clock, report_seconds=0.02, agent_version="0")

    def push() -> None:
        while True:
            wait = pusher.step()
            time.sleep(pause if wait is None else max(min(wait, 0.5), pause))

    threading.Thread(target=push, daemon=True).start()
    print(f"up {identity.id}", flush=True)
    while True:
        recorder.not_run(wire.NotRun(clock.boottime(), "driver", "x" * 100))
        for held in recorder.seal():
            print(f"{held.stream} {held.seq} {wire.digest(held.report)}", flush=True)
        time.sleep(0.004)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], bytes.fromhex(sys.argv[3]), float(sys.argv[4]))
