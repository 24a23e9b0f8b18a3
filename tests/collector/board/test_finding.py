"""Campuses are found by what people call them."""

import pytest

from collector.board.finding import found
from collector.inventory import Campus, School

CAMPUSES = [
    Campus("pena-hs", "Peña High", region="East", schools=(School("19647330000001", "Academia de Música"),)),
    Campus("oak", "Oak Elementary", region="West", address="12 Peach Street, Reseda", board_district="BD 4"),
]


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("", ["pena-hs", "oak"]),
        ("   ", ["pena-hs", "oak"]),
        ("PENA", ["pena-hs"]),
        ("peña high", ["pena-hs"]),
        ("high pen", ["pena-hs"]),
        ("musica east", ["pena-hs"]),
        ("peach reseda", ["oak"]),
        ("bd 4", ["oak"]),
        ("pe", ["pena-hs", "oak"]),
        ("pena oak", []),
        ("%", []),
    ],
)
def test_every_word_stands_somewhere_in_its_names_whatever_accents_and_capitals(text: str, ids: list[str]) -> None:
    assert [one.id for one in found(CAMPUSES, text)] == ids
