"""A simulated period, lived by the real programs through the real receive path, agrees with an oracle outside of them:
six campuses and a week for every push, forty and a month where there is time."""

import ast
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.month import proofs
from tests.month.__main__ import SHARED
from tests.month.lived import lived, memory
from tests.month.placed_faults import Plan, month, week

DIRECTORY = SHARED / "data" / "lausd_2018-06.tsv"


def test_the_oracle_knows_nothing_of_the_product() -> None:
    names = {
        alias.name if isinstance(node, ast.Import) else str(node.module)
        for file in ("oracle.py", "told.py")
        for node in ast.walk(ast.parse((Path(__file__).parent / file).read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }

    assert {name for name in names if name.split(".")[0] in ("agent", "collector", "tests")} == {"tests.month.told"}


def test_the_month_holds_each_fault_twice_and_the_week_once() -> None:
    def times(plan: Plan) -> dict[str, int]:
        found: dict[str, int] = {}
        for one in (*plan.faults, *plan.acts):
            kind = one.kind if hasattr(one, "kind") else one.verb
            found[kind] = found.get(kind, 0) + 1
        return found

    assert min(count for kind, count in times(month()).items() if kind not in ("move", "confirm")) >= 2
    assert times(week()).keys() >= times(month()).keys() - {"confirm"}


def in_memory() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="campus-wifi-month-", dir=memory()))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def folder() -> Iterator[Path]:
    yield from in_memory()


@pytest.fixture(scope="module")
def small():
    """A lived week of six campuses: the world it leaves, and what the comparison says."""
    for folder in in_memory():
        yield lived(week(), folder, DIRECTORY if DIRECTORY.exists() else None, tell=lambda _done, _text: None)


def test_a_lived_week_agrees_with_the_oracle_for_every_campus(small) -> None:
    _, rows = small

    assert {row.campus: row.faults for row in rows if row.faults} == {}
    assert sum(len(row.expected) == 1 for row in rows) == 6
    assert sum(row.decided for row in rows) == 5


def test_the_lived_week_is_confirmed_and_a_flipped_bit_is_named(small) -> None:
    world, rows = small

    for proof in (proofs.verify(world), proofs.spoiled(world, rows[4].campus)):
        assert proof.held, proof.said


@pytest.mark.package
@pytest.mark.timeout(900)
def test_the_weeks_bundle_verifies_in_an_empty_environment(small, tmp_path) -> None:
    world, rows = small

    proof = proofs.carried_away(proofs.export(world, rows[4].campus), tmp_path)
    assert proof.held, proof.said


@pytest.mark.long
@pytest.mark.timeout(5400)
def test_a_lived_month_of_forty_campuses_agrees_with_the_oracle(folder) -> None:
    world, rows = lived(month(), folder, DIRECTORY if DIRECTORY.exists() else None, tell=lambda _done, _text: None)

    assert {row.campus: row.faults for row in rows if row.faults} == {}
    for proof in (proofs.verify(world), proofs.spoiled(world, rows[18].campus)):
        assert proof.held, proof.said
