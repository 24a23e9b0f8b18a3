"""The month of :mod:`tests.bench.judged_month` as it stands after a day: joined. To join millions of reports takes an
hour; here each campus's first day is joined as the collector does it, and its other days are the same blocks with the
days' own numbers and times in them. One hour of each day is read back to the byte, so that this is the real thing.
"""

import hashlib

import msgspec
import zstandard
from sqlalchemy import insert

from collector.compaction import hour
from collector.compaction.block import LEVEL
from collector.compaction.column import FROM_BEFORE
from collector.compaction.opened import FORMAT, FRONT, Contents
from collector.store import schema
from collector.store.evidence import unpack
from tests.bench import judged_month as month

_STEPPED = {"id": 1, "seq": 1, "start_at": 0, "end_at": 0, "slot": 0, "received_at": 0}
"""The columns that differ from day to day, and whether they go by the number of reports or by time."""


def add_evidence(store, campuses, days, progress=lambda _: None):
    """The joined reports of these days; returns how many."""
    count, firsts = 0, {}
    for done, day in enumerate(days, 1):
        for n, name in enumerate(month.names(campuses)):
            made = []
            for number, agent in enumerate(month.AGENTS):
                rows = [*month.reports(n, name, number, agent, day, count)]
                for at, stretch in enumerate(_stretches(rows)):
                    key = n, number, at
                    if key not in firsts:
                        first = hour.join([_entry(row) for row in stretch])
                        firsts[key] = first, stretch[0]["start_at"]
                        made.append(first)
                    else:
                        made.append(_moved(*firsts[key], stretch))
            assert [one.digest for one in hour.rows(made[-1])] == [
                hashlib.sha256(one.document).hexdigest() for one in hour.rows(made[-1])
            ]
            values = [msgspec.structs.asdict(one) for one in made]
            store.write(lambda connection, v=values: connection.execute(insert(schema.evidence_hour), v)).result()
            count += sum(one.reports for one in made)
        progress(done)
    return count


def _stretches(rows):
    found = {}
    for row in rows:
        found.setdefault(int(row["start_at"] // hour.SECONDS), []).append(row)
    return found.values()


def _entry(row):
    row = {**row, "id": row["seq"], "document": unpack(row["body"])}
    return hour.Entry(**{name: row[name] for name in hour.Entry.__struct_fields__})


def _moved(first, at, rows):
    """An hour of another day whose reports differ in number and time alone."""
    by_number, by_time = rows[0]["seq"] - first.first_seq, rows[0]["start_at"] - at
    moved = msgspec.structs.replace(
        first,
        first_seq=first.first_seq + by_number,
        last_seq=first.last_seq + by_number,
        first_at=first.first_at + by_time,
        last_at=first.last_at + by_time,
        index=_stepped(first.index, by_number, by_time),
        digests=b"".join(bytes.fromhex(row["digest"]) for row in rows),
        body=_stepped(first.body, by_number, by_time),
    )
    assert (moved.reports, moved.last_seq) == (len(rows), rows[-1]["seq"])
    return moved.sealed()


def _stepped(block, by_number, by_time):
    """The block with other first values of the columns that go by steps."""
    length = FRONT.unpack_from(block)[1]
    plain = zstandard.ZstdDecompressor(format=FORMAT).decompress(block[FRONT.size : FRONT.size + length], 1 << 24)
    contents = msgspec.msgpack.decode(plain, type=Contents)
    for at, path in enumerate(contents.paths):
        name = path.removeprefix("\0")
        if name in _STEPPED:
            head = contents.heads[at]
            assert head.base == FROM_BEFORE and head.coding <= 1, path
            step = by_number if _STEPPED[name] else round(by_time * 10 ** max(0, head.coding))
            contents.heads[at] = head._replace(first=head.first + step)
    parameters = zstandard.ZstdCompressionParameters.from_level(LEVEL, format=FORMAT, write_content_size=0)
    packed = zstandard.ZstdCompressor(compression_params=parameters).compress(msgspec.msgpack.encode(contents))
    return FRONT.pack(block[0], len(packed)) + packed + block[FRONT.size + length :]
