"""Reports as agents of today, of tomorrow and of nowhere would write them, for Hypothesis and for loops."""

import base64
import json
from pathlib import Path

import msgspec
from hypothesis import strategies as st

from agent import wire

GOLDEN = Path(__file__).parents[2] / "wire" / "v1"
ODD = (1e-7, -0.0, 0.0, 5e-324, 1e22, 123456789.123456789, 0.1 + 0.2, -1e-6, 1e300)
NUMBERS = st.one_of(
    st.none(),
    st.sampled_from(ODD),
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-(2**63), 2**64 - 1),
    st.integers(0, 5000).map(lambda n: n / 1e6),
    st.integers(-120, 0).map(float),
)
TEXTS = st.one_of(
    st.none(), st.text(max_size=12), st.sampled_from(["ok", "timeout", "ünïcøde 🏫", '\0\x1f\\"', "LAUSD\u202e evil"])
)
COLUMN = st.one_of(st.lists(NUMBERS, max_size=6), st.lists(TEXTS, max_size=6), st.lists(st.booleans(), max_size=6))
NAMES = st.one_of(st.sampled_from(["reach", "path", "at", "target", "rtt_mean_seconds"]), st.text(max_size=8))
TREE = st.recursive(
    st.one_of(NUMBERS, TEXTS, COLUMN),
    lambda below: st.one_of(st.dictionaries(NAMES, below, max_size=5), st.lists(below, max_size=3)),
    max_leaves=20,
)


def golden() -> list[bytes]:
    """The reports of the wire's golden files, as they were signed."""
    pushed = msgspec.json.decode((GOLDEN / "push.json").read_bytes(), type=wire.Push)
    names = ("report.json", "report_radio.json")
    return [(GOLDEN / name).read_bytes().rstrip() for name in names] + [bytes(one.report) for one in pushed.reports]


def newer(document: bytes) -> bytes:
    """The same by a later minor version of the wire: a table, a column and a key that this one does not know."""
    tree = json.loads(document)
    tree["roaming"] = {"at": [1.5, 2.5], "outcome": ["ok", None], "steps": [[1, 2], [3]]}
    tree["clock"]["leap"] = True
    if "reach" in tree:
        tree["reach"]["hops"] = [3] * len(tree["reach"]["at"])
    return wire.encode(tree)


@st.composite
def written(draw) -> bytes:
    """One document: canonical, in another order, with other spaces, of a newer wire, or hardly JSON."""
    tree = draw(st.dictionaries(NAMES, TREE, max_size=6))
    text = msgspec.json.encode(tree)
    how = draw(st.integers(0, 5))
    if how == 0:
        return json.dumps(tree, ensure_ascii=draw(st.booleans())).encode("utf-8", "replace")
    if how == 1:
        return draw(st.sampled_from(golden()))
    if how == 2:
        return newer(draw(st.sampled_from(golden())))
    if how == 3:
        return draw(st.binary(max_size=40)) if draw(st.booleans()) else b'{"a":1,"a":1.0,"b":[1e-07,-0]}'
    return text


def signature(number: int) -> str:
    return base64.b64encode(bytes([number % 256]) * 64).decode()
