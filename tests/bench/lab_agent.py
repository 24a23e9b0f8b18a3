"""What an agent with every probe on costs for half an hour: memory, its growth, and CPU, at the normal cadence.

    python -m tests.bench.lab_agent [--minutes 30] [--demonstration]

Boots the lab (tests/lab, needs root): two access points, a collector, and `wifi-agent run --role all` with a radio that
is connected and listens, a radio that joins, leased throughput tests, and reports of 60 s. The device's key is one
whose phases bring the rare probes (a join each quarter of an hour, a throughput test each hour) within the first
minutes, so that growth is what repeats and not what is loaded once. ``--demonstration`` joins each half minute and
tests throughput each minute instead: a search for leaks, not a figure of the cadence. CPU is of the guest, whose system
calls cost many times a real kernel's.
"""

import argparse
import contextlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

from agent import enroll
from agent.identity import Identity, write_durably
from agent.schedule import phase
from collector.agents.plans import JOIN_SECONDS, THROUGHPUT_SECONDS
from tests.bench.agent_cost import cpu_seconds, resident_mib
from tests.lab.machine import Lab
from tests.lab.world import World

RESIDENT_LIMIT_MIB = 80
GROWTH_LIMIT_MIB = 1.0
CPU_LIMIT = 0.03
SETTLED_MINUTES = 5
# From before the collector's start to the first turn of a rare probe.
EARLY_SECONDS = (150.0, 270.0)
KINDS = ("reach", "path", "host", "airspace", "channels", "link", "join", "throughput")
OUT = Path("/lab")


class Sample(NamedTuple):
    """``helper_cpu_seconds``: of processes that the agent started and that ended; ``helper_mib``: of those, the most
    seen at once in this minute."""

    minute: int
    resident_mib: float
    cpu_seconds: float
    helper_cpu_seconds: float
    helper_mib: float
    files: int
    threads: int


def early_key(path: Path) -> None:
    """Writes a key whose rare probes are due soon."""
    low, high = EARLY_SECONDS
    now = time.time()
    while True:
        seed = os.urandom(32)
        agent = Identity.from_seed(seed).id
        rare = (("join", JOIN_SECONDS), ("throughput", THROUGHPUT_SECONDS))
        if all(low <= (phase(agent, job, every) - now) % every <= high for job, every in rare):
            write_durably(path, seed)
            return


def helpers_mib(pid: int) -> float:
    """What the processes that it has started hold now."""
    found = 0.0
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # gone in between
            if int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1]) == pid:
                found += resident_mib(int(folder.name))
    return found


def sample(pid: int, minute: int, helper_mib: float) -> Sample:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    helpers = (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")
    files = len(list(Path(f"/proc/{pid}/fd").iterdir()))
    return Sample(minute, resident_mib(pid), cpu_seconds(pid), helpers, helper_mib, files, int(fields[17]))


def inside(minutes: int, demonstration: bool) -> None:
    """In the guest: each minute's line, then what was measured."""
    folder = Path("/tmp/lab-world")
    folder.mkdir()
    world = World(folder, roles=("all",), report_seconds=60, demonstration=demonstration)
    try:
        for radio, channel in ((2, 36), (3, 44)):
            world.access_point(radio, channel=channel).bss_load = 30
        (folder / "agent").mkdir()
        early_key(folder / "agent" / enroll.IDENTITY)
        world.start()
        for one in world.access_points:
            one.serve_dhcp()
            one.serve_dns()
            one.serve_page()
        world.connect_listener()
        pid, began, most = world.programs.pid("all"), time.time(), 0.0
        samples: list[Sample] = []
        for second in range(minutes * 60 + 1):
            time.sleep(max(0.0, began + second - time.time()))
            most = max(most, helpers_mib(pid))
            if second % 60 == 0:
                samples.append(sample(pid, second // 60, most))
                _tell(f"minute-{second // 60}", samples[-1])
                most = 0.0
        time.sleep(70)  # until the last minute's report has come
        first = {kind: min((row["at"] for row in world.rows(kind)), default=None) for kind in KINDS}
        _tell(
            "result.json",
            {
                "samples": samples,
                "rows": {kind: len(world.rows(kind)) for kind in KINDS},
                "ok": {kind: sum(row["outcome"] == "ok" for row in world.rows(kind)) for kind in KINDS},
                "first_minute": {kind: at and (at - began) / 60 for kind, at in first.items()},
                "not_run": sorted({f"{n.probe}: {n.reason}" for r in world.reports() for n in r.not_run or ()}),
                "alive": world.programs.alive("all"),
                "log": world.programs.log("all")[-3000:],
            },
        )
    finally:
        world.close()


def _tell(name: str, what: Any) -> None:
    (OUT / "new").write_text(json.dumps(what))
    (OUT / "new").rename(OUT / name)


def outside(minutes: int, demonstration: bool) -> int:
    options = ["--demonstration"] if demonstration else []
    with Lab("-m", "tests.bench.lab_agent", "--inside", "--minutes", str(minutes), *options, radios=4) as lab:
        print("minute  resident MiB  CPU s  helpers' CPU s  helpers' MiB  files  threads", flush=True)
        for minute in range(minutes + 1):
            one = Sample(*json.loads(lab.wait_for(f"minute-{minute}", 300)))
            print(
                f"{one.minute:6}  {one.resident_mib:12.2f}  {one.cpu_seconds:5.1f}  {one.helper_cpu_seconds:14.2f}"
                f"  {one.helper_mib:12.1f}  {one.files:5}  {one.threads:7}",
                flush=True,
            )
        return judge(json.loads(lab.wait_for("result.json", 300)))


def judge(result: dict[str, Any]) -> int:
    """Prints what was measured and says whether it keeps within the limits."""
    samples = [Sample(*one) for one in result["samples"]]
    for kind in KINDS:
        first = result["first_minute"][kind]
        when = f"first in minute {first:.1f}" if first is not None else "never"
        print(f"  {kind:10} {result['rows'][kind]:5} rows, {result['ok'][kind]:5} ok, {when}")
    for line in result["not_run"]:
        print(f"  did not run: {line}")
    silent = [kind for kind in KINDS if not result["rows"][kind]]
    first = max((at for at in result["first_minute"].values() if at is not None), default=0.0)
    settled = next((one for one in samples if one.minute >= max(SETTLED_MINUTES, first)), samples[-1])
    last, most = samples[-1], max(one.resident_mib for one in samples)
    growth = last.resident_mib - settled.resident_mib
    seconds = 60 * (last.minute - samples[1].minute)
    share = (last.cpu_seconds - samples[1].cpu_seconds) / seconds
    helpers = (last.helper_cpu_seconds - samples[1].helper_cpu_seconds) / seconds
    print(f"resident {most:.1f} MiB at most (limit {RESIDENT_LIMIT_MIB})")
    print(f"growth   {growth:+.2f} MiB from minute {settled.minute} to {last.minute} (limit {GROWTH_LIMIT_MIB:g})")
    print(f"CPU      {share:.2%} of the guest's core from minute 1 on (limit {CPU_LIMIT:.0%}); helpers {helpers:.2%}")
    if silent or not result["alive"]:
        print(f"FAULT    silent: {', '.join(silent) or 'none'}; the agent lives: {result['alive']}\n{result['log']}")
    good = most <= RESIDENT_LIMIT_MIB and growth <= GROWTH_LIMIT_MIB and share <= CPU_LIMIT
    return 0 if good and not silent and result["alive"] else 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=int, default=30)
    parser.add_argument("--demonstration", action="store_true")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.inside:
        inside(args.minutes, args.demonstration)
        return 0
    return outside(args.minutes, args.demonstration)


if __name__ == "__main__":
    sys.exit(main())
