"""Finds the lab's kernel: User-Mode Linux with mac80211_hwsim, an ordinary program that boots in two seconds.

Looked for in ``$CAMPUS_WIFI_LAB_KERNEL``, beside the clone (``../shared/wifi-lab/uml-linux``), then where
``tests/lab/build-kernel`` leaves it (``$CAMPUS_WIFI_LAB_DIR``, by default ``~/.cache/campus-wifi-lab``).
"""

import functools
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Each by the name of its Debian package.
PROGRAMS = {
    "iw": "iw",
    "hostapd": "hostapd",
    "wpa_supplicant": "wpasupplicant",
    "dnsmasq": "dnsmasq-base",
    "busybox": "busybox-static",
    "tc": "iproute2",
    "tcpdump": "tcpdump",
}


REGULATORY = Path("/lib/firmware/regulatory.db")


@functools.cache
def find() -> Path | None:
    """The first kernel that boots on this machine, or None."""
    cache = Path(os.environ.get("CAMPUS_WIFI_LAB_DIR") or Path.home() / ".cache" / "campus-wifi-lab")
    given = os.environ.get("CAMPUS_WIFI_LAB_KERNEL")
    places = [ROOT.parent / "shared" / "wifi-lab" / "uml-linux", cache / "uml-linux"]
    return next((place for place in ([Path(given)] if given else places) if _boots(place)), None)


def _boots(kernel: Path) -> bool:
    """A kernel built for processors with fewer registers dies at its first process on one that has more (AMX)."""
    if not os.access(kernel, os.X_OK):
        return False
    settings = ("mem=64M", "rootfstype=hostfs", "rootflags=/", "ro", "init=/bin/true", "con=null", "con0=null,fd:1")
    try:
        booted = subprocess.run(
            [kernel, *settings], stdin=subprocess.DEVNULL, capture_output=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    # `true` ended well, and a kernel without its first process stops.
    return b"exitcode=0x00000000" in booted.stdout


def need() -> Path:
    """The kernel, or the test skips and says how to get it."""
    kernel = find()
    if kernel is None:
        pytest.skip("no lab kernel: run tests/lab/build-kernel once (about 8 minutes), or set CAMPUS_WIFI_LAB_KERNEL")
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    missing = [] if REGULATORY.exists() else ["wireless-regdb"]
    missing += [package for program, package in PROGRAMS.items() if shutil.which(program, path=path) is None]
    if missing:
        pytest.skip(f"the lab needs Debian's {' '.join(missing)}: run tests/run as root")
    return kernel


if __name__ == "__main__":
    sys.exit(0 if find() else "no kernel that boots here")
