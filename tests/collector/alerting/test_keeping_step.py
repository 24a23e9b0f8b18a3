"""Acknowledgements, planned work and silences kept in step with a real Alertmanager, both ways, away or there."""

import contextlib
import datetime
import json
import socket
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from collector.administration.operations import perform
from collector.alerting import silences
from collector.alerting.alertmanager import CREATOR, Alertmanager, NotTaken
from collector.alerting.keeping_step import KeepingStep
from collector.store import incidents
from tests import binaries
from tests.collector.incident_rig import a_district, iso
from tests.collector.judgement.test_judge_loop import Now
from tests.e2e.programs import Programs, until

pytestmark = pytest.mark.binaries
CONFIG = """\
route: {receiver: nobody, group_by: [campus], group_wait: 1s}
receivers: [{name: nobody}]
"""


class Pair:
    """A store and an Alertmanager on a port of its own, which a test may start and stop."""

    def __init__(self, folder: Path, store: Any, clock: Now) -> None:
        self.store, self.clock = store, clock
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"
        self._folder = folder
        (folder / "alertmanager.yml").write_text(CONFIG)
        self.programs = Programs(folder)
        self.registry = CollectorRegistry()
        self.manager = Alertmanager(self.url, self.registry)
        self.keeping = KeepingStep(store, self.manager, clock, self.registry)

    def start(self) -> None:
        self.programs.start(
            "alertmanager", binaries.need("alertmanager"), f"--config.file={self._folder}/alertmanager.yml",
            f"--storage.path={self._folder}/data", f"--web.listen-address=127.0.0.1:{self._port}",
            "--cluster.listen-address=",
        )  # fmt: skip
        until(lambda: urllib.request.urlopen(f"{self.url}/-/ready", timeout=1).status == 200, 60, "it is ready")

    def alert(self, name: str, **labels: str) -> None:
        now = datetime.datetime.now(datetime.UTC)
        body = [{"labels": {"alertname": name, **labels}, "endsAt": (now + datetime.timedelta(hours=1)).isoformat()}]
        request = urllib.request.Request(
            f"{self.url}/api/v2/alerts", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        urllib.request.urlopen(request, timeout=5).close()

    def silenced(self) -> set[str]:
        return {one.labels["campus"] for one in self.manager.silenced()}

    def standing(self) -> list[str]:
        return sorted(one.comment for one in self.manager.silences() if one.stands and one.created_by == CREATOR)

    def incident(self, campus: str = "lincoln", from_at: float | None = None) -> int:
        begin = int(self.clock() - 900 if from_at is None else from_at)
        part = incidents.Part(campus, begin, None, 900)
        fault = incidents.Incident(f"campus {campus}", begin, None, "dns", "", (part,))
        return self.store.write(lambda c: incidents.add(c, fault, self.clock())).result()

    def over(self, number: int) -> None:
        end = int(self.clock())

        def change(connection: Any) -> None:
            one = incidents.find(connection, number)
            part = incidents.Part("lincoln", one.fault.from_at, end, 900)
            incidents.change(
                connection, number, incidents.Incident(one.fault.scope, one.fault.from_at, end, "dns", "", (part,))
            )

        self.store.write(change).result()

    def act(self, verb: str, **body: Any) -> dict[str, Any]:
        return perform(self.store, None, self.clock, verb, {"by": "ana", **body})

    def pending(self) -> float | None:
        return self.registry.get_sample_value("campus_wifi_silences_pending")


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    binaries.need("alertmanager")
    clock = Now(time.time())
    with a_district(tmp_path, clock) as store, contextlib.ExitStack() as ending:
        made = Pair(tmp_path, store, clock)
        ending.callback(made.programs.close)
        yield made


def test_an_acknowledged_incident_is_silenced_until_it_is_over(pair: Pair) -> None:
    pair.start()
    number = pair.incident()
    pair.keeping.step()
    assert pair.standing() == []
    pair.act("incident-step", incident=number, step="acknowledged", note="ana is on her way")
    pair.keeping.step()
    pair.keeping.step()

    assert pair.standing() == [f"campus-wifi incident {number}: somebody takes care of it"]
    pair.alert("CampusShort", campus="lincoln")
    pair.alert("CampusShort", campus="oak")
    until(lambda: pair.silenced() == {"lincoln"}, 20, "the campus's alert is silenced, and no other's")
    pair.over(number)
    pair.keeping.step()
    assert pair.standing() == []


def test_approved_planned_work_is_silenced_for_its_time_and_campus_and_what_waits_is_not(pair: Pair) -> None:
    pair.start()
    begin, end = pair.clock() + 3600, pair.clock() + 7200
    row = {"campus": "lincoln", "from": iso(begin), "to": iso(end), "reason": "switch upgrade"}
    (number,) = pair.act("exclusions-add", row=row)["exclusions"]
    pair.keeping.step()
    assert pair.standing() == []
    pair.act("exclusions-approve", ids=[number], by="ben")
    pair.keeping.step()
    pair.keeping.step()

    (made,) = [one for one in pair.manager.silences() if one.created_by == CREATOR]
    assert [(one.name, one.value) for one in made.matchers] == [("campus", "lincoln")]
    assert abs(made.starts_at.timestamp() - begin) < 1
    assert abs(made.ends_at.timestamp() - end) < 1
    assert "ana" not in made.comment
    pair.clock.at = end + 1
    pair.keeping.step()
    assert pair.pending() == 0


def test_the_silence_of_planned_work_ends_when_it_is_withdrawn_and_is_not_made_again(pair: Pair) -> None:
    pair.start()
    row = {"campus": "lincoln", "from": iso(pair.clock() - 60), "to": iso(pair.clock() + 7200), "reason": "upgrade"}
    (number,) = pair.act("exclusions-add", row=row)["exclusions"]
    pair.act("exclusions-approve", ids=[number], by="ben")
    pair.keeping.step()
    assert pair.standing() == [f"campus-wifi exclusion {number}: planned work, approved"]
    pair.alert("CampusShort", campus="lincoln")
    until(lambda: pair.silenced() == {"lincoln"}, 20, "the campus's alert is silenced")
    pair.act("exclusions-withdraw", ids=[number], reason="called off", by="carl")
    pair.keeping.step()
    pair.keeping.step()

    assert pair.standing() == []
    until(lambda: pair.silenced() == set(), 20, "the campus's alert is told again")


def test_while_alertmanager_is_away_nothing_is_lost_and_what_waits_is_counted(pair: Pair) -> None:
    number = pair.incident()
    pair.act("incident-step", incident=number, step="acknowledged")
    for _ in range(2):
        with pytest.raises(NotTaken, match="no answer"):
            pair.keeping.step()
        assert pair.pending() == 1
    pair.start()
    pair.keeping.step()

    assert len(pair.standing()) == 1
    assert pair.pending() == 0
    pair.programs.stop("alertmanager")
    pair.over(number)
    with pytest.raises(NotTaken):
        pair.keeping.step()
    assert pair.pending() == 1
    pair.start()
    pair.keeping.step()
    assert (pair.standing(), pair.pending()) == ([], 0)


def test_a_silence_that_a_person_ended_is_not_made_again(pair: Pair) -> None:
    pair.start()
    number = pair.incident()
    pair.act("incident-step", incident=number, step="acknowledged")
    pair.keeping.step()
    (made,) = [one for one in pair.manager.silences() if one.stands]
    pair.manager.end(made.id)
    pair.keeping.step()

    assert pair.standing() == []
    assert pair.pending() == 0


def test_a_silence_made_in_alertmanager_acknowledges_its_incident_once_and_an_older_one_does_not(pair: Pair) -> None:
    pair.start()
    number, other = pair.incident(), pair.incident("oak", pair.clock() + 60)

    def silence(campus: str) -> str:
        body = {
            "matchers": [{"name": "campus", "value": campus, "isRegex": False, "isEqual": True}],
            "startsAt": iso(time.time()), "endsAt": iso(time.time() + 3600), "createdBy": "ben", "comment": "I go",
        }  # fmt: skip
        request = urllib.request.Request(
            f"{pair.url}/api/v2/silences", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=5) as answer:
            return json.load(answer)["silenceID"]

    made = {campus: silence(campus) for campus in ("lincoln", "oak")}
    for campus in made:
        pair.alert("CampusShort", campus=campus)
    until(lambda: pair.silenced() == {"lincoln", "oak"}, 20, "both are silenced")
    pair.clock.at = time.time() + 1
    for _ in range(2):
        pair.keeping.step()

    with pair.store.read() as connection:
        steps = incidents.steps(connection, [number, other])
    (step,) = steps[number]
    assert (step.step, step.by) == ("acknowledged", "ben")
    assert step.note == f"{silences.BY_SILENCE}, {made['lincoln']}: I go"
    assert other not in steps
    # The person's own silence has its own end: none is made beside it.
    assert pair.standing() == []


def test_what_is_no_alertmanager_is_named(tmp_path: Path) -> None:
    manager = Alertmanager("http://127.0.0.1:9", CollectorRegistry())

    with pytest.raises(NotTaken, match=r"http://127.0.0.1:9/api/v2: no answer"):
        manager.silences()
