"""``wifi-collector`` as a real process: exit status, exact errors, and what a script or a person reads."""

import csv
import io
import json
import stat

import alembic.command
import alembic.config
import pytest
from sqlalchemy import create_engine

from collector.store import Batch, Store, agents
from tests.collector.agents.test_moved import AGENT, HERE, MORNING, SLOT, THERE, a_slot
from tests.collector.command import command_line


@pytest.fixture
def collector(tmp_path):
    return command_line(tmp_path, 'listen = "127.0.0.1:18080"\n')


@pytest.fixture
def lists(tmp_path):
    (tmp_path / "campuses.csv").write_text("id,name,region\nlincoln,+HYPERLINK(1),East\noak,Oak,West\n")
    (tmp_path / "aps.csv").write_text("campus,id,name,address\nlincoln,001122334455,ap-1,10.0.0.1\n")
    (tmp_path / "rooms.csv").write_text("campus,building,room\nlincoln,main,101\n")
    (tmp_path / "bells.toml").write_text(
        '[schedules.default]\nweekly = { monday = "regular" }\n'
        "[[schedules.default.days.regular]]\nbegins = 08:00:00\nends = 14:00:00\n"
    )
    return tmp_path


def test_an_import_is_a_dry_run_until_it_is_applied_and_the_second_changes_nothing(collector, lists):
    dry = collector("import", "campuses", "campuses.csv")
    assert (dry.returncode, "this was a dry run" in dry.stdout) == (0, True)
    assert json.loads(collector("commitment", "--json").stdout)["campuses"] == []

    applied = json.loads(collector("import", "campuses", "campuses.csv", "--apply", "--json").stdout)
    again = json.loads(collector("import", "campuses", "campuses.csv", "--apply", "--json").stdout)

    assert (applied["counts"], applied["applied"]) == ({"added": 2}, True)
    assert (again["counts"], again["applied"]) == ({}, False)
    for kind, name in (("access-points", "aps.csv"), ("rooms", "rooms.csv"), ("bells", "bells.toml")):
        done = collector("import", kind, name, "--apply")
        assert done.returncode == 0, done.stderr


def test_a_bad_list_is_refused_whole_with_each_line_named_and_exit_2(collector, lists):
    (lists / "aps.csv").write_text("campus,id,name,address\nlincoln,001122334455,ap-1,10.0.0.1\nelm,xx,ap-2,1.2.3\n")
    collector("import", "campuses", "campuses.csv", "--apply")

    done = collector("import", "access-points", "aps.csv", "--apply")

    assert done.returncode == 2
    assert done.stderr == (
        "wifi-collector: aps.csv: line 3: id 'xx' is neither a MAC address nor a serial number; "
        "copy it from the device's label\naps.csv: 1 fault, nothing was imported\n"
    )
    assert done.stdout == ""


def test_the_answer_as_table_csv_and_json_tells_the_same(collector, lists):
    collector("import", "campuses", "campuses.csv", "--apply")
    collector("import", "rooms", "rooms.csv", "--apply")

    answer = json.loads(collector("commitment", "--json").stdout)
    rows = list(csv.DictReader(io.StringIO(collector("commitment", "--csv").stdout)))
    table = collector("commitment", "--why").stdout

    assert [one["campus"] for one in answer["campuses"]] == [row["campus"] for row in rows] == ["lincoln", "oak"]
    assert rows[0]["name"] == "'+HYPERLINK(1)"
    assert answer["campuses"][0]["verdict"] == "not_enough_evidence"
    assert {"from", "to", "objective", "policy"} <= answer.keys()
    assert "not enough evidence" in table
    assert "rooms never measured: lincoln/main/101" in table


def test_a_token_is_one_line_and_a_batch_goes_into_a_file_that_only_we_can_read(collector, lists):
    collector("import", "campuses", "campuses.csv", "--apply")

    one = collector("token", "create", "--campus", "lincoln")
    unknown = collector("token", "create", "--campus", "elm")
    (lists / "batch.csv").write_text("campus,agents\nlincoln,2\noak,3\n")
    batch = collector("token", "create", "--file", "batch.csv", "--out", "joins.csv")

    assert one.stdout.startswith("campuswifi://")
    assert one.stdout.endswith("@127.0.0.1:18080?tls=0\n")
    assert unknown.returncode == 2
    assert unknown.stderr.startswith("wifi-collector: campus 'elm' is not known\n")
    assert (batch.returncode, "campuswifi" in batch.stdout) == (0, False)
    assert stat.S_IMODE((lists / "joins.csv").stat().st_mode) == 0o600
    rows = list(csv.DictReader((lists / "joins.csv").open()))
    assert [(row["campus"], row["agents"]) for row in rows] == [("lincoln", "2"), ("oak", "3")]
    assert collector("token", "create", "--file", "batch.csv", "--out", "joins.csv").returncode == 2


def test_wrong_use_is_exit_2_and_says_what_to_do(collector, lists):
    assert collector("import", "campuses", "absent.csv").stderr == (
        "wifi-collector: absent.csv cannot be read: No such file or directory\n  check the name and its permissions\n"
    )
    assert collector("commitment", "--from", "2026-09-02", "--to", "2026-09-01").returncode == 2
    assert collector("commitment", "--campus", "elm").returncode in (1, 2)
    assert collector("frobnicate").returncode == 2
    assert collector("--config", "absent.toml", "commitment").returncode == 2


def test_a_backup_is_checked_and_comes_back_where_the_store_was_lost(collector, lists):
    collector("import", "campuses", "campuses.csv", "--apply")
    assert collector("backup", "copy.sqlite").returncode == 0
    assert collector("restore", "copy.sqlite").returncode == 1

    for left in (lists / "data").glob("collector.db*"):
        left.unlink()
    (lists / "torn.sqlite").write_bytes((lists / "copy.sqlite").read_bytes()[:9000])

    assert collector("restore", "torn.sqlite").returncode == 1
    assert collector("restore", "copy.sqlite").returncode == 0
    assert len(json.loads(collector("commitment", "--json").stdout)["campuses"]) == 2


def test_the_policy_is_shown_with_its_sources_and_a_wrong_file_is_named(collector, tmp_path):
    (tmp_path / "policy.toml").write_text("thresold = 1\n")

    shown = json.loads(collector("policy", "show", "--json").stdout)
    wrong = collector("policy", "check", "policy.toml")

    assert all(one["source"]["title"] for one in shown["criteria"])
    assert wrong.returncode == 2
    assert "policy.toml:1: unknown key `thresold`" in wrong.stderr


def test_a_policy_is_adopted_from_a_day_on_and_the_days_before_keep_theirs(collector, tmp_path):
    adopted = collector("policy", "adopt", "baseline-2", "--from", "2026-01-01")
    shown = json.loads(collector("policy", "show", "--json").stdout)
    earlier = collector("policy", "adopt", "baseline", "--from", "2025-08-01")
    (tmp_path / "collector.toml").write_text(f'data_dir = "{tmp_path}/data"\npolicy = "baseline-9"\n')
    unknown = collector("policy", "show")

    assert adopted.returncode == 0, adopted.stderr
    assert adopted.stdout.startswith("baseline version 2 holds from 2026-01-01 on")
    assert (shown["version"], shown["valid_from"]) == (2, "2026-01-01")
    assert (earlier.returncode, "give --from 2026-01-01 or later" in earlier.stderr) == (2, True)
    assert (unknown.returncode, "write one of baseline, baseline-2" in unknown.stderr) == (2, True)


def test_an_agent_that_was_carried_away_is_listed_with_the_reason_and_confirmed(collector, lists, tmp_path):
    collector("import", "campuses", "campuses.csv", "--apply")
    collector("import", "rooms", "rooms.csv", "--apply")
    values = {
        "id": AGENT, "public_key": bytes(32), "campus": "lincoln", "state": "pending", "name": "", "simulated": False,
        "version": "1", "token": "", "created_at": float(MORNING),
    }  # fmt: skip
    reports = [*a_slot(MORNING, HERE), *a_slot(MORNING + SLOT, THERE)]
    with Store(f"sqlite:///{tmp_path}/data/collector.db") as store:
        store.write(lambda c: agents.enroll(c, values)).result()
        store.write(lambda c: agents.approve(c, AGENT, "lincoln/main/101", "test", MORNING, SLOT)).result()
        store.submit(Batch(AGENT, reports, MORNING + 2.0 * SLOT)).result()

    (doubtful,) = json.loads(collector("agents", "list", "--json").stdout)
    table = " ".join(collector("agents", "list").stdout.split())
    confirmed = collector("agents", "confirm", AGENT[:6])
    (after,) = json.loads(collector("agents", "list", "--json").stdout)
    again = collector("agents", "confirm", AGENT[:6])

    assert doubtful["unconfirmed_since"] == MORNING + SLOT
    assert doubtful["unconfirmed_because"] == "gateway or segment changed"
    assert "unconfirmed" in table
    assert (confirmed.returncode, "confirmed where it stands" in confirmed.stdout) == (0, True)
    assert (after["unconfirmed_since"], after["unconfirmed_because"]) == (None, None)
    assert (again.returncode, "nothing speaks against the place" in again.stderr) == (1, True)


def test_a_database_of_an_earlier_version_is_said_and_the_next_import_brings_it_up_to_date(collector, lists):
    assert collector("import", "campuses", "campuses.csv", "--apply").returncode == 0
    (database,) = lists.rglob("collector.db")
    config = alembic.config.Config()
    config.set_main_option("script_location", "collector:migrations")
    engine = create_engine(f"sqlite:///{database}")
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        alembic.command.downgrade(config, "-1")
        connection.commit()
    engine.dispose()

    stale = collector("seen", "--all")
    dry = collector("import", "campuses", "campuses.csv")

    assert stale.returncode == 1
    assert "the database is of version " in stale.stderr
    assert "start `wifi-collector serve` of this version once" in stale.stderr
    assert (dry.returncode, "nothing changes" in dry.stdout) == (0, True)
    assert collector("seen", "--all").returncode == 0
