"""`policy` as an operator types it."""

import datetime
import json

import pytest

from tests.collector.command import command_line

TODAY = datetime.datetime.now(datetime.UTC).date()


@pytest.fixture
def collector(tmp_path):
    return command_line(tmp_path)


def test_two_policies_are_shown_side_by_side_as_a_table_and_for_a_script(collector):
    table = collector("policy", "show", "baseline", "--beside", "strict")
    plain = json.loads(collector("policy", "show", "baseline", "--beside", "strict", "--json").stdout)

    assert table.returncode == 0, table.stderr
    assert "rtt_seconds < 0.1 seconds" in table.stdout and "rtt_seconds < 0.06 seconds" in table.stdout
    assert "proposed, agreed by nobody yet" in table.stdout
    assert [one["name"] for one in plain["policies"]] == ["baseline version 1", "strict version 1"]
    assert collector("policy", "show", "lenient").returncode == 2


def test_check_ends_with_2_and_says_every_fault_to_a_person_and_to_a_script(collector, tmp_path):
    (tmp_path / "mine.toml").write_text('id = "mine"\nslot_seconds = 130\nsolt_objective = 0.9\n')

    said = collector("policy", "check", "mine.toml")
    plain = collector("policy", "check", "mine.toml", "--json")
    gone = collector("policy", "check", "gone.toml")

    assert (said.returncode, plain.returncode, gone.returncode) == (2, 2, 2)
    assert "mine.toml:3: unknown key `solt_objective`; did you mean `slot_objective`?" in said.stderr
    findings = json.loads(plain.stdout)["findings"]
    assert {"file", "line", "entry", "key", "fault", "mend"} == findings[0].keys()
    assert f"{len(findings)} faults found" in said.stderr
    assert "gone.toml: cannot be read" in gone.stderr


def test_a_policy_adopted_from_a_day_that_is_over_is_back_dated_wherever_it_is_shown(collector, tmp_path):
    (tmp_path / "campuses.csv").write_text("id,name\nlincoln,Lincoln\n")
    collector("import", "campuses", "campuses.csv", "--apply")
    ahead = collector("policy", "adopt", "strict", "--from", TODAY)
    before = json.loads(collector("commitment", "--json").stdout)
    fresh = collector("policy", "show").stdout
    assert ahead.returncode == 0 and "BACK-DATED" not in ahead.stdout + fresh
    assert before["back_dated"] is False

    for file in (tmp_path / "data").glob("collector.db*"):
        file.unlink()
    collector("import", "campuses", "campuses.csv", "--apply")
    adopted = collector("policy", "adopt", "strict", "--from", TODAY - datetime.timedelta(days=9))
    shown = collector("policy", "show")
    plain = json.loads(collector("policy", "show", "--json").stdout)
    answer = json.loads(collector("commitment", "--json").stdout)

    assert "it is BACK-DATED" in adopted.stdout
    assert "BACK-DATED: it holds from" in shown.stdout
    assert plain["back_dated"] and answer["back_dated"] and answer["policy_kept_at"]
    assert "(proposed, back-dated)" in collector("commitment").stdout


def test_answers_say_proposed_until_both_parties_have_agreed_each_on_a_date(collector, tmp_path):
    (tmp_path / "campuses.csv").write_text("id,name\nlincoln,Lincoln\n")
    collector("import", "campuses", "campuses.csv", "--apply")

    one = collector("policy", "agree", "--party", "District", "--date", "2026-09-01")
    assert one.returncode == 0, one.stderr
    assert "proposed, agreed by District (2026-09-01) alone" in one.stdout
    assert json.loads(collector("commitment", "--json").stdout)["proposed"] is True
    again = collector("policy", "agree", "--party", "district")
    assert (again.returncode, "agreed to baseline version 1 already" in again.stderr) == (2, True)

    both = collector("policy", "agree", "--party", "Teachers' union", "--date", "2026-09-02")
    assert both.returncode == 0, both.stderr
    assert json.loads(collector("commitment", "--json").stdout)["proposed"] is False
    agreed = json.loads(collector("policy", "show", "--json").stdout)["agreed_by"]
    assert agreed == [
        {"party": "District", "date": "2026-09-01"},
        {"party": "Teachers' union", "date": "2026-09-02"},
    ]
    late = collector("policy", "agree", "--party", "Principals", "--date", TODAY + datetime.timedelta(days=30))
    assert (late.returncode, "adopt it when it has agreed" in late.stderr) == (2, True)


def test_try_says_where_there_is_nothing_to_try_it_on_and_names_what_it_does_not_know(collector, tmp_path):
    (tmp_path / "campuses.csv").write_text("id,name\nlincoln,Lincoln\n")
    collector("import", "campuses", "campuses.csv", "--apply")

    said = collector("policy", "try", "strict")
    plain = json.loads(collector("policy", "try", "strict", "--json").stdout)
    unknown = collector("policy", "try", "strict", "--campus", "nowhere")

    assert (said.returncode, "there is nothing to try the policy on" in said.stdout) == (0, True), said.stderr
    assert plain["totals"]["real"] == {
        "campuses": 1, "change": 0,
        "before": {"falls_short": 0, "not_enough_evidence": 1, "meets": 0},
        "after": {"falls_short": 0, "not_enough_evidence": 1, "meets": 0},
    }  # fmt: skip
    assert (unknown.returncode, "nowhere" in unknown.stderr) == (2, True)
