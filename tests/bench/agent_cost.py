"""What a running agent costs: resident memory and CPU of `wifi-agent run --role all` at 100 access points a minute.

    python -m tests.bench.agent_cost [--minutes 3]

The access points are addresses in a network namespace behind a veth (needs root; else addresses on loopback, said so).
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from agent import wire
from tests.agent.doubles import CollectorDouble
from tests.segment import Segment

ACCESS_POINTS = 100
RESIDENT_LIMIT_MIB = 56
CPU_LIMIT = 0.01


class District(CollectorDouble):
    """A collector that asks for a hundred access points a minute."""

    def __init__(self, addresses: list[str]) -> None:
        self.addresses = addresses
        super().__init__(report_seconds=60)

    def document(self, agent: str) -> wire.Plan:
        plan = super().document(agent)
        plan.access_points = [wire.PlanTarget(f"ap-{n}", address) for n, address in enumerate(self.addresses)]
        plan.reach_count, plan.reach_interval_seconds = 3, 1.0
        plan.paths = [
            wire.PathTarget("gateway", "gateway", self.addresses[0]),
            wire.PathTarget("collector", "collector", method="tcp"),
        ]
        return plan


@contextlib.contextmanager
def addresses() -> Iterator[tuple[list[str], str]]:
    if os.geteuid() != 0:
        yield [f"127.0.1.{n}" for n in range(1, ACCESS_POINTS + 1)], "loopback"
        return
    with contextlib.closing(Segment(ACCESS_POINTS, prefix=94)) as segment:
        yield segment.addresses, "a veth"


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mib(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def measure(minutes: float) -> tuple[float, float, float, int]:
    """Resident MiB at the end and at most, CPU share after the first half minute, reports taken."""
    with addresses() as (targets, where), tempfile.TemporaryDirectory() as folder:
        double = District(targets)
        environment = {
            **os.environ,
            "CAMPUS_WIFI_AGENT_DATA_DIR": folder,
            "CAMPUS_WIFI_AGENT_METRICS_PORT": "0",
            "CAMPUS_WIFI_AGENT_JOIN": double.join(),
        }
        command = [sys.executable, "-m", "agent.cli"]
        subprocess.run([*command, "enroll", "--no-wait"], env=environment, check=True, stdout=subprocess.DEVNULL)
        print(f"{len(targets)} access points on {where}, {minutes:g} minutes", flush=True)
        agent = subprocess.Popen([*command, "run"], env=environment)
        try:
            time.sleep(30)  # starting is once in a device's life, and is not what is asked here
            began, cpu, most = time.monotonic(), cpu_seconds(agent.pid), 0.0
            while time.monotonic() - began < minutes * 60:
                time.sleep(1)
                most = max(most, resident_mib(agent.pid))
            share = (cpu_seconds(agent.pid) - cpu) / (time.monotonic() - began)
            return resident_mib(agent.pid), most, share, double.accepted
        finally:
            agent.terminate()
            agent.wait(60)
            double.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=3.0)
    resident, most, share, reports = measure(parser.parse_args().minutes)
    print(f"resident {resident:.1f} MiB (most {most:.1f}; limit {RESIDENT_LIMIT_MIB})")
    print(f"CPU      {share:.2%} of one core (limit {CPU_LIMIT:.0%})")
    print(f"reports  {reports} taken by the collector")
    return 0 if most <= RESIDENT_LIMIT_MIB and share <= CPU_LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
