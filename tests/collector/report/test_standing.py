"""What the first page says of the policy: proposed until both parties agreed, and back-dated where it was."""

import pytest

from collector.board.language import Language
from collector.board.views import PolicyNow
from collector.report.figures import standing

PROPOSED = PolicyNow("baseline", "", "0" * 64, True, (), False, 0.95, None, 300)


def words(code: str, **other: object) -> str:
    values = {name: getattr(PROPOSED, name) for name in PolicyNow.__dataclass_fields__} | other
    return "".join(run.text for run in standing(Language(code), PolicyNow(**values))).replace("\xa0", " ")


def test_a_policy_is_proposed_until_both_parties_have_agreed() -> None:
    assert "PROPOSED: the parties have not both agreed to it." in words("en")
    agreed = words("en", proposed=False, agreed_by=("District", "Union"))
    assert "AGREED by District, Union." in agreed
    assert "PROPOSED" not in agreed
    assert "ACORDADA por District, Union." in words("es", proposed=False, agreed_by=("District", "Union"))


@pytest.mark.parametrize(("code", "said"), [("en", "BACK-DATED"), ("es", "CON FECHA ANTERIOR")])
def test_a_policy_chosen_after_its_days_is_called_back_dated(code: str, said: str) -> None:
    assert said in words(code, back_dated=True)
    assert said not in words(code)


def test_school_days_are_spoken_of_only_where_the_policy_asks_something_of_them() -> None:
    assert "95 % of school days" in words("en", day_objective=0.95)
    assert "school days" not in words("en")
