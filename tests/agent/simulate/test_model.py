"""The modelled district and its faults: the same seed is the same truth, and the probes show that truth."""

import csv
from pathlib import Path

import pytest

from agent import wire
from agent.simulate import district
from agent.simulate.faults import EPOCH_SLOTS, Faults
from agent.simulate.probes import ModelProbes, Place

SLOT = 30.0
BEGIN = 1_792_080_000.0
EPOCH = SLOT * EPOCH_SLOTS


def plan_of(campus: district.Campus) -> wire.Plan:
    return wire.Plan(
        schema=1, agent="0" * 32, campus=campus.id, place=None, issued_at=BEGIN, slot_seconds=30, report_seconds=10,
        reach_count=3, reach_interval_seconds=0.2,
        access_points=[wire.PlanTarget(ap.id, ap.address) for ap in campus.access_points],
        paths=[wire.PathTarget("gateway", "gateway"), wire.PathTarget("dns", "resolver", method="dns"),
               wire.PathTarget("internet", "one")],
        cadence=wire.Cadence(), simulated=True,
    )  # fmt: skip


def probes_of(campus: district.Campus, faults: Faults, number: int = 0) -> ModelProbes:
    return ModelProbes(Place(campus, *campus.agents[number]), faults, seed=1, boot_at=BEGIN - 3600)


def test_the_same_seed_gives_the_same_district_and_another_seed_another() -> None:
    assert district.model(12, seed=4) == district.model(12, seed=4)
    assert district.model(12, seed=4) != district.model(12, seed=5)


def test_no_two_access_points_of_a_large_district_share_an_id_or_an_address() -> None:
    aps = [ap for campus in district.model(1000, access_points=40) for ap in campus.access_points]

    assert len({ap.id for ap in aps}) == len(aps)
    assert len({ap.address for ap in aps}) == len(aps)
    assert all(ap.address.startswith(("198.18.", "198.19.")) for ap in aps)


def test_a_district_too_large_for_the_addresses_set_aside_is_refused() -> None:
    with pytest.raises(ValueError, match="addresses"):
        district.model(5000, access_points=40)


def test_every_agent_stands_in_a_room_of_its_campus() -> None:
    for campus in district.model(12, agents=3):
        assert len(set(campus.agents)) == 3
        assert set(campus.agents) <= set(campus.rooms)


def test_the_lists_name_every_campus_simulated_and_every_access_point_once(tmp_path: Path) -> None:
    campuses = district.model(3)

    paths = district.write_inventory(campuses, tmp_path / "model")

    rows = {path.name: list(csv.DictReader(path.open())) for path in paths if path.suffix == ".csv"}
    assert {row["simulated"] for row in rows["campuses.csv"]} == {"yes"}
    assert len(rows["access-points.csv"]) == sum(len(campus.access_points) for campus in campuses)
    assert {row["campus"] for row in rows["rooms.csv"]} == {campus.id for campus in campuses}


def test_faults_last_whole_slots_within_their_epoch() -> None:
    faults = Faults(district.model(12), 1, SLOT).between(BEGIN, BEGIN + 5 * EPOCH)

    assert {fault.kind for fault in faults} == {
        "access_point_down", "weak_room", "wan_cut", "slow_dns", "lunch_load", "radio_silent",
    }  # fmt: skip
    assert all(fault.from_at % SLOT == 0 and fault.to_at % SLOT == 0 for fault in faults)
    assert all(fault.from_at // EPOCH == (fault.to_at - SLOT) // EPOCH for fault in faults)


def test_what_is_wrong_at_an_instant_is_what_the_truth_names_there() -> None:
    campuses = district.model(12)
    faults = Faults(campuses, 7, SLOT)
    told = faults.between(BEGIN, BEGIN + EPOCH)

    for step in range(EPOCH_SLOTS):
        at = BEGIN + step * SLOT + 1
        now = {fault for campus in campuses for fault in faults.at(campus.id, at)}
        assert now == {fault for fault in told if fault.from_at <= at < fault.to_at}


def test_a_dead_access_point_answers_nobody_and_the_others_answer() -> None:
    campus = district.model(3)[2]
    faults = Faults([campus], 1, SLOT)
    dead = {fault.subject for fault in faults.at(campus.id, BEGIN) if fault.kind == "access_point_down"}
    table = probes_of(campus, faults).reach(plan_of(campus), BEGIN)

    assert dead
    assert {target for target, received in zip(table.target, table.received, strict=True) if received == 0} == dead
    assert set(table.sent) == {3}
    # Seconds since boot: the recorder places them.
    assert set(table.at) == {3600.0}


def test_a_cut_line_takes_the_internet_away_and_leaves_the_gateway() -> None:
    campus = district.model(5)[4]
    faults = Faults([campus], 1, SLOT)
    cut = next(f for f in faults.between(BEGIN, BEGIN + 20 * EPOCH) if f.kind == "wan_cut")
    table = probes_of(campus, faults).path(plan_of(campus), cut.from_at)

    outcomes = dict(zip(table.rung, table.outcome, strict=True))
    assert outcomes == {"gateway": "ok", "dns": "timeout", "internet": "timeout"}


def test_slow_dns_is_slow_and_nothing_else_is() -> None:
    campus = district.model(5)[4]
    faults = Faults([campus], 1, SLOT)
    found = faults.between(BEGIN, BEGIN + 40 * EPOCH)
    at = next(
        f.from_at for f in found if f.kind == "slow_dns"
        and not any(g.kind in {"wan_cut", "weak_room"} for g in faults.at(campus.id, f.from_at))
    )  # fmt: skip
    table = probes_of(campus, faults).path(plan_of(campus), at)

    rtt = dict(zip(table.rung, table.rtt_mean_seconds, strict=True))
    assert rtt["dns"] is not None and rtt["dns"] > 1.0
    assert rtt["gateway"] is not None and rtt["gateway"] < 0.2


def test_a_run_can_be_repeated_exactly() -> None:
    campus = district.model(1)[0]
    plan = plan_of(campus)

    first = probes_of(campus, Faults([campus], 1, SLOT)).reach(plan, BEGIN + 5)
    again = probes_of(campus, Faults([campus], 1, SLOT)).reach(plan, BEGIN + 5)

    assert wire.encode(first) == wire.encode(again)
    assert wire.encode(first) != wire.encode(probes_of(campus, Faults([campus], 1, SLOT)).reach(plan, BEGIN + 15))


def test_a_modelled_agent_never_says_that_it_was_carried_away() -> None:
    one, other = district.model(2)
    probes = [probes_of(one, Faults([one], 1, SLOT), number) for number in (0, 1)]
    told = {table.surroundings[0] for each in probes for n in range(50) for table in [each.host(BEGIN + n * EPOCH)]}

    assert len(told) == 1
    assert told != {probes_of(other, Faults([other], 1, SLOT)).host(BEGIN).surroundings[0]}
