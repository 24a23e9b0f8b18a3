"""Enrollment over a real socket: one winner for one place, nothing burnt by a lost answer, pending until approved."""

import threading
from collections.abc import Iterator

import pytest

from agent import wire
from collector.store import agents, evidence, tokens
from tests.collector.rig import CAMPUS, MODELLED, OTHER, Clock, Device, Rig, running


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with running(tmp_path_factory.mktemp("collector"), Clock()) as made:
        yield made


def ask(rig: Rig, device: Device, token: str) -> tuple[int, str]:
    answer = rig.http.post("/v1/enroll", content=wire.encode(device.request(token)))
    body = answer.json()
    return answer.status_code, body.get("error") or body["state"]


def test_of_many_keys_that_race_for_one_token_exactly_one_wins(rig: Rig) -> None:
    token = rig.token()
    devices = [Device() for _ in range(48)]
    go = threading.Barrier(len(devices))
    found: list[tuple[int, str]] = []

    def race(device: Device) -> None:
        go.wait()
        found.append(ask(rig, device, token))

    threads = [threading.Thread(target=race, args=(device,)) for device in devices]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(found) == [(200, "pending")] + [(409, "token used up")] * 47
    with rig.store.read() as connection:
        assert sum(a.id in {d.id for d in devices} for a in agents.every(connection)) == 1


def test_the_same_key_may_ask_again_and_is_who_it_was(rig: Rig) -> None:
    token, device = rig.token(), Device()

    assert [ask(rig, device, token) for _ in range(3)] == [(200, "pending")] * 3


def test_the_same_key_may_ask_again_even_after_the_token_has_expired(rig: Rig) -> None:
    token, device = rig.token(ttl_seconds=60.0), Device()
    ask(rig, device, token)
    rig.clock.offset += 120
    try:
        assert ask(rig, device, token) == (200, "pending")
        assert ask(rig, Device(), token) == (401, "token expired")
    finally:
        rig.clock.offset -= 120


def test_a_batch_token_admits_as_many_keys_as_it_says(rig: Rig) -> None:
    token = rig.token(keys=3)

    assert [ask(rig, Device(), token)[0] for _ in range(5)] == [200, 200, 200, 409, 409]


def test_a_slip_of_the_pen_is_told_from_a_wrong_token(rig: Rig) -> None:
    token = rig.token()
    slipped = ("b" if token[0] == "a" else "a") + token[1:]
    elsewhere = tokens._with_checksum(bytes(20))

    assert ask(rig, Device(), slipped) == (401, "token is not well formed")
    assert ask(rig, Device(), elsewhere) == (401, "token unknown")


def test_a_key_that_is_not_the_askers_is_refused(rig: Rig) -> None:
    token, device = rig.token(), Device()
    stolen = device.request(token)
    stolen.proof = Device().identity.sign("enroll", token.encode() + b"\n" + device.identity.public_key)

    answer = rig.http.post("/v1/enroll", content=wire.encode(stolen))
    assert (answer.status_code, answer.json()) == (401, {"error": "wrong proof of the key"})


def test_simulated_devices_enroll_only_at_simulated_campuses_and_real_ones_only_at_real(rig: Rig) -> None:
    assert ask(rig, Device(simulated=True), rig.token()) == (403, "campus is real")
    assert ask(rig, Device(), rig.token(MODELLED)) == (403, "campus is simulated")
    assert ask(rig, Device(simulated=True), rig.token(MODELLED)) == (200, "pending")


def test_the_secret_of_a_token_is_nowhere_in_the_database(rig: Rig) -> None:
    token = rig.token()
    rig.store.write(lambda c: c.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)").all())
    rig.store.write(lambda _: None).result()
    assert rig.store.path is not None

    for file in rig.store.path.parent.iterdir():
        if file.is_file():
            assert token.encode() not in file.read_bytes()


def test_a_pending_agent_measures_and_its_evidence_counts_once_it_is_approved(rig: Rig) -> None:
    device = rig.enroll(Device(), approve=False)
    rig.push(device, device.seal(device.report(rig.clock() // 60 * 60)))
    with rig.store.read() as connection:
        assert [k for k in evidence.of_campus(connection, CAMPUS, 0, 4e9) if k.agent == device.id] == []

    rig.approve(device, f"{CAMPUS}/main/101")

    with rig.store.read() as connection:
        assert [k.seq for k in evidence.of_campus(connection, CAMPUS, 0, 4e9) if k.agent == device.id] == [1]


def test_a_move_leaves_old_evidence_where_it_was_measured_and_follows_from_its_date(rig: Rig) -> None:
    device = rig.enroll(Device())
    now = rig.clock()
    rig.stands_since(device, now - 7200)
    early, late = (now - 5400) // 60 * 60, (now - 600) // 60 * 60
    rig.push(device, device.seal(device.report(early)), device.seal(device.report(late)))
    rig.store.write(lambda c: agents.move(c, device.id, OTHER, None, "test", now, 300, from_at=now - 3600)).result()

    def of(campus: str) -> list[int]:
        with rig.store.read() as connection:
            return [k.seq for k in evidence.of_campus(connection, campus, 0, 4e9) if k.agent == device.id]

    assert (of(CAMPUS), of(OTHER)) == ([1], [2])
    with rig.store.read() as connection:
        spans = [(p.campus, p.from_at, p.to_at) for p in agents.placements(connection, device.id)]
    assert spans == [(CAMPUS, now - 7200, now - 3600), (OTHER, now - 3600, None)]


def test_a_new_device_takes_the_place_of_a_broken_one(rig: Rig) -> None:
    broken, fresh = rig.enroll(Device()), rig.enroll(Device(), approve=False)
    now = rig.clock()
    place = f"{CAMPUS}/main/101"
    rig.store.write(lambda c: agents.assign(c, broken.id, place, "test", now, 300)).result()
    rig.store.write(lambda c: agents.replace(c, broken.id, fresh.id, "test", now + 1, 300)).result()

    with rig.store.read() as connection:
        old, new = agents.find(connection, broken.id), agents.find(connection, fresh.id)
        stands = agents.placements(connection, fresh.id)[-1]
    assert old is not None and new is not None
    assert (old.state, new.state, stands.place, stands.to_at) == ("revoked", "approved", place, None)
