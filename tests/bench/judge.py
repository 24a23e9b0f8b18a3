"""The judge's speed. `python -m tests.bench.judge [--campuses N] [--days N] [--only slot|month|others] [--form joined]`

Prints, as medians: a campus-slot with 100 access points and 5 agents in milliseconds of CPU, and a month of 40 such
campuses judged again from its evidence, as it landed and as it stands joined a day later (the limit's case), with the
district of 1,000 as an extrapolation; beside each stands its limit.
Then it runs what measures the rest of an answer: tests.bench.commitment (a month over the ledger rows of 1,000
campuses) and tests.bench.at_rest (bytes a sample that evidence takes).
"""

import argparse
import datetime
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from collector.inventory import AccessPoint, Campus, Inventory
from collector.judgement.day_record import DayRecord
from collector.judgement.evaluate import Context, evaluate_slots
from collector.judgement.judge import Judge
from collector.policies.policy import baseline
from collector.school_time.hours import Hours
from collector.store import Store, ledger
from tests.bench import joined_month
from tests.bench import judged_month as month
from tests.evidence import GOOD_PATH, agent_id, placed, report

SLOT_LIMIT_MS = 1.0
MONTH_LIMIT_SECONDS = 60.0
DISTRICT = 1000
BEGIN = 1772550000
ROUNDS = 9
FORMS = {"landed": month, "joined": joined_month}
NOW = month.at(month.MONTH[-1] + datetime.timedelta(days=2), datetime.time())


def held(value, limit):
    return "held" if value <= limit else "MISSED"


def _evidence():
    """Each access point is watched by two of the five agents, as the plan spreads them."""
    made = []
    for number, agent in enumerate(month.AGENTS):
        mine = dict.fromkeys(month.watched(0, number), (3, 3))
        for minute in range(month.CLASS_SLOTS * 5):
            one = report(agent, BEGIN + 60.0 * minute, reach=mine, path=GOOD_PATH, seq=minute + 1)
            made.append(placed(one, f"c/A/{number}"))
    return made


def _cpu_ms(function):
    begin = time.process_time()
    function()
    return (time.process_time() - begin) * 1e3


def slot():
    """A campus-slot, judged alone and within a school day's batch."""
    campus = Campus("c", "C", timezone="UTC")
    aps = month.access_points(0)
    inventory = Inventory({"c": campus}, {"c": tuple(AccessPoint(ap, "c", ap, "10.0.0.1") for ap in aps)})
    known = frozenset((agent_id(agent), ap) for agent in month.AGENTS for ap in aps)
    agents = tuple((agent_id(agent), f"c/A/{n}", 0.0, None) for n, agent in enumerate(month.AGENTS))
    context = Context(ever_answered=known, agents=agents)
    slots = [BEGIN + 300 * n for n in range(month.CLASS_SLOTS)]
    day = datetime.datetime.fromtimestamp(BEGIN, datetime.UTC).date()
    policy, hours, evidence = baseline(), Hours(always=True), _evidence()
    first = [one for one in evidence if one.start_at < BEGIN + 300]

    def judge(wanted, given):
        verdicts = evaluate_slots(policy, inventory, hours, "c", day, wanted, given, context)
        assert {one.verdict for one in verdicts.values()} == {"met"}

    alone = statistics.median(_cpu_ms(lambda: judge(slots[:1], first)) for _ in range(ROUNDS))
    batch = statistics.median(_cpu_ms(lambda: judge(slots, evidence)) for _ in range(ROUNDS)) / len(slots)
    print(
        f"campus-slot, 100 access points, 5 agents: alone {alone:.2f} ms CPU, in a day's batch {batch:.2f} ms CPU; "
        f"limit {SLOT_LIMIT_MS:.2f} ms: {held(max(alone, batch), SLOT_LIMIT_MS)} (medians of {ROUNDS})"
    )


def judged_again(form, folder, campuses, days, rounds):
    """A month's evidence, judged once to have a ledger, then again ``rounds`` times on all processors."""
    with Store(f"sqlite:///{folder}/evidence.db") as store:
        month.fill(store, campuses, NOW)
        with _bar(f"evidence made, {form}", len(days)) as shown:
            reports = FORMS[form].add_evidence(store, campuses, days, shown)
        judge = Judge(store, lambda: NOW)
        took = []
        for n in range(rounds + 1):
            before, begin = _cpu_seconds(), time.perf_counter()
            with _bar("judged" if n == 0 else "judged again", 1) as shown:
                done = judge.again(days[0], days[-1], None, "bench", progress=shown)
            took.append((time.perf_counter() - begin, _cpu_seconds() - before))
        assert done.changed == 0
        assert _all_met(store, campuses, days)
    wall, cpu = (statistics.median(column) for column in zip(*took[1:], strict=True))
    processors = len(os.sched_getaffinity(0))
    print(
        f"{form}: {len(days)} school days of {campuses} campuses ({done.campus_days} campus-days, {done.slots} slots, "
        f"{reports:,} reports) judged again: {wall:.1f} s wall, {cpu:.1f} s CPU on {processors} processors (load "
        f"{os.getloadavg()[0]:.1f}; median of {rounds}; the first time, into an empty ledger: {took[0][0]:.1f} s wall, "
        f"{took[0][1]:.1f} s CPU)"
    )
    if campuses == 40 and list(days) == month.SCHOOL_DAYS and form == "joined":
        print(f"limit {MONTH_LIMIT_SECONDS:.0f} s for the month of 40: {held(wall, MONTH_LIMIT_SECONDS)}")
    alike = DISTRICT / campuses * len(month.SCHOOL_DAYS) / len(days)
    print(
        f"extrapolated to {DISTRICT:,} campuses and {len(month.SCHOOL_DAYS)} school days: {wall * alike / 60:.0f} min"
    )


def _all_met(store, campuses, days):
    """Whether the ledger says of every slot in class that it is met: the evidence was there and was read."""
    with store.read() as connection:
        rows = ledger.newest_of_period(connection, days[0].isoformat(), days[-1].isoformat())
        records = [msgspec.json.decode(row.body, type=DayRecord) for row in rows if row.campus in month.names(campuses)]
    taught = [one for one in records if one.strip.count("m")]
    return len(taught) == campuses * len(days) and all(one.strip.count("m") == month.CLASS_SLOTS for one in taught)


def _cpu_seconds():
    """Of this process and of those that it has waited for: the judging processes end with each round."""
    return sum(
        used.ru_utime + used.ru_stime
        for used in (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    )


def _bar(what, whole):
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    task = bar.add_task(what, total=whole)

    class Shown:
        def __enter__(self):
            bar.start()
            return lambda done, total=whole: bar.update(task, completed=done, total=total)

        def __exit__(self, *_):
            bar.stop()

    return Shown()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--campuses", type=int, default=40)
    parser.add_argument("--days", type=int, default=len(month.SCHOOL_DAYS), help="school days of the month")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--form", choices=FORMS, help="evidence as it landed, or as it is joined after a day")
    parser.add_argument("--only", choices=("slot", "month", "others"))
    asked = parser.parse_args()
    if asked.only in (None, "slot"):
        slot()
    if asked.only in (None, "month"):
        for form in FORMS if asked.form is None else (asked.form,):
            with tempfile.TemporaryDirectory(prefix="campus-wifi-judge-") as made:
                judged_again(form, Path(made), asked.campuses, month.SCHOOL_DAYS[: asked.days], asked.rounds)
    for other in ("commitment", "at_rest") if asked.only in (None, "others") else ():
        subprocess.run([sys.executable, "-m", f"tests.bench.{other}"], check=True)


if __name__ == "__main__":
    main()
