"""Live slots beside a backlog. `python -m tests.bench.backlog [--campuses N] [--days N] [--speed X]`

Campuses with 100 access points and 5 agents have some school days of evidence and a ledger of them. Then a policy is
adopted for all of these days, and the judge's own loop runs as it does in the server, the clock X times as fast. It
prints how long the backlog took, and after how many seconds (of the machine) a slot that ended was known meanwhile.
"""

import argparse
import base64
import os
import statistics
import tempfile
import time

from collector.judgement.judge import Judge
from collector.policies.adopting import adopt
from collector.policies.policy import shipped
from collector.store import Store, ledger, marks
from tests.bench import judged_month as month
from tests.bench.judge import NOW, _bar

GRACE, SLOT = 60.0, 300
POLICY = "strict"


class Fast:
    """Unix time that runs ``speed`` times as fast from its start on."""

    def __init__(self, at: float, speed: float) -> None:
        self._at, self._speed, self._begun = at, speed, time.monotonic()

    def __call__(self) -> float:
        return self._at + self._speed * (time.monotonic() - self._begun)


def worked_off(folder: str, campuses: int, days: int, speed: float) -> None:
    school_days = month.SCHOOL_DAYS[:days]
    with Store(f"sqlite:///{folder}/evidence.db") as store:
        month.fill(store, campuses, NOW)
        with _bar("evidence made", days) as shown:
            month.add_evidence(store, campuses, school_days, shown)
        judge = Judge(store, lambda: NOW, GRACE)
        with _bar("judged", 1) as shown:
            judge.again(school_days[0], school_days[-1], None, "bench", progress=shown)
        body = {
            "document": base64.b64encode(shipped(POLICY).to_bytes()).decode(),
            "valid_from": school_days[0].isoformat(),
        }
        begun = time.monotonic()
        marked = adopt(store, lambda: NOW, body, "bench")["slots_judged_again"]
        adopted = time.monotonic() - begun
        late = _late(store, speed)
        with store.read() as connection:
            rows = ledger.newest_of_period(connection, school_days[0].isoformat(), school_days[-1].isoformat())
        assert len({row.policy for row in rows}) == 1
        print(
            f"{campuses} campuses, {marked:,} slots of {len(rows)} campus-days marked in {adopted:.1f} s; worked off "
            f"in {late.pop():.1f} s on {len(os.sched_getaffinity(0))} processors (load {os.getloadavg()[0]:.1f}); "
            f"{len(late)} times a slot ended meanwhile and was known {statistics.median(late or [0]):.1f} s later "
            f"(median), {max(late, default=0):.1f} s at most"
        )  # fmt: skip


def _late(store: Store, speed: float) -> list[float]:
    """How late each slot was known, seconds of the machine, and at the end how long all took."""
    clock = Fast(NOW, speed)
    judge = Judge(store, clock, GRACE)
    told: list[tuple[float, int]] = []

    def judged() -> None:
        if live := judge.latest():
            told.append((clock(), max(one.slot for one in live.values())))

    judge.on_judged(judged)
    begun = time.monotonic()
    judge.start()
    waiting = 1
    while waiting:
        time.sleep(0.5)
        with store.read() as connection:
            waiting = marks.count(connection)
    took = time.monotonic() - begun
    judge.stop()
    # The first one had ended before the judge began.
    ended = range(told[0][1] + SLOT, told[-1][1] + SLOT, SLOT)
    known = [min(at for at, newest in told if newest >= slot) for slot in ended]
    return [*((at - slot - SLOT - GRACE) / speed for at, slot in zip(known, ended, strict=True)), took]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--campuses", type=int, default=40)
    parser.add_argument("--days", type=int, default=5, help="school days")
    parser.add_argument("--speed", type=float, default=60.0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="campus-wifi-backlog-") as folder:
        worked_off(folder, asked.campuses, asked.days, asked.speed)


if __name__ == "__main__":
    main()
