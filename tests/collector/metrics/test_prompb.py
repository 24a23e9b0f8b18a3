"""Reports become remote-write requests that the protobuf library reads back as what was measured."""

import struct
from typing import Any

import cramjam
import pytest

from agent import wire
from collector.metrics import prompb, series
from tests.bench.remote_write_messages import WriteRequest

AGENT = "0123456789abcdef0123456789abcdef"
START = 1_790_000_000.0
HERE = prompb.Origin("north-1", "north-1/A/101", False)


def reach(rows: int = 3, at: list[float] | None = None, **columns: Any) -> wire.Reach:
    given: dict[str, list[Any]] = {
        "at": at or [1.0 + n / 1000 for n in range(rows)],
        "duration_seconds": [0.5] * rows,
        "outcome": ["ok"] * rows,
        "reason": [None] * rows,
        "target": [f"00:11:22:33:44:{n:02x}" for n in range(rows)],
        "method": ["icmp"] * rows,
        "stamp": ["kernel"] * rows,
        "sent": [3] * rows,
        "received": [3] * rows,
        "rtt_min_seconds": [0.001] * rows,
        "rtt_mean_seconds": [0.002 + n / 1e6 for n in range(rows)],
        "rtt_max_seconds": [0.003] * rows,
        "jitter_seconds": [0.0001] * rows,
        "loss_ratio": [0.0] * rows,
    }
    return wire.Reach(**(given | columns))


def report(**tables: Any) -> wire.Report:
    return wire.Report(
        schema=1, agent=AGENT, agent_version="1", stream="a" * 32, seq=1, boot_id="b" * 32, start_at=START,
        duration_seconds=60.0, clock=wire.Clock("synced", 5.0), plan=None, **tables,
    )  # fmt: skip


def sent(made: wire.Report, origin: prompb.Origin = HERE) -> list[tuple[dict[str, str], float, int]]:
    encoded = prompb.Encoder().encode(made, START, origin)
    request = WriteRequest.FromString(bytes(cramjam.snappy.decompress_raw(prompb.compress([encoded.body]))))
    found = []
    for one in request.timeseries:
        names = [label.name for label in one.labels]
        assert names == sorted(set(names))
        assert all(label.value for label in one.labels)
        assert len(one.samples) == 1
        sample = one.samples[0]
        found.append(({label.name: label.value for label in one.labels}, sample.value, sample.timestamp))
    assert len(found) == encoded.samples
    return found


@pytest.mark.parametrize("rows", [3, 100])
def test_every_forwarded_column_arrives_with_its_value_labels_and_time(rows: int) -> None:
    made = report(reach=reach(rows, at=[1.0 + n for n in range(rows)]))
    samples = sent(made)

    assert len(samples) == rows * 7
    for forwarded in (f for f in series.WIRE if f.kind == "reach"):
        for row in range(rows):
            labels = {
                "__name__": forwarded.series.name,
                "campus": "north-1", "place": "north-1/A/101", "agent": AGENT, "ap": made.reach.target[row],
            }  # fmt: skip
            milliseconds = round((START + made.reach.at[row]) * 1000)
            assert (labels, getattr(made.reach, forwarded.column)[row], milliseconds) in samples


def test_an_access_point_that_stops_answering_ends_its_series_there() -> None:
    gone = [value for labels, value, _ in sent(report(reach=reach(rtt_mean_seconds=[0.1, None, 0.1])))
            if labels["__name__"] == "campus_wifi_ap_rtt_seconds" and labels["ap"].endswith("01")]  # fmt: skip

    assert [struct.pack("<d", value) for value in gone] == [struct.pack("<Q", 0x7FF0000000000002)]


def test_a_figure_that_the_device_never_had_makes_no_series() -> None:
    empty: dict[str, list[Any]] = {name: [None] for name in wire.Host.__struct_fields__}
    host = wire.Host(**(empty | {"at": [3.0], "outcome": ["ok"], "nic_up": [True], "cpu_ratio": [0.25]}))

    assert {(labels["__name__"], value) for labels, value, _ in sent(report(host=host))} == {
        ("campus_wifi_host_cpu_ratio", 0.25), ("campus_wifi_host_nic_up", 1.0),
    }  # fmt: skip


def test_rates_leave_in_bytes() -> None:
    empty: dict[str, list[Any]] = {name: [None] for name in wire.Throughput.__struct_fields__}
    given = {"at": [3.0], "outcome": ["ok"], "target": ["c"], "download_bits_per_second": [80e6]}
    test = wire.Throughput(**(empty | given))

    assert [(labels["__name__"], value) for labels, value, _ in sent(report(throughput=test))] == [
        ("campus_wifi_throughput_download_bytes_per_second", 10e6)
    ]


def test_simulated_samples_say_so_and_real_ones_carry_no_such_label() -> None:
    real = {labels.get("simulated") for labels, _, _ in sent(report(reach=reach()))}
    modelled = {labels.get("simulated") for labels, _, _ in sent(report(reach=reach()), HERE._replace(simulated=True))}

    assert (real, modelled) == ({None}, {"true"})


def test_samples_of_a_series_leave_in_the_order_of_their_time() -> None:
    target = ["00:11:22:33:44:00"] * 3
    times = [at for labels, _, at in sent(report(reach=reach(at=[30.0, 10.0, 20.0], target=target)))
             if labels["__name__"] == "campus_wifi_ap_sent"]  # fmt: skip

    assert times == sorted(times)


def test_labels_of_different_length_and_other_scripts_are_framed_rightly() -> None:
    samples = sent(report(reach=reach(target=["a", "Schüler-AP", "x" * 60])))

    assert {labels["ap"] for labels, _, _ in samples} == {"a", "Schüler-AP", "x" * 60}


def test_a_time_outside_of_any_life_of_this_system_is_not_forwarded() -> None:
    assert prompb.Encoder().encode(report(reach=reach()), 5.0, HERE) == (b"", 0)
