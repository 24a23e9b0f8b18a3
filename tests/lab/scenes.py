"""The lab's scenes by name. Each runs in the guest: builds a school, does something to it, returns what was seen.

``python -m tests.lab.scenes NAME`` writes ``/lab/result.json``; tests/lab/test_scenes.py boots one guest for each scene
and asserts the verdict and the cause against what the scene did.
"""

import json
import os
import shutil
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.e2e.programs import until
from tests.lab import held
from tests.lab.air import AccessPoint, run
from tests.lab.crowd import CLIENTS
from tests.lab.world import LISTEN_RADIO, SLOT_SECONDS, World

OUT = Path("/lab")
Seen = dict[str, Any]


def good_room(world: World) -> Seen:
    """Two access points, both strong."""
    _two(world)
    return _teach(world)


def weak_room(world: World) -> Seen:
    """Both access points are heard at -75 dBm and below."""
    first, second = _two(world)
    first.heard_at(-75)
    second.heard_at(-80)
    return _teach(world)


def noisy_room(world: World) -> Seen:
    """The access points claim 200/255 of their channel busy, and 3 % of packets are lost."""
    for one in _two(world, bss_load=200):
        one.delay("loss", "3%")
    return _teach(world)


def access_point_dies(world: World) -> Seen:
    """In the middle of a lesson one access point goes: no answer and no beacon."""
    first, second = _two(world)
    seen = _teach(world)
    at = time.time()
    second.die()
    world.unplug(second)
    return seen | {"died": second.bssid, "after": world.judged_after(at + SLOT_SECONDS, 2), "still": first.bssid}


def wrong_password(world: World) -> Seen:
    """The access point has another passphrase than the device."""
    first, _ = _two(world)
    first.passphrase = "anotherpassword"
    first.restart()
    return _join(world)


def dhcp_silent(world: World) -> Seen:
    """Nobody hands out addresses."""
    first, _ = _two(world)
    first.stop("dhcp")
    return _join(world)


def dns_slow(world: World) -> Seen:
    """Each name takes six seconds: longer than a device's resolver waits."""
    first, _ = _two(world)
    first.stop("dns")
    first.serve_dns(slow_seconds=6.0)
    return _join(world)


def captive_portal(world: World) -> Seen:
    """Whatever page is asked, a page of terms comes with status 200."""
    first, _ = _two(world)
    first.stop("page")
    first.serve_page("portal")
    return _join(world)


def expired_certificate(world: World) -> Seen:
    """802.1X, and the server's certificate ran out yesterday."""
    first = world.access_point(2, channel=36, security="eap")
    first.certificate_days = (-30, -1)
    world.start()
    _services(first)
    return _join(world)


def roam(world: World) -> Seen:
    """The listening radio is connected and changes to the other access point."""
    first, second = _two(world)
    here = world.connect_listener()
    until(lambda: any(row["bssid"] for row in world.rows("link")), 120, "the link is measured")
    at = time.time()
    there = second.bssid if here == first.bssid else first.bssid
    world.listener_says("roam", there)
    until(lambda: world.connected_to() == there, 60, "the radio has roamed")
    until(lambda: [row for row in world.rows("link", at) if row["bssid"] == there], 120, "the roam is measured")
    return {"from": here, "to": there, "link": world.rows("link")} | _judged(world, at)


def crowd(world: World) -> Seen:
    """Ten thousand clients talk while the agent scans, then while it listens in monitor mode. Everything that agent and
    collector keep, log, export or send on is left in ``/lab/held``."""
    seed = int.from_bytes(os.urandom(4), "big")
    with held.receiver(REMOTE_WRITE) as written:
        first, _ = _two(world)
        ear = _monitors(world, _SPARE_RADIO, first)
        say = [sys.executable, "-m", "tests.lab.crowd"]
        world.programs.start("hear-scan", *say, "hear", ear, str(seed), namespace="room")
        world.programs.start("send", *say, "send", "loud", str(seed), first.bssid.replace(":", ""), "36")
        scanned = _heard_by(world, "scan")
        world.programs.stop("hear-scan")
        world.programs.stop("prober")
        run("ip", "link", "set", world.listener, "down", namespace="room")
        world.listener = ear
        world.write_agents()
        world.programs.start("hear-monitor", *say, "hear", ear, str(seed), namespace="room")
        world.start_agent("prober")
        listened = _heard_by(world, "monitor")
        metrics = held.metrics(world)
        world.programs.stop("send")
        judged = world.judged_after(time.time() - world.slot_seconds, 1)
        exports = {
            f"commitment.{kind}": world.collector("commitment", "--why", f"--{kind}") for kind in ("json", "csv")
        }
        for role in world.roles[::-1]:
            world.programs.stop(role)
        held.drained(world)
        world.programs.stop("collector")
    held.hold(world, OUT / "held", metrics | exports, written)
    return {
        "seed": seed, "bssid": first.bssid, "heard": {"scan": scanned, "monitor": listened}, "slots": judged,
        "rounds": int(world.programs.log("send").split()[-1]),
    }  # fmt: skip


SCENES: dict[str, Callable[[World], Seen]] = {
    one.__name__: one
    for one in (
        good_room, weak_room, noisy_room, access_point_dies, wrong_password, dhcp_silent, dns_slow, captive_portal,
        expired_certificate, roam, crowd,
    )
}  # fmt: skip


# Where the school has a receiver of remote write, and the radio that is nobody's.
REMOTE_WRITE = "http://10.20.0.3:9091/write"
_SPARE_RADIO = 4
# Long enough for what breaks to be broken and for one try to join after it, on a busy machine too.
_DAY_ENDS = dict.fromkeys(("wrong_password", "dns_slow", "captive_portal", "expired_certificate"), 100.0) | {
    "dhcp_silent": 140.0
}


def _two(world: World, bss_load: int = 30) -> tuple[AccessPoint, AccessPoint]:
    first, second = world.access_point(2, channel=36), world.access_point(3, channel=44)
    first.bss_load = second.bss_load = bss_load
    world.start()
    for one in (first, second):
        one.heard_at(-40)
        _services(one)
    return first, second


def _services(one: AccessPoint) -> None:
    one.serve_dhcp()
    one.serve_dns()
    one.serve_page()


def _teach(world: World) -> Seen:
    """What is judged from now on, with the measurements it rests on."""
    at = time.time()
    return _judged(world, at) | {kind: world.rows(kind, at) for kind in ("airspace", "channels", "join")}


def _judged(world: World, at: float) -> Seen:
    return {"slots": world.judged_after(at + 5, 2), "commitment": json.loads(world.collector("commitment", "--json"))}


def _join(world: World) -> Seen:
    """The tries to join that began after the scene was set."""
    at = time.time()
    until(lambda: [row for row in world.rows("join", at) if row["at"] - row["duration_seconds"] > at], 180, "a try")
    tries = [row for row in world.rows("join", at) if row["at"] - row["duration_seconds"] > at]
    return {"join": tries, "day": world.school_day(), "slots": world.slots()}


def _monitors(world: World, sender: int, beside: AccessPoint) -> str:
    """A spare radio that sends, and a second interface of the listening radio that hears all it hears; its name."""
    channel = str(5000 + 5 * beside.channel)
    run("iw", "phy", f"phy{sender}", "interface", "add", "loud", "type", "monitor")
    run("ip", "link", "set", "loud", "up")
    run("iw", "dev", "loud", "set", "freq", channel)
    run("iw", "phy", f"phy{LISTEN_RADIO}", "interface", "add", "ear", "type", "monitor", namespace="room")
    # A radio's channel can be chosen only while its other interface is down.
    run("ip", "link", "set", world.listener, "down", namespace="room")
    run("ip", "link", "set", "ear", "up", namespace="room")
    run("iw", "dev", "ear", "set", "freq", channel, namespace="room")
    run("ip", "link", "set", world.listener, "up", namespace="room")
    return "ear"


def _heard_by(world: World, source: str) -> Seen:
    """Waits until the agent has listened twice this way its own radio has heard every client, and it has counted
    hotspots among them: those went through its hands."""
    at = time.time()

    def look() -> Seen:
        heard = (world.programs.log(f"hear-{source}").split() or ["0"])[-1]
        turns = {row["at"] for row in world.rows("airspace", at) if row["source"] == source}
        counted = max((row["foreign_bss"] for row in world.rows("channels", at)), default=0)
        found = {"clients": int(heard), "turns": len(turns), "hotspots": counted}
        return found if int(heard) == CLIENTS and len(turns) >= 2 and counted else {}

    try:
        return until(look, 240, f"the agent listens by {source} while its radio hears everybody")
    except AssertionError as late:
        heard = (world.programs.log(f"hear-{source}").split() or ["0"])[-1]
        not_run = {f"{n.probe}: {n.reason}" for report in world.reports() for n in report.not_run}
        raise AssertionError(f"{late}; heard {heard}, rounds {world.programs.log('send').split()}; {not_run}") from None


def main(name: str) -> int:
    folder = Path("/tmp/lab-world")
    folder.mkdir()
    world = World(
        folder,
        day_ends_in_seconds=_DAY_ENDS.get(name, 6 * 3600),
        remote_write_url=REMOTE_WRITE if name == "crowd" else "",
    )
    try:
        result: Seen = {"scene": name, "seen": SCENES[name](world)}
    except Exception:
        result = {"scene": name, "fault": traceback.format_exc()}
    finally:
        world.close()
    logs = OUT / "logs"
    logs.mkdir(exist_ok=True)
    for log in folder.glob("*.log"):
        shutil.copy(log, logs)
    (OUT / "result.new").write_text(json.dumps(result))
    (OUT / "result.new").rename(OUT / "result.json")
    return "fault" in result


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
