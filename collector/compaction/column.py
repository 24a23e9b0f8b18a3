"""One column of many reports as few bytes: values go in, a head and planes of bytes come out, and the same values back.

Decimals become whole numbers with one exponent for the column, which a division gives back to the last bit. Values of
one series (the same row of the table in each report) stand together, as they are, as their step from the one before, or
as their distance from another column that they follow: whichever packs best. Of the numbers all lowest bytes stand
together, then all second ones, so that noise is packed apart from what is none. All else is numbered texts of JSON.
"""

from __future__ import annotations

import itertools
import operator
import struct
from collections.abc import Callable, Mapping
from math import copysign
from typing import Any, NamedTuple

import msgspec

Rows = list[list[Any]]
INTS, BITS, TEXTS = -1, -2, -3
"""Codings beside the exponents 0 to 9: whole numbers, the 64 bits of a float, numbers of texts."""
AS_THEY_ARE, FROM_BEFORE = -1, -2
_MAX_EXPONENT = 9
_MAX_WIDTH = 8
_MOST = 1 << 62
"""The whole numbers below it, and the steps between any two of them, are of 64 bits."""
_WORTH_A_LOOK = 64
_STRUCT = {1: "B", 2: "H", 3: "I", 4: "I", 5: "Q", 6: "Q", 7: "Q", 8: "Q"}


class Head(NamedTuple):
    """How a column is read. ``rows``: reports that have it; ``lengths``: values in each of them, one number where all
    have as many. ``base``: the number
    of the column that it is told by, AS_THEY_ARE or FROM_BEFORE. ``first``: the value that stands before the first
    step. ``low`` is taken off each number, ``width`` bytes are left. ``nulls``: a plane more says where nothing is."""

    rows: int
    lengths: int | list[int]
    coding: int
    base: int
    first: int
    low: int
    width: int
    nulls: bool
    texts: list[str]


class Numbers(NamedTuple):
    """A column's whole numbers, by series: what another column may be told by."""

    lengths: int | list[int]
    coding: int
    numbers: list[int]


def encode(rows: Rows, others: Mapping[int, Numbers], size: Callable[[bytes], int]) -> tuple[Head, bytes, Numbers]:
    """``others``: columns that this one may follow; ``size``: how few bytes some bytes can become. The planes are as
    long as the column has values."""
    lengths = _lengths(rows)
    flat = list(itertools.chain.from_iterable(rows))
    kinds = set(map(type, flat))
    nulls = type(None) in kinds and len(kinds) > 1
    mask = b""
    if nulls:
        flat, gone = _filled(flat, lengths if isinstance(lengths, int) else 1)
        mask = bytes(_by_series(gone, lengths))
    coding, numbers, texts = _coded(flat, kinds - {type(None)} if nulls else kinds)
    numbers = _by_series(numbers, lengths)
    base, first, low, width, planes = _fewest(numbers, lengths, coding, others, size)
    head = Head(len(rows), lengths, coding, base, first, low, width, nulls, texts)
    return head, mask + planes, Numbers(lengths, coding, numbers)


def decode(head: Head, planes: bytes, others: Mapping[int, Numbers]) -> tuple[Rows, Numbers]:
    """Rows that are alike may be one and the same list. Raises ValueError, LookupError, TypeError or struct.error for
    what :func:`encode` did not write."""
    count = _count(head)
    mask, planes = (planes[:count], planes[count:]) if head.nulls else (b"", planes)
    if head.base == FROM_BEFORE:
        steps = _above(planes, count - 1, head.width, head.low)
        numbers = list(itertools.accumulate(steps, initial=head.first))
    else:
        numbers = _above(planes, count, head.width, head.low)
        if head.base != AS_THEY_ARE:
            numbers = list(map(operator.add, numbers, others[head.base].numbers))
    alike = head.width == 0 and head.base == AS_THEY_ARE
    values = _values(numbers[:1], head) * count if alike else _values(numbers, head)
    if head.nulls:
        values = [None if gone else value for gone, value in zip(mask, values, strict=True)]
    return _rows(values, head, alike=alike and not head.nulls), Numbers(head.lengths, head.coding, numbers)


def plane_sizes(head: Head) -> list[int]:
    """The bytes of each of the column's planes, in their order."""
    count = _count(head)
    return [count] * head.nulls + [count - (head.base == FROM_BEFORE)] * head.width


def _count(head: Head) -> int:
    return head.rows * head.lengths if isinstance(head.lengths, int) else sum(head.lengths)


def _lengths(rows: Rows) -> int | list[int]:
    lengths = [len(row) for row in rows]
    return lengths[0] if len(set(lengths)) == 1 else lengths


def _filled(flat: list[Any], back: int) -> tuple[list[Any], list[bool]]:
    """Nulls get the value of the report before, so that they are no step; and where they were."""
    mask = [value is None for value in flat]
    some = next(value for value in flat if value is not None)
    filled: list[Any] = []
    for at, value in enumerate(flat):
        filled.append(value if value is not None else filled[at - back] if at >= back else some)
    return filled, mask


def _coded(flat: list[Any], kinds: set[type]) -> tuple[int, list[int], list[str]]:
    if kinds == {int} and max(map(abs, flat)) < _MOST:
        return INTS, flat, []
    if kinds == {float}:
        for exponent in range(_MAX_EXPONENT + 1):
            whole = _scaled(flat, 10**exponent)
            if whole is not None:
                return exponent, whole, []
        return BITS, list(struct.unpack(f"<{len(flat)}q", struct.pack(f"<{len(flat)}d", *flat))), []
    return TEXTS, *_numbered(flat)


def _scaled(flat: list[float], scale: int) -> list[int] | None:
    """The whole numbers whose quotients by ``scale`` are just these floats, if there are such."""
    if max(map(abs, flat)) * scale >= _MOST:
        return None
    for value in flat[:: len(flat) // 16 + 1]:
        if round(value * scale) / scale != value:
            return None
    whole = [round(value * scale) for value in flat]
    if [one / scale for one in whole] != flat:
        return None
    if any(copysign(1.0, value) < 0 for value in flat if value == 0.0):
        return None
    return whole


def _numbered(flat: list[Any]) -> tuple[list[int], list[str]]:
    numbers: dict[str, int] = {}
    if set(map(type, flat)) == {str}:
        found = [numbers.setdefault(value, len(numbers)) for value in flat]
        return found, [msgspec.json.encode(text).decode() for text in numbers]
    return [numbers.setdefault(msgspec.json.encode(value).decode(), len(numbers)) for value in flat], list(numbers)


def _values(numbers: list[int], head: Head) -> list[Any]:
    if head.coding >= 0:
        scale = 10**head.coding
        return [number / scale for number in numbers]
    if head.coding == BITS:
        return list(struct.unpack(f"<{len(numbers)}d", struct.pack(f"<{len(numbers)}q", *numbers)))
    if head.coding == TEXTS:
        texts = [msgspec.json.decode(text) for text in head.texts]
        return [texts[number] for number in numbers]
    return numbers


def _by_series(values: list[Any], lengths: int | list[int]) -> list[Any]:
    if not isinstance(lengths, int) or lengths <= 1:
        return values
    return list(itertools.chain.from_iterable(values[at::lengths] for at in range(lengths)))


def _rows(values: list[Any], head: Head, *, alike: bool) -> Rows:
    """Values by series, as each report had them: every so-manieth is of the same report."""
    count, lengths = head.rows, head.lengths
    if not isinstance(lengths, int):
        each = iter(values)
        return [list(itertools.islice(each, length)) for length in lengths]
    if alike:
        return [values[:lengths]] * count
    return [[value] for value in values] if lengths == 1 else [values[at::count] for at in range(count)]


def _fewest(
    numbers: list[int],
    lengths: int | list[int],
    coding: int,
    others: Mapping[int, Numbers],
    size: Callable[[bytes], int],
) -> tuple[int, int, int, int, bytes]:
    """Base, first, low, width and planes of the way that takes the fewest bytes."""
    best = (AS_THEY_ARE, 0, *_split(numbers))
    if not numbers or best[3] == 0:
        return best
    cost = size(best[4])
    ways = [(FROM_BEFORE, list(map(operator.sub, numbers[1:], numbers)))]
    ways += [
        (number, list(map(operator.sub, numbers, other.numbers)))
        for number, other in others.items()
        if cost > _WORTH_A_LOOK and coding >= INTS and (other.lengths, other.coding) == (lengths, coding)
    ]
    for base, steps in ways:
        low, width, planes = _split(steps)
        if width <= _MAX_WIDTH and abs(low) <= 2 * _MOST - 1 and (packed := size(planes)) < cost:
            best, cost = (base, numbers[0] if base == FROM_BEFORE else 0, low, width, planes), packed
    return best


def _split(numbers: list[int]) -> tuple[int, int, bytes]:
    """The lowest number, the width of the others above it, and their planes."""
    if not numbers:
        return 0, 0, b""
    low = min(numbers)
    width = ((max(numbers) - low).bit_length() + 7) // 8
    if not 0 < width <= _MAX_WIDTH:
        return low, width, b""
    code = _STRUCT[width]
    raw = struct.pack(f"<{len(numbers)}{code}", *[number - low for number in numbers])
    stride = struct.calcsize(code)
    return low, width, b"".join(raw[at::stride] for at in range(width))


def _above(planes: bytes, count: int, width: int, low: int) -> list[int]:
    """The numbers whose planes these are, each with ``low`` put on again."""
    if count < 0 or not 0 <= width <= _MAX_WIDTH or len(planes) != count * width:
        raise ValueError("planes of another length than their head says")
    if width == 0:
        return [low] * count
    if width == 1:
        if low == 0:
            return list(planes)
        return list(map(range(low, low + 256).__getitem__, planes))
    code = _STRUCT[width]
    stride = struct.calcsize(code)
    raw = bytearray(count * stride)
    for at in range(width):
        raw[at::stride] = planes[at * count : (at + 1) * count]
    numbers = struct.unpack(f"<{count}{code}", raw)
    return [number + low for number in numbers] if low else list(numbers)
