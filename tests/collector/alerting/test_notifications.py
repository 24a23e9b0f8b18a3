"""Alertmanager's webhook at the collector's door: the step ``notified``, once, also where the page comes first."""

import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from collector.access import administration
from collector.administration.refusals import NotDone
from collector.alerting import notifications, routes
from collector.config import Config
from collector.holding import held_at
from collector.incidents import acts
from collector.judgement.judge import Judge
from collector.metrics.current import Current
from collector.services import Services
from collector.signer import Signer
from collector.store import Store, incidents
from tests.collector.incident_rig import a_district, measured, stands
from tests.collector.judgement.test_judge_loop import MORNING, SLOT, Now

TOKEN = "0123456789abcdef0123456789abcdef"


class Desk:
    """A collector's services with its door for notifications."""

    def __init__(self, folder: Path, store: Store, clock: Now) -> None:
        self.store, self.clock = store, clock
        self.token_file = folder / "token"
        self.token_file.write_text(f"{TOKEN}\n")
        config = Config(data_dir=folder, notifications_token_file=self.token_file)
        self.services = Services(store, config, Signer.load_or_create(folder), clock)
        self.services.judge = self.judge = Judge(store, clock, 60.0)
        self.http = TestClient(Starlette(routes=routes.routes(self.services)))

    def post(self, *alerts: dict[str, Any], receiver: str = "page", token: str = TOKEN, body: bytes = b"") -> Any:
        document = {"version": "4", "status": "firing", "receiver": receiver, "groupKey": "{}", "alerts": list(alerts)}
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return self.http.post("/v1/notifications", content=body or msgspec.json.encode(document), headers=headers)

    def steps(self, incident: int = 1) -> list[tuple[str, str, float]]:
        with self.store.read() as connection:
            found = incidents.steps(connection, [incident]).get(incident, [])
        return [(one.step, one.by, one.at) for one in found if one.step == "notified"]

    def outcomes(self) -> dict[tuple[str, str], int]:
        """Those of which there are any."""
        now = self.clock()
        with self.store.read() as connection:
            held = held_at(connection, now)
            assert held is not None
            found = notifications.outcomes(connection, held.inventory, now)
        return {key: count for key, count in found.items() if count}

    def metric(self, name: str, **labels: str) -> float | None:
        return self.services.registry.get_sample_value(name, labels)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    clock = Now(MORNING - 3600.0)
    with a_district(tmp_path, clock) as store:
        clock.at = float(MORNING)
        stands(store, clock)
        yield Desk(tmp_path, store, clock)


def current_text(desk: Desk) -> str:
    shown = Current(Services(desk.store, desk.services.config, desk.services.signer, desk.clock))
    shown.refresh()
    return shown.text().decode()


def alert(at: float, name: str = "CampusShort", status: str = "firing", **labels: str) -> dict[str, Any]:
    return {
        "status": status,
        "labels": {"alertname": name, "campus": "lincoln", "severity": "page", **labels},
        "annotations": {"summary": "Lincoln falls short now"},
        "startsAt": datetime.datetime.fromtimestamp(at, datetime.UTC).isoformat(),
        "endsAt": "0001-01-01T00:00:00Z",
        "fingerprint": "00aa",
    }


def test_who_was_told_becomes_a_step_once_for_each_receiver_however_often_it_is_repeated(desk: Desk) -> None:
    measured(desk.store, desk.clock, desk.judge, "msss")
    first = desk.clock()
    answer = desk.post(alert(first))
    desk.clock.at += 300
    desk.post(alert(first))
    desk.post(alert(first, name="CampusCutOff"))
    desk.post(alert(first), receiver="principals")

    assert answer.json() == {"alerts": 1, "steps": 1}
    assert desk.steps() == [("notified", "receiver page", first), ("notified", "receiver principals", first + 300)]
    assert desk.metric("campus_wifi_notifications_total", outcome="taken") == 4


def test_a_page_that_comes_before_its_incident_opens_is_written_to_it_with_the_pages_own_time(desk: Desk) -> None:
    measured(desk.store, desk.clock, desk.judge, "ms")
    told_at = desk.clock()
    assert desk.post(alert(told_at, name="CampusCutOff")).json() == {"alerts": 1, "steps": 0}
    measured(desk.store, desk.clock, desk.judge, "ss", since=MORNING + 2 * SLOT)
    desk.store.write(lambda _: None).result()

    assert desk.steps() == [("notified", "receiver page", told_at)]


def test_what_opens_no_incident_or_is_over_or_of_another_campus_is_no_step(desk: Desk) -> None:
    measured(desk.store, desk.clock, desk.judge, "msss")
    now = desk.clock()
    desk.post(alert(now, name="AccessPointDown"), alert(now, status="resolved"), alert(now, campus="oak"))
    desk.post(alert(now, name="SharedUplinkCut", campus="", uplink="u1"))

    assert desk.steps() == []


def test_each_alert_is_held_to_what_its_faults_turned_out_to_be(desk: Desk) -> None:
    assert desk.outcomes() == {}
    measured(desk.store, desk.clock, desk.judge, "msssmmm")
    first = desk.clock()
    desk.post(alert(first), alert(first, name="CampusCutOff"), alert(first, campus="oak"))
    desk.post(alert(first), receiver="principals")
    # The same campus again, of which no incident comes, and a simulated one, which is in no total.
    desk.post(alert(first + 86400), alert(first, campus="model"))

    assert desk.outcomes() == {
        ("CampusShort", "unresolved"): 3, ("CampusCutOff", "unresolved"): 1,
    }  # fmt: skip
    acts.close(desk.store, desk.clock, {"incident": 1, "as": "false", "reason": "a test of the switch"}, "ana")
    desk.clock.at += notifications.WAITS_SECONDS + 1
    assert desk.outcomes() == {
        ("CampusShort", "false"): 1, ("CampusShort", "no_incident"): 2, ("CampusCutOff", "false"): 1,
    }  # fmt: skip


def test_the_metrics_name_each_alert_and_outcome_once_somebody_was_told(desk: Desk) -> None:
    measured(desk.store, desk.clock, desk.judge, "msssmmm")
    assert "campus_wifi_alert_faults" not in current_text(desk)
    desk.post(alert(desk.clock()))
    said = current_text(desk)

    for name in notifications.OPENS:
        for became in notifications.OUTCOMES:
            count = int((name, became) == ("CampusShort", "unresolved"))
            assert f'campus_wifi_alert_faults{{alertname="{name}",resolution="{became}"}} {count}\n' in said


def test_the_watchdog_moves_its_own_clock_and_an_absent_one_counts_from_the_start(desk: Desk) -> None:
    assert desk.metric("campus_wifi_watchdog_timestamp_seconds") == desk.clock()
    desk.clock.at += 1000
    desk.post(alert(desk.clock(), name="CampusShort"))
    assert desk.metric("campus_wifi_watchdog_timestamp_seconds") == desk.clock() - 1000
    desk.post(alert(desk.clock(), name="Watchdog", campus=""), receiver="watchdog")
    assert desk.metric("campus_wifi_watchdog_timestamp_seconds") == desk.clock()


@pytest.mark.parametrize(
    ("how", "status", "said"),
    [
        ({"token": ""}, 401, "bearer token"),
        ({"token": TOKEN[:-1]}, 401, "bearer token"),
        ({"body": b"[]"}, 400, "not a notification"),
        ({"body": b'{"receiver": "page", "alerts": [{"status": "firing"}]}'}, 400, "not a notification"),
        ({"body": b" " * (routes.MAX_BODY_BYTES + 1)}, 413, "max_alerts"),
    ],
)
def test_what_is_refused_is_told_why_and_counted(desk: Desk, how: dict[str, Any], status: int, said: str) -> None:
    answer = desk.post(**how)

    assert answer.status_code == status
    assert said in answer.json()["error"]
    assert desk.metric("campus_wifi_notifications_total", outcome=str(status)) == 1


def test_wrong_tokens_are_slowed_down_and_the_right_one_still_comes_in(desk: Desk) -> None:
    refused = [desk.post(token="guess").status_code for _ in range(40)]

    assert set(refused) == {401, 429}
    assert desk.post().status_code == 200


def test_a_token_made_for_it_brings_notifications_until_it_is_replaced_and_then_its_time_is_over(desk: Desk) -> None:
    def made(role: str, days: float = 1.0) -> dict[str, Any]:
        return administration.create_token(desk.store, desk.clock, {"name": "am", "role": role, "days": days}, "ana")

    old = made("notifications")
    assert desk.post(token=old["token"]).status_code == 200
    new = administration.replace_token(desk.store, desk.clock, {"prefix": old["prefix"], "hours": 1}, "ana")
    assert (new["name"], new["role"], new["replaces"]) == ("am", "notifications", old["prefix"])
    assert [desk.post(token=one["token"]).status_code for one in (old, new)] == [200, 200]

    desk.clock.at += 3601
    answer = desk.post(token=old["token"])
    assert (answer.status_code, answer.json()["error"]) == (401, "expired token")
    assert desk.post(token=new["token"]).status_code == 200
    administration.revoke_token(desk.store, desk.clock, {"prefix": new["prefix"]}, "ana")
    assert desk.post(token=new["token"]).json()["error"] == "revoked token"
    assert desk.post(token=made("admin")["token"]).json()["error"] == "a token for something else"
    # The file that both were given goes on beside it.
    assert desk.post().status_code == 200
    with pytest.raises(NotDone, match="no token that is good begins with"):
        administration.replace_token(desk.store, desk.clock, {"prefix": old["prefix"], "hours": 1}, "ana")


def test_the_watchdogs_absence_counts_from_the_first_token_and_no_more_after_the_last(
    desk: Desk, tmp_path: Path
) -> None:
    services = Services(desk.store, Config(data_dir=tmp_path), desk.services.signer, desk.clock)
    door = routes.Door(services)

    def watchdog() -> float | None:
        door.expect()
        return services.registry.get_sample_value("campus_wifi_watchdog_timestamp_seconds")

    assert watchdog() == 0
    body = {"name": "am", "role": "notifications", "days": 1}
    prefix = administration.create_token(desk.store, desk.clock, body, "ana")["prefix"]
    began = desk.clock()
    assert watchdog() == began
    desk.clock.at += 900
    assert watchdog() == began
    administration.revoke_token(desk.store, desk.clock, {"prefix": prefix}, "ana")
    assert watchdog() == 0


def test_without_a_token_nothing_is_taken_and_a_short_or_missing_one_is_a_fault_that_says_the_mend(
    desk: Desk, tmp_path: Path
) -> None:
    desk.token_file.write_text("short")
    assert desk.post().status_code == 503
    with pytest.raises(routes.NoToken, match="openssl rand"):
        routes.read_token(desk.token_file)
    with pytest.raises(routes.NoToken, match="make it readable for the collector"):
        routes.read_token(tmp_path / "none")
    services = Services(desk.store, Config(data_dir=tmp_path), desk.services.signer, desk.clock)
    closed = TestClient(Starlette(routes=routes.routes(services)))
    assert closed.post("/v1/notifications").status_code == 404
    assert services.registry.get_sample_value("campus_wifi_watchdog_timestamp_seconds") == 0
