"""Each seeded fault tells exactly what the committed table says: real rules, real Prometheus, real Alertmanager."""

from pathlib import Path

import pytest

from tests import binaries
from tests.deploy.notifications import table

pytestmark = [pytest.mark.binaries, pytest.mark.e2e]


def test_each_fault_tells_what_the_table_says_and_nothing_else(tmp_path: Path) -> None:
    for name in ("prometheus", "alertmanager"):
        binaries.need(name)

    assert table.run(tmp_path) == table.TABLE.read_text()
