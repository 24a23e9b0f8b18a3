"""Made-up series in the real promtool: what fires when, with which labels."""

import json
import subprocess
from pathlib import Path
from typing import Any

from collector.alerting import rules
from collector.alerting.alert import Terms
from tests import binaries

SLOT = 60
"""Slots of one minute keep promtool's clock readable; every waiting time is in slots."""
TERMS = Terms(slot_seconds=SLOT)
INFO = (
    'campus_wifi_campus_info{campus="n1",name="North",region="north",uplink="u1",simulated="false"}',
    'campus_wifi_campus_info{campus="s1",name="South",region="south",uplink="",simulated="false"}',
)
CAMPUS = {"campus": "n1", "name": "North", "region": "north", "uplink": "u1", "simulated": "false"}


def scene(made_up: dict[str, str], *checks: dict[str, Any], interval: int = SLOT) -> dict[str, Any]:
    """``made_up``: a value for each interval by series; the campuses n1 and s1 stand in the inventory."""
    given = {**dict.fromkeys(INFO, "1x4000"), **made_up}
    return {
        "interval": f"{interval}s",
        "input_series": [{"series": name, "values": values} for name, values in given.items()],
        "alert_rule_test": list(checks),
    }


def check(name: str, at: int, *labels: dict[str, str] | None, terms: Terms = TERMS) -> dict[str, Any]:
    """``labels`` None: it must not fire then."""
    alert = next(alert for alert in rules.alerts(terms) if alert.name == name)
    own = {"severity": alert.severity, "scope": alert.scope}
    expected = [{"exp_labels": {**one, **own}} for one in labels if one is not None]
    return {"eval_time": f"{at}s", "alertname": name, "exp_alerts": expected}


def fired(folder: Path, tests: list[dict[str, Any]], name: str, terms: Terms = TERMS, evaluated_every: int = 2) -> str:
    """What promtool finds otherwise than expected; empty where all is as expected. It looks at all groups of rules in
    one interval, whatever they say themselves."""
    # promtool compares annotations too; they are texts, and asked for elsewhere. Only labels are of interest here.
    written = rules.rule_file(terms)
    for group in written["groups"]:
        for rule in group["rules"]:
            if "alert" in rule:
                rule["annotations"] = {}
    (folder / "bare.yml").write_text(rules.to_text(written))
    unit = {"rule_files": ["bare.yml"], "evaluation_interval": f"{evaluated_every}s", "tests": tests}
    (folder / "tests.yml").write_text(json.dumps(unit))
    command = [binaries.need("promtool"), "test", "rules", folder / "tests.yml"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    return "" if ran.returncode == 0 else f"{name}: {ran.stdout}{ran.stderr}"
