"""What a technician types, to addresses."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.targets import TargetError, parse

numbers = st.integers(min_value=0x0A000000, max_value=0x0AFFFFFF)


@given(numbers, st.integers(min_value=0, max_value=900))
def test_a_range_is_every_address_from_its_first_to_its_last(first: int, more: int) -> None:
    left, right = ipaddress.IPv4Address(first), ipaddress.IPv4Address(first + more)

    found = [address for _, address in parse([f"{left}-{right}"])]

    assert found == [str(left + step) for step in range(more + 1)]


@given(numbers, st.integers(min_value=23, max_value=32))
def test_a_network_is_its_usable_addresses(number: int, bits: int) -> None:
    network = ipaddress.IPv4Network((number, bits), strict=False)

    found = [address for _, address in parse([str(network)])]

    assert len(found) == (network.num_addresses if bits >= 31 else network.num_addresses - 2)
    assert all(ipaddress.IPv4Address(address) in network for address in found)


@given(st.lists(numbers, min_size=1, max_size=40))
def test_an_address_given_twice_is_asked_once_and_order_stays(given_numbers: list[int]) -> None:
    texts = [str(ipaddress.IPv4Address(number)) for number in given_numbers]

    assert [address for _, address in parse(texts)] == list(dict.fromkeys(texts))


@given(st.text(max_size=20).filter(lambda text: not text.startswith("@")))
def test_any_text_is_either_targets_or_a_named_fault(text: str) -> None:
    try:
        found = parse([text])
    except TargetError as fault:
        assert str(fault)
    else:
        assert all(ipaddress.IPv4Address(address) for _, address in found)


def test_the_short_form_of_a_range_works() -> None:
    assert [address for _, address in parse(["10.0.0.254-255"])] == ["10.0.0.254", "10.0.0.255"]


def test_more_than_a_thousand_are_refused_with_the_reason() -> None:
    assert len(parse(["10.0.0.1-10.0.3.232"])) == 1000
    with pytest.raises(TargetError, match="neighbour table"):
        parse(["10.0.0.1-10.0.3.233"])


def test_a_huge_network_is_refused_at_once() -> None:
    with pytest.raises(TargetError, match="1000"):
        parse(["10.0.0.0/8"])


def test_each_bad_line_of_a_file_is_named_and_good_ones_may_carry_a_name(tmp_path) -> None:
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.write_text("# the lobby's\n10.0.0.1 lobby\n\n10.0.0.2  # no name\n10.0.0.8/31\n")
    bad.write_text("10.0.0.1\n10.0.0.300\n10.0.0.2\n10.0.0.9-10.0.0.1\n")

    assert parse([f"@{good}"])[:2] == [("lobby", "10.0.0.1"), ("10.0.0.2", "10.0.0.2")]
    with pytest.raises(TargetError) as fault:
        parse([f"@{bad}"])
    assert "line 2: '10.0.0.300'" in str(fault.value)
    assert "line 4:" in str(fault.value)
    assert "line 3" not in str(fault.value)


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(TargetError, match="/no/such/list"):
        parse(["@/no/such/list"])
