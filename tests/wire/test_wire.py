"""The contract: golden documents of every released version are read for ever, and anything else is refused by path."""

import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent import wire

VERSIONS = sorted((Path(__file__).parent).glob("v*"))
GOLDEN = Path(__file__).parent / "v1"
DOCUMENTS = {
    "report": wire.Report,
    "report_radio": wire.Report,
    "push": wire.Push,
    "plan": wire.Plan,
    "plan_radio": wire.Plan,
    "ack": wire.Ack,
}


def golden(name: str) -> bytes:
    return (GOLDEN / f"{name}.json").read_bytes()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_golden_document_is_read_and_written_again_byte_for_byte(name: str) -> None:
    document = wire.decode(golden(name), DOCUMENTS[name])

    assert wire.encode(document) == golden(name)


@pytest.mark.parametrize("version", VERSIONS, ids=lambda path: path.name)
def test_every_released_versions_report_is_still_read(version: Path) -> None:
    report, unknown = wire.decode_report((version / "report.json").read_bytes())

    assert report.seq >= 1
    assert unknown == 0


def test_the_first_version_s_golden_documents_are_all_there() -> None:
    assert {path.name for path in GOLDEN.iterdir()} >= {"report.json", "push.json", "plan.json", "ack.json"}


def test_the_golden_reports_hold_every_kind_of_measurement_with_its_units() -> None:
    report, _ = wire.decode_report(golden("report"))
    radio, _ = wire.decode_report(golden("report_radio"))

    assert [kind for kind in wire.KINDS if getattr(report, kind) is None and getattr(radio, kind) is None] == []
    assert report.reach is not None and report.reach.target[0] == "02:00:00:00:00:01"
    assert report.reach.rtt_mean_seconds == [0.00132, None]
    assert report.reach.outcome == ["ok", "timeout"]


def test_what_is_signed_and_who_signed_never_change_between_versions() -> None:
    assert wire.signing_input("report", b"{}") == (
        b"campus-wifi/1/report\n" + bytes.fromhex("44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a")
    )
    assert wire.fingerprint(bytes(32)) == "66687aadf862bd776c8fc18b8e9f8e20"


def test_unknown_keys_are_ignored_and_counted_at_every_depth() -> None:
    raw = json.loads(golden("report"))
    raw["tomorrow"] = {"a": 1, "b": [1]}
    raw["clock"]["leap"] = 0
    raw["reach"]["rssi_dbm"] = [-60.0, None]
    raw["losses"][0]["note"] = "x"

    report, unknown = wire.decode_report(json.dumps(raw).encode())

    assert unknown == 4
    assert wire.encode(report) == golden("report")


def test_spaces_are_no_unknown_keys() -> None:
    _, unknown = wire.decode_report(json.dumps(json.loads(golden("report")), indent=2).encode())

    assert unknown == 0


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("$.seq", "first"),
        ("$.seq", 0),
        ("$.agent", "not hexadecimal"),
        ("$.duration_seconds", 0),
        ("$.clock.state", "guessed"),
        ("$.reach.sent[1]", -1),
        ("$.reach.sent[1]", 1.5),
        ("$.reach.loss_ratio[0]", 1.01),
        ("$.reach.target[0]", "x" * 65),
        ("$.path.rung[0]", "ladder"),
        ("$.losses[0].count", "many"),
    ],
)
def test_a_wrong_shape_is_refused_with_the_path_to_the_fault(path: str, value: object) -> None:
    raw = json.loads(golden("report"))
    steps = [int(s) if s.isdigit() else s for s in path.replace("[", ".").replace("]", "").split(".")[1:]]
    place = raw
    for step in steps[:-1]:
        place = place[step]
    place[steps[-1]] = value

    with pytest.raises(wire.WireError) as refused:
        wire.decode_report(json.dumps(raw).encode())

    # msgspec names a column, not the row in it.
    assert path.split("[", maxsplit=1)[0] in refused.value.reason


@pytest.mark.parametrize("key", ["schema", "agent", "stream", "seq", "boot_id", "start_at", "clock", "plan"])
def test_a_missing_key_is_refused_by_its_name(key: str) -> None:
    raw = json.loads(golden("report"))
    del raw[key]

    with pytest.raises(wire.WireError, match=key):
        wire.decode_report(json.dumps(raw).encode())


def test_columns_of_unequal_length_are_refused_and_named() -> None:
    raw = json.loads(golden("report"))
    raw["reach"]["received"].append(1)

    with pytest.raises(wire.WireError, match=r"column received has 3 values where `at` has 2.*\$\.reach"):
        wire.decode_report(json.dumps(raw).encode())


@pytest.mark.parametrize("schema", [0, 2, 10**6])
def test_an_unknown_schema_is_refused_for_that_whatever_else_changed(schema: int) -> None:
    raw = json.loads(golden("report"))
    raw["schema"] = schema
    raw["clock"] = "of another shape"

    with pytest.raises(wire.WireError, match=rf"unknown schema {schema}: this side reads schema 1 - at `\$\.schema`"):
        wire.decode_report(json.dumps(raw).encode())


@pytest.mark.parametrize(
    "data",
    [b"", b"null", b"[]", b'"x"', b"{", b"\xff\xfe", b"{}" * 2, b"[" * 100_000, b'{"schema":' + b"9" * 5000 + b"}"],
    ids=["empty", "null", "list", "text", "cut", "not UTF-8", "two", "deep", "long number"],
)
def test_what_is_no_report_is_refused_and_never_crashes(data: bytes) -> None:
    with pytest.raises(wire.WireError):
        wire.decode_report(data)


def test_more_reports_than_a_push_may_hold_are_refused() -> None:
    raw = json.loads(golden("push"))
    raw["reports"] = raw["reports"] * (wire.MAX_REPORTS_PER_PUSH + 1)

    with pytest.raises(wire.WireError, match=r"\$\.reports"):
        wire.decode(json.dumps(raw).encode(), wire.Push)


def test_a_sealed_report_s_bytes_come_out_of_a_push_as_they_went_in() -> None:
    push = wire.decode(golden("push"), wire.Push)

    assert bytes(push.reports[0].report) == golden("report")


instants = st.floats(0, 3600, allow_nan=False).map(lambda s: round(s, 6))
some_seconds = st.none() | st.floats(0, 10, allow_nan=False).map(lambda s: round(s, 7))


@st.composite
def reports(draw: st.DrawFn) -> wire.Report:
    rows = draw(st.integers(0, 5))

    def column(values: st.SearchStrategy[object]) -> list[object]:
        return draw(st.lists(values, min_size=rows, max_size=rows))

    reach = wire.Reach(
        at=column(instants), duration_seconds=column(some_seconds), outcome=column(st.sampled_from(["ok", "timeout"])),
        reason=column(st.none() | st.text(max_size=20)), target=column(st.text(min_size=1, max_size=20)),
        method=column(st.sampled_from(["icmp", "arp", "tcp"])), stamp=column(st.sampled_from([None, "kernel", "user"])),
        sent=column(st.integers(0, 1000)), received=column(st.integers(0, 1000)),
        rtt_min_seconds=column(some_seconds), rtt_mean_seconds=column(some_seconds),
        rtt_max_seconds=column(some_seconds), jitter_seconds=column(some_seconds),
        loss_ratio=column(st.none() | st.floats(0, 1).map(lambda r: round(r, 4))),
    )  # fmt: skip
    return wire.Report(
        schema=wire.SCHEMA,
        agent=draw(st.from_regex("[0-9a-f]{32}", fullmatch=True)),
        agent_version="0.1.0",
        stream=draw(st.from_regex("[0-9a-f]{32}", fullmatch=True)),
        seq=draw(st.integers(1, 2**62)),
        boot_id="0" * 32,
        start_at=draw(st.none() | st.floats(0, 4e9).map(lambda s: round(s, 3))),
        duration_seconds=draw(st.floats(0.001, 3600)),
        clock=wire.Clock(state=draw(st.sampled_from(["synced", "estimated", "unknown"])), boottime_seconds=1.5),
        plan=draw(st.none() | st.just("a" * 64)),
        reach=reach if draw(st.booleans()) else None,
        simulated=draw(st.booleans()),
    )


@given(reports())
@settings(max_examples=200)
def test_encoding_is_canonical_so_that_a_report_has_one_signature(report: wire.Report) -> None:
    data = wire.encode(report)

    again, unknown = wire.decode_report(data)

    assert unknown == 0
    assert again == report
    assert wire.encode(again) == data
    # Canonical whatever order the keys came in.
    shuffled = msgspec.json.encode(dict(reversed(list(msgspec.json.decode(data).items()))))
    assert wire.encode(wire.decode_report(shuffled)[0]) == data


def test_types_that_were_learnt_are_read_by_many_threads_at_once(tmp_path: Path) -> None:
    """In a process of its own: msgspec 0.22 ends it where two threads are the first to read a type."""
    program = tmp_path / "many.py"
    program.write_text(
        "import sys, threading\n"
        "sys.setswitchinterval(1e-6)\n"
        "from agent import wire\n"
        "from collector.inventory import Inventory\n"
        f"data = open({str(GOLDEN / 'report_radio.json')!r}, 'rb').read()\n"
        "gate = threading.Barrier(8)\n"
        "def read():\n"
        "    gate.wait()\n"
        "    wire.decode_report(data)\n"
        "    Inventory.from_bytes(b'{}')\n"
        "threads = [threading.Thread(target=read) for _ in range(8)]\n"
        "[one.start() for one in threads]; [one.join() for one in threads]\n"
    )
    for _ in range(5):
        assert subprocess.run([sys.executable, program], check=False, cwd=GOLDEN.parents[2]).returncode == 0
