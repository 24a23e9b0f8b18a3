"""What a policy says: the shipped ones, their digests, who agreed, and policies side by side."""

import datetime
import json
from importlib import resources
from pathlib import Path

import msgspec
import pytest

from collector.policies import contradictions
from collector.policies.beside import beside, document
from collector.policies.policy import SHIPPED, Agreement, Policy, PolicyError, baseline, parse, shipped

DISTRICT = Agreement("District", datetime.date(2026, 8, 1))
UNION = Agreement("Union", datetime.date(2026, 8, 2))


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_criterion_says_where_its_threshold_is_from_and_nothing_contradicts(name):
    policy = shipped(name)

    assert contradictions.of_policy(policy, report_seconds=60) == []
    for one in policy.criteria:
        assert one.source.title and one.source.body and one.source.year and one.source.section
        assert one.author and one.reason and one.statistic
    assert policy.author and policy.reason


def test_the_digests_of_the_baselines_are_those_that_stores_have_kept():
    assert baseline().hash == "974832f3a1f70ec2961e9b168b465965e2433c4dfabdbe877fa37a815869fe2c"
    assert shipped("baseline-2").hash == "f007f90304e0bc9b725efbfbcf5af089d493b90422665323dac876083c540d35"
    assert shipped("baseline-3").hash == "83e572ed43f71600d093b8b48c2ea030f52f38e06bd0ee1c6a85709ac2410e22"


@pytest.mark.parametrize(
    ("name", "strict"), [("baseline", "strict"), ("baseline-2", "strict-2"), ("baseline-3", "strict-3")]
)
def test_strict_asks_the_same_questions_and_none_of_them_more_gently(name, strict):
    mild, hard = shipped(name), shipped(strict)

    assert [one.id for one in mild.criteria] == [one.id for one in hard.criteria]
    assert (hard.slot_objective, hard.day_objective) == (0.99, 0.99)
    for one, other in zip(mild.criteria, hard.criteria, strict=True):
        assert (one.measure, one.window, one.required) == (other.measure, other.window, other.required)
        assert other.share >= one.share
        assert one.satisfied(other.threshold) or one.threshold == other.threshold


def test_strict_takes_the_figures_that_the_standards_name():
    of = {one.id: one for one in shipped("strict-2").criteria}

    assert (of["signal.primary"].threshold, of["signal.primary"].source.body) == (-65.0, "UCSF IT")
    assert (of["signal.secondary"].threshold, of["signal.secondary"].bands) == (-65.0, ("5",))


def test_a_policy_is_proposed_until_two_parties_stand_in_it_with_their_dates():
    def agreed(*parties):
        return msgspec.structs.replace(baseline(), agreed_by=parties)

    assert baseline().proposed
    assert agreed(DISTRICT).proposed
    assert agreed(DISTRICT, Agreement("district", UNION.date)).proposed
    assert agreed("District", "Union").proposed
    assert not agreed(DISTRICT, UNION).proposed
    assert agreed(DISTRICT, UNION).parties == ("District (2026-08-01)", "Union (2026-08-02)")


def test_a_document_from_before_agreements_had_a_date_is_read_and_keeps_its_digest():
    old = json.loads(baseline().to_bytes()) | {"agreed_by": ["District", "Union"]}
    kept = json.dumps(old, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

    assert Policy.from_bytes(kept).to_bytes() == kept
    assert Policy.from_bytes(kept).parties == ("District", "Union")


def test_a_new_file_must_give_each_party_its_date():
    head = b'id = "p"\nversion = 1\nprofile = "p"\nvalid_from = 2026-01-01\nagreed_by = ["District"]\ncriteria = []\n'
    with pytest.raises(PolicyError, match=r"p.toml:5: the party 'District' has no date; write each as"):
        parse("p.toml", head)


def test_side_by_side_each_criterion_stands_once_with_what_the_policies_decide_otherwise():
    lines = {one.id: one for one in beside([baseline(), shipped("strict-2")])}

    assert lines["place.rtt"].differs == ("threshold", "share")
    assert [one and one.threshold for one in lines["place.rtt"].said] == [0.1, 0.06]
    assert lines["signal.primary"].said[0] is None
    plain = document([baseline(), shipped("strict")])
    assert [one["name"] for one in plain["policies"]] == ["baseline version 1", "strict version 1"]
    assert plain["criteria"][0]["said"][1]["source"]["title"]
    json.dumps(plain)


def test_a_policy_beside_itself_differs_in_nothing():
    assert {one.differs for one in beside([baseline(), baseline()])} == {()}


@pytest.mark.parametrize("number", ["0", "4", '"3"'])
def test_beacons_can_be_asked_for_in_one_to_three_stretches(number):
    text = Path(str(resources.files("collector.policies").joinpath("baseline-3.toml"))).read_text()
    wrong = text.replace("min_beacon_stretches = 3", f"min_beacon_stretches = {number}")

    with pytest.raises(PolicyError, match=r"min_beacon_stretches.*write a whole number from 1 to 3"):
        parse("mine.toml", wrong.encode())
