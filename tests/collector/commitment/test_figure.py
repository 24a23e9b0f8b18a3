"""One figure of an answer by its path, as a printed report names it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.commitment.figure import UnknownFigure, at

NAMES = st.text("abc_", min_size=1, max_size=4)
ANSWERS: st.SearchStrategy[Any] = st.recursive(
    st.integers() | st.text(max_size=3) | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=12,
)


def paths(value: Any, before: tuple[str, ...] = ()) -> list[tuple[str, Any]]:
    """Every path of a value with what stands there."""
    found = [(".".join(before), value)] if before else []
    if isinstance(value, dict):
        steps = value.items()
    elif isinstance(value, list):
        steps = [(str(number), one) for number, one in enumerate(value)]
    else:
        steps = []
    for step, one in steps:
        found += paths(one, (*before, step))
    return found


@given(ANSWERS)
def test_each_path_of_an_answer_leads_to_what_stands_there(answer: Any) -> None:
    for path, value in paths(answer):
        assert at(answer, path) is value


@pytest.mark.parametrize(
    ("path", "reason", "mend"),
    [
        ("totals.fake", "totals has no 'fake'", "it has real"),
        ("campuses.2", "campuses has no item '2'", "its items are numbered 0 to 0"),
        ("campuses.-1", "campuses has no item '-1'", "its items are numbered 0 to 0"),
        ("totals.real.met", "totals.real is one value, and has no 'met'", "write --figure totals.real"),
        ("groups.0", "groups has no item '0'", "it has no items"),
        ("", "the answer has no ''", "it has totals, campuses, groups"),
    ],
)
def test_a_path_that_leads_nowhere_says_what_there_is(path: str, reason: str, mend: str) -> None:
    with pytest.raises(UnknownFigure) as caught:
        at({"totals": {"real": 3}, "campuses": [{"campus": "lincoln"}], "groups": []}, path)

    assert (caught.value.reason, caught.value.mend) == (reason, mend)
