"""``deploy/quickstart``, once its environment stands: starts everything, waits until it answers, and ends it again."""

import argparse
import csv
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import Any

import admin
import campus
import files
from children import Children, Died
from ports import Ports

READY_SECONDS = 180.0
_GRAFANA = "Grafana is not installed here: install Grafana OSS (package or image) and deploy/quickstart starts it"


class CouldNot(Exception):
    """Why the demonstration cannot go on, and what to do."""


class Stopped(Exception):
    """Somebody asked us to end."""


def main() -> int:
    arguments = _arguments()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    with ExitStack() as ending:
        try:
            return Demonstration(arguments, ending).run()
        except Stopped:
            say("stopping, as asked")
            return 0 if arguments.lasts is None else 130
        except (CouldNot, Died, admin.Refused) as fault:
            say(f"{fault}")
            return 1


class Demonstration:
    """One run. Everything that must be undone is pushed onto ``ending`` as soon as it exists."""

    def __init__(self, arguments: argparse.Namespace, ending: ExitStack) -> None:
        self._arguments = arguments
        self._ending = ending
        self._ports = Ports.starting_at(arguments.port)
        self._folder: Path = arguments.dir / "run"
        self._python = Path(sys.executable)
        self._children = Children(self._folder / "log")
        self._began = time.monotonic()

    def run(self) -> int:
        self._claim()
        # The last pushed is the first undone: the namespace goes after the processes that use it.
        namespace = campus.Namespace()
        self._ending.callback(namespace.remove)
        self._ending.callback(self._children.stop)
        access_points = self._access_points(namespace)
        self._start_collector(access_points)
        self._start_prometheus()
        self._start_agents()
        grafana = self._start_grafana()
        self._wait_for_data()
        line = " ".join(f"{name}={self._ports.url(name)}" for name in ("collector", "prometheus", "alertmanager"))
        line += f" board={self._ports.url('collector')}/"
        sys.stdout.write(f"READY {line}{' grafana=' + grafana if grafana else ''}\n")
        sys.stdout.flush()
        try:
            self._watch()
        finally:
            self._show_commitment()
        return 0

    # --- before anything runs ----------------------------------------------------------------------------------

    def _claim(self) -> None:
        lock = (self._arguments.dir / "lock").open("w")
        self._ending.callback(lock.close)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            used = self._arguments.dir
            raise CouldNot(f"another quickstart uses {used}: stop it, or name another directory with --dir") from None
        taken = self._ports.taken()
        if taken:
            listed = ", ".join(f"{port} (for {name})" for name, port in taken)
            wanted = f"needs {self._ports[0]} to {self._ports[-1]}"
            raise CouldNot(f"port {listed} is taken by another program; {wanted}: choose others with --port")
        # Each run starts with no history: a demonstration's slots must not be short for the hours it did not run.
        shutil.rmtree(self._folder, ignore_errors=True)
        (self._folder / "log").mkdir(parents=True)

    def _access_points(self, namespace: campus.Namespace) -> list[campus.AccessPoint]:
        gateway = campus.default_gateway() if self._arguments.access_points == "auto" else None
        if gateway and campus.answers(self._python, gateway):
            say(f"the real agent asks this machine's default gateway {gateway}, which answers")
            return [campus.AccessPoint("DEFAULT-GATEWAY", "Default gateway of this machine", gateway)]
        try:
            namespace.make()
        except RuntimeError as fault:
            say(f"no namespace ({fault}): the real agent asks loopback addresses, labelled so")
            return campus.loopback()
        say(f"the real agent asks addresses in the network namespace {namespace.name}, labelled so")
        return namespace.access_points()

    # --- starting ----------------------------------------------------------------------------------------------

    def _start_collector(self, access_points: list[campus.AccessPoint]) -> None:
        say("starting the collector")
        config = files.write_collector(self._folder, self._ports)
        model = self._folder / "simulated"
        campus.write_lists(self._folder / "real", access_points)
        self._agent("simulate", *self._district(), "--write-inventory", model)
        self._children.start("collector", [self._command("wifi-collector"), "--config", config, "serve"])
        self._wait("the collector", lambda: ok(f"{self._ports.url('collector')}/readyz"), 60)
        for kind in ("campuses", "access-points", "rooms"):
            self._collector("import", kind, _joined(self._folder, kind), "--apply")
        joins = self._folder / "joins.csv"
        self._collector("token", "create", "--file", model / "campuses.csv", "--agents", "2", "--out", joins)
        join = self._collector("token", "create", "--campus", campus.CAMPUS).strip()
        self._join = self._folder / "join"
        self._join.touch(0o600)
        self._join.write_text(join + "\n")

    def _start_prometheus(self) -> None:
        say("starting Prometheus and Alertmanager")
        prometheus, alertmanager = self._binary("prometheus"), self._binary("alertmanager")
        self._rules()
        config = files.write_prometheus(self._folder, self._ports)
        self._children.start(
            "prometheus",
            [
                prometheus,
                f"--config.file={config}",
                f"--storage.tsdb.path={self._folder / 'prometheus'}",
                f"--web.listen-address=127.0.0.1:{self._ports.prometheus}",
                "--web.enable-remote-write-receiver",
            ],
        )
        self._children.start(
            "alertmanager",
            [
                alertmanager,
                f"--config.file={files.write_alertmanager(self._folder, self._ports)}",
                f"--storage.path={self._folder / 'alertmanager'}",
                f"--web.listen-address=127.0.0.1:{self._ports.alertmanager}",
                "--cluster.listen-address=",
            ],
        )
        for name in ("prometheus", "alertmanager"):
            self._wait(name.capitalize(), lambda name=name: ok(f"{self._ports.url(name)}/-/ready"), 60)

    def _rules(self) -> None:
        (self._folder / "rules.yml").write_text(self._collector("rules", "--slot-seconds", str(files.SLOT_SECONDS)))

    def _start_agents(self) -> None:
        say(f"starting one real agent and {2 * self._arguments.campuses} simulated ones")
        config = files.write_agent(self._folder, self._ports)
        self._run(self._command("wifi-agent"), "--config", config, "enroll", "--no-wait", "--join-file", self._join)
        simulated = self._folder / "simulated-agents"
        fleet = [*self._district(), "--dir", simulated, "--join-file", self._folder / "joins.csv"]
        self._agent("simulate", *fleet, "--enroll-only")
        self._assign(simulated / "agents.csv")
        self._children.start("agent", [self._command("wifi-agent"), "--config", config, "run"])
        truth = self._folder / "truth.json"
        self._children.start("simulate", [self._command("wifi-agent"), "simulate", *map(str, fleet), "--truth", truth])

    def _assign(self, enrolled: Path) -> None:
        """Says in which room each agent stands."""
        real = json.loads(self._collector("agents", "list", "--campus", campus.CAMPUS, "--json"))
        places = [(agent["agent"], f"{campus.CAMPUS}/{campus.BUILDING}/{campus.ROOM}") for agent in real]
        with enrolled.open(newline="") as file:
            places += [(row["agent"], row["place"]) for row in csv.DictReader(file)]
        for agent, place in places:
            admin.perform(self._folder / "collector" / "admin.sock", "agents-assign", {"agent": agent, "place": place})

    def _start_grafana(self) -> str | None:
        binary = shutil.which("grafana") or shutil.which("grafana-server")
        if binary is None:
            say(_GRAFANA)
            return None
        home = Path("/usr/share/grafana")
        command = [binary, *(["server"] if Path(binary).name == "grafana" else []), f"--homepath={home}"]
        self._children.start(
            "grafana",
            command,
            {
                "GF_SERVER_HTTP_ADDR": "127.0.0.1",
                "GF_SERVER_HTTP_PORT": str(self._ports.grafana),
                "GF_PATHS_DATA": str(self._folder / "grafana"),
                "GF_PATHS_LOGS": str(self._folder / "log"),
                "GF_PATHS_PROVISIONING": str(files.REPOSITORY / "deploy" / "grafana" / "provisioning"),
                "GF_AUTH_ANONYMOUS_ENABLED": "true",
                "GF_ANALYTICS_REPORTING_ENABLED": "false",
                "CAMPUS_WIFI_PROMETHEUS_URL": self._ports.url("prometheus"),
                "CAMPUS_WIFI_ALERTMANAGER_URL": self._ports.url("alertmanager"),
                "CAMPUS_WIFI_DASHBOARDS": str(files.REPOSITORY / "dashboards" / "json"),
            },
        )
        self._wait("Grafana", lambda: ok(f"{self._ports.url('grafana')}/api/health"), 90)
        return self._ports.url("grafana")

    # --- while it runs -----------------------------------------------------------------------------------------

    def _wait_for_data(self) -> None:
        say("waiting for the first measurements to be judged")
        everyone = self._arguments.campuses + 1
        self._wait("the board", lambda: ok(self._ports.url("collector") + "/"), 30)
        self._wait("measurements in Prometheus", lambda: self._query("count(campus_wifi_ap_rtt_seconds)") > 0)
        # A verdict of every campus needs one whole slot of all agents.
        self._wait("the first verdicts", lambda: self._query("count(campus_wifi_campus_info)") >= everyone)
        self._wait("the first slot", lambda: self._judged() > 0)

    def _judged(self) -> float:
        return self._query("sum(campus_wifi_campus_verdict) or vector(0)")

    def _watch(self) -> None:
        lasts = self._arguments.lasts
        begin = time.monotonic()
        until = float("inf") if lasts is None else begin + lasts
        told = begin
        while time.monotonic() < until:
            self._pause(min(1.0, max(until - time.monotonic(), 0.0)))
            if time.monotonic() - told >= 30:
                told = time.monotonic()
                short = self._query('sum(campus_wifi_campus_verdict{verdict="short"}) or vector(0)')
                unknown = self._query('sum(campus_wifi_campus_verdict{verdict="unknown"}) or vector(0)')
                say(f"{told - begin:.0f} s: now {short:.0f} campuses short, {unknown:.0f} without enough evidence")

    def _show_commitment(self) -> None:
        say("the answer, of one real campus and a simulated district:")
        sys.stdout.write(self._collector("commitment"))
        sys.stdout.flush()

    def _query(self, query: str) -> float:
        """The value of a query with one answer; 0 where there is none yet."""
        url = f"{self._ports.url('prometheus')}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                result = json.load(answer)["data"]["result"]
        except (OSError, ValueError, KeyError):
            return 0.0
        return float(result[0]["value"][1]) if result else 0.0

    def _wait(self, what: str, holds: Callable[[], bool], seconds: float = READY_SECONDS) -> None:
        until = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > until:
                raise CouldNot(f"waited {seconds:.0f} s in vain for {what}\n{self._children.tails()}")
            self._pause(0.5)

    def _pause(self, seconds: float) -> None:
        self._children.check()
        time.sleep(seconds)

    # --- our own commands --------------------------------------------------------------------------------------

    def _district(self) -> list[str]:
        return ["--campuses", str(self._arguments.campuses), "--slot-seconds", str(files.SLOT_SECONDS)]

    def _agent(self, *arguments: str | Path) -> str:
        return self._run(self._command("wifi-agent"), *arguments)

    def _collector(self, *arguments: str | Path) -> str:
        return self._run(self._command("wifi-collector"), "--config", self._folder / "collector.toml", *arguments)

    def _command(self, name: str) -> Path:
        return self._python.with_name(name)

    def _binary(self, name: str) -> Path:
        given = os.environ.get("CAMPUS_WIFI_BINARIES")
        places = [Path(given), Path(given, "usr/bin")] if given else [self._arguments.dir / "debian" / "usr" / "bin"]
        for place in places:
            for candidate in (place / name, place / f"prometheus-{name}"):
                if candidate.exists():
                    return candidate
        found = shutil.which(name) or shutil.which(f"prometheus-{name}")
        if found is None:
            raise CouldNot(f"{name} is missing and Debian's package could not be fetched: install it, or set "
                           "CAMPUS_WIFI_BINARIES to the directory that holds it")  # fmt: skip
        return Path(found)

    def _run(self, *command: str | Path) -> str:
        self._children.check()
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, timeout=120)
        if done.returncode:
            shown = " ".join(str(part) for part in command[1:4])
            raise CouldNot(f"{Path(command[0]).name} {shown} failed:\n{done.stderr.strip() or done.stdout.strip()}")
        return done.stdout


def _joined(folder: Path, kind: str) -> Path:
    """The real campus's list and the simulated district's as one file."""
    rows: list[dict[str, Any]] = []
    for part in ("real", "simulated"):
        with (folder / part / f"{kind}.csv").open(newline="", encoding="utf-8") as file:
            rows += csv.DictReader(file)
    header = list(dict.fromkeys(key for row in rows for key in row))
    path = folder / f"{kind}.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, header, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return path


def ok(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def say(text: str) -> None:
    sys.stderr.write(f"quickstart: {text}\n")
    sys.stderr.flush()


def _stop(_number: int, _frame: FrameType | None) -> None:
    # Ending takes a moment and must not be cut short by a second Ctrl-C.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    raise Stopped


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="deploy/quickstart", epilog="example: deploy/quickstart --for 180", allow_abbrev=False
    )
    parser.add_argument("--for", dest="lasts", type=float, metavar="SECONDS")
    parser.add_argument("--dir", type=Path, required=True)
    parser.add_argument("--campuses", type=int, default=12, metavar="N")
    parser.add_argument("--port", type=int, default=8480, metavar="P")
    parser.add_argument("--access-points", choices=("auto", "namespace"), default="auto")
    arguments = parser.parse_args()
    lasts = 1.0 if arguments.lasts is None else arguments.lasts
    if arguments.campuses < 1 or not 1 <= arguments.port <= 65530 or lasts <= 0:
        parser.error("--campuses, --port and --for must be above zero, and --port at most 65530")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
