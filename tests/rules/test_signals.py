"""1.0.4: when each of the seven signals opens, to the minute, and when it does not."""

from orchestrator.testing import Rehearsal
from tests.rules.shelf import Shelf
from tests.rules.timeline import ENTERPRISE, SELF_SERVE, life

DONE = ("login", "setup_finished", "core_action", "invite_accepted")


def seen(shelf: Shelf, *but: str) -> Rehearsal:
    """An account that does all that is asked of it in its first hour, but what is named."""
    account = life(shelf, arr=ENTERPRISE)
    for event in DONE:
        if event not in but:
            account.event(event, "day 0 11:00")
    return account


def opens(account: Rehearsal, play: str, at: str, just_before: str) -> None:
    """Assert that a signal's first rung calls at a minute, and not a minute before."""
    account.until(just_before).assert_never(play)
    account.until(at).assert_escalated(play, at=at)


def test_r1_opens_after_48_hours(shelf: Shelf) -> None:
    """R1: no login 48 hours after sign-up; a login in the last minute is in time."""
    opens(seen(shelf, "login"), "no_login_call", "day 2 10:00", "day 2 09:59")
    seen(shelf, "login").event("login", "day 2 09:59").until("day 4").assert_never("no_login_call")


def test_r2_opens_after_5_days(shelf: Shelf) -> None:
    """R2: the set-up is still incomplete after 5 days."""
    opens(seen(shelf, "setup_finished"), "setup_incomplete_call", "day 5 10:00", "day 5 09:59")


def test_the_set_up_is_due_when_r2_opens(shelf: Shelf) -> None:
    """The set-up's target is the day on which it becomes a risk."""
    book = shelf.book("b2b-saas")
    target = book.milestones["setup_completed"].target
    assert target is not None
    assert target.days == 5


def test_r3_opens_after_7_days(shelf: Shelf) -> None:
    """R3: no core action within 7 days."""
    opens(seen(shelf, "core_action"), "no_core_action_call", "day 7 10:00", "day 7 09:59")


def test_r4_is_a_ticket_of_the_first_24_hours(shelf: Shelf) -> None:
    """R4: a ticket exactly 24 hours after sign-up is early; one of a minute later is none."""
    seen(shelf).event("ticket_created", "day 1 10:00").until("day 1 10:00").assert_escalated("early_ticket_call")
    seen(shelf).event("ticket_created", "day 1 10:01").until("day 4").assert_never("early_ticket_call")


def test_r4_counts_from_the_sign_up_itself(shelf: Shelf) -> None:
    """R4: a ticket of the first hour is early too, and so is one of the same minute."""
    for at in ("day 0 10:00", "day 0 10:30"):
        account = life(shelf, arr=ENTERPRISE).event("ticket_created", at)
        account.until(at).assert_escalated("early_ticket_call", at=at)


def test_r5_opens_3_days_after_the_invitation(shelf: Shelf) -> None:
    """R5: 3 days after the invitation, where none was accepted; one accepted in the last minute is in time."""
    invited = seen(shelf, "invite_accepted").event("invite_sent", "day 2 12:00")
    opens(invited, "invites_unaccepted_call", "day 5 12:00", "day 5 11:59")
    invited = seen(shelf, "invite_accepted").event("invite_sent", "day 2 12:00")
    invited.event("invite_accepted", "day 5 11:59").until("day 8").assert_never("invites_unaccepted_call")


def test_invitations_are_watched_for_a_month(shelf: Shelf) -> None:
    """The signals are of the first 30 days: an invitation that is 3 days old on day 30 opens R5, on day 31 none."""
    late = seen(shelf, "invite_accepted").event("invite_sent", "day 27 09:00")
    late.until("day 30").assert_escalated("invites_unaccepted_call", at="day 30 09:00")
    too_late = seen(shelf, "invite_accepted").event("invite_sent", "day 28 09:00")
    too_late.until("day 33").assert_never("invites_unaccepted_call")


def falling(shelf: Shelf, *weeks: int, anchor: str = "2026-03-02 10:00", first: int = 7) -> Rehearsal:
    """So many core actions in each calendar week; ``first`` is the day on which the first full week begins."""
    account = life(shelf, anchor=anchor, arr=ENTERPRISE)
    for event in ("login", "setup_finished"):
        account.event(event, "day 0 11:00")
    for number, times in enumerate(weeks):
        account.event("core_action", f"day {first + 7 * number + 2} 12:00", times=times)
    return account


def test_r6_needs_two_weeks_that_fall(shelf: Shelf) -> None:
    """R6: usage that fell twice opens it, however far it fell; usage that fell once does not."""
    falling(shelf, 10, 7, 2).until("day 28 02:00").assert_escalated("usage_falling_call", at="day 28 02:00")
    falling(shelf, 10, 10, 2).until("day 29").assert_never("usage_falling_call")


def test_r6_needs_a_fall_to_70_per_cent(shelf: Shelf) -> None:
    """R6: the latest week is at most 70 % of the first full one; at 80 % it is not open, at 70 % it is."""
    falling(shelf, 10, 9, 7).until("day 29").assert_escalated("usage_falling_call")
    falling(shelf, 10, 9, 8).until("day 29").assert_never("usage_falling_call")
    falling(shelf, 100, 90, 71).until("day 29").assert_never("usage_falling_call")


def test_r6_is_over_above_70_per_cent(shelf: Shelf) -> None:
    """R6 closes when usage neither falls nor is that low: at 71 % it is over, at 70 % it goes on."""
    falling(shelf, 100, 90, 70, 71).until("day 36").assert_holds("not usage_falling")
    falling(shelf, 100, 90, 69, 70).until("day 36").assert_holds("usage_falling")


def test_usage_is_watched_for_a_month(shelf: Shelf) -> None:
    """A Monday that is day 30 still asks; one that is day 31 does not."""
    month = (10, 10, 8, 2)
    falling(shelf, *month, anchor="2026-03-07 10:00", first=2).until("day 30").assert_escalated("usage_falling_call")
    falling(shelf, *month, anchor="2026-03-06 10:00", first=3).until("day 33").assert_never("usage_falling_call")


def test_r7_is_a_score_below_6(shelf: Shelf) -> None:
    """R7: a 5 opens it at once; a 6 does not."""
    low = seen(shelf).event("nps_answered", "day 14 12:00", properties={"score": 5})
    low.until("day 14 12:00").assert_escalated("low_score_call", at="day 14 12:00")
    seen(shelf).event("nps_answered", "day 14 12:00", properties={"score": 6}).until("day 16").assert_never(
        "low_score_call"
    )


def test_a_score_of_nought_is_one(shelf: Shelf) -> None:
    """Who answers 0 has answered, and is heard."""
    low = seen(shelf).event("nps_answered", "day 14 12:00", properties={"score": 0})
    low.until("day 14 12:00").assert_escalated("low_score_call")


def test_a_six_is_a_detractor_and_no_low_score(shelf: Shelf) -> None:
    """A 6 keeps the account in onboarding and opens nothing; a 7 lets it go on."""
    for score, stage in ((6, "onboarding"), (7, "growth")):
        account = life(shelf, arr=SELF_SERVE).event("setup_finished", "day 0 11:00").event("core_action", "+1m")
        account.event("nps_answered", "day 2 12:00", properties={"score": score})
        account.until("day 3").assert_stage(stage)
        account.assert_holds("not low_score")
