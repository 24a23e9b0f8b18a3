"""Every query of every panel answers with data where the declared series have any: evaluated by the real promtool."""

import json
import subprocess
from pathlib import Path

import pytest

from collector import series
from collector.alerting import rules
from collector.alerting.alert import Terms
from tests import binaries
from tests.dashboards import queries

FIXED = {"period": "30d", "simulated": "false", "region": "north", "verdict": "met", "name": "North", "uplink": ""}


def made_up() -> list[dict[str, str]]:
    """Each declared series (recorded ones come from the rules) at three campuses, one of them simulated."""
    found = []
    for of in (*series.CAMPUS, *(forwarded.series for forwarded in series.WIRE)):
        for campus in ("n1", "n2", "m1") if "campus" in of.labels else ("",):
            for verdict in ("met", "short", "unknown") if "verdict" in of.labels else ("",):
                labels = {label: FIXED.get(label, "x") for label in of.labels} | {"job": "campus_wifi", "instance": "c"}
                given = {"campus": campus, "verdict": verdict, "simulated": "true" if campus == "m1" else "false"}
                labels |= {label: value for label, value in given.items() if label in of.labels}
                text = ",".join(f'{label}="{value}"' for label, value in labels.items())
                found.append({"series": f"{of.name}{{{text}}}", "values": "1x30"})
    return found


@pytest.mark.binaries
@pytest.mark.parametrize(
    "asked", list(queries.every(campus="n1")), ids=lambda asked: f"{asked.dashboard}-{asked.panel}"
)
def test_each_query_answers(asked: queries.Asked, tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text(rules.to_text(rules.rule_file(Terms(60))))
    # promtool says what it got where that is not what was expected: an answer is one that differs from nothing.
    question = {"expr": asked.expr, "eval_time": "10m", "exp_samples": []}
    scene = {"interval": "60s", "input_series": made_up(), "promql_expr_test": [question]}
    unit = {"rule_files": ["rules.yml"], "evaluation_interval": "10s", "tests": [scene]}
    (tmp_path / "unit.yml").write_text(json.dumps(unit))
    command = [binaries.need("promtool"), "test", "rules", tmp_path / "unit.yml"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert "got:" in ran.stdout + ran.stderr, ran.stdout + ran.stderr
    assert ran.returncode == 1
