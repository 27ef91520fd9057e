"""1.0.6: the day, the hour and the condition of each of the eight touches."""

from orchestrator.testing import Rehearsal
from tests.rules.shelf import Shelf
from tests.rules.timeline import ENTERPRISE, life


def busy(shelf: Shelf, until: str, term: str = "annual") -> Rehearsal:
    """An account that logs in and uses the core feature every day from its third hour on, up to a day."""
    account = life(shelf, arr=ENTERPRISE, term=term)
    for name in ("login", "core_action"):
        account.usage(name, "1d", "day 0 13:00", until)
    return account


def test_day_0_welcomes(shelf: Shelf) -> None:
    """The welcome leaves at the sign-up itself, whoever it is."""
    life(shelf, arr=ENTERPRISE).until("day 0").assert_sent("day_0_welcome", at="day 0 10:00")


def test_day_1_asks_about_the_core_feature(shelf: Shelf) -> None:
    """On day 1 who has not used the core feature is asked; who has is not."""
    life(shelf, arr=ENTERPRISE).until("day 1").assert_sent("day_1_core_feature", at="day 1 09:00")
    life(shelf, arr=ENTERPRISE).event("core_action", "day 1 08:59").until("day 4").assert_never("day_1_core_feature")


def test_day_3_reminds_of_the_set_up(shelf: Shelf) -> None:
    """On day 3 who has not finished the set-up is reminded; who has is not."""
    life(shelf, arr=ENTERPRISE).until("day 3").assert_sent("day_3_setup", at="day 3 09:00")
    life(shelf, arr=ENTERPRISE).event("setup_finished", "day 3 08:59").until("day 7").assert_never("day_3_setup")


def test_day_5_shows_value(shelf: Shelf) -> None:
    """On day 5, a Saturday, the value so far is due; it leaves on Monday, two days later."""
    account = busy(shelf, "day 4").event("setup_finished", "day 0 11:00")
    account.until("day 5").assert_postponed("day_5_value", at="day 5 09:00", until="day 7 09:00")


def test_day_7_highlights_a_feature(shelf: Shelf) -> None:
    """On day 7 the feature highlight is due."""
    account = busy(shelf, "day 4").event("setup_finished", "day 0 11:00")
    account.until("day 7").assert_decided("day_7_feature", outcome="done", at="day 7 09:00")


def test_day_14_asks(shelf: Shelf) -> None:
    """On day 14 the survey leaves."""
    busy(shelf, "day 13").until("day 14").assert_sent("day_14_survey", at="day 14 09:00")


def test_day_21_invites_who_is_active(shelf: Shelf) -> None:
    """On day 21 who is active is invited to a case study, and not asked back."""
    account = busy(shelf, "day 21").until("day 21")
    account.assert_sent("day_21_case_study", at="day 21 09:00")
    account.assert_never("day_21_return")


def test_day_21_asks_back_who_is_not(shelf: Shelf) -> None:
    """On day 21 who is not active is asked back, and not invited."""
    account = busy(shelf, "day 8").until("day 21")
    account.assert_sent("day_21_return", at="day 21 09:00")
    account.assert_never("day_21_case_study")


def test_day_30_reminds_a_monthly_account(shelf: Shelf) -> None:
    """On day 30 a monthly account is reminded of its renewal, with what it brought."""
    account = busy(shelf, "day 30", term="monthly").until("day 30")
    account.assert_sent("day_30_renewal", at="day 30 09:00")
    account.assert_never("day_30_value")


def test_day_30_sums_up_for_an_annual_account(shelf: Shelf) -> None:
    """On day 30 an annual account gets the summary of its value."""
    account = busy(shelf, "day 30", term="annual").until("day 30")
    account.assert_sent("day_30_value", at="day 30 09:00")
    account.assert_never("day_30_renewal")
