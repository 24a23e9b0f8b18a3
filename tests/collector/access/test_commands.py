"""Accounts, tokens and the audit log on the command line, as an administrator types them."""

import datetime
import json
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.collector.access.access_rig import PASSWORD
from tests.collector.command import command_line

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    (tmp_path / "ana.txt").write_text(f"{PASSWORD}\n")
    return command_line(tmp_path)


def test_an_account_is_made_listed_changed_and_closed_and_the_log_says_who_did_it(run: Run, tmp_path: Path) -> None:
    made = run("account", "add", "ana", "--role", "operator", "--password-file", tmp_path / "ana.txt", "--by", "root")
    assert (made.returncode, made.stdout) == (0, "account ana may sign in as operator\n")
    again = run("account", "add", "ana", "--role", "viewer", "--password-file", tmp_path / "ana.txt")
    assert again.returncode == 2
    assert "there is an account 'ana' already" in again.stderr
    assert run("account", "role", "ana", "admin").returncode == 0
    assert run("account", "disable", "ana").stdout == "account ana is closed\n"
    listed = json.loads(run("account", "list", "--json").stdout)
    assert [(one["name"], one["role"], one["disabled"], one["created_by"]) for one in listed] == [
        ("ana", "admin", True, "root")
    ]
    assert "ana" in run("account", "list").stdout

    lines = json.loads(run("audit", "list", "--json").stdout)
    said = [(one["action"], one["subject"], one["way"]) for one in lines]
    assert said[:3] == [
        ("account disabled", "ana", "command line"),
        ("account role", "ana", "command line"),
        ("account added", "ana", "command line"),
    ]
    assert PASSWORD not in json.dumps(lines)
    database = (tmp_path / "data" / "collector.db").read_bytes()
    assert PASSWORD.encode() not in database
    assert b"$argon2id$v=19$m=65536,t=3,p=4$" in database


def test_a_weak_password_and_a_name_that_cannot_be_one_are_refused_with_what_to_do(run: Run, tmp_path: Path) -> None:
    (tmp_path / "weak.txt").write_text("short\n")
    weak = run("account", "add", "ana", "--role", "viewer", "--password-file", tmp_path / "weak.txt")
    odd = run("account", "add", "an a", "--role", "viewer", "--password-file", tmp_path / "ana.txt")
    nobody = run("account", "role", "bo", "admin")

    assert (weak.returncode, odd.returncode, nobody.returncode) == (2, 2, 2)
    assert "12 to 256 characters, this one 5" in weak.stderr
    assert "cannot be the name of an account" in odd.stderr
    assert "there is no account 'bo'" in nobody.stderr


def test_a_programs_token_is_shown_once_listed_by_its_first_characters_and_revoked(run: Run, tmp_path: Path) -> None:
    made = run("token", "create", "--kind", "api", "--role", "viewer", "--name", "prometheus")
    secret = made.stdout.strip()
    assert secret.startswith("cwa_") and len(secret) == 47
    assert secret not in (tmp_path / "data" / "collector.db").read_text("latin-1")
    (listed,) = json.loads(run("token", "list", "--json").stdout)
    assert (listed["prefix"], listed["role"], listed["state"]) == (secret[:12], "viewer", "good")

    assert run("token", "revoke", secret[:12]).stdout == f"token {secret[:12]} of prometheus is revoked\n"
    assert json.loads(run("token", "list", "--json").stdout)[0]["state"] == "revoked"
    assert run("token", "revoke", secret[:12]).returncode == 2
    nameless = run("token", "create", "--kind", "api")
    assert (nameless.returncode, "--name" in nameless.stderr) == (2, True)


def test_alertmanagers_token_has_no_role_and_is_replaced_while_the_old_one_goes_on(run: Run) -> None:
    made = run("token", "create", "--kind", "notifications", "--name", "alertmanager")
    secret = made.stdout.strip()
    assert "a token for alertmanager (notifications), good until 2" in made.stderr
    new = json.loads(run("token", "replace", secret[:12], "--hours", "2", "--json").stdout)
    listed = json.loads(run("token", "list", "--json").stdout)

    assert [(one["name"], one["role"], one["state"]) for one in listed] == [
        ("alertmanager", "notifications", "good")
    ] * 2
    assert (new["replaces"], new["token"][:12]) == (secret[:12], listed[1]["prefix"])
    ends = [datetime.datetime.fromisoformat(one["expires_at"]) for one in listed]
    assert (ends[1] - ends[0]).days == 364
    with_role = run("token", "create", "--kind", "notifications", "--name", "am", "--role", "admin")
    assert (with_role.returncode, "it can read nothing" in with_role.stderr) == (2, True)
    unknown = run("token", "replace", "cwa_nothing0")
    assert (unknown.returncode, "wifi-collector token list" in unknown.stderr) == (2, True)


def test_a_line_that_was_changed_or_taken_out_is_found(run: Run, tmp_path: Path) -> None:
    for role in ("viewer", "operator", "admin"):
        run("account", "add", f"a-{role}", "--role", role, "--password-file", tmp_path / "ana.txt")
    whole = run("audit", "verify")
    assert whole.returncode == 0, whole.stdout
    with sqlite3.connect(tmp_path / "data" / "collector.db") as database:
        row = database.execute("SELECT id FROM audit WHERE subject = 'a-operator'").fetchone()[0]
        database.execute("UPDATE audit SET way = '' WHERE id = ?", (row,))

    broken = run("audit", "verify", "--json")

    assert broken.returncode == 1
    assert json.loads(broken.stdout)["first_fault"] == row
