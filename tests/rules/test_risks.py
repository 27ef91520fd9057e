"""1.3: the day of the kickoff."""

from tests.rules.shelf import Shelf
from tests.rules.timeline import life


def test_the_day_of_the_kickoff_is_day_1(shelf: Shelf) -> None:
    """P2: under both presets the kickoff is day 1, and the welcome leaves at it."""
    account = life(shelf, "anchor-kickoff", "days-from-1").event("kickoff_completed", "day 1 10:00")
    account.until("day 1 10:00").assert_sent("day_0_welcome", at="day 1 10:00")
    assert shelf.book("b2b-saas", "anchor-kickoff", "days-from-1").first_day == 1
