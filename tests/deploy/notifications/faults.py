"""Seeded faults: what happens at a district, slot by slot, told as the collector tells it on ``/metrics``.

A campus's state of a slot is scripted; what follows from it for the district (a shared line, a monitor that suspects
itself) is the judge's own work, and the text is the collector's own.
"""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from collector.inventory import Campus, Inventory
from collector.judgement import causes
from collector.judgement.evaluate import SlotVerdict
from collector.metrics.expose import CampusBlock, CampusNow

SLOT_SECONDS = 5
"""A slot of five minutes, sixty times faster. All that is configured in time is divided by as much."""
SHARE = 0.95
AGENTS = 2
LONG_AGO = -300


@dataclass(frozen=True)
class State:
    """A campus in one slot: what the agents would find, and whether somebody has class."""

    down: int = 0
    silent_agents: int = 0
    cause: str = ""
    in_class: bool = True


OK = State()
AWAY = State(in_class=False)
Script = Callable[[int], State]
"""Slot number to state; the scene's first slot is 0."""


def during(first: int, last: int, state: State, otherwise: State = OK) -> Script:
    return lambda slot: state if first <= slot <= last else otherwise


@dataclass(frozen=True)
class Site:
    """One campus of a scene. ``bell``: the slot in which its next school day begins."""

    id: str
    region: str
    script: Script
    access_points: int = 4
    uplink: str = ""
    bell: int | None = None


@dataclass
class District:
    """``text``: what the collector says at an instant. What it says of a slot it says in the next one."""

    sites: list[Site]
    began_at: float = float("inf")
    _block: CampusBlock = field(default_factory=CampusBlock)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def text(self, now: float) -> bytes:
        """Before the scene begins it is what it was long ago."""
        with self._lock:
            current = self._slot(now)
            self._block.show(self._campuses(current, now), 0.95, now - now % SLOT_SECONDS)
            return self._block.text()

    def _slot(self, now: float) -> int:
        return LONG_AGO if now < self.began_at else int((now - self.began_at) // SLOT_SECONDS)

    def _campuses(self, current: int, now: float) -> Iterator[CampusNow]:
        judged = current - 1
        verdicts = self._judged(judged)
        before = {name: one.verdict for name, one in self._judged(judged - 1).items()}
        found = causes.district(verdicts, self._inventory(), before)
        for site in self.sites:
            one = verdicts[site.id]
            state = site.script(judged)
            bell = None if site.bell is None else self.began_at + site.bell * SLOT_SECONDS
            if bell == float("inf"):
                bell = None
            looked = state.in_class or (bell is not None and now < bell)
            yield CampusNow(
                campus=site.id,
                name=f"Campus {site.id}",
                region=site.region,
                uplink=site.uplink,
                in_class=state.in_class,
                verdict=one.verdict,
                cause=found.get(site.id, (one.cause, ""))[0] if looked else "",
                access_points=one.access_points if looked and not self._is_cut(state) else {},
                agents={(f"{site.id}-{n}", f"{site.id}/A/{n}"): self._reported(site, n, now) for n in range(AGENTS)},
                first_bell=bell if bell is not None and now < bell else None,
            )

    def _judged(self, slot: int) -> dict[str, SlotVerdict]:
        found = {}
        for site in self.sites:
            state = site.script(slot)
            up = site.access_points - state.down
            points = {f"{site.id}-ap{n}": "down" if n >= up else "up" for n in range(site.access_points)}
            verdict, cause = "met", state.cause
            if self._is_cut(state):
                verdict, cause = "unknown", causes.CAMPUS_CUT_OFF
            elif state.cause or up < SHARE * site.access_points:
                verdict, cause = "short", state.cause or causes.ACCESS_POINT_DOWN
            if not state.in_class:
                verdict = "no_class"
            found[site.id] = SlotVerdict(slot, verdict, SLOT_SECONDS, (), cause, "", points)
        return found

    def _inventory(self) -> Inventory:
        campuses = {one.id: Campus(one.id, one.id, region=one.region, uplink=one.uplink) for one in self.sites}
        return Inventory(campuses, {}, {})

    @staticmethod
    def _is_cut(state: State) -> bool:
        return state.silent_agents == AGENTS

    def _reported(self, site: Site, agent: int, now: float) -> float:
        """When the agent's last report came: now, or when the slot began in which it fell silent."""
        slot = self._slot(now)
        if agent >= site.script(slot).silent_agents:
            return now // 1
        if slot == LONG_AGO:
            return now - 86400
        while slot > LONG_AGO and agent < site.script(slot - 1).silent_agents:
            slot -= 1
        return self.began_at + slot * SLOT_SECONDS


def healthy(count: int, region: str = "elsewhere", script: Script = lambda _: OK) -> list[Site]:
    return [Site(f"{region}-{number}", region, script) for number in range(count)]


BELL = 20
CUT = State(silent_agents=AGENTS)
DARK = State(silent_agents=AGENTS, in_class=False)


def _behind(number: int) -> Script:
    """A cut of eight slots, from which half of the campuses come back a slot later than the others."""
    return during(2, 9 + number % 2, CUT)


def _before_class(state: State) -> Script:
    """Broken since the night, and still so in class."""
    dark = State(state.down, state.silent_agents, "", in_class=False)
    return lambda slot: dark if slot < BELL else state


# A district each, with the faults that happen in it at once: each in a region of its own, by which the table is read.
SCENES: dict[str, tuple[list[Site], int]] = {
    "a school day": (
        [
            *healthy(60),
            Site("a1", "one access point of forty", during(2, 9, State(down=1)), access_points=40),
            Site("b1", "a closet of forty access points", during(2, 9, State(down=40)), access_points=100),
            *[Site(f"c{n}", "a fibre cut to forty campuses", _behind(n), uplink="fibre-7") for n in range(40)],
            Site("d1", "one campus cut off", during(2, 9, CUT)),
            Site("e1", "one agent silent", during(2, 9, State(silent_agents=1))),
            Site("f1", "short for two slots", during(2, 3, State(down=40)), access_points=100),
        ],
        16,
    ),
    "a target of the whole district fails": (
        healthy(50, "district", during(2, 9, State(cause=causes.INTERNET))), 16,
    ),
    "nothing of any agent arrives": (healthy(50, "district", during(2, 9, CUT)), 16),
    "Monday at eight": (
        [
            *[Site(f"m{n}", "whole", lambda slot: OK if slot >= BELL else AWAY, bell=BELL) for n in range(20)],
            Site("n1", "broken", _before_class(State(down=2)), access_points=40, bell=BELL),
            Site("n2", "broken", _before_class(State(silent_agents=1)), bell=BELL),
            Site("n3", "broken", _before_class(CUT), bell=BELL),
            Site("n4", "broken", _before_class(State(down=40)), access_points=100, bell=BELL),
        ],
        BELL + 8,
    ),
    "summer": (
        [
            *healthy(20, "whole", lambda _: AWAY),
            Site("s1", "quiet", during(2, 99, State(down=3, in_class=False), AWAY)),
            *[
                Site(f"s{n}", "quiet", during(2, 99, DARK, AWAY), uplink="u")
                for n in range(2, 12)
            ],
        ],
        24,
    ),
    "fifty campuses come back with a backlog": (
        # Cut off through the night, the line mended before the bell: their backlog arrives while class goes on.
        [
            *healthy(60, script=lambda slot: OK if slot >= BELL else AWAY),
            *[Site(f"r{n}", "back", lambda slot: OK if slot >= BELL else DARK) for n in range(50)],
        ],
        BELL + 8,
    ),
}  # fmt: skip
