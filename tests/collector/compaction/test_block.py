"""Compaction is lossless: what comes out of a block is, byte for byte, what went in, or the block is refused."""

import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from collector.compaction import block
from collector.compaction.opened import BlockError
from tests.collector.compaction.documents import golden, newer, written


@settings(max_examples=500)
@given(st.lists(written(), max_size=8))
@example([])
@example([b""])
@example([b'{"a":[-0.0,1e-7,0.1]}', b'{"a":[0.0,null]}'])
@example([b'{"a":9223372036854775807}', b'{"a":-9223372036854775808}'])
@example([b'{"a":18446744073709551615,"b":[1e400]}', b'{"a":[[],{}],"b":{}}'])
@example([b"[1,2]", b"null", b'{"a":1}', b'{ "a":1}'])
def test_every_document_comes_back_byte_for_byte(documents):
    assert block.decode(block.encode(documents)) == documents


@settings(max_examples=150)
@given(st.lists(st.tuples(st.floats(allow_nan=False, allow_infinity=False), st.none() | st.integers(0, 99)), min_size=1,
                max_size=40), st.integers(1, 5))  # fmt: skip
def test_a_column_of_any_floats_and_nulls_comes_back(rows, width):
    documents = [
        b'{"t":{"x":[%s],"y":[%s]}}'
        % (b",".join([_number(one)] * width), b",".join([b"null" if other is None else b"%d" % other] * width))
        for one, other in rows
    ]

    assert block.decode(block.encode(documents)) == documents


def _number(value: float) -> bytes:
    import msgspec

    return msgspec.json.encode(value)


def test_the_golden_reports_and_those_of_a_newer_wire_come_back_together():
    documents = golden() + [newer(one) for one in golden()]

    assert block.decode(block.encode(documents)) == documents
    assert len(documents) >= 6


def test_an_hour_of_like_reports_takes_a_fraction_of_its_length():
    dice = random.Random(1)
    rows = [[round(dice.expovariate(400), 6) for _ in range(20)] for _ in range(60)]
    texts = [b'{"reach":{"rtt_mean_seconds":[%s],"sent":[%s]}}' % (
        b",".join(b"%.6f" % max(one, 1e-3) for one in row).replace(b"0,", b"0,"), b",".join([b"3"] * 20),
    ) for row in rows]  # fmt: skip

    assert len(block.encode(texts)) < 0.25 * sum(map(len, texts))


@settings(max_examples=250)
@given(st.integers(0, 2**32), st.integers(1, 255))
def test_a_damaged_block_is_refused_or_read_and_never_anything_worse(where, xor):
    made = bytearray(_MADE)
    made[where % len(made)] ^= xor
    try:
        block.decode(bytes(made))
    except BlockError as fault:
        assert len(str(fault)) < 300


_MADE = block.encode(golden() * 4)


@pytest.mark.parametrize("cut", [0, 1, 4, 5, 40, len(_MADE) - 1])
def test_a_block_that_was_cut_short_is_refused(cut):
    with pytest.raises(BlockError):
        block.decode(_MADE[:cut])
