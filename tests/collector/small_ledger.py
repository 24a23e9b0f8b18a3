"""A small real ledger: signed reports through the store's own door, judged by the judge."""

import datetime
import hashlib
from pathlib import Path

import msgspec

from agent import wire
from agent.identity import Identity
from collector.administration.operations import perform
from collector.judgement.judge import Judge
from collector.policies import beginning, policy
from collector.store import Batch, Incoming, Store, agents, snapshots
from collector.store.evidence import pack
from tests.air_evidence import Bss, airspace, channels, join, link, throughput
from tests.collector.judgement.test_judge_loop import AP, MORNING, SLOT, Now, imported, judged_until, minute

DAY = 86400
OTHER_AP = "00:11:22:33:44:02"
RADIO, OTHER_RADIO = "02:00:00:00:01:00", "02:00:00:00:02:00"
HOME, SECOND = "lincoln/main/101", "lincoln/main/102"


class Device:
    """An agent with a key of its own; what it seals is signed."""

    def __init__(self, name: str) -> None:
        self.identity = Identity.from_seed(hashlib.sha256(name.encode()).digest())
        self.stream = hashlib.sha256(f"stream {name}".encode()).hexdigest()[:32]
        self.seq = 0

    @property
    def id(self) -> str:
        return self.identity.id

    def minute(self, start: float, *, clockless: bool = False, **more) -> Incoming:
        self.seq += 1
        how = {key: more.pop(key) for key in ("ap_answers", "path_answers") if key in more}
        report = minute(start, agent=self.id, **how).report
        both = {name: getattr(report.reach, name) * 2 for name in wire.Reach.__struct_fields__}
        reach = wire.Reach(**both | {"target": [AP, OTHER_AP]})
        report = msgspec.structs.replace(report, stream=self.stream, seq=self.seq, reach=reach, **more)
        if clockless:
            clock = wire.Clock("unknown", report.clock.boottime_seconds)
            report = msgspec.structs.replace(report, start_at=None, clock=clock)
        document = wire.encode(report)
        signature = self.identity.sign("report", document)
        return Incoming(report, wire.digest(document), signature, pack(document))


class District:
    """A store with one real campus, and the clock and judge that belong to it. ``url``: of another database than one in
    the folder; ``name``: the policy that is shipped and judges."""

    def __init__(self, folder: Path, url: str = "", name: str = "baseline-2") -> None:
        self.clock = Now(MORNING - 3600.0)
        self.store = Store(url or f"sqlite:///{folder}/collector.db", slot_seconds=SLOT)
        beginning.ensure_policy(self.store, self.clock, demonstration=True, report_seconds=10)
        body, day = policy.shipped(name).to_bytes(), datetime.date(2026, 1, 1)
        self.store.write(lambda c: snapshots.keep(c, "policy", body, day, self.clock())).result()
        imported(self.store, self.clock, "campuses", "id,name,ssids\nlincoln,Lincoln,District\nadams,Adams,District\n")
        aps = f"lincoln,{AP},ap-1,10.0.0.1,{RADIO}\nlincoln,{OTHER_AP},ap-2,10.0.0.2,{OTHER_RADIO}\n"
        imported(self.store, self.clock, "access-points", f"campus,id,name,address,bssids\n{aps}")
        imported(self.store, self.clock, "rooms", "campus,building,room\nlincoln,main,101\nlincoln,main,102\n")
        self.judge = Judge(self.store, self.clock, grace_seconds=60.0)

    def enroll(self, device: Device, place: str = HOME) -> None:
        values = {
            "id": device.id, "public_key": device.identity.public_key, "campus": "lincoln", "state": "pending",
            "name": "", "simulated": False, "version": "1", "token": "", "created_at": self.clock(),
        }  # fmt: skip
        self.store.write(lambda c: agents.enroll(c, values)).result()
        self.perform("agents-approve", agent=device.id, place=place)

    def perform(self, verb: str, **body):
        return perform(self.store, None, self.clock, verb, body)

    def push(self, device: Device, *reports: Incoming) -> None:
        ends = [(one.report.start_at or 0) + 60 for one in reports]
        self.clock.at = max(self.clock.at, *ends)
        self.store.submit(Batch(device.id, reports, self.clock())).result()

    def judge_until(self, at: float) -> None:
        judged_until(self.judge, self.clock, max(at, self.clock.at))


def air(*, ours: bool = True) -> dict:
    """What a radio of the room hears in a minute, joins and a throughput test with it."""
    stranger = Bss("02:00:00:00:09:00", -70.0, listed=False, ssid=None)
    mine = (Bss(RADIO, -50.0), Bss(OTHER_RADIO, -55.0))
    heard = (*mine, stranger) if ours else (stranger,)
    return {
        "airspace": airspace(*heard), "channels": channels({36: 0.1}), "link": link(0.05),
        "join": join(["ok"] * 2), "throughput": throughput(["ok"]),
    }  # fmt: skip


def lived_in(folder: Path, url: str = "", name: str = "baseline-2") -> District:
    """Two days: a good slot, a dead access point, a silent agent, a cut campus, then what comes late."""
    made = District(folder, url, name)
    one, two = Device("one"), Device("two")
    made.clock.at = float(MORNING)
    made.enroll(one)
    for n in range(3):
        how = {"ap_answers": n != 1, **air(ours=n == 0)}
        made.push(one, *(one.minute(MORNING + n * SLOT + 60 * k, **how) for k in range(5)))
    made.judge_until(MORNING + 4 * SLOT + 61)
    made.enroll(two, SECOND)
    made.push(two, *(two.minute(MORNING + 4 * SLOT + 60 * k, path_answers=False) for k in range(5)))
    made.judge_until(MORNING + 6 * SLOT + 61)
    late = [one.minute(MORNING + 5 * SLOT + 60 * k) for k in range(5)]
    made.judge_until(MORNING + DAY)
    made.push(one, *late)
    made.judge_until(MORNING + DAY + 61)
    made.push(two, *(two.minute(MORNING + DAY + 60 * k) for k in range(5)))
    made.judge_until(MORNING + DAY + 2 * SLOT + 61)
    return made
