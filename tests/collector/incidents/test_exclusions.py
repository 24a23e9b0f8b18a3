"""Planned work on a real store: two persons, a cause instead of a better verdict, and figures with it and without."""

import base64

import pytest

from collector.administration.operations import perform
from collector.administration.refusals import NotDone
from collector.commitment.answers import commitment
from collector.commitment.as_csv import as_csv
from collector.store import audit, exclusions, ledger
from tests.collector.incident_rig import iso, measured
from tests.collector.judgement.test_judge_loop import MORNING, SLOT, judged_until, strip

DAY = "2026-09-15"


def asked(store, clock, first: int, last: int, by: str = "ana", **more) -> list[int]:
    """For the slots ``first`` to ``last`` after nine o'clock, the last one left out."""
    row = {"campus": "lincoln", "reason": "switch upgrade"} | more
    row |= {"from": iso(MORNING + first * SLOT), "to": iso(MORNING + last * SLOT)}
    return perform(store, None, clock, "exclusions-add", {"row": row, "by": by})["exclusions"]


def approved(store, clock, ids, by: str = "ben"):
    return perform(store, None, clock, "exclusions-approve", {"ids": ids, "by": by})


def withdrawn(store, clock, ids, by: str = "carl", reason: str = "the work was called off"):
    return perform(store, None, clock, "exclusions-withdraw", {"ids": ids, "by": by, "reason": reason})


def answer(store, clock):
    return commitment(store, None, None, "lincoln", now=clock())["campuses"][0]


def row_of(store):
    with store.read() as connection:
        return ledger.newest(connection, "lincoln", DAY)


def test_an_approved_exclusion_moves_only_the_second_figure_and_an_unapproved_one_moves_nothing(store, clock, judge):
    measured(store, clock, judge, "mmssum")
    before = answer(store, clock)
    numbers = asked(store, clock, 1, 4)
    judged_until(judge, clock, clock.at + 1)
    waiting = answer(store, clock)
    approved(store, clock, numbers)
    judged_until(judge, clock, clock.at + 1)
    after = answer(store, clock)

    assert waiting == before
    headline = ("verdict", "met_ratio_lower", "met_ratio_upper", "seconds", "slots", "instructional_seconds")
    assert {key: after[key] for key in headline} == {key: before[key] for key in headline}
    assert after["met_ratio_lower"] == pytest.approx(3 / 6)
    assert after["met_ratio_upper"] == pytest.approx(4 / 6)
    without = after["without_exclusions"]
    assert without["seconds"] == {"met": 2 * SLOT, "short": 0, "unknown": SLOT}
    assert (without["met_ratio_lower"], without["met_ratio_upper"]) == (pytest.approx(2 / 3), 1.0)
    assert (before["verdict"], without["verdict"]) == ("falls_short", "not_enough_evidence")
    assert [one["seconds"] for one in after["exclusions"]] == [{"met": SLOT, "short": 2 * SLOT, "unknown": 0}]
    assert before["without_exclusions"]["seconds"] == before["seconds"]


def test_the_slots_are_judged_again_keep_their_verdict_and_say_why_in_ledger_and_audit(store, clock, judge):
    measured(store, clock, judge, "mssm")
    judged_until(judge, clock, MORNING + 2 * 86400)
    sealed = row_of(store)

    numbers = asked(store, clock, 1, 3)
    done = approved(store, clock, numbers)
    judged_until(judge, clock, clock.at + 1)

    row = row_of(store)
    assert done["slots_judged_again"] == 2
    assert (row.revision, row.reason) == (sealed.revision + 1, f"exclusion {numbers[0]}")
    assert row.record.strip == sealed.record.strip
    assert row.record.causes()["planned_work"] == 2 * SLOT
    with store.read() as connection:
        said = [(one.actor, one.action) for one in audit.entries(connection) if one.action.startswith("exclusion")]
        assert audit.is_whole(connection)
    assert said == [("ben", "exclusion approved"), ("ana", "exclusion asked for")]


def test_time_that_is_still_to_come_is_judged_with_the_exclusion(store, clock, judge):
    approved(store, clock, asked(store, clock, 1, 3))
    measured(store, clock, judge, "mss")

    assert list(strip(store).values()) == ["m", "s", "s"]
    assert row_of(store).record.causes() == {"planned_work": 2 * SLOT}


def test_who_asked_cannot_approve_and_nothing_is_approved_with_one_that_cannot_be(store, clock, judge):
    mine, other = asked(store, clock, 0, 1, by="Ana")[0], asked(store, clock, 1, 2, by="ben")[0]

    for ids, by in (([mine], "ana "), ([mine, other], "ben"), ([mine, 999], "carl")):
        with pytest.raises(NotDone):
            approved(store, clock, ids, by=by)
    with store.read() as connection:
        assert [one.approved_at for one in exclusions.every(connection)] == [None, None]
    approved(store, clock, [mine, other], by="carl")
    with pytest.raises(NotDone, match="approved already, by carl"):
        approved(store, clock, [mine], by="dora")


def test_a_withdrawn_exclusion_leaves_answers_verdicts_and_causes_as_without_it(store, clock, judge):
    measured(store, clock, judge, "mmssum")
    before, causes = answer(store, clock), row_of(store).record.causes()
    numbers = asked(store, clock, 1, 4)
    approved(store, clock, numbers)
    judged_until(judge, clock, clock.at + 1)
    assert "planned_work" in row_of(store).record.causes()

    done = withdrawn(store, clock, numbers)
    judged_until(judge, clock, clock.at + 1)
    after = answer(store, clock)
    gone = after.pop("withdrawn_exclusions")

    assert done["slots_judged_again"] == 2
    assert after == {key: value for key, value in before.items() if key != "withdrawn_exclusions"}
    assert row_of(store).record.causes() == causes
    assert row_of(store).reason == f"exclusion {numbers[0]} withdrawn"
    assert [(one["id"], one["reason"], one["withdrawn_reason"]) for one in gone] == [
        (numbers[0], "switch upgrade", "the work was called off")
    ]
    assert not {"ana", "ben", "carl"} & set(str(gone).replace("'", " ").split())


def test_a_withdrawal_is_dated_signed_and_audited_and_nothing_is_deleted(store, clock, judge):
    numbers = asked(store, clock, 1, 3)
    approved(store, clock, numbers)
    clock.at += 30
    withdrawn(store, clock, numbers)

    with store.read() as connection:
        (one,) = exclusions.every(connection)
        line = next(iter(audit.entries(connection)))
        assert audit.is_whole(connection)
    assert (one.approved_by, one.withdrawn_by, one.withdrawn_at) == ("ben", "carl", clock.at)
    assert (line.actor, line.action, line.subject) == ("carl", "exclusion withdrawn", f"{one.id} lincoln")
    assert line.detail == "the work was called off"


def test_time_to_come_is_judged_without_one_that_was_withdrawn_and_with_those_that_stand(store, clock, judge):
    both = [*asked(store, clock, 0, 3), *asked(store, clock, 2, 4)]
    approved(store, clock, both)
    withdrawn(store, clock, both[:1])
    measured(store, clock, judge, "msss")

    grounds = {slot: span.grounds.cause for span in row_of(store).record.spans for slot in range(*span_of(span), SLOT)}
    assert [grounds[MORNING + n * SLOT] for n in (1, 2, 3)] == ["access_point_down", "planned_work", "planned_work"]


def span_of(span) -> tuple[int, int]:
    return span.from_slot, span.to_slot


def test_what_waits_can_be_withdrawn_too_and_changes_nothing(store, clock, judge):
    measured(store, clock, judge, "ms")
    before = answer(store, clock)
    numbers = asked(store, clock, 1, 2)
    done = withdrawn(store, clock, numbers, by="ana")
    judged_until(judge, clock, clock.at + 1)

    assert done["slots_judged_again"] == 0
    assert answer(store, clock) == before
    with pytest.raises(NotDone, match="was withdrawn already, by ana: the work was called off"):
        approved(store, clock, numbers)


def test_a_withdrawal_that_cannot_be_done_says_why_and_takes_nothing_back(store, clock):
    one, gone = asked(store, clock, 0, 1)[0], asked(store, clock, 1, 2)[0]
    approved(store, clock, [one, gone])
    withdrawn(store, clock, [gone])

    for ids, reason, why in (
        ([one, 999], "called off", "no exclusion 999"),
        ([one, gone], "called off", "withdrawn already, by carl"),
        ([one], "  ", "no reason"),
        ([one], "x" * 501, "nobody reads"),
    ):
        with pytest.raises(NotDone, match=why):
            withdrawn(store, clock, ids, reason=reason)
    with store.read() as connection:
        assert [each.counts for each in exclusions.every(connection)] == [True, False]
    assert withdrawn(store, clock, [one, one])["withdrawn"] == [one, one]


def test_a_region_is_each_of_its_campuses(store, clock):
    asked(store, clock, 0, 1, campus="", region="East")

    with store.read() as connection:
        assert [one.campus for one in exclusions.every(connection)] == ["lincoln", "model"]


def test_a_file_is_taken_whole_or_refused_with_each_bad_line_named(store, clock):
    good = "campus,region,from,to,reason\nlincoln,,2026-10-01T08:00-07:00,2026-10-01T09:00-07:00,cabling\n"
    bad = (
        "elm,,2026-10-01T08:00-07:00,2026-10-01T09:00-07:00,cabling\n"
        "lincoln,,2026-10-01T08:00,2026-10-01T09:00-07:00,cabling\n"
        "lincoln,,2026-10-01T09:00-07:00,2026-10-01T08:00-07:00,cabling\n"
        "lincoln,East,2026-10-01T08:00-07:00,2026-10-01T09:00-07:00,cabling\n"
        ",East,2026-10-01T08:00-07:00,2026-10-01T09:00-07:00,\n"
    )

    def added(text):
        body = {"name": "work.csv", "data": base64.b64encode(text.encode()).decode(), "by": "ana"}
        return perform(store, None, clock, "exclusions-add", body)["exclusions"]

    with pytest.raises(NotDone) as refused:
        added(good + bad)
    assert [line.split(": ")[1] for line in refused.value.reason.splitlines()] == [f"line {n}" for n in range(3, 8)]
    with store.read() as connection:
        assert exclusions.every(connection) == []
    assert len(added(good)) == 1


def test_a_lost_row_in_planned_work_is_left_out_of_the_second_figure_alone(store, clock, judge):
    measured(store, clock, judge, "mm")
    judged_until(judge, clock, MORNING + 2 * 86400)
    from collector.store import schema

    table = schema.ledger
    store.write(lambda c: c.execute(table.delete().where(table.c.day == "2026-09-16"))).result()
    before = answer(store, clock)
    midnight = 15 * 3600 // SLOT
    approved(store, clock, asked(store, clock, midnight, midnight + 86400 // SLOT))

    after = answer(store, clock)

    assert after["seconds"] == before["seconds"]
    assert after["seconds"]["unknown"] - after["without_exclusions"]["seconds"]["unknown"] == 86400


def test_the_csv_shows_both_figures(store, clock, judge):
    measured(store, clock, judge, "ms")
    approved(store, clock, asked(store, clock, 1, 2))

    header, row, *_ = as_csv(commitment(store, None, None, "lincoln", now=clock())).splitlines()
    cells = dict(zip(header.split(","), row.split(","), strict=True))

    assert (cells["met_ratio_lower"], cells["without_exclusions_lower"]) == ("0.5", "1.0")
    assert cells["excluded_seconds"] == str(SLOT)
