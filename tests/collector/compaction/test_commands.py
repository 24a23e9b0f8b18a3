"""`compact`, `hold` and `retention` as an operator types them."""

import json

import pytest

from collector.config import ConfigError, load
from tests.collector.command import command_line
from tests.collector.small_ledger import lived_in


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keeping")
    (folder / "data").mkdir()
    lived_in(folder / "data").store.close()
    return command_line(folder, "evidence_days = 1\ncompact_after_hours = 1\n")


def test_a_store_is_joined_confirmed_held_and_let_go(run):
    # The small ledger lies in the year 2026; whether it is past its time depends on the day of the test.
    waiting = json.loads(run("compact", "--json").stdout)["waiting"]
    done = run("compact", "--now", "--json")
    joined = json.loads(done.stdout)

    assert done.returncode == 0, done.stderr
    assert joined["reports"] == waiting
    assert joined["left"] == 0
    assert run("verify").stdout.startswith("confirmed")
    assert "0 reports are ready" in run("compact").stdout
    again = run("compact", "--now")
    assert "joined 0 reports in 0 hours" in again.stdout

    held = run("hold", "add", "lincoln", "--from", "2026-09-01", "--to", "2026-12-31", "--reason", "grievance 26-114")
    assert held.returncode == 0, held.stderr
    assert "stays" in held.stdout
    shown = run("hold", "list")
    assert "grievance 26-114" in shown.stdout
    assert json.loads(run("retention", "apply", "--json").stdout) == {"hours": 0}
    assert run("hold", "release", "1", "--by", "ben").returncode == 0
    plan = json.loads(run("retention", "show", "--json").stdout)
    assert plan["evidence_days"] == 1
    assert plan["records_until"] == "2029-06-30"
    gone = run("retention", "apply")
    assert gone.returncode == 0
    verified = run("verify")
    assert verified.returncode == 0, verified.stdout
    if plan["campuses"]:
        assert "evidence expired, chain intact" in verified.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("hold", "add", "nowhere", "--from", "2026-09-01", "--to", "2026-09-02", "--reason", "x"), "is not known"),
        (("hold", "add", "lincoln", "--from", "2026-09-03", "--to", "2026-09-02", "--reason", "x"), "exchange the two"),
        (("hold", "release", "99"), "no hold 99 lasts"),
    ],
)
def test_what_cannot_be_held_is_refused_with_the_mend(run, arguments, said):
    refused = run(*arguments)

    assert refused.returncode == 2
    assert said in refused.stderr


def test_a_wrong_age_in_the_configuration_is_refused(tmp_path):
    file = tmp_path / "collector.toml"
    file.write_text("evidence_days = -1\n")

    with pytest.raises(ConfigError, match="evidence_days"):
        load(file, {})
