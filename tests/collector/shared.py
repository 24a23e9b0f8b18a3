"""Files made by others, which stay out of the repository: beside it, or where CAMPUS_WIFI_SHARED says."""

import os
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("CAMPUS_WIFI_SHARED", Path(__file__).resolve().parents[3] / "shared"))


def lausd() -> Path:
    path = SHARED / "data" / "lausd_2018-06.tsv"
    if not path.exists():
        pytest.skip("the directory's file of 2018 is not here: name its folder with CAMPUS_WIFI_SHARED")
    return path
