"""The sentences of the evidence: each is read back as it was said, and no other reads its text."""

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from collector.incidents import words as incident_words
from collector.judgement import cause_words, reason_words
from collector.judgement.sentence import COUNT, ID, IDS, KEY, Row, Sentence, Sentences, Told

AWKWARD = (
    "",
    "; ",
    "a; b",
    "(x)",
    "1 of 2 short (y)",
    "rooms: z",
    "…",
    "{n}",
    "A\nB/101",
    "; taken alone: dns",
    ")",
)
names = st.one_of(st.sampled_from(AWKWARD), st.text(max_size=30))
ids = st.text(st.characters(exclude_categories=("Z", "C"), exclude_characters=":;,()"), min_size=1, max_size=12)
OF_KIND = {
    COUNT: st.integers(0, 10**6).map(str),
    KEY: st.sampled_from(("dns", "authentication", "campus_cut_off")),
    ID: ids,
    reason_words.LIST: st.sampled_from(("access-points", "rooms")),
    IDS: st.lists(ids, min_size=1, max_size=3).map(", ".join),
}
WORLDS = (cause_words.WHOLE, (incident_words.ALL,), (reason_words.ALL,))
"""What may stand in one place."""


Said = tuple[tuple[Sentences, ...], Sentence, dict[str, str]]


def fields_of(draw: st.DrawFn, sentence: Sentence) -> dict[str, str]:
    made = {}
    for field in sentence.fields:
        kind = sentence.kind(field)
        if isinstance(kind, Sentences):
            row = draw(st.lists(st.sampled_from(kind.forms), min_size=1, max_size=3 if kind.separator else 1))
            made[field] = kind.join(one.say(**fields_of(draw, one)) for one in row)
        else:
            made[field] = draw(OF_KIND.get(kind, names).filter(lambda one: one != "nothing to judge"))
    return made


@st.composite
def said(draw: st.DrawFn) -> Said:
    world = draw(st.sampled_from(WORLDS))
    sentence = draw(st.sampled_from([form for group in world for form in group.forms]))
    return world, sentence, fields_of(draw, sentence)


def again(row: Row) -> str:
    return row.separator.join(_again(told) for told in row.told)


def _again(told: Told) -> str:
    fields = {name: again(value) if isinstance(value, Row) else value for name, value in told.fields.items()}
    return told.sentence.say(**fields)


@given(said())
def test_a_sentence_with_awkward_fields_is_read_back(one: Said) -> None:
    _, sentence, fields = one
    told = sentence.read(sentence.say(**fields))

    assert told is not None
    assert told.sentence is sentence
    assert {name: again(got) if isinstance(got, Row) else got for name, got in told.fields.items()} == fields


@given(said())
def test_no_two_sentences_read_the_same_text(one: Said) -> None:
    world, sentence, fields = one
    text = sentence.say(**fields)

    assert [form for each in world for form in each.forms if form.read(text)] == [sentence]


@given(st.lists(st.tuples(ids, st.integers(0, 99), names), min_size=1, max_size=4))
@example([("place.loss", 1, "a); b"), ("place.rtt", 2, "c; d)")])
def test_a_row_says_the_same_text_again_whatever_the_names_hold(items: list[tuple[str, int, str]]) -> None:
    text = cause_words.BELOW.join(
        cause_words.FELL_SHORT.say(criterion=name, short=n, n=n, failing=failing) for name, n, failing in items
    )
    row = cause_words.read(text)

    assert row is not None
    assert again(row) == text
    if not any("; " in failing for _, _, failing in items):
        assert [told.fields["failing"] for told in row.told] == [failing for _, _, failing in items]


TEXTS = {
    "2 of 3 agents sent nothing: aaaaaaaaaaaa, bbbbbbbbbbbb": cause_words.SOME_SILENT,
    "all 2 campuses of uplink north-1 are cut off in this slot": cause_words.UPLINK_CUT,
    "7 of 20 campuses turned short in this slot: look at the monitor first; taken alone: dns": (
        cause_words.TURNED_SHORT_ALONE
    ),
    "19 of 60 tries to join failed at: dhcp 12, dns 7": cause_words.JOINS_FAILED,
    "signal.primary, signal.secondary in: Main/101, Main/102": cause_words.ON_THE_AIR,
    "rooms: c/Main/101": cause_words.IN_ROOMS,
    "agent aaaaaaaaaaaa: its own link is down": cause_words.AT_FAULT,
    "place.rtt: 1 of 2 unknown (nothing to judge)": cause_words.NOTHING_TO_JUDGE,
    "place.rtt: 1 of 2 unknown (c/Main/101)": cause_words.UNDECIDED,
    "place.rtt: 1 of 2 short (a, b, c, d, e, …)": cause_words.FELL_SHORT,
}


@pytest.mark.parametrize(("text", "sentence"), TEXTS.items())
def test_the_texts_that_ledgers_hold_are_still_read(text: str, sentence: Sentence) -> None:
    row = cause_words.read(text)

    assert row is not None
    assert [told.sentence for told in row.told] == [sentence]
    assert again(row) == text


@pytest.mark.parametrize("text", ["", "19 of 60 tries ended at authentication", "rooms", "all agents silent", "x; y"])
def test_what_no_sentence_says_is_not_read(text: str) -> None:
    assert cause_words.read(text) is None


def test_a_sentence_is_said_with_its_own_fields_and_no_others() -> None:
    with pytest.raises(TypeError, match="is said with n, not m"):
        cause_words.NO_NAMES.say(m=1)
    with pytest.raises(ValueError, match="has no field m"):
        Sentence("{n} agents", m=COUNT)


def test_no_sentence_that_ledgers_hold_is_ever_worded_otherwise() -> None:
    """Another wording is a new sentence: then this list grows."""
    written = (Path(__file__).parent / "sentences_in_ledgers.txt").read_text().splitlines()

    assert [one.template for one in cause_words.every() if one.template not in written] == []
    assert sorted(set(written) - {one.template for one in cause_words.every()}) == []
