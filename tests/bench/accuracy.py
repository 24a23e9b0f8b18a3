"""Every figure of the agent beside a reference that measured the same, in the lab's guest kernel.

    python -m tests.bench.accuracy [--only echo|throughput|signal|join]

echo: netem's count, tcpdump, the far end's TCP_INFO. throughput: iperf3 and fping (tests/bench/throughput.py). signal:
iw, and monitor mode. join: wpa_supplicant's debug log and tcpdump. `off` is how far ours lies from the reference in the
same run: the median of all runs, and the worst. Status 1 where a median misses its target.

Run it on a machine that does nothing else: throughput needs a core for each end. The head of each part says how busy
the machine was when it began.
"""

import argparse
import os
import sys

import msgspec

from tests.bench import throughput
from tests.lab import kernel
from tests.lab.accuracy import PARTS, Result
from tests.lab.accuracy_figure import HEADER, Figure
from tests.lab.machine import Lab

NAMES = ("echo", "throughput", "signal", "join")
_WITHIN_SECONDS = 600


def measure(part: str) -> list[Figure]:
    if part == "throughput":
        return throughput.measure()
    with Lab("-m", "tests.lab.accuracy", part, radios=max(PARTS[part][0], 1)) as lab:
        result = msgspec.json.decode(lab.wait_for("result.json", _WITHIN_SECONDS), type=Result)
    if result.fault:
        sys.exit(f"{part}:\n{result.fault}")
    return result.figures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=NAMES)
    only = parser.parse_args().only
    if kernel.find() is None:
        sys.exit("no kernel that boots here: run tests/lab/build-kernel once, or set CAMPUS_WIFI_LAB_KERNEL")
    missed = 0
    for part in [only] if only else NAMES:
        print(f"{part} (load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores)\n{HEADER}", flush=True)
        for figure in measure(part):
            print(figure.line(), flush=True)
            missed += not figure.holds
    print(f"{missed} missed" if missed else "every figure holds")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
