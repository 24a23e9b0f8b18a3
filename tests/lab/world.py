"""A school in the guest: a collector, a room with a real agent that listens and joins, and access points.

school 10.20.0.1 (collector, bridge) ──┬── room 10.20.0.2 (prober and shipper; radio that listens)
                                       └── access points 10.20.0.11 … (management addresses; a radio each)
this driver 10.20.0.3
join (a namespace with the test radio alone: the joiner; its reports leave through the shipper's socket)

With ``roles=("all",)`` the agent is one process, and its test radio stands in the room beside the uplink.
"""

import contextlib
import datetime
import json
import re
import sqlite3
import sys
import time
import urllib.request
import zoneinfo
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agent import wire
from collector.policies import policy
from collector.store.evidence import unpack
from tests.e2e.programs import Programs, until
from tests.lab.air import IDENTITY, PASSWORD, PSK, AccessPoint, move_radio, run

BIN = Path(sys.executable).parent
CAMPUS, ROOM = "lab", "lab/A/1"
COLLECTOR = "http://10.20.0.1:8080"
REPORT_SECONDS = 6
_LISTENER_CONTROL = "/run/wpa-listener"
SLOT_SECONDS = 3 * REPORT_SECONDS
LISTEN_RADIO, JOIN_RADIO = 0, 1
# Each role of the agent with the namespace it runs in.
HOMES = {"shipper": "room", "prober": "room", "joiner": "join"}
ZONE = zoneinfo.ZoneInfo("America/Los_Angeles")
LAST_DAY = datetime.date(2027, 3, 2)
_BUILDING_SECONDS = 600.0


class World:
    """Makes everything; what it looks at are the products' own answers. ``day_ends_in_seconds``: from the agents' start
    to the end of the school day, which is midnight's."""

    def __init__(
        self,
        folder: Path,
        *,
        day_ends_in_seconds: float = 6 * 3600,
        roles: Sequence[str] = tuple(HOMES),
        report_seconds: int = REPORT_SECONDS,
        demonstration: bool = True,
        remote_write_url: str = "",
    ) -> None:
        self.folder, self.roles = folder, roles
        self.report_seconds, self.demonstration = report_seconds, demonstration
        self.slot_seconds = 3 * report_seconds if demonstration else 300
        self.remote_write_url = remote_write_url
        midnight = datetime.datetime.combine(LAST_DAY + datetime.timedelta(days=1), datetime.time(), ZONE).timestamp()
        self._agents_at = midnight - day_ends_in_seconds
        time.clock_settime(time.CLOCK_REALTIME, self._agents_at - _BUILDING_SECONDS)
        self.programs = Programs(folder)
        self.access_points: list[AccessPoint] = []
        for name in ("school", "room", "join"):
            run("ip", "netns", "add", name)
            run("ip", "link", "set", "lo", "up", namespace=name)
        run("ip", "link", "add", "br0", "type", "bridge", namespace="school")
        for address in ("10.20.0.1/24", "10.20.0.9/24"):
            run("ip", "addr", "add", address, "dev", "br0", namespace="school")
        run("ip", "link", "set", "br0", "up", namespace="school")
        self._plug("room", "10.20.0.2/24")
        run("ip", "link", "add", "watch", "type", "veth", "peer", "name", "p-watch", "netns", "school")
        run("ip", "link", "set", "p-watch", "master", "br0", "up", namespace="school")
        run("ip", "addr", "add", "10.20.0.3/24", "dev", "watch")
        run("ip", "link", "set", "watch", "up")
        run("ip", "route", "add", "default", "via", "10.20.0.1", namespace="room")
        self.listener = move_radio(LISTEN_RADIO, "room")
        self.joiner = move_radio(JOIN_RADIO, "room" if "all" in roles else "join")

    def _plug(self, namespace: str, address: str) -> None:
        port = f"p-{namespace}"
        run("ip", "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", namespace, namespace="school")
        run("ip", "link", "set", port, "master", "br0", "up", namespace="school")
        run("ip", "addr", "add", address, "dev", "eth0", namespace=namespace)
        run("ip", "link", "set", "eth0", "up", namespace=namespace)

    def access_point(self, radio: int, **settings: Any) -> AccessPoint:
        """One more access point, on air and on the wire."""
        made = AccessPoint(self.programs, self.folder, radio, **settings)
        self._plug(made.name, f"10.20.0.{10 + radio}/24")
        self.access_points.append(made)
        return made

    def unplug(self, access_point: AccessPoint) -> None:
        """Its management address answers no more."""
        run("ip", "link", "set", "eth0", "down", namespace=access_point.name)

    def start(self) -> None:
        """Starts the access points, the collector with the inventory of what stands here, and the agent."""
        for one in self.access_points:
            one.start()
        self._write()
        self.write_agents()
        self.programs.start(
            "collector", BIN / "wifi-collector", "--config", self.folder / "collector.toml", "serve", namespace="school"
        )
        until(lambda: self.get("/readyz"), 120, "the collector is ready")
        for kind in ("campuses.csv", "access-points.csv", "rooms.csv", *([] if self.demonstration else ["bells.toml"])):
            self.collector("import", kind.partition(".")[0], str(self.folder / kind), "--apply")
        self.collector("policy", "adopt", str(self._policy()), "--from", LAST_DAY.isoformat())
        self._enroll()
        # The guest's clock is the guest's own: the school day ends when the scene needs it, however long building took.
        time.clock_settime(time.CLOCK_REALTIME, max(time.time(), self._agents_at))
        for role in self.roles:
            self.start_agent(role)

    def start_agent(self, role: str) -> None:
        self.programs.start(
            role, BIN / "wifi-agent", "--config", self.folder / f"{role}.toml", "run", "--role", role, "--verbose",
            namespace=HOMES.get(role, "room"),
        )  # fmt: skip

    def connect_listener(self) -> str:
        """Connects the listening radio, as a device whose own link is Wi-Fi is; returns the BSSID it chose."""
        supplicant = self.folder / "listener.conf"
        supplicant.write_text(
            f'ctrl_interface={_LISTENER_CONTROL}\nnetwork={{\n ssid="School"\n psk="{PSK}"\n scan_freq=5180 5220\n}}\n'
        )
        self.programs.start("listener", "wpa_supplicant", "-i", self.listener, "-c", supplicant, namespace="room")
        return until(self.connected_to, 60, "the listening radio is connected")

    def connected_to(self) -> str:
        """The BSSID that the listening radio is connected to; empty for none."""
        facts = dict(line.split("=", 1) for line in self.listener_says("status").splitlines() if "=" in line)
        return facts.get("bssid", "") if facts.get("wpa_state") == "COMPLETED" else ""

    def listener_says(self, *command: str) -> str:
        return run("wpa_cli", "-p", _LISTENER_CONTROL, "-i", self.listener, *command, namespace="room")

    def _policy(self) -> Path:
        """Baseline version 2 with as few samples a day as a scene has."""
        shipped = (Path(policy.__file__).with_name("baseline-2.toml")).read_text()
        shipped = shipped.replace("slot_seconds = 300", f"slot_seconds = {self.slot_seconds}")
        begin = shipped.index('id = "join.success"')
        joins = re.sub(r"(?m)^min_samples = \d+", "min_samples = 1", shipped[begin:])
        path = self.folder / "policy.toml"
        path.write_text(shipped[:begin] + re.sub(r"(?m)^allowance = \d+", "allowance = 0", joins))
        return path

    def _write(self) -> None:
        (self.folder / "collector.toml").write_text(
            f'data_dir = "{self.folder}/collector"\nlisten = "10.20.0.1:8080"\nbehind_proxy = true\n'
            "board_public = true\n"
            f"report_seconds = {self.report_seconds}\ngrace_seconds = {self.report_seconds}\n"
            f"demonstration = {str(self.demonstration).lower()}\n"
            'internet_targets = "10.20.0.9"\npolicy = "baseline-2"\njoin_page = "http://page.lab/generate_204"\n'
            f'remote_write_url = "{self.remote_write_url}"\n'
        )
        (self.folder / "bells.toml").write_text(
            '[schedules.default]\nweekly = { tuesday = "day" }\n'
            "[[schedules.default.days.day]]\nbegins = 00:30:00\nends = 23:30:00\n"
        )
        ssids = sorted({one.ssid for one in self.access_points})
        (self.folder / "campuses.csv").write_text(
            f"id,name,region,ssids,join\n{CAMPUS},Lab School,north,{';'.join(ssids)},{';'.join(ssids)}\n"
        )
        lines = [f"{CAMPUS},{a.bssid},{a.name},10.20.0.{10 + a.radio},{a.bssid}" for a in self.access_points]
        (self.folder / "access-points.csv").write_text("campus,id,name,address,bssids\n" + "\n".join(lines) + "\n")
        (self.folder / "rooms.csv").write_text("campus,building,room\nlab,A,1\nlab,B,2\n")

    def write_agents(self) -> None:
        """The settings of each role, as the radios stand now."""
        common = f'metrics_port = 0\nsocket = "{self.folder}/recorder.sock"\n'
        shipper = f'data_dir = "{self.folder}/agent"\n'
        listener = f'wifi_interface = "{self.listener}"\n'
        joiner = f'join_interface = "{self.joiner}"\ncredentials = "{self.folder}/credentials.toml"\n'
        for role, text in {
            "shipper": shipper,
            "prober": f'data_dir = "{self.folder}/prober"\n{listener}',
            "joiner": f'data_dir = "{self.folder}/joiner"\n{joiner}',
            "all": shipper + listener + joiner,
        }.items():
            (self.folder / f"{role}.toml").write_text(text + common)
        for data in ("agent", "prober", "joiner"):
            (self.folder / data).mkdir(exist_ok=True)
        self._write_credentials()

    def _write_credentials(self) -> None:
        lines = []
        for one in {point.ssid: point for point in self.access_points}.values():
            lines.append(f"[{one.ssid.lower()}]\n")
            if one.security == "psk":
                lines.append(f'kind = "psk"\npassword = "{PSK}"\n')
            elif one.security == "eap":
                lines.append(
                    f'kind = "peap"\nidentity = "{IDENTITY}"\npassword = "{PASSWORD}"\n'
                    f'ca_cert = "{self.folder}/{one.name}-ca.pem"\n'
                )
            else:
                lines.append('kind = "open"\n')
        path = self.folder / "credentials.toml"
        path.touch(mode=0o600)
        path.write_text("".join(lines))

    def _enroll(self) -> None:
        join = self.folder / "join.txt"
        join.write_text(self.collector("token", "create", "--campus", CAMPUS).strip())
        self.programs.run(
            BIN / "wifi-agent", "--config", self.folder / f"{self.roles[0]}.toml",
            "enroll", "--no-wait", "--join-file", join, namespace="room",
        )  # fmt: skip
        listed = json.loads(self.collector("agents", "list", "--json"))
        (agent,) = listed["agents"] if isinstance(listed, dict) else listed
        self.collector("agents", "approve", agent["agent"], "--place", ROOM)

    def collector(self, *arguments: str) -> str:
        """One `wifi-collector` command, as an operator types it."""
        command = (BIN / "wifi-collector", "--config", self.folder / "collector.toml", *arguments)
        return self.programs.run(*command, namespace="school")

    def get(self, path: str) -> bytes:
        with urllib.request.urlopen(f"{COLLECTOR}{path}", timeout=10) as answer:
            body: bytes = answer.read()
        return body

    def reports(self) -> list[wire.Report]:
        """All evidence that the collector has kept, from its database."""
        path = f"file:{self.folder}/collector/collector.db?mode=ro"
        with contextlib.closing(sqlite3.connect(path, uri=True)) as db:
            rows = db.execute("SELECT body FROM evidence ORDER BY seq").fetchall()
        return [wire.decode(unpack(row[0]), wire.Report) for row in rows]

    def rows(self, kind: str, since: float = 0.0) -> list[dict[str, Any]]:
        """The measurements of a kind whose end lies after ``since`` (Unix seconds), as rows."""
        found = []
        for report in self.reports():
            table = getattr(report, kind)
            if table is None or report.start_at is None:
                continue
            names = table.__struct_fields__
            for row in zip(*(getattr(table, name) for name in names), strict=True):
                one = dict(zip(names, row, strict=True))
                one["at"] += report.start_at
                if one["at"] > since:
                    found.append(one)
        return found

    def slots(self) -> dict[int, dict[str, Any]]:
        """What the newest revision of the ledger says of every judged slot."""
        found: dict[int, dict[str, Any]] = {}
        for row in self._ledger():
            for span in row["record"]["spans"]:
                for slot in range(span["from_slot"], span["to_slot"], row["record"]["slot_seconds"]):
                    found[slot] = span["grounds"]
        return found

    def _ledger(self) -> list[dict[str, Any]]:
        until_day = LAST_DAY + datetime.timedelta(days=1)
        answer = json.loads(self.get(f"/v1/campuses/{CAMPUS}/ledger?from={LAST_DAY}&to={until_day}"))
        return sorted(answer["revisions"], key=lambda row: (row["day"], row["revision"]))

    def school_day(self) -> dict[str, Any]:
        """What the ledger says of the day that ended, once it is closed."""

        def look() -> dict[str, Any]:
            rows = [row for row in self._ledger() if row["day"] == LAST_DAY.isoformat()]
            found: dict[str, Any] = rows[-1]["record"].get("day_verdict") or {} if rows else {}
            return found

        return until(look, 240, "the school day is judged")

    def judged_after(self, since: float, wanted: int = 1) -> dict[int, dict[str, Any]]:
        """The slots that began after ``since`` once ``wanted`` of them are judged on evidence."""

        def look() -> dict[int, dict[str, Any]]:
            found = {slot: grounds for slot, grounds in self.slots().items() if slot >= since}
            return found if len(found) >= wanted else {}

        return until(look, (wanted + 4) * self.slot_seconds + 60, f"{wanted} slots are judged after {since:.0f}")

    def close(self) -> None:
        self.programs.close()
