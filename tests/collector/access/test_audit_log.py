"""The audit log's page has only what is new verified, and finds what was changed all the same."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from collector.access.audit_log import AuditLog
from collector.store import Store, audit, schema
from tests.collector.access.access_rig import People, serving

TABLE = schema.audit


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(f"sqlite:///{tmp_path}/collector.db", slot_seconds=300) as made:
        written(made, 6)
        yield made


def written(store: Store, count: int) -> None:
    for number in range(count):
        store.write(lambda c, n=number: audit.write(c, 100.0 + n, "ana", "noted", f"line {n}")).result()


def changed(store: Store, statement: Any) -> None:
    store.write(lambda c: c.execute(statement)).result()


def fault(log: AuditLog, store: Store, shown: int = 0) -> int | None:
    with store.read() as connection:
        return log.first_fault(connection, shown)


def broken(line: int) -> Any:
    return TABLE.update().where(TABLE.c.id == line).values(subject="another")


def test_a_line_that_is_broken_before_or_after_the_first_look_is_found(store: Store) -> None:
    log = AuditLog(store)
    assert fault(log, store) is None
    written(store, 3)
    changed(store, broken(8))
    assert fault(log, store) == 8
    written(store, 1)
    assert fault(log, store) == 8
    assert fault(AuditLog(store), store) == 8


def test_what_was_verified_is_looked_at_again_where_it_is_shown_and_at_the_next_start(store: Store) -> None:
    log = AuditLog(store)
    assert fault(log, store) is None
    changed(store, broken(3))

    assert fault(log, store, shown=2) is None
    assert fault(log, store, shown=4) == 3
    assert fault(AuditLog(store), store) == 3
    with store.read() as connection:
        assert audit.first_fault(connection) == 3


def test_an_end_that_was_taken_away_is_missed_though_what_is_left_is_whole(store: Store) -> None:
    log = AuditLog(store)
    assert fault(log, store) is None
    changed(store, TABLE.delete().where(TABLE.c.id > 4))

    assert fault(log, store) == 6
    with store.read() as connection:
        assert audit.is_whole(connection)


def test_a_look_reads_no_more_lines_than_are_new_or_shown(store: Store) -> None:
    log, hashed = AuditLog(store), []
    assert fault(log, store) is None
    written(store, 2)
    with store.read() as connection:
        event.listen(connection, "after_cursor_execute", lambda *told: hashed.append((told[2], told[3])))
        assert log.first_fault(connection, 1) is None

    [(_, numbers)] = [(text, given) for text, given in hashed if "audit.subject" in text]
    # All lines after the sixth: the two new ones.
    assert numbers[0] == 6


@pytest.fixture
def people(tmp_path: Path) -> Iterator[People]:
    with serving(tmp_path, board_public=False) as made:
        yield made


def test_the_page_says_where_the_chain_is_broken(people: People) -> None:
    people.account("ada", "admin")
    headers = people.session("ada")
    assert "Every line follows from the one before it" in people.http.get("/audit", headers=headers).text

    with people.store.read() as connection:
        last = audit.head(connection).number
    changed(people.store, broken(last))

    assert f"Line {last} does not follow" in people.http.get("/audit", headers=headers).text
