"""Leave for throughput tests, asked for over the collector's own door and used at its own throughput process."""

from __future__ import annotations

import base64
import contextlib
import datetime
import socket
import subprocess
import sys
import time
import zoneinfo
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agent import wire
from agent.clock import RealClock
from agent.lease import Leave, NotAdmitted, admit
from agent.probes import throughput
from agent.probes.base import Deadline
from agent.transport import Transport, client
from collector import config
from collector.throughput import blocked
from collector.throughput.blocked import Window
from collector.throughput.leases import PURPOSE, Bounds, bounds_of, issue
from tests.agent.doubles import FakeClock
from tests.collector.rig import CAMPUS, OTHER, Clock, Device, Rig, running

ZONE = zoneinfo.ZoneInfo("America/Los_Angeles")
TUESDAY = datetime.datetime(2027, 4, 13, 10, 0, tzinfo=ZONE).timestamp()
WINDOW = Window(datetime.datetime(2027, 4, 13, 8), datetime.datetime(2027, 4, 13, 15, 30))


@contextlib.contextmanager
def collector(folder: Path, at: float = TUESDAY, **settings: Any) -> Iterator[Rig]:
    with running(folder, Clock(at), **settings) as rig:
        yield rig


def enrolled(rig: Rig, campus: str = CAMPUS) -> Device:
    return rig.enroll(Device(), rig.token(campus, auto_approve=True))


@contextlib.contextmanager
def transport(rig: Rig, device: Device) -> Iterator[Transport]:
    clock = FakeClock(rig.clock())
    with client(None, clock) as http:
        key = rig.services.signer.public_key
        yield Transport(rig.url, identity=device.identity, clock=clock, http=http, collector_key=key)


def ask(rig: Rig, device: Device, max_bytes: int = 10_000_000, air: float | None = None, name: str = "r1") -> Leave:
    with transport(rig, device) as way:
        return way.lease(wire.LeaseRequest(name, max_bytes, 5.0, air))


def test_a_granted_lease_is_proved_by_its_signature_and_named_for_the_collectors_own_service(tmp_path: Path) -> None:
    with collector(tmp_path) as rig:
        given = ask(rig, enrolled(rig))
        key, now = rig.services.signer.public_key, rig.clock()
        bounds = bounds_of(rig.services.signer.secret(PURPOSE), given.lease.lease)

    assert given.lease.granted
    assert admit(key, given.proof, now) == given.lease
    assert bounds == Bounds(float(int(given.lease.expires_at)), 10_000_000)
    with pytest.raises(NotAdmitted, match="over"):
        admit(key, given.proof, given.lease.expires_at)


def test_one_at_a_time_on_a_campus_and_the_same_request_has_the_same_lease(tmp_path: Path) -> None:
    with collector(tmp_path) as rig:
        first, second, elsewhere = enrolled(rig), enrolled(rig), enrolled(rig, OTHER)
        given = ask(rig, first).lease
        again = ask(rig, first).lease
        waits = ask(rig, second).lease
        other = ask(rig, elsewhere).lease
        rig.clock.offset += given.expires_at - rig.clock() + 1
        later = ask(rig, second).lease

    assert again.lease == given.lease
    assert (waits.granted, waits.reason) == (False, "busy: another test runs on this campus")
    assert waits.not_before_at == pytest.approx(given.expires_at)
    assert other.granted
    assert later.granted


def test_a_campus_moves_no_more_than_its_bytes_of_its_own_day(tmp_path: Path) -> None:
    midnight = datetime.datetime(2027, 4, 14, tzinfo=ZONE).timestamp()
    with collector(tmp_path, campus_bytes_per_day=50_000_000) as rig:
        device, elsewhere = enrolled(rig), enrolled(rig, OTHER)
        given = []
        for number in range(3):
            given.append(ask(rig, device, name=f"r{number}").lease)
            rig.clock.offset += 60
        other = ask(rig, elsewhere).lease
        rig.clock.offset += midnight - rig.clock() + 1
        tomorrow = ask(rig, device, name="r9").lease

    assert [one.granted for one in given] == [True, True, False]
    assert given[2].reason == "busy: this campus has used its bytes of the day"
    assert given[2].not_before_at == midnight
    assert other.granted
    assert tomorrow.granted


def test_no_test_runs_while_a_state_test_is_sat_and_the_answer_says_until_when(tmp_path: Path) -> None:
    here = Window(WINDOW.begins, WINDOW.ends, (CAMPUS,))
    with collector(tmp_path, blocked=(here,)) as rig:
        device, elsewhere = enrolled(rig), enrolled(rig, OTHER)
        within = ask(rig, device).lease
        other = ask(rig, elsewhere).lease
        rig.clock.offset += within.not_before_at - rig.clock()
        after = ask(rig, device).lease

    assert (within.granted, within.reason) == (False, "blocked: testing")
    assert within.not_before_at == datetime.datetime(2027, 4, 13, 15, 30, tzinfo=ZONE).timestamp()
    assert other.granted
    assert after.granted


def test_a_block_lasts_to_the_end_of_the_windows_that_follow_one_another() -> None:
    hour = datetime.timedelta(hours=1)
    following = Window(WINDOW.ends, WINDOW.ends + hour, reason="assembly")
    much_later = Window(WINDOW.ends + 3 * hour, WINDOW.ends + 4 * hour)
    windows = (much_later, following, WINDOW)

    ends, reason = blocked.until(windows, CAMPUS, ZONE.key, TUESDAY) or (0.0, "")

    assert (ends, reason) == (following.ends.replace(tzinfo=ZONE).timestamp(), "testing")
    assert blocked.until(windows, CAMPUS, ZONE.key, TUESDAY - 86400) is None


def test_a_test_waits_while_the_air_is_busy(tmp_path: Path) -> None:
    with collector(tmp_path) as rig:
        device = enrolled(rig)
        busy = ask(rig, device, air=0.8).lease
        quiet = ask(rig, device, air=0.3).lease

    assert (busy.granted, busy.reason) == (False, "busy: air")
    assert busy.not_before_at > TUESDAY
    assert quiet.granted


def test_the_windows_stand_in_the_file_as_dates_or_local_times(tmp_path: Path) -> None:
    file = tmp_path / "collector.toml"
    file.write_text(
        'campus_bytes_per_day = 7\n[reflectors]\nlincoln = "http://10.20.0.9:8081/"\n'
        "[[blocked]]\nfrom = 2027-04-12\nto = 2027-04-13\n"
        '[[blocked]]\nfrom = 2027-05-03T08:00:00\nto = 2027-05-03T12:00:00\ncampuses = ["lincoln"]\nreason = "AP"\n'
    )

    found = config.load(file, {})

    assert (found.campus_bytes_per_day, found.reflectors) == (7, {"lincoln": "http://10.20.0.9:8081"})
    assert found.blocked == (
        Window(datetime.datetime(2027, 4, 12), datetime.datetime(2027, 4, 14)),
        Window(datetime.datetime(2027, 5, 3, 8), datetime.datetime(2027, 5, 3, 12), ("lincoln",), "AP"),
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[blocked]]\nfrom = 2027-04-12\n", "entry 1: `to` is None"),
        ("[[blocked]]\nfrom = 2027-04-12\nto = 2027-04-11\n", "no span of time"),
        ("[[blocked]]\nfrom = 2027-04-12T08:00:00Z\nto = 2027-04-13\n", "write local time"),
        ("[[blocked]]\nfrom = 2027-04-12\nto = 2027-04-12\ncampus = 1\n", "unknown key `campus`"),
        ('[[blocked]]\nfrom = 2027-04-12\nto = 2027-04-12\ncampuses = "x"\n', "write their ids"),
        ("blocked = 3\n", "[[blocked]]"),
        ('blocked = "2027"\n', "write it in collector.toml"),
        ('[reflectors]\nlincoln = "10.20.0.9"\n', "http://HOST:PORT"),
    ],
)
def test_a_wrong_window_or_reflector_is_refused_with_its_mend(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "collector.toml"
    file.write_text(text)

    with pytest.raises(config.ConfigError) as refused:
        config.load(file, {})

    assert words in str(refused.value)


def test_a_campus_with_a_reflector_tests_against_it_and_the_plan_says_so(tmp_path: Path) -> None:
    with collector(tmp_path, reflectors={CAMPUS: "http://10.20.0.9:8081"}) as rig:
        tasks = {}
        for campus in (CAMPUS, OTHER):
            device = rig.stands_since(enrolled(rig, campus), rig.clock() - 60, campus)
            with transport(rig, device) as way:
                signed = msgspec.json.decode(way.plan(None) or b"", type=wire.Signed)
            tasks[campus] = wire.decode(bytes(signed.document), wire.Plan).throughput

    assert (tasks[CAMPUS].target, tasks[CAMPUS].far_end) == ("http://10.20.0.9:8081", "reflector")
    assert tasks[OTHER].target.endswith(":8081")
    assert not tasks[OTHER].far_end


SECRET = bytes(range(32))


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    """The collector's throughput process."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-m", "collector.throughput.server"], stdin=subprocess.PIPE)
    assert process.stdin is not None
    settings = {"secret": base64.b64encode(SECRET).decode(), "host": "127.0.0.1", "port": port}
    process.stdin.write(msgspec.json.encode(settings) + b"\n")
    process.stdin.flush()
    until = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1.0).close()
            break
        except OSError:
            assert time.monotonic() < until, "the throughput process does not come up"
            assert process.poll() is None
            time.sleep(0.05)
    yield f"http://127.0.0.1:{port}"
    process.stdin.close()
    process.wait(10)


@pytest.mark.parametrize(
    ("secret", "seconds", "outcome", "words"),
    [(SECRET, 60, "ok", "short"), (SECRET, -1, "refused", "lease is over"), (bytes(32), 60, "refused", "no lease")],
    ids=["good", "over", "forged"],
)
def test_the_collectors_service_moves_bytes_for_its_own_leases_alone(
    service: str, secret: bytes, seconds: float, outcome: str, words: str
) -> None:
    until = time.time() + seconds
    lease = wire.Lease(issue(secret, Bounds(until, 1_000_000)), "a" * 32, True, 0.0, until, 1_000_000, 5.0)
    with client(None, RealClock()) as http:
        table = throughput.probe(throughput.Settings(service, lambda: http, lease, 2_000_000), Deadline(10))

    assert table.outcome == [outcome]
    assert words in (table.reason[0] or "")
    assert table.far_end == ["collector"]
    assert table.upload_bytes == ([1_000_000] if outcome == "ok" else [None])
