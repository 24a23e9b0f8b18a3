"""The same store on PostgreSQL, where its programs are installed: a cluster of our own in a temporary folder."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from agent import wire
from collector.incidents.finding import Incident, Part
from collector.store import Batch, Incoming, Store, agents, evidence, exclusions, incidents, surroundings
from collector.store.evidence import pack
from collector.store.schema import metadata
from tests.collector.rig import CAMPUS, Device, fill
from tests.e2e.programs import until


def _program(name: str) -> str:
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    path = str(found[-1]) if found else shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not on this machine: apt-get install postgresql-15, or any newer")
    return path


def _answers(port: int) -> bool:
    """The port opens before the database has started up: only a connection taken says that it has."""
    try:
        psycopg.connect(f"postgresql://collector@127.0.0.1:{port}/postgres", connect_timeout=1).close()
    except psycopg.OperationalError:
        return False
    return True


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    initdb, postgres = _program("initdb"), _program("postgres")
    as_user = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"] if os.geteuid() == 0 else []
    data = tmp_path / "data"
    data.mkdir()
    for folder in (data, *tmp_path.parents[:3], tmp_path):
        if as_user and folder != data:
            folder.chmod(folder.stat().st_mode | 0o111)
    if as_user:
        shutil.chown(data, "nobody", "nogroup")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    make = [*as_user, initdb, "--no-sync", "-D", data, "-U", "collector", "-A", "trust"]
    subprocess.run(make, check=True, capture_output=True)
    server = subprocess.Popen(
        [*as_user, postgres, "-D", data, "-p", str(port), "-h", "127.0.0.1", "-k", "", "-F"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        until(lambda: _answers(port), 120, "the database answers")
        yield f"postgresql+psycopg://collector@127.0.0.1:{port}/postgres"
    finally:
        server.terminate()
        server.wait(20)


def test_a_report_is_kept_once_and_a_repeat_is_known(url: str) -> None:
    device = Device()
    report = device.report(1_700_000_040.0)
    data = wire.encode(report)
    batch = Batch(device.id, [Incoming(report, wire.digest(data), "s", pack(data))], 1_700_000_200.0)
    with Store(url) as store:
        fill(store, 1_700_000_000.0)
        statuses = [store.submit(batch).result().results[0].status for _ in range(3)]
        with store.read() as connection:
            kept = evidence.count_kept(connection, device.id)
            assert evidence.of_campus(connection, CAMPUS, 0, 4e9) == []

    assert statuses == ["accepted", "duplicate", "duplicate"]
    assert kept == 1


def test_the_migrations_build_the_schema_there_too(url: str) -> None:
    Store(url).close()
    engine = sqlalchemy.create_engine(url)
    with engine.connect() as connection:
        different = compare_metadata(MigrationContext.configure(connection), metadata)
    engine.dispose()

    assert different == []


def test_a_carried_agent_is_in_doubt_until_it_is_confirmed_there_too(url: str) -> None:
    begin = 1_700_000_000.0
    device = Device()
    values = {
        "id": device.id, "public_key": device.identity.public_key, "campus": CAMPUS, "state": "pending", "name": "",
        "simulated": False, "version": "1", "token": "", "created_at": begin,
    }  # fmt: skip
    with Store(url) as store:
        fill(store, begin)
        store.write(lambda c: agents.enroll(c, values)).result()
        store.write(lambda c: agents.approve(c, device.id, None, "test", begin, 300)).result()
        for minute in range(10):
            columns = {name: [None] for name in wire.Host.__struct_fields__}
            there = {"at": [9.0], "outcome": ["ok"], "surroundings": ["ab"[minute >= 5] * 32]}
            report = device.report(begin + 60 * minute, host=wire.Host(**columns | there))
            data = wire.encode(report)
            store.submit(Batch(device.id, [Incoming(report, wire.digest(data), "s", pack(data))], begin + 700)).result()
        with store.read() as connection:
            doubts = list(surroundings.unconfirmed(connection).values())
        store.write(lambda c: agents.confirm(c, device.id, "test", begin + 700, 300)).result()
        with store.read() as connection:
            after = surroundings.unconfirmed(connection)

    assert doubts == [begin + 300]
    assert after == {}


def test_incidents_and_exclusions_are_kept_and_found(url: str) -> None:
    part = Part(CAMPUS, 900, None, 600, (), ("02:00:00:00:00:01",))
    lasting = Incident(f"campus {CAMPUS}", 900, None, "slow", "", (part,))
    with Store(url) as store:
        number = store.write(lambda c: incidents.add(c, lasting, 1800.5)).result()
        step = incidents.Step(number, "acknowledged", 1900.5, "ana", "")
        store.write(lambda c: incidents.write_step(c, step)).result()
        asked = store.write(lambda c: exclusions.ask(c, CAMPUS, 0.0, 900.0, "work", "ana", 1.0)).result()
        with store.read() as connection:
            assert incidents.lasting_campuses(connection) == {CAMPUS}
            assert [one.fault for one in incidents.of_period(connection, 0, 1 << 40, CAMPUS)] == [lasting]
            assert incidents.steps(connection, [number]) == {number: [step]}
            assert exclusions.approved(connection, 0, 900, CAMPUS) == []
        store.write(lambda c: exclusions.approve(c, asked, "ben", 2.0)).result()
        with store.read() as connection:
            assert [one.approved_by for one in exclusions.approved(connection, 0, 900, CAMPUS)] == ["ben"]
        store.write(lambda c: exclusions.withdraw(c, asked, "carl", "called off", 3.0)).result()
        with store.read() as connection:
            assert exclusions.approved(connection, 0, 900, CAMPUS) == []
            assert [one.withdrawn_reason for one in exclusions.ever_approved(connection, 0, 900)] == ["called off"]
