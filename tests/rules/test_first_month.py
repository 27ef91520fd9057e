"""1.0.2: what is shown in the product in each of the five stages, and that each ends where the next begins."""

from orchestrator.testing import Rehearsal
from tests.rules.shelf import Shelf
from tests.rules.timeline import life

LAYER = "layers/first-month"
NEW = "2026-03-02 10:00"  # a Monday


def begun(shelf: Shelf, anchor: str = NEW, seats: int = 5) -> Rehearsal:
    """An account that signs up under b2b-saas with the layer."""
    return life(shelf, LAYER, anchor=anchor, seats=seats)


def test_the_quick_win_comes_after_five_minutes(shelf: Shelf) -> None:
    """Five minutes after the sign-up the first result is offered, to whoever has none yet."""
    begun(shelf).until("day 0").assert_reached("in_app", "quick_win", at="day 0 10:05")
    begun(shelf).event("core_action", "day 0 10:04").until("day 0").assert_never("quick_win")


def test_the_quick_win_ends_with_the_first_day(shelf: Shelf) -> None:
    """A sign-up that we hear of within the day still has its first result before it; a day later it has not."""
    late = begun(shelf).event("signed_up", "day 0 10:00", arrives="day 1 09:59")
    late.until("day 1").assert_reached("in_app", "quick_win", at="day 1 09:59")
    later = begun(shelf).event("signed_up", "day 0 10:00", arrives="day 1 10:00")
    later.until("day 1").assert_never("quick_win")


def test_the_set_up_is_shown_from_day_1_on(shelf: Shelf) -> None:
    """A day after the sign-up the open steps of the set-up are shown, where there are any."""
    begun(shelf).until("day 1").assert_reached("in_app", "setup_progress", at="day 1 10:00")
    begun(shelf).event("setup_finished", "day 1 09:59").until("day 2").assert_never("setup_progress")


def test_the_set_up_is_shown_before_day_3(shelf: Shelf) -> None:
    """Found due up to day 3 it is still shown; from day 3 on it is the reminder's turn."""
    late = begun(shelf).event("signed_up", "day 0 10:00", arrives="day 3 09:59")
    late.until("day 3").assert_reached("in_app", "setup_progress", at="day 3 09:59")
    later = begun(shelf).event("signed_up", "day 0 10:00", arrives="day 3 10:00")
    later.until("day 4").assert_never("setup_progress")


def used(shelf: Shelf, anchor: str) -> Rehearsal:
    """An account that signs up at midnight and uses the core feature at once and then each day."""
    account = begun(shelf, anchor).event("core_action", "day 0 01:00")
    return account.usage("core_action", "day", "day 1 01:00", "day 13")


def test_the_week_is_shown_from_day_3_on(shelf: Shelf) -> None:
    """The first Friday counts from day 3 on: who signed up on Tuesday at midnight is shown it, on Wednesday is not."""
    tuesday = used(shelf, "2026-03-03 00:00").until("day 13")
    tuesday.assert_reached("in_app", "week_in_figures", at="day 3 00:00")
    used(shelf, "2026-03-04 00:00").until("day 13").assert_never("week_in_figures", at="day 2")


def test_the_week_is_shown_before_day_14(shelf: Shelf) -> None:
    """A Friday that is day 13 is shown, one that is day 14 is not."""
    used(shelf, "2026-03-07 00:00").until("day 14").assert_reached("in_app", "week_in_figures", at="day 13 00:00")
    used(shelf, "2026-03-06 00:00").until("day 15").assert_never("week_in_figures", at="day 14")


def full(shelf: Shelf, active: str) -> Rehearsal:
    """An account of one seat, whose one person is active from a day on."""
    return begun(shelf, seats=1).event("core_action", active)


def test_room_is_offered_from_day_14_on(shelf: Shelf) -> None:
    """Whose seats are all in use early is offered more on day 14, not before."""
    full(shelf, "day 2 12:00").until("day 15").assert_reached("in_app", "room_for_more", at="day 14 10:00")
    begun(shelf, seats=2).event("core_action", "day 2 12:00").until("day 15").assert_never("room_for_more")


def test_room_is_offered_before_day_30(shelf: Shelf) -> None:
    """Whose seats are all in use just before day 30 is offered more, who is there on day 30 is not."""
    full(shelf, "day 30 10:59").until("day 31").assert_reached("in_app", "room_for_more", at="day 30 10:59")
    full(shelf, "day 30 11:00").until("day 33").assert_never("room_for_more")
