"""The modelled air shows the faults that the truth names, and the lists that the model writes give its plan."""

import csv
from pathlib import Path

import pytest

from agent import wire
from agent.simulate import district
from agent.simulate.faults import EPOCH_SLOTS, Fault, Faults
from agent.simulate.probes import ModelProbes, Place

SLOT = 30.0
BEGIN = 1_792_080_000.0
EPOCH = SLOT * EPOCH_SLOTS
DISTRICT = district.model(12)


def plan_of(campus: district.Campus, *, page: str = "") -> wire.Plan:
    return wire.Plan(
        schema=1, agent="0" * 32, campus=campus.id, place=None, issued_at=BEGIN, slot_seconds=30, report_seconds=10,
        reach_count=3, reach_interval_seconds=0.2, access_points=[], paths=[], cadence=wire.Cadence(),
        join=[wire.JoinTask(campus.ssid, page=page)], airspace_seconds=10.0, ssids=[campus.ssid],
        bssids=sorted(bssid for ap in campus.access_points for bssid in ap.bssids), simulated=True,
    )  # fmt: skip


class Known(Faults):
    """The faults that a test names, always."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__(DISTRICT, 1, SLOT)
        self._known = faults

    def at(self, campus: str, when: float) -> list[Fault]:
        return [fault for fault in self._known if fault.campus == campus]


def probes(campus: district.Campus, *kinds: tuple[str, str]) -> ModelProbes:
    faults = [Fault(kind, campus.id, subject, 0.0, 2 * BEGIN) for kind, subject in kinds]  # type: ignore[arg-type]
    return ModelProbes(Place(campus, *campus.agents[0]), Known(*faults), seed=1, boot_at=BEGIN - 3600)


def loudest(campus: district.Campus, *kinds: tuple[str, str]) -> float:
    table = probes(campus, *kinds).airspace(plan_of(campus), BEGIN)["airspace"]
    assert isinstance(table, wire.Airspace)
    return max(dbm for dbm, band in zip(table.signal_dbm, table.band, strict=True) if band == "5" and dbm is not None)


def busy(campus: district.Campus, *kinds: tuple[str, str]) -> float:
    table = probes(campus, *kinds).airspace(plan_of(campus), BEGIN)["channels"]
    assert isinstance(table, wire.Channels)
    return min(ratio for ratio, band in zip(table.busy_ratio, table.band, strict=True) if band == "5" and ratio)


def test_a_weak_room_hears_less_than_the_policy_asks_and_lunch_makes_the_air_busy() -> None:
    campus = DISTRICT[0]
    here = "/".join(campus.agents[0])

    assert loudest(campus) > -60
    assert loudest(campus, ("weak_room", here)) < -70
    assert busy(campus) < 0.2
    assert busy(campus, ("lunch_load", "")) > 0.5


@pytest.mark.parametrize("kind", ["access_point_down", "radio_silent"])
def test_a_dead_or_silent_access_point_sends_no_beacon_and_only_a_dead_one_does_not_answer(kind: str) -> None:
    campus = DISTRICT[0]
    ap = next(ap for ap in campus.access_points if (ap.building, ap.room) == campus.agents[0])
    model = probes(campus, (kind, ap.id))
    table = model.airspace(plan_of(campus), BEGIN)["airspace"]
    plan = wire.Plan(**{name: getattr(plan_of(campus), name) for name in wire.Plan.__struct_fields__}
                     | {"access_points": [wire.PlanTarget(ap.id, ap.address)]})  # fmt: skip

    assert isinstance(table, wire.Airspace)
    assert table.bssid and not set(table.bssid) & set(ap.bssids)
    assert model.reach(plan, BEGIN).received == [0 if kind == "access_point_down" else 3]


def test_what_is_heard_never_flickers_so_that_nothing_falls_silent_without_a_fault() -> None:
    campus = DISTRICT[0]
    weak = ("weak_room", "/".join(campus.agents[0]))
    heard = {
        frozenset(probes(campus, *kinds).airspace(plan_of(campus), BEGIN + step)["airspace"].bssid)  # type: ignore[attr-defined]
        for step in range(0, 600, 10)
        for kinds in ((), (weak,))
    }

    assert len(heard) == 1


def test_a_try_takes_as_long_as_its_stages_and_fails_at_the_stage_that_the_fault_breaks() -> None:
    campus = DISTRICT[0]
    joined = probes(campus).join(plan_of(campus, page="http://example.com/"), BEGIN)
    cut = probes(campus, ("wan_cut", "")).join(plan_of(campus), BEGIN)
    slow = probes(campus, ("slow_dns", "")).join(plan_of(campus), BEGIN)
    stages = [name for name in wire.Join.__struct_fields__ if name.endswith("_seconds") and name != "total_seconds"]
    stages.remove("duration_seconds")

    assert joined.outcome == ["ok"]
    assert joined.total_seconds == [pytest.approx(sum(getattr(joined, stage)[0] or 0.0 for stage in stages))]
    assert joined.portal_seconds[0] and joined.first_byte_seconds[0]
    assert (cut.outcome, cut.dns_answered) == (["dns"], [0])
    assert slow.outcome == ["ok"] and (slow.dns_seconds[0] or 0) > 1.4


def test_no_stranger_and_no_bss_outside_the_plan_is_kept() -> None:
    campus = DISTRICT[0]
    plan = plan_of(campus)
    none = wire.Plan(**{name: getattr(plan, name) for name in plan.__struct_fields__} | {"bssids": [], "ssids": ["x"]})
    table = probes(campus).airspace(none, BEGIN)

    assert table["airspace"].at == []
    assert set(table["channels"].own_radios) == {0}  # type: ignore[attr-defined]


def test_the_lists_name_bssids_of_which_no_two_are_alike_and_the_ssid_to_join(tmp_path: Path) -> None:
    rows = {path.name: list(csv.DictReader(path.open())) for path in district.write_inventory(DISTRICT, tmp_path)
            if path.suffix == ".csv"}  # fmt: skip
    bssids = [bssid for row in rows["access-points.csv"] for bssid in row["bssids"].split(";")]

    assert len(set(bssids)) == len(bssids) == 2 * len(rows["access-points.csv"])
    assert not set(bssids) & {row["id"] for row in rows["access-points.csv"]}
    assert {(row["ssids"], row["join"]) for row in rows["campuses.csv"]} == {(DISTRICT[0].ssid, DISTRICT[0].ssid)}
