"""A management network that is closed to the agents: not reachable from here, and never down."""

from pathlib import Path

import pytest

from tests.e2e.campus import SLOT_SECONDS, Campus, Network, running
from tests.e2e.programs import until

pytestmark = [pytest.mark.e2e, pytest.mark.root, pytest.mark.timeout(300)]


def test_a_closed_management_network_is_not_reachable_from_here_and_never_down(tmp_path: Path) -> None:
    with running(tmp_path, before=Network.close_management_network) as campus:
        until(lambda: _causes(campus), 10 * SLOT_SECONDS, "a slot is judged for what it is")

        assert "not_reachable_from_here" in _causes(campus)
        assert "short" not in campus.slots().values()
        assert not campus.query("campus_wifi_ap_up == 0")


def _causes(campus: Campus) -> set[str]:
    return {grounds.get("cause", "") for slot in campus.slots() for grounds in campus.record(slot)} & {
        "not_reachable_from_here"
    }
