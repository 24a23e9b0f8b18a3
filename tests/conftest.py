"""How the tests are shared out among processes (pytest-xdist): a file stays together, and so does what needs the
machine for itself. What waits longest begins first, so that nobody waits for it in the end."""

from __future__ import annotations

from typing import Any

import hypothesis
import pytest
from xdist.scheduler import LoadScopeScheduling

# Each is one at a time: guests with radios; a campus of namespaces, whose addresses lead through this machine's routes.
_TOGETHER = ("tests/lab/", "tests/e2e/")
_FIRST = (*_TOGETHER, "tests/month/", "tests/deploy/", "tests/package/", "tests/agent/test_crash")

# How long one example takes says more of what else runs on this machine than of us.
hypothesis.settings.register_profile("campus-wifi", deadline=None)
hypothesis.settings.load_profile("campus-wifi")


class _Files(LoadScopeScheduling):
    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::", 1)[0]
        return next((folder for folder in _TOGETHER if file.startswith(folder)), file)


def pytest_xdist_make_scheduler(config: Any, log: Any) -> LoadScopeScheduling:
    return _Files(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def rank(item: pytest.Item) -> int:
        return next((n for n, first in enumerate(_FIRST) if item.nodeid.startswith(first)), len(_FIRST))

    items.sort(key=rank)
