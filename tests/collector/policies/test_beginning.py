"""A new collector judges from its first day, whatever policy it begins with."""

import base64
import datetime

import pytest

from collector.holding import Holding
from collector.lists.list_imports import take_in
from collector.policies import beginning, policy
from collector.store import Store

NOW = datetime.datetime(2026, 9, 1, 6, 0, tzinfo=datetime.UTC).timestamp()  # in Los Angeles still the day before
TODAY = datetime.date(2026, 8, 31)
BELLS = b"""[schedules.default]
weekly = { monday = "day" }
[[schedules.default.days.day]]
begins = 08:00:00
ends = 15:00:00
"""


@pytest.mark.parametrize("name", ["baseline", "baseline-2", "strict-2"])
def test_lists_and_bells_are_imported_for_today_also_where_the_policy_is_meant_for_a_later_year(tmp_path, name):
    assert policy.shipped("baseline-2").valid_from > TODAY
    with Store(f"sqlite:///{tmp_path}/collector.db", slot_seconds=300) as store:
        beginning.ensure_policy(store, lambda: NOW, demonstration=False, report_seconds=60, name=name)
        for file, data in (("campuses.csv", b"id,name\nlincoln,Lincoln\n"), ("bells.toml", BELLS)):
            encoded = base64.b64encode(data).decode()
            body = {"kind": file.partition(".")[0], "name": file, "data": encoded, "apply": True}
            assert take_in(store, lambda: NOW, body, "operator")["valid_from"] == TODAY.isoformat()
        holding = Holding()
        with store.read() as connection:
            holding.refresh(connection)
            held = holding.at(connection, NOW)

        assert held.policy.name == policy.shipped(name).name
        assert held.policy.valid_from <= TODAY
        assert "default" in held.hours.schedules
