"""A hot account is named from the head of its shard."""

import pytest

from orchestrator.intake.hot import FEWEST, hottest
from tests.intake.calls import raw


def of(account: str, count: int) -> list[bytes]:
    return [raw(messageId=f"{account}-{number}", context={"groupId": account}) for number in range(count)]


def test_who_fills_most_of_a_shard_is_named() -> None:
    """An account with most of the waiting calls is named with its share of them."""
    hot = hottest([*of("acme", 150), *of("umbrella", 50)])
    assert hot is not None
    assert (hot.whose, hot.share, hot.looked_at) == ("acme", 0.75, 200)


def test_a_person_is_named_where_the_calls_name_no_account() -> None:
    """Calls without an account belong to their person."""
    hot = hottest([raw(messageId=f"m-{number}", context={}, userId="u-7") for number in range(FEWEST)])
    assert hot is not None
    assert hot.whose == "u-7"


@pytest.mark.parametrize(
    "calls",
    [of("acme", FEWEST - 1), [*of("acme", 70), *of("b", 40), *of("c", 40)], [b"poison"] * FEWEST, []],
    ids=["too few", "no majority", "poison", "none"],
)
def test_nobody_is_named_without_need(calls: list[bytes]) -> None:
    """Too few calls, calls of many, and calls that nobody can read name nobody."""
    assert hottest(calls) is None
