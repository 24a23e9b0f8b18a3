"""The district that every test of incidents and planned work stands in, at nine o'clock."""

import pytest

from collector.judgement.judge import Judge
from tests.collector.incident_rig import a_district, stands
from tests.collector.judgement.test_judge_loop import MORNING, Now


@pytest.fixture
def clock():
    return Now(float(MORNING))


@pytest.fixture
def store(tmp_path, clock):
    with a_district(tmp_path, clock) as made:
        stands(made, clock)
        yield made


@pytest.fixture
def judge(store, clock):
    return Judge(store, clock, grace_seconds=60.0)
