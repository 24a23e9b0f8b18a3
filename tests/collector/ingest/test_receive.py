"""Ingest over a real socket: what is kept, what is refused and why, and that a refusal leaves nothing but its count."""

import base64
import gzip
import resource
import time
import zlib
from collections.abc import Iterator

import msgspec
import pytest
import zstandard

from agent import wire
from agent.identity import verify
from collector.store import agents, audit, evidence, marks
from tests.collector.rig import APS, CAMPUS, Device, Rig, running


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with running(tmp_path_factory.mktemp("collector")) as made:
        yield made


@pytest.fixture
def device(rig: Rig) -> Device:
    """Enrolled, and standing at its campus since yesterday."""
    return rig.stands_since(rig.enroll(Device()), rig.clock() - 86400)


def minute(rig: Rig, ago: int = 1) -> float:
    return (rig.clock() // 60 - ago) * 60


def body_of(device: Device, *sealed: wire.Sealed) -> bytes:
    return wire.encode(device.push(*sealed))


def test_a_kept_report_comes_back_byte_for_byte_with_its_signature(rig: Rig, device: Device) -> None:
    sealed = device.seal(device.report(minute(rig)))
    rig.push(device, sealed)

    with rig.store.read() as connection:
        kept = [k for k in evidence.of_campus(connection, CAMPUS, 0, 2e9) if k.agent == device.id]

    assert [k.document() for k in kept] == [bytes(sealed.report)]
    assert verify(device.identity.public_key, "report", kept[0].document(), kept[0].signature)


def test_the_acknowledgement_is_signed_by_the_collectors_key_and_echoes_the_request(rig: Rig, device: Device) -> None:
    push = device.push(device.seal(device.report(minute(rig))))
    answer = rig.post(device.id, wire.encode(push))
    ack = wire.decode(answer.content, wire.Ack)

    key = rig.services.signer.public_key
    assert verify(key, "ack", answer.content, answer.headers["Campus-Wifi-Signature"])
    assert (ack.request_id, ack.agent) == (push.request_id, device.id)
    assert ack.durable_through == {device.stream: 1}


@pytest.mark.parametrize("encoding", ["zstd", "gzip", "identity"])
def test_each_encoding_of_the_wire_is_taken(rig: Rig, device: Device, encoding: str) -> None:
    pack = {"zstd": zstandard.ZstdCompressor().compress, "gzip": gzip.compress, "identity": bytes}[encoding]
    answer = rig.post(
        device.id, pack(body_of(device, device.seal(device.report(minute(rig))))), Content_Encoding=encoding
    )

    assert answer.status_code == 200


def test_a_zstd_stream_that_does_not_declare_its_length_is_taken(rig: Rig, device: Device) -> None:
    packer = zstandard.ZstdCompressor(write_content_size=False).compressobj()
    data = packer.compress(body_of(device, device.seal(device.report(minute(rig))))) + packer.flush()

    assert rig.post(device.id, data, Content_Encoding="zstd").status_code == 200


def refused(rig: Rig, device_id: str, body: bytes, **headers: str) -> tuple[int, str]:
    """Status and reason; fails where something was stored or the reason was not counted."""
    before = rig.rows()
    answer = rig.post(device_id, body, **headers)
    reason = answer.json()["error"]
    assert rig.rows() == before
    assert f'campus_wifi_ingest_rejected_total{{reason="{reason}"}}' in rig.http.get("/metrics").text
    return answer.status_code, reason


def test_an_unknown_agent_is_refused(rig: Rig) -> None:
    stranger = Device()

    assert refused(rig, stranger.id, body_of(stranger, stranger.seal(stranger.report(minute(rig))))) == (
        401,
        "unknown agent",
    )


def test_a_revoked_agent_is_refused_at_once(rig: Rig, device: Device) -> None:
    rig.push(device, device.seal(device.report(minute(rig))))
    rig.store.write(lambda c: agents.revoke(c, device.id, "test", rig.clock(), 300)).result()

    assert refused(rig, device.id, body_of(device, device.seal(device.report(minute(rig))))) == (403, "revoked agent")


def test_a_wrong_method_is_refused(rig: Rig, device: Device) -> None:
    answer = rig.http.get("/v1/reports", headers={"Campus-Wifi-Agent": device.id})

    assert (answer.status_code, answer.json()) == (405, {"error": "method"})


def test_a_wrong_content_type_and_encoding_are_refused(rig: Rig, device: Device) -> None:
    assert refused(rig, device.id, b"{}", Content_Type="text/plain") == (415, "content type")
    assert refused(rig, device.id, b"{}", Content_Encoding="br") == (415, "content encoding")


def test_a_body_beyond_the_limit_is_refused_before_it_is_read(rig: Rig, device: Device) -> None:
    assert refused(rig, device.id, b" " * (wire.MAX_WIRE_BYTES + 1)) == (413, "body too long")


def test_a_body_without_declared_length_beyond_the_limit_is_refused(rig: Rig, device: Device) -> None:
    before = rig.rows()
    headers = {"Content-Type": "application/json", "Campus-Wifi-Agent": device.id}
    answer = rig.http.post("/v1/reports", content=(b" " * 65536 for _ in range(20)), headers=headers)

    assert (answer.status_code, answer.json()) == (413, {"error": "body too long"})
    assert rig.rows() == before


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"{}", b'{"request_id":"x","reports":[]}', b"[" * 100_000, b"\xff\xfe"]
)
def test_a_body_of_another_shape_is_refused(rig: Rig, device: Device, body: bytes) -> None:
    assert refused(rig, device.id, body) == (400, "wrong body")


@pytest.mark.parametrize("encoding", ["zstd", "gzip"])
def test_a_damaged_body_is_refused(rig: Rig, device: Device, encoding: str) -> None:
    good = {"zstd": zstandard.ZstdCompressor().compress, "gzip": gzip.compress}[encoding](b"{}" * 500)

    assert refused(rig, device.id, good[:-6], Content_Encoding=encoding) == (400, f"damaged {encoding}")


def _gzip_bomb() -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(512)) + packer.flush()


def _zstd_bomb(declared: bool) -> bytes:
    if declared:
        return zstandard.ZstdCompressor(19).compress(bytes(512 << 20))
    packer = zstandard.ZstdCompressor(3, write_content_size=False).compressobj()
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(512)) + packer.flush()


@pytest.mark.parametrize("kind", ["gzip", "zstd that says so", "zstd that does not"])
def test_a_bomb_is_refused_within_sixteen_mebibytes_and_half_a_second(rig: Rig, device: Device, kind: str) -> None:
    bomb = {
        "gzip": _gzip_bomb,
        "zstd that says so": lambda: _zstd_bomb(True),
        "zstd that does not": lambda: _zstd_bomb(False),
    }[kind]()
    assert len(bomb) <= wire.MAX_WIRE_BYTES
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    found = refused(rig, device.id, bomb, Content_Encoding=kind.partition(" ")[0])
    took = time.perf_counter() - began

    assert found == (413, "decoded body too long")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before <= 16 << 10
    assert took < 0.5


def test_a_report_signed_by_another_key_is_refused(rig: Rig, device: Device) -> None:
    report = device.report(minute(rig))
    forged = Device().seal(report)

    assert refused(rig, device.id, body_of(device, forged)) == (422, "wrong signature")


def test_a_report_changed_after_signing_is_refused(rig: Rig, device: Device) -> None:
    sealed = device.seal(device.report(minute(rig)))
    changed = bytes(sealed.report).replace(b'"received":[3,', b'"received":[2,')
    assert changed != bytes(sealed.report)

    assert refused(rig, device.id, body_of(device, wire.Sealed(sealed.signature, msgspec.Raw(changed))))[0] == 422


def test_one_bad_report_of_a_push_is_named_and_the_rest_is_kept(rig: Rig, device: Device) -> None:
    good = device.seal(device.report(minute(rig, 2)))
    bad = Device().seal(device.report(minute(rig, 1)))
    ack = rig.push(device, good, bad)

    assert {(r.seq, r.status, r.reason) for r in ack.results} == {
        (1, "accepted", ""),
        (2, "rejected", "wrong signature"),
    }
    assert ack.durable_through == {device.stream: 1}


def _with_reach(device: Device, rig: Rig, **columns: object) -> wire.Report:
    report = device.report(minute(rig))
    assert report.reach is not None
    return msgspec.structs.replace(report, reach=msgspec.structs.replace(report.reach, **columns))


@pytest.mark.parametrize(
    ("reason", "make"),
    [
        ("report of another agent", lambda d, r: d.report(minute(r), agent="0" * 32)),
        ("simulated and real mixed", lambda d, r: d.report(minute(r), simulated=True)),
        ("start_at out of range", lambda d, r: d.report(60.0)),
        ("more received than sent", lambda d, r: _with_reach(d, r, received=[4] * len(APS))),
        ("round-trip times out of order", lambda d, r: _with_reach(d, r, rtt_min_seconds=[0.5] * len(APS))),
        ("round-trip time out of range", lambda d, r: _with_reach(d, r, rtt_max_seconds=[1e6] * len(APS))),
        ("measurement outside the report's window", lambda d, r: _with_reach(d, r, at=[1e6] * len(APS))),
        ("loss ends before it begins",
         lambda d, r: d.report(minute(r), losses=[wire.Loss("x", 1, 9, 3, "0" * 32, "")])  ),
    ],
)  # fmt: skip
def test_a_report_that_cannot_be_true_is_refused(rig: Rig, device: Device, reason: str, make: object) -> None:
    report = make(device, rig)  # type: ignore[operator]

    assert refused(rig, device.id, body_of(device, device.seal(report))) == (422, reason)


def test_a_newer_schema_is_refused_as_that(rig: Rig, device: Device) -> None:
    body = body_of(device, device.seal(b'{"schema":2,"anything":[]}'))
    answer = rig.post(device.id, body)

    assert answer.status_code == 422
    assert "unknown schema 2" in answer.json()["error"]


def test_keys_that_this_version_does_not_know_are_counted_and_the_report_is_kept(rig: Rig, device: Device) -> None:
    before = rig.metric("campus_wifi_ingest_unknown_keys_total")
    data = wire.encode(device.report(minute(rig)))
    rig.push(device, device.seal(data[:-1] + b',"zebra":1}'))

    assert rig.metric("campus_wifi_ingest_unknown_keys_total") == before + 1


def test_too_many_requests_are_told_when_to_come_again_and_others_are_served(rig: Rig, device: Device) -> None:
    other = rig.enroll(Device())
    answers = [rig.post(device.id, b"{}") for _ in range(140)]
    late = [answer for answer in answers if answer.status_code == 429]

    assert late and late[0].json() == {"error": "too many requests"}
    assert int(late[0].headers["Retry-After"]) >= 1
    assert rig.push(other, other.seal(other.report(minute(rig)))).results[0].status == "accepted"


def test_one_number_with_two_contents_is_told_from_a_repeat_and_written_down_as_a_cloned_device(
    rig: Rig, device: Device
) -> None:
    first = device.report(minute(rig, 2))
    rig.push(device, device.seal(first))
    again = rig.push(device, device.seal(first))
    clone = rig.push(device, device.seal(msgspec.structs.replace(first, start_at=minute(rig, 1))))
    rig.store.write(lambda _: None).result()

    assert again.results[0].status == "duplicate"
    assert (clone.results[0].status, clone.results[0].reason) == ("rejected", "409 conflict: cloned device")
    with rig.store.read() as connection:
        assert device.id in {entry.subject for entry in audit.entries(connection, "cloned device")}
        assert audit.is_whole(connection)


def test_a_boot_that_comes_back_after_another_one_began_is_noticed_as_a_cloned_device(rig: Rig, device: Device) -> None:
    twin = Device(device.identity)
    for ago, one in ((4, device), (3, twin), (2, device)):
        assert rig.push(one, one.seal(one.report(minute(rig, ago)))).results[0].status == "accepted"
    rig.store.write(lambda _: None).result()

    with rig.store.read() as connection:
        assert device.id in {entry.subject for entry in audit.entries(connection, "cloned device")}


def test_a_device_that_starts_again_is_not_taken_for_two(rig: Rig, device: Device) -> None:
    for ago, boot in ((4, "a"), (3, "b"), (2, "b"), (1, "c")):
        rig.push(device, device.seal(device.report(minute(rig, ago), boot_id=boot * 32)))
    # The backlog of the first boot comes late, as after an outage.
    rig.push(device, device.seal(device.report(minute(rig, 5), boot_id="a" * 32)))
    rig.store.write(lambda _: None).result()

    with rig.store.read() as connection:
        assert device.id not in {entry.subject for entry in audit.entries(connection, "cloned device")}


def test_evidence_of_the_future_is_flagged_and_kept(rig: Rig, device: Device) -> None:
    rig.push(device, device.seal(device.report(rig.clock() + 3600)))

    with rig.store.read() as connection:
        kept = [k for k in evidence.of_campus(connection, CAMPUS, 0, 4e9) if k.agent == device.id]
    assert [k.flag for k in kept] == ["future"]


def test_a_report_of_an_unknown_clock_is_placed_when_its_anchor_comes(rig: Rig, device: Device) -> None:
    start = minute(rig, 30)
    early = device.report(None)
    rig.push(device, device.seal(early))
    with rig.store.read() as connection:
        assert [k for k in evidence.of_campus(connection, CAMPUS, 0, 2e9) if k.agent == device.id] == []

    offset = start - early.clock.boottime_seconds
    later = device.report(minute(rig), anchors=[wire.Anchor(device.boot_id, offset)])
    rig.push(device, device.seal(later))

    with rig.store.read() as connection:
        # It began before the device was enrolled, so no placement holds for it.
        row = connection.exec_driver_sql(
            "SELECT start_at FROM evidence WHERE agent = ? AND seq = 1", (device.id,)
        ).scalar()
    assert row == pytest.approx(start)


def test_numbers_that_the_agent_gave_up_are_passed_over_in_what_is_durable(rig: Rig, device: Device) -> None:
    first = device.report(minute(rig, 5))
    device.seq = 4
    fifth = device.report(minute(rig, 1), losses=[wire.Loss("report", 3, 2, 4, device.stream, "disk full")])
    assert rig.push(device, device.seal(first)).durable_through == {device.stream: 1}

    assert rig.push(device, device.seal(fifth)).durable_through == {device.stream: 5}


def test_kept_evidence_marks_its_slot_and_a_late_report_marks_it_again(rig: Rig, device: Device) -> None:
    at = rig.clock() // 300 * 300 - 86400
    everything = (4e9, 100, lambda _, slot: (slot, slot + 300))
    rig.stands_since(device, at - 3600)
    rig.push(device, device.seal(device.report(at)))
    with rig.store.read() as connection:
        before = {(d.campus, d.slot): d.mark for d in marks.pending(connection, *everything)[0]}
    rig.push(device, device.seal(device.report(at + 60)))
    with rig.store.read() as connection:
        after = {(d.campus, d.slot): d.mark for d in marks.pending(connection, *everything)[0]}

    assert after[CAMPUS, at] == before[CAMPUS, at] + 1


def test_a_signature_that_is_not_base64_is_a_wrong_signature(rig: Rig, device: Device) -> None:
    report = wire.encode(device.report(minute(rig)))
    for signature in ("", "!!!!", base64.b64encode(b"short").decode()):
        body = body_of(device, wire.Sealed(signature, msgspec.Raw(report)))
        assert refused(rig, device.id, body) == (422, "wrong signature")
