"""Judging one campus-slot: 100 access points, 5 agents, one report a minute. `python -m tests.bench.judge`.

Prints the median CPU milliseconds of a slot, judged alone and within a school day's batch, and the limit.
"""

import datetime
import statistics
import time

from collector.evaluate import Context, evaluate_slots
from collector.hours import Hours
from collector.inventory import AccessPoint, Campus, Inventory
from collector.policy import baseline
from tests.evidence import GOOD_PATH, agent_id, placed, report

LIMIT_MS = 1.0
ACCESS_POINTS = [f"02:00:00:00:01:{n:02x}" for n in range(100)]
AGENTS = "abcde"
SLOTS = 78
"""Six and a half hours of class."""
BEGIN = 1772550000
ROUNDS = 9


def _evidence():
    """Each access point is watched by two of the five agents, as the plan spreads them."""
    made = []
    for number, agent in enumerate(AGENTS):
        mine = {ap: (3, 3) for n, ap in enumerate(ACCESS_POINTS) if number in (n % 5, (n + 1) % 5)}
        for minute in range(SLOTS * 5):
            one = report(agent, BEGIN + 60.0 * minute, reach=mine, path=GOOD_PATH, seq=minute + 1)
            made.append(placed(one, f"c/A/{number}"))
    return made


def _cpu_ms(function) -> float:
    begin = time.process_time()
    function()
    return (time.process_time() - begin) * 1e3


def main() -> None:
    campus = Campus("c", "C", timezone="UTC")
    points = tuple(AccessPoint(ap, "c", ap, "10.0.0.1") for ap in ACCESS_POINTS)
    inventory = Inventory({"c": campus}, {"c": points})
    known = frozenset((agent_id(agent), ap) for agent in AGENTS for ap in ACCESS_POINTS)
    agents = tuple((agent_id(agent), f"c/A/{n}", 0.0, None) for n, agent in enumerate(AGENTS))
    context = Context(ever_answered=known, agents=agents)
    slots = [BEGIN + 300 * n for n in range(SLOTS)]
    day = datetime.datetime.fromtimestamp(BEGIN, datetime.UTC).date()
    policy, hours, evidence = baseline(), Hours(always=True), _evidence()
    first = [one for one in evidence if one.start_at < BEGIN + 300]

    def judge(wanted, given):
        verdicts = evaluate_slots(policy, inventory, hours, "c", day, wanted, given, context)
        assert {one.verdict for one in verdicts.values()} == {"met"}

    alone = statistics.median(_cpu_ms(lambda: judge(slots[:1], first)) for _ in range(ROUNDS))
    batch = statistics.median(_cpu_ms(lambda: judge(slots, evidence)) for _ in range(ROUNDS)) / SLOTS
    held = "held" if max(alone, batch) <= LIMIT_MS else "MISSED"
    print(f"campus-slot, 100 access points, 5 agents: alone {alone:.2f} ms CPU, in a day's batch {batch:.2f} ms CPU")
    print(f"limit {LIMIT_MS:.2f} ms: {held} (medians of {ROUNDS})")


if __name__ == "__main__":
    main()
