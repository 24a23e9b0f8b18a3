"""The outside oracle: what must be true of a simulated period, worked out without a line of the product.

It reads what the simulator says was wrong, what people did, the lists, the bells, the calendar and the policy's text,
and does its own arithmetic. Nothing of `agent` or `collector` is imported, here or below.

A slot has a *truth* (could a class work, whatever anybody measured) and what can be *known* of it: met, short, unknown,
with the causes that may be named. A school day's verdict rests on tries a few times an hour, whose instants the oracle
does not know: where their number leaves it open, the day has several possible verdicts, and the period too.
"""

import dataclasses
import itertools
from pathlib import Path

from tests.month.told import SLOT, Stay, Told, is_of

JOIN_EVERY, TEST_EVERY = 900, 3600


@dataclasses.dataclass(frozen=True)
class Slot:
    """``known``: met, short or unknown; ``causes``: any of these may be named, empty where it is met."""

    begin: int
    seconds: int
    good: bool
    known: str
    causes: frozenset[str]


@dataclasses.dataclass(frozen=True)
class Answer:
    """``verdicts``: those the period may have, one where the oracle decides; ``days``: for each school day the verdicts
    it may have; ``day_causes``: what may be named where it is short; ``truth``: the share of class time in which a
    class could work; ``late``: slots whose evidence was held back for more than a day."""

    campus: str
    slots: tuple[Slot, ...]
    days: dict[str, frozenset[str]]
    day_causes: dict[str, frozenset[str]]
    verdicts: frozenset[str]
    truth: float
    late: frozenset[int]
    kinds: tuple[str, ...]

    def seconds(self, known: str) -> int:
        return sum(slot.seconds for slot in self.slots if slot.known == known)


class Oracle:
    def __init__(self, folder: Path) -> None:
        self._told = Told(folder)

    def answers(self) -> list[Answer]:
        known = {row["id"]: self._campus(row) for row in self._told.campuses}
        suspect = self._suspicious(known)
        found = []
        for row in self._told.campuses:
            slots = tuple(
                dataclasses.replace(one, causes=frozenset({"monitor_suspect"}))
                if one.begin in suspect and row["id"] in suspect[one.begin]
                else one
                for one in known[row["id"]]
            )
            found.append(self._answer(row["id"], slots))
        return found

    # --- slots -----------------------------------------------------------------------------------------------------

    def _campus(self, row: dict[str, str]) -> list[Slot]:
        return [
            self._slot(row["id"], slot, seconds)
            for day in self._told.slots[row["id"]].values()
            for slot, seconds in sorted(day.items())
        ]

    def _slot(self, campus: str, slot: int, seconds: int) -> Slot:
        wrong = [f for f in self._told.faults if f.campus == campus and f.begin < slot + SLOT and f.end > slot]
        kinds = {fault.kind for fault in wrong}
        stays = [stay for stay in self._told.stays(campus) if stay.begin < slot + SLOT and stay.end > slot]
        silent = [stay for stay in stays if self._told.is_silent(campus, stay, slot)]
        doubtful = [
            stay for stay in stays if stay not in silent and stay.doubt_from < slot + SLOT and stay.doubt_to > slot
        ]
        heard = [stay for stay in stays if stay not in silent and stay not in doubtful]
        weak = [stay.room for stay in stays if any(f.kind == "weak_room" and is_of(f, stay) for f in wrong)]
        dead = sum(fault.kind == "access_point_down" for fault in wrong)
        rooms = {stay.room: "unknown" for stay in stays}
        for stay in heard:
            rooms[stay.room] = "short" if stay.room in weak or "wan_cut" in kinds else "met"
        by_rooms = self._shared(list(rooms.values()), "place")
        of_dead = "short" if len(heard) == len(stays) else "unknown"
        aps = [of_dead] * dead + ["met" if heard else "unknown"] * (self._told.aps.count(campus) - dead)
        if "management_closed" in kinds:
            aps = ["unknown"] * len(aps)
        by_aps = self._shared(aps, "access_point")
        known = "short" if "short" in (by_rooms, by_aps) else "unknown" if "unknown" in (by_rooms, by_aps) else "met"
        causes: set[str] = set()
        if any(one["verb"] == "exclude" and one["campus"] == campus and one["from"] < slot + SLOT and one["to"] > slot
               for one in self._told.acts):  # fmt: skip
            causes = {"planned_work"}
        elif known == "short":
            if "wan_cut" in kinds and by_rooms == "short":
                causes = self._of_cut(campus, slot, len(stays))
            elif by_rooms == "short":
                # A weak room loses packets too: now and then enough of them.
                causes = {"wifi_weak", "loss"}
            else:
                causes = {"access_point_down"}
        elif known == "unknown":
            causes = self._of_silence(campus, slot, stays, silent, doubtful)
        truth = self._shared(["short" if stay.room in weak or "wan_cut" in kinds else "met" for stay in stays], "place")
        alive = self._shared(["short"] * dead + ["met"] * (self._told.aps.count(campus) - dead), "access_point")
        return Slot(slot, seconds, "short" not in (truth, alive), known, frozenset(causes if known != "met" else ()))

    def _of_silence(
        self, campus: str, slot: int, stays: list[Stay], silent: list[Stay], doubtful: list[Stay]
    ) -> set[str]:
        if silent and len(silent) == len(stays) and len(silent) >= 2:
            return {"campus_cut_off"}
        if silent:
            return {"agent_silent"}
        return {"placement_unconfirmed"} if doubtful else {"not_reachable_from_here"}

    def _of_cut(self, campus: str, slot: int, agents: int) -> set[str]:
        uplink = next(row["uplink"] for row in self._told.campuses if row["id"] == campus)
        if uplink:
            sharing = [
                row["id"]
                for row in self._told.campuses
                if row["uplink"] == uplink and self._told.teaches(row["id"], slot)
            ]
            cut = [id_ for id_ in sharing if self._told.hit(id_, ("wan_cut",), [slot])]
            two = [id_ for id_ in cut if sum(home == id_ for home, _ in self._told.homes) >= 2]
            if len(cut) == len(sharing) and len(two) >= 2:
                return {"shared_uplink_cut"}
        # One agent alone cannot tell a cut campus from a line of its own that is dead.
        return {"campus_cut_off"} if agents >= 2 else {"internet"}

    def _suspicious(self, known: dict[str, list[Slot]]) -> dict[int, set[str]]:
        """Slots in which more than a fifth of the campuses, and five at least, turn short at once."""
        at = {id_: {slot.begin: slot for slot in slots} for id_, slots in known.items()}
        found: dict[int, set[str]] = {}
        for begin in sorted({slot.begin for slots in known.values() for slot in slots}):
            here = {id_: slots[begin] for id_, slots in at.items() if begin in slots}
            turned = {
                id_ for id_, slot in here.items()
                if slot.known == "short" and "shared_uplink_cut" not in slot.causes
                and (begin - SLOT not in at[id_] or at[id_][begin - SLOT].known != "short")
            }  # fmt: skip
            if len(turned) >= 5 and len(turned) > 0.2 * len(here):
                found[begin] = turned
        return found

    def _shared(self, states: list[str], scope: str) -> str:
        """Three values: enough of them met, not even with the unknown ones enough, or else unknown."""
        shares = [one["share"] for one in self._told.policy["criteria"]
                  if one["scope"] == scope and one["window"] == "slot" and one["required"]]  # fmt: skip
        need = max(shares) * len(states) - 1e-9
        met, unknown = states.count("met"), states.count("unknown")
        return "met" if states and met >= need else "short" if states and met + unknown < need else "unknown"

    # --- days and the period ---------------------------------------------------------------------------------------

    def _answer(self, campus: str, slots: tuple[Slot, ...]) -> Answer:
        days = {day: self._day(campus, of_day) for day, of_day in self._told.slots[campus].items()}
        causes = {day: self._day_causes(campus, slots, set(of_day)) for day, of_day in self._told.slots[campus].items()}
        total = sum(slot.seconds for slot in slots)
        met, short = (sum(slot.seconds for slot in slots if slot.known == word) for word in ("met", "short"))
        by_slots = _of_bounds(met / total, 1 - short / total, self._told.policy["slot_objective"])
        verdicts = set()
        for said in _tallies(list(days.values())):
            by_days = _of_bounds(said[0] / len(days), 1 - said[1] / len(days), self._told.policy["day_objective"])
            verdicts.add(min(by_slots, by_days, key=("falls_short", "not_enough_evidence", "meets").index))
        held = [
            f for f in self._told.faults if f.campus == campus and f.kind == "collector_cut" and f.end - f.begin > 86400
        ]
        late = {slot.begin for slot in slots for f in held if f.begin <= slot.begin and slot.begin + 86400 < f.end}
        kinds = tuple(sorted({fault.kind for fault in self._told.faults if fault.campus == campus}))
        good = sum(slot.seconds for slot in slots if slot.good)
        return Answer(campus, slots, days, causes, frozenset(verdicts), good / total, frozenset(late), kinds)

    def _day(self, campus: str, slots: dict[int, int]) -> frozenset[str]:
        """Joining and throughput, each room by itself; what is possible of each, put together."""
        first, last = min(slots), max(slots) + SLOT
        rooms = [stay for stay in self._told.stays(campus) if stay.begin < last and stay.end > first]
        wanted = {one["id"]: one for one in self._told.policy["criteria"] if one["window"] == "day" and one["required"]}
        possible = [{"met"}]
        for judge, id_ in (
            (self._joins, "join.success"),
            (self._join_time, "join.time"),
            (self._tests, "campus.throughput"),
        ):
            if id_ in wanted:
                states = [judge(campus, stay, sorted(slots), wanted[id_]) for stay in rooms]
                possible.append({self._of_share(list(one), wanted[id_]["share"]) for one in itertools.product(*states)})
        return frozenset(
            "short" if "short" in one else "unknown" if "unknown" in one else "met"
            for one in itertools.product(*possible)
        )

    def _day_causes(self, campus: str, slots: tuple[Slot, ...], of_day: set[int]) -> frozenset[str]:
        """A line that is cut, or planned work, is named as in its slots; else what joining waited for in vain."""
        named = {"slow_dns": "dns", "dhcp_silent": "dhcp", "weak_room": "association"}
        found = {cause for kind, cause in named.items() if self._told.hit(campus, (kind,), sorted(of_day))}
        cut = set(self._told.hit(campus, ("wan_cut",), sorted(of_day)))
        return frozenset(found.union(*(slot.causes for slot in slots if slot.begin in cut)))

    def _of_share(self, states: list[str], share: float) -> str:
        need = share * len(states) - 1e-9
        met = states.count("met")
        return "met" if met >= need else "short" if met + states.count("unknown") < need else "unknown"

    def _joins(self, campus: str, stay: Stay, slots: list[int], criterion: dict) -> set[str]:
        spoken = self._told.spoken(campus, stay, slots)
        tries = _times(spoken, JOIN_EVERY)
        failing = _times(self._told.hit(campus, ("dhcp_silent", "wan_cut"), spoken), JOIN_EVERY)
        weak = _times(self._told.hit(campus, ("weak_room",), spoken, stay), JOIN_EVERY)
        found = set()
        for made in range(tries[0], tries[1] + 1):
            # In a weak room some tries fail, nobody knows which.
            for failed in range(min(failing[0], made), min(failing[1] + weak[1], made) + 1):
                if made < criterion["min_samples"]:
                    found.add("unknown")
                else:
                    ratio = 1 - max(0, failed - criterion.get("allowance", 0)) / made
                    found.add("met" if ratio >= criterion["threshold"] else "short")
        return found

    def _join_time(self, campus: str, stay: Stay, slots: list[int], criterion: dict) -> set[str]:
        spoken = self._told.spoken(campus, stay, slots)
        failing = self._told.hit(campus, ("dhcp_silent", "wan_cut"), spoken)
        joining = [slot for slot in spoken if slot not in failing]
        wait = max((f.seconds for f in self._told.faults if f.campus == campus and f.kind == "slow_dns"), default=0.0)
        slow = self._told.hit(campus, ("slow_dns",), joining) if wait > criterion["threshold"] else []
        made, late = _times(joining, JOIN_EVERY), _times(slow, JOIN_EVERY)
        weak = _times(self._told.hit(campus, ("weak_room",), joining, stay), JOIN_EVERY)
        found = set()
        for count in range(max(made[0] - weak[1], 0), made[1] + 1):
            for of_them in range(min(late[0], count), min(late[1], count) + 1):
                if count < criterion["min_samples"]:
                    found.add("unknown")
                elif 2 * of_them != count:
                    found.add("short" if 2 * of_them > count else "met")
                else:
                    found |= {"short", "met"}
        return found

    def _tests(self, campus: str, stay: Stay, slots: list[int], criterion: dict) -> set[str]:
        spoken = self._told.spoken(campus, stay, slots)
        failing = self._told.hit(campus, ("wan_cut", "collector_cut"), spoken)
        least, most = _times([slot for slot in spoken if slot not in failing], TEST_EVERY)
        needed = criterion["min_samples"]
        return ({"unknown"} if least < needed else set()) | ({"met"} if most >= needed else set())


def _times(slots: list[int], every: int) -> tuple[int, int]:
    """How often at least and at most something that happens every so many seconds, at a moment that nobody knows, falls
    into the slots: which slot of each turn it falls into is all that counts."""
    counts = [sum(slot % every == phase for slot in slots) for phase in range(0, every, SLOT)]
    return min(counts), max(counts)


def _tallies(days: list[frozenset[str]]) -> set[tuple[int, int]]:
    """(days met, days short) that are possible together."""
    found = {(0, 0)}
    for possible in days:
        found = {(met + (one == "met"), short + (one == "short")) for met, short in found for one in possible}
    return found


def _of_bounds(lower: float, upper: float, objective: float) -> str:
    if upper < objective - 1e-12:
        return "falls_short"
    return "meets" if lower >= objective - 1e-12 else "not_enough_evidence"
