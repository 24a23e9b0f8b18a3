"""A period lived: the real collector with a clock of its own, the fleet over HTTP, and people who act between days."""

import csv
import datetime
import json
import re
import shutil
import socket
import sys
import urllib.request
import zoneinfo
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.e2e.programs import Programs, until
from tests.month import district_list
from tests.month.district_list import BIN, run
from tests.month.placed_faults import Act, Plan

ZONE = zoneinfo.ZoneInfo("America/Los_Angeles")
HERE = Path(__file__).parent
REPORT_SECONDS = 300
GRACE_SECONDS = 3600
"""Longer than a step of the fleet: what a line let through was there before its slot is judged."""
CAUGHT_UP_SECONDS = 900.0
POWER_ON, POWER_OFF = datetime.time(7, 30), datetime.time(15, 45)
"""Class lies between; what is measured at night is judged by nobody."""
Tell = Callable[[float, str], None]
"""The share that is done, and what is done now."""


class World:
    """Everything below ``folder``. ``truths``: what the simulator says was wrong; ``acts``: what people did."""

    def __init__(self, plan: Plan, folder: Path, directory: Path | None, *, access_points: int, tell: Tell) -> None:
        self.plan = plan
        self.folder = folder
        self.config = folder / "collector.toml"
        self.clock = folder / "clock"
        self.programs = Programs(folder)
        self._directory = directory
        self._access_points = access_points
        self._tell = tell
        self._port = _free_port()
        self.campuses: list[dict[str, str]] = []
        self.acts: list[dict[str, Any]] = []
        self.reports = 0

    def collector(self, *arguments: str | Path) -> str:
        """One `wifi-collector` command, as an operator types it."""
        return run(BIN / "wifi-collector", "--config", self.config, *arguments)

    def set_clock(self, at: float) -> None:
        fresh = self.clock.with_name("clock.new")
        fresh.write_text(f"{at:.3f}\n")
        fresh.replace(self.clock)

    # --- before the first day --------------------------------------------------------------------------------------

    def found(self) -> None:
        """Lists, bells, calendar, agents: all that stands when the period begins."""
        listed = district_list.write(self.plan, self.folder, self._directory)
        with listed.open(newline="") as file:
            self.campuses = list(csv.DictReader(file))
        self._write_calendar()
        self._write_faults()
        shutil.copy(HERE / "bells.toml", self.folder / "bells.toml")
        shutil.copy(HERE.parents[1] / "collector" / "policies" / "baseline-2.toml", self.folder / "policy.toml")
        self.simulate("--write-inventory", self.folder / "model")
        self._start_collector()
        for kind, path in (
            ("campuses", listed),
            ("access-points", self.folder / "model" / "access-points.csv"),
            ("rooms", self.folder / "model" / "rooms.csv"),
            ("bells", self.folder / "bells.toml"),
            ("calendar", self.folder / "calendar.toml"),
        ):
            self.collector("import", kind, path, "--apply")
        self.collector("policy", "adopt", "baseline-2", "--from", self.plan.days[0].isoformat())
        joins = self.folder / "joins.csv"
        self.collector("token", "create", "--file", listed, "--agents", "2", "--out", joins)
        self.simulate("--join-file", joins, "--enroll-only")
        for row in self.agents():
            self.ask("agents-approve", agent=row["agent"], place=row["place"])

    def _start_collector(self) -> None:
        (self.folder / "data").mkdir()
        before = datetime.datetime.combine(self.plan.days[0], datetime.time(), ZONE) - datetime.timedelta(hours=6)
        self.set_clock(before.timestamp())
        self.config.write_text(
            f"data_dir = {json.dumps(str(self.folder / 'data'))}\n"
            f'listen = "127.0.0.1:{self._port}"\nthroughput_listen = "127.0.0.1:{_free_port()}"\n'
            f"report_seconds = {REPORT_SECONDS}\ngrace_seconds = {GRACE_SECONDS}\n"
            'internet_targets = "198.18.255.1,198.18.255.2"\n'
        )
        self.programs.start(
            "collector", sys.executable, "-m", "tests.month.collector_process", self.config, self.clock,
            PYTHONPATH=str(HERE.parents[1]),
        )  # fmt: skip
        until(lambda: self.get("/readyz"), 60, "the collector is ready")

    def _write_calendar(self) -> None:
        first, last = self.plan.days[0], self.plan.days[-1]
        lines = [f"first = {first}", f"last = {last}"]
        for days, kind in ((self.plan.holidays, "none"), (self.plan.minimum, "minimum")):
            lines += [f'[[days]]\nfrom = {day}\ntype = "{kind}"' for day in days]
        (self.folder / "calendar.toml").write_text("\n".join(lines) + "\n")

    def _write_faults(self) -> None:
        lines = ['[powered]\nweekdays = ["monday", "tuesday", "wednesday", "thursday", "friday"]',
                 f"from = {POWER_ON}\nto = {POWER_OFF}"]  # fmt: skip
        for fault in self.plan.faults:
            lines.append(f'[[faults]]\nkind = "{fault.kind}"\ncampus = "{self.campuses[fault.campus]["id"]}"')
            lines.append(f"from = {fault.begin.isoformat()}\nto = {fault.end.isoformat()}")
            if fault.of:
                key = "access_point" if fault.kind == "access_point_down" else "agent"
                lines.append(f"{key} = {fault.of}")
            if fault.seconds:
                lines.append(f"seconds = {fault.seconds}")
        (self.folder / "faults.toml").write_text("\n".join(lines) + "\n")

    # --- the period ------------------------------------------------------------------------------------------------

    def live(self) -> None:
        """Every stage: the days are lived, the judge comes after, people act."""
        for number, (first, last) in enumerate(self.plan.stages):
            self._live_days(number, first, last)
            self._tell(self._done(), f"{last}: the judge catches up, and people act")
            self.caught_up()
            for act in self.plan.acts:
                if first <= act.on <= last:
                    self._act(act)
        self.set_clock(_midnight(self.plan.days[-1]) + GRACE_SECONDS + 600)
        self.caught_up()

    def _live_days(self, number: int, first: datetime.date, last: datetime.date) -> None:
        command = self._simulation(
            "--from", first.isoformat(), "--to", last.isoformat(), "--clock-file", self.clock,
            "--truth", self.folder / f"truth-{number}.json",
        )  # fmt: skip
        name = f"fleet-{number}"
        self.programs.start(name, *command)
        while self.programs.alive(name):
            self.programs.wait(name, 1.0)
            self._tell(self._done(), f"{first} to {last}")
        if status := self.programs.status(name):
            raise AssertionError(f"the fleet ended {status}:\n{self.programs.log(name)[-3000:]}")
        sealed = re.findall(r"(\d+) reports sealed", self.programs.log(name))
        self.reports += int(sealed[-1])

    def _done(self) -> float:
        """The share of the days that are lived, each while there is power."""
        now = datetime.datetime.fromtimestamp(self.now(), ZONE)
        over = sum(day < now.date() for day in self.plan.days)
        if now.date() in self.plan.days:
            on, off = (one.hour + one.minute / 60 for one in (POWER_ON, POWER_OFF))
            over += min(max((now.hour + now.minute / 60 - on) / (off - on), 0.0), 1.0)
        return over / len(self.plan.days)

    def _act(self, act: Act) -> None:
        campus = self.campuses[act.campus]["id"]
        begin = act.begin.replace(tzinfo=ZONE)
        done: dict[str, Any] = {"verb": act.verb, "campus": campus, "from": begin.timestamp()}
        if act.verb == "exclude":
            assert act.end is not None
            until_ = act.end.replace(tzinfo=ZONE)
            asked = self.collector(
                "exclusions", "add", "--campus", campus, "--from", begin.isoformat(), "--to", until_.isoformat(),
                "--reason", "switches are replaced", "--by", "ana", "--json",
            )  # fmt: skip
            numbers = [str(one) for one in json.loads(asked)["exclusions"]]
            self.collector("exclusions", "approve", *numbers, "--by", "ben")
            done["to"] = until_.timestamp()
        else:
            (row,) = [one for one in self.agents() if one["place"] == self.room(act.campus, act.of)]
            done["room"] = row["place"]
            if act.verb == "move":
                done["moved_to"] = self.empty_room(act.campus)
                self.collector("agents", "move", row["agent"], "--place", done["moved_to"], "--at", begin.isoformat())
            else:
                self.collector("agents", "confirm", row["agent"])
        self.acts.append(done)
        self.caught_up()

    def caught_up(self) -> None:
        """Until the judge has judged all that ended, and nothing waits to be judged again."""
        slot = 300
        wanted = (self.now() - GRACE_SECONDS) // slot * slot

        def judged() -> bool:
            text = self.get("/metrics")
            found = {
                name: float(value)
                for name, value in re.findall(
                    r"^campus_wifi_(judged_slot_timestamp_seconds|evaluate_dirty_slots) (\S+)$", text, re.MULTILINE
                )
            }
            if not self.programs.alive("collector"):
                raise AssertionError(f"the collector ended:\n{self.programs.log('collector')[-3000:]}")
            return found["judged_slot_timestamp_seconds"] >= wanted and found["evaluate_dirty_slots"] == 0

        until(judged, CAUGHT_UP_SECONDS, "the judge has caught up")

    # --- looking ---------------------------------------------------------------------------------------------------

    def get(self, path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self._port}{path}", timeout=60) as answer:
            return answer.read().decode()

    def now(self) -> float:
        return float(self.clock.read_text())

    def agents(self) -> list[dict[str, str]]:
        with (self.folder / "fleet" / "agents.csv").open(newline="") as file:
            return list(csv.DictReader(file))

    def room(self, campus: int, number: int) -> str:
        """Where the campus's agent ``number`` was set up."""
        id_ = self.campuses[campus]["id"]
        return [row["place"] for row in self.agents() if row["campus"] == id_][number - 1]

    def empty_room(self, campus: int) -> str:
        id_ = self.campuses[campus]["id"]
        taken = {row["place"] for row in self.agents()}
        with (self.folder / "model" / "rooms.csv").open(newline="") as file:
            rooms = [f"{id_}/{row['building']}/{row['room']}" for row in csv.DictReader(file) if row["campus"] == id_]
        return next(room for room in rooms if room not in taken)

    def ask(self, verb: str, **body: Any) -> dict[str, Any]:
        """An administrator's write over the socket, without starting a program for each of many."""
        sys.path.insert(0, str(HERE.parents[1] / "deploy" / "demonstration"))
        import admin

        return admin.perform(self.folder / "data" / "admin.sock", verb, body)

    def simulate(self, *arguments: str | Path) -> str:
        return run(*self._simulation(*arguments))

    def _simulation(self, *arguments: str | Path) -> list[str | Path]:
        return [
            BIN / "wifi-agent", "simulate", "--campus-list", self.folder / "campuses.csv", "--access-points",
            str(self._access_points), "--faults", self.folder / "faults.toml", "--dir", self.folder / "fleet",
            *arguments,
        ]  # fmt: skip

    def close(self) -> None:
        self.programs.close()


def _midnight(day: datetime.date) -> float:
    """The end of a local day."""
    return datetime.datetime.combine(day + datetime.timedelta(days=1), datetime.time(), ZONE).timestamp()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
