"""The judge reads joined evidence by its columns: to the value and the type what it reads of each report's bytes."""

import contextlib
import datetime
import hashlib
import json

import msgspec
import pytest
import zstandard
from hypothesis import example, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from agent import wire
from collector.compaction import block, hour
from collector.compaction.opened import FORMAT, FRONT, VERSION, BlockError, Opened
from collector.compaction.pages import Page, Pages
from collector.compaction.testimonies import of_block, whereabouts_of_block
from collector.holding import Held
from collector.inventory import AccessPoint, Campus, Inventory, Place
from collector.judgement import testimony
from collector.judgement.judging import Beside, CampusDay, judge_from
from collector.policies.policy import shipped
from collector.school_time.hours import Band, Calendar, Hours, Schedule
from collector.store.evidence import Kept, pack
from collector.store.judging import Standing
from tests.air_evidence import airspace, channels, join, link, throughput
from tests.collector.compaction.documents import golden, newer, signature, written
from tests.evidence import agent_id, report

COUNTS = st.tuples(st.integers(0, 400), st.integers(0, 400))
TARGETS = st.dictionaries(st.sampled_from([f"02:00:00:00:00:{n:02x}" for n in range(8)]), COUNTS, max_size=8)
RUNGS = st.sampled_from([("gateway", "gateway"), ("internet", "one"), ("link", "ap")])
SELDOM = {
    "airspace": st.just(airspace()),
    "channels": st.dictionaries(st.integers(1, 165), st.none() | st.floats(0, 1), max_size=3).map(channels),
    "link": st.lists(st.none() | st.floats(0, 1), max_size=3).map(lambda retries: link(*retries)),
    "join": st.lists(st.sampled_from(["ok", "dhcp"]), max_size=3).map(join),
    "throughput": st.lists(st.sampled_from(["ok", "timeout"]), max_size=2).map(throughput),
}


@st.composite
def reports(draw) -> bytes:
    """As agents write them; now and then of a newer wire, with whole numbers for decimals, or with other spaces."""
    made = report(
        "one",
        draw(st.integers(0, 10**9)) + draw(st.sampled_from([0.0, 0.25])),
        reach=draw(TARGETS),
        path=draw(st.dictionaries(RUNGS, COUNTS, max_size=3)),
        rtt=draw(st.integers(1, 9000)) / 1e6,
        duration=draw(st.sampled_from([60.0, 60.0, 59.5, 300.0])),
        seq=draw(st.integers(1, 10**6)),
        not_run=draw(st.sampled_from(["", "", "reach", "join"])),
        **draw(st.fixed_dictionaries({}, optional=SELDOM)),
    )
    made.place = draw(st.sampled_from([None, None, "lincoln/main/1"]))
    document = wire.encode(made)
    how = draw(st.integers(0, 9))
    if how == 0:
        return newer(document)
    if how == 1:
        return document.replace(b".0,", b",").replace(b".0]", b"]")
    if how == 2:
        return json.dumps(json.loads(document)).encode()
    if how == 3:
        return document.replace(b'"schema":1', b'"schema":1,"reach\\u0000at":[1.5]')
    return document


def typed(found):
    """So that 1 and 1.0 differ."""
    return msgspec.json.encode(found)


@settings(max_examples=300)
@given(st.lists(reports(), max_size=10))
@example([])
@example(golden())
@example(golden() + [newer(one) for one in golden()])
def test_of_each_report_the_same_is_read_by_columns_as_from_its_bytes(documents):
    opened = Opened(block.encode(documents))

    assert typed(of_block(opened)) == typed([testimony.of(one) for one in documents])
    assert typed(whereabouts_of_block(opened)) == typed([testimony.whereabouts(one) for one in documents])


@settings(max_examples=200)
@given(st.lists(written(), max_size=6))
def test_what_is_no_report_is_refused_by_columns_as_by_bytes(documents):
    opened = Opened(block.encode(documents))
    for by_columns, by_bytes in ((of_block, testimony.of), (whereabouts_of_block, testimony.whereabouts)):
        try:
            expected = typed([by_bytes(one) for one in documents])
        except (wire.WireError, msgspec.MsgspecError):
            with pytest.raises((wire.WireError, msgspec.MsgspecError)):
                by_columns(opened)
        else:
            assert typed(by_columns(opened)) == expected


_MADE = block.encode(golden() * 4)


@settings(max_examples=250)
@given(st.integers(0, 2**32), st.integers(1, 255))
def test_a_damaged_block_is_refused_or_read_by_columns_and_never_anything_worse(where, xor):
    made = bytearray(_MADE)
    made[where % len(made)] ^= xor
    for read in (of_block, whereabouts_of_block):
        with contextlib.suppress(BlockError, wire.WireError, msgspec.MsgspecError):
            read(Opened(bytes(made)))


BEGIN = 1_790_172_000  # 2026-09-23 14:00 UTC, an hour that two joined ones may share
DAY = datetime.date(2026, 9, 23)
CAMPUS = Campus("lincoln", "Lincoln", timezone="UTC")
POINTS = tuple(AccessPoint(f"02:00:00:00:00:{n:02x}", "lincoln", str(n), "10.0.0.1") for n in range(8))
ROOMS = tuple(Place("lincoln", "main", room) for room in "12")
CLASS = Schedule({"regular": (Band("K-12", datetime.time(14, 4), datetime.time(14, 11)),)}, ("regular",) * 7)
HELD = [
    Held(shipped(name), Inventory({"lincoln": CAMPUS}, {"lincoln": POINTS}, {"lincoln": ROOMS}), hours, {})
    for name, hours in (("strict-2", Hours(always=True)), ("baseline", Hours({"default": CLASS}, Calendar(DAY, DAY))))
]
NAMES = ("one", "two")
BESIDE = Beside(
    standings=[Standing(agent_id(name), "lincoln", f"lincoln/main/{n}", 0.0, None) for n, name in enumerate(NAMES, 1)],
    answered={(agent_id(name), one.id): 1.0 for name in NAMES for one in POINTS[:6]},
)


WORK = CampusDay(CAMPUS, DAY, {BEGIN + 300 * n: "" for n in range(-1, 4)})


def entries(agent, documents, number):
    """As rows of evidence keep them."""
    for at, document in enumerate(documents):
        made = testimony.of(document)
        start = BEGIN + 60.0 * at
        digest = hashlib.sha256(document).hexdigest()
        yield hour.Entry(
            number + at, agent_id(agent), "0" * 32, at + 1, digest, signature(at), "1" * 32, 100.0, "lincoln", start,
            start + made.duration_seconds, None, start + 61, "suspect" if at == 7 else "", None, None, document,
        )  # fmt: skip


def kept(entry, body):
    names = [name for name in Kept.__struct_fields__ if name != "body"]
    return Kept(**{name: getattr(entry, name) for name in names}, body=body)


@settings(max_examples=60)
@given(st.lists(reports(), min_size=1, max_size=12), st.lists(reports(), min_size=1, max_size=12),
       st.sampled_from(HELD))  # fmt: skip
def test_the_judge_says_of_joined_evidence_what_it_says_of_landed(of_one, of_two, held):
    landed, joined = [], []
    for number, (agent, documents) in enumerate({"one": of_one, "two": of_two}.items()):
        rows = [*entries(agent, documents, 100 * number)]
        landed += [kept(one, pack(one.document)) for one in rows]
        pages = Pages(hour.join(rows))
        joined += [kept(one, Page(pages, at)) for at, one in enumerate(pages.entries)]
    first, second = (judge_from(WORK, held, rows, BESIDE) for rows in (landed, joined))

    assert said(first) == said(second)
    assert [one.document() for one in joined] == [one.document() for one in landed]


def said(outcome):
    kept_sets = sorted(outcome.places_measured), sorted(outcome.newly_heard.items())
    return typed((outcome.verdicts, outcome.evidence, outcome.rooms, kept_sets))


def test_an_hour_that_was_sealed_with_a_broken_block_is_no_evidence_and_is_told():
    made = hour.join([*entries("one", [one for one in golden() if b'"reach"' in one] * 4, 1)])
    front = FRONT.unpack_from(made.body)[1]
    unpacker = zstandard.ZstdDecompressor(format=FORMAT)
    contents = msgspec.msgpack.decode(unpacker.decompress(made.body[FRONT.size : FRONT.size + front], 1 << 20))
    contents[-1] = b""
    packed = zstandard.ZstdCompressor(
        compression_params=zstandard.ZstdCompressionParameters.from_level(3, format=FORMAT)
    ).compress(msgspec.msgpack.encode(contents))
    body = FRONT.pack(VERSION, len(packed)) + packed + made.body[FRONT.size + front :]
    pages = Pages(msgspec.structs.replace(made, body=body).sealed())
    joined = [kept(one, Page(pages, at)) for at, one in enumerate(pages.entries)]

    with capture_logs() as logs:
        outcome = judge_from(WORK, HELD[0], joined, BESIDE)

    assert said(outcome) == said(judge_from(WORK, HELD[0], [], BESIDE))
    assert [one["event"] for one in logs] == ["joined evidence cannot be read; wifi-collector verify names it"]
    with pytest.raises(BlockError, match="a damaged block"):
        joined[0].document()
