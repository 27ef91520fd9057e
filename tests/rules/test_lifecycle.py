"""1.4: the stage table, what each step is judged by and when, and the rows that lead on."""

from datetime import timedelta

from orchestrator.core.events import Json
from orchestrator.core.playbook import Playbook
from orchestrator.testing import Rehearsal
from tests.rules.shelf import Shelf
from tests.rules.timeline import ENTERPRISE, MONDAY, life

DAY = timedelta(days=1)
MID_MARKET, SMB = 50_000, 10_000
BOOK = "customer-lifecycle"
TEAM: dict[str, Json] = {f"p{number}": {} for number in range(6)}


def account(shelf: Shelf, arr: float = SMB, **traits: float) -> Rehearsal:
    """A small customer with a human, under the whole life, unless it is another."""
    return Rehearsal(shelf.book(BOOK), anchor=MONDAY, zone="Europe/Berlin", people=TEAM, arr=arr, **traits)


def judged(rehearsed: Rehearsal, checkpoint: str, day: int, *, met: bool) -> None:
    """On that day, at the hour of the sign-up, the checkpoint was met, or was missed."""
    became = {"outcome": "done"} if met else {"outcome": "skipped", "reason": "condition_false"}
    rehearsed.until(f"day {day} 20:00").assert_decided(checkpoint, at=f"day {day} 10:00", **became)


def both(shelf: Shelf, checkpoint: str, day: int, event: str, least: int) -> None:
    """So many of an event meet a checkpoint on its day, and one less does not."""
    for times, met in ((least, True), (least - 1, False)):
        rehearsed = account(shelf)
        if times:
            rehearsed.event(event, "day 0 12:00", times=times)
        judged(rehearsed, checkpoint, day, met=met)


# -- the stages --------------------------------------------------------------------------------------------------------


def days(book: Playbook, stage: str) -> tuple[float, float | None]:
    """The window of a stage, in days."""
    opens, closes = book.stages[stage].window or (timedelta(0), None)
    return opens / DAY, None if closes is None else closes / DAY


def test_the_windows_of_the_stages(shelf: Shelf) -> None:
    """Where no segment says otherwise: 0 to 7, 7 to 30, 30 to 90, and from 90 days on."""
    book = shelf.book("b2b-saas")
    assert [days(book, each) for each in ("onboarding", "growth", "maturity", "expansion")] == [
        (0, 7),
        (7, 30),
        (30, 90),
        (90, None),
    ]


def test_the_targets_of_the_stages(shelf: Shelf) -> None:
    """85, 90, 80 and 50 of a hundred accounts reach the goal."""
    stages = shelf.book("b2b-saas").stages
    assert [stages[each].target for each in ("onboarding", "growth", "maturity", "expansion")] == [0.85, 0.9, 0.8, 0.5]


# -- the steps, each on its day ----------------------------------------------------------------------------------------


def test_the_welcome_leaves_within_4_hours(shelf: Shelf) -> None:
    """Four hours after the signature it is asked whether it has left."""
    signed = account(shelf).event("contract_signed", "day 0 10:00").until("day 0 20:00")
    signed.assert_decided("welcomed", at="day 0 14:00", outcome="done")


def test_day_1_asks_for_the_first_meeting(shelf: Shelf) -> None:
    """On day 1 the first meeting is in the calendar, or it is missed."""
    judged(account(shelf).event("welcome_scheduled", "day 0 12:00"), "welcome_meeting_scheduled", 1, met=True)
    judged(account(shelf), "welcome_meeting_scheduled", 1, met=False)


def test_day_3_asks_for_the_set_up(shelf: Shelf) -> None:
    """On day 3 the set-up is finished, or it is missed."""
    judged(account(shelf).event("setup_finished", "day 3 09:59"), "set_up_in_3d", 3, met=True)
    judged(account(shelf), "set_up_in_3d", 3, met=False)


def test_more_than_10_documents(shelf: Shelf) -> None:
    """Eleven documents are more than ten, ten are not."""
    both(shelf, "documents_in_3d", 3, "kb_document_added", 11)


def test_at_least_3_people(shelf: Shelf) -> None:
    """Three people are a team, two are not."""
    both(shelf, "team_in_3d", 3, "user_added", 3)


def test_day_5_asks_for_the_demonstration(shelf: Shelf) -> None:
    """On day 5 the demonstration has been given to whoever has a human of their own, or it is missed."""
    judged(account(shelf, MID_MARKET).event("demo_held", "day 4 12:00"), "demo_in_5d", 5, met=True)
    judged(account(shelf, MID_MARKET), "demo_in_5d", 5, met=False)


def test_at_least_1_workflow(shelf: Shelf) -> None:
    """One workflow is enough, none is not."""
    both(shelf, "workflow_in_5d", 5, "workflow_created", 1)


def test_questions_are_answered_within_24_hours(shelf: Shelf) -> None:
    """A day after the first question it is asked whether somebody has answered."""
    asked = account(shelf).event("ticket_created", "day 1 12:00").event("ticket_responded", "day 2 11:59")
    asked.until("day 3").assert_decided("answered_24h", at="day 2 12:00", outcome="done")


def satisfied(shelf: Shelf, checkpoint: str, day: int) -> None:
    """Nine of ten is above eight, eight is not."""
    for score, met in ((9, True), (8, False)):
        judged(
            account(shelf).event("csat_answered", "day 1 12:00", properties={"score": score}), checkpoint, day, met=met
        )


def test_satisfied_above_8_after_the_demonstration(shelf: Shelf) -> None:
    """On day 5 above eight of ten."""
    satisfied(shelf, "satisfied_in_5d", 5)


def test_satisfied_above_8_in_week_2(shelf: Shelf) -> None:
    """On day 14 above eight of ten."""
    satisfied(shelf, "satisfied_in_2w", 14)


def test_satisfaction_is_said_of_10(shelf: Shelf) -> None:
    """An answer of eleven is no answer, ten is one."""
    for score, reason in ((11, "unknown"), (10, "due")):
        said = account(shelf).event("csat_answered", "day 1 12:00", properties={"score": score})
        said.until("day 6").assert_decided("satisfied_in_5d", reason=reason)


def test_day_7_asks_for_activation(shelf: Shelf) -> None:
    """On day 7 the account is activated, or it is missed."""
    judged(account(shelf).event("core_action", "day 7 09:59"), "activated_7d", 7, met=True)
    judged(account(shelf).event("core_action", "day 7 10:01"), "activated_7d", 7, met=False)


def test_activation_counts_7_days(shelf: Shelf) -> None:
    """Found late, after a pause, the core action of day 7 at noon is too late all the same."""
    paused = account(shelf).event("account_paused", "day 6 12:00").event("account_resumed", "day 8 12:00")
    paused.event("core_action", "day 7 12:00").until("day 8 20:00")
    paused.assert_decided("activated_7d", at="day 8 12:00", reason="condition_false")


def test_day_7_asks_for_the_first_week_check(shelf: Shelf) -> None:
    """On day 7 the check has been held, or it is missed."""
    judged(account(shelf).event("first_week_check_held", "day 6 12:00"), "first_week_checked", 7, met=True)
    judged(account(shelf), "first_week_checked", 7, met=False)


def features(shelf: Shelf, event: str, count: int, **properties: Json) -> Rehearsal:
    """An account that uses so many different features."""
    rehearsed = account(shelf)
    for number in range(count):
        rehearsed.event(event, f"day 1 12:0{number}", properties={"feature": f"f{number}", **properties})
    return rehearsed


def test_week_2_ends_on_day_14_with_more_than_half_of_the_features(shelf: Shelf) -> None:
    """Six features of ten are more than half, five are not."""
    judged(features(shelf, "feature_used", 6), "deep_in_2w", 14, met=True)
    judged(features(shelf, "feature_used", 5), "deep_in_2w", 14, met=False)


def test_at_least_3_cases_in_week_2(shelf: Shelf) -> None:
    """Three cases run, or it is missed."""
    both(shelf, "scenarios_in_2w", 14, "workflow_created", 3)


def test_week_3_ends_on_day_21_with_more_than_half_of_the_team(shelf: Shelf) -> None:
    """Six people of ten seats are more than half, five are not."""
    for people, met in ((6, True), (5, False)):
        rehearsed = account(shelf, seats=10)
        for number in range(people):
            rehearsed.event("core_action", f"day 1 12:0{number}", person=f"p{number}")
        judged(rehearsed, "spread_in_3w", 21, met=met)


def test_week_4_ends_with_the_review_of_day_30(shelf: Shelf) -> None:
    """On day 30 the review has been held, or it is missed."""
    judged(account(shelf).event("review_30d_held", "day 29 12:00"), "reviewed_30d", 30, met=True)
    judged(account(shelf), "reviewed_30d", 30, met=False)


def test_at_least_2_needs(shelf: Shelf) -> None:
    """Two needs are known, or it is missed."""
    both(shelf, "needs_30d", 30, "need_recorded", 2)


def test_retention_is_asked_30_days_after_activation(shelf: Shelf) -> None:
    """Thirty days of 24 hours after the first core action; summer time has begun in between."""
    active = account(shelf).event("core_action", "day 0 12:00").event("core_action", "day 25 12:00")
    active.until("day 31").assert_decided("retained_30d", at="day 30 13:00", outcome="done")


def test_month_2_ends_on_day_60_with_the_goals(shelf: Shelf) -> None:
    """On day 60 it is asked whether the goals of the quarter are agreed."""
    judged(account(shelf), "aligned_60d", 60, met=False)


def test_more_than_40_percent_of_the_advanced_features(shelf: Shelf) -> None:
    """Five of ten advanced features are more than 40 %, four are not."""
    judged(features(shelf, "feature_used", 5, advanced=True), "advanced_60d", 60, met=True)
    judged(features(shelf, "feature_used", 4, advanced=True), "advanced_60d", 60, met=False)


def test_more_than_30_percent_of_the_departments(shelf: Shelf) -> None:
    """Four of ten departments are more than 30 %, three are not."""
    for count, met in ((4, True), (3, False)):
        rehearsed = account(shelf, departments_total=10)
        for number in range(count):
            rehearsed.event("department_activated", f"day 1 12:0{number}", properties={"department": f"d{number}"})
        judged(rehearsed, "departments_60d", 60, met=met)


def test_month_3_ends_on_day_90_with_the_value_review(shelf: Shelf) -> None:
    """On day 90 the value review has been held, or it is missed."""
    judged(account(shelf).event("value_review_held", "day 80 12:00"), "value_reviewed_90d", 90, met=True)
    judged(account(shelf), "value_reviewed_90d", 90, met=False)


def test_day_90_asks_who_is_still_active(shelf: Shelf) -> None:
    """On day 90 somebody was active in the last seven days, or it is missed."""
    judged(account(shelf).event("core_action", "day 85 12:00"), "active_90d", 90, met=True)
    judged(account(shelf), "active_90d", 90, met=False)


def test_effort_is_said_from_1_to_5(shelf: Shelf) -> None:
    """One and five are answers, zero and six are none."""
    rule = shelf.book(BOOK).vocabulary.scores["effort"]
    for score, counts in ((0, False), (1, True), (5, True), (6, False)):
        said = account(shelf).event("ces_answered", "day 1 12:00", properties={"score": score}).until("day 1 13:00")
        said.assert_holds(f"effort.answers == {int(counts)}")
    assert rule.property == "score"


# -- the rows that lead on ---------------------------------------------------------------------------------------------


def growing(shelf: Shelf, until: int, used: int = 7, score: int = 9) -> Rehearsal:
    """An account in growth, active up to a day, that uses so many features of ten and is as satisfied as that."""
    rehearsed = life(shelf, arr=SMB).event("setup_finished", "day 0 11:00")
    for day in range(0, until, 3):
        rehearsed.event("core_action", f"day {day} 12:00")
    for name, said in (("nps_answered", 9), ("csat_answered", score)):
        rehearsed.event(name, "day 1 12:00", properties={"score": said})
    for number in range(used):
        rehearsed.event("feature_used", f"day 1 12:0{number}", properties={"feature": f"f{number}"})
    return rehearsed


def test_growth_lasts_until_day_30(shelf: Shelf) -> None:
    """With all else done it is left when day 30 is full: an hour later on the clock, for summer time."""
    growing(shelf, 30).until("day 30 10:59").assert_stage("growth")
    growing(shelf, 30).until("day 30 11:01").assert_stage("maturity")


def test_growth_asks_for_more_than_60_percent_of_the_features(shelf: Shelf) -> None:
    """Seven of ten features are more than 60 %, six are not."""
    growing(shelf, 35, used=7).until("day 35").assert_stage("maturity")
    growing(shelf, 35, used=6).until("day 35").assert_stage("growth")


def test_growth_asks_for_satisfaction_above_8(shelf: Shelf) -> None:
    """Nine of ten is above eight, eight is not."""
    growing(shelf, 35, score=9).until("day 35").assert_stage("maturity")
    growing(shelf, 35, score=8).until("day 35").assert_stage("growth")


def test_maturity_lasts_until_day_90(shelf: Shelf) -> None:
    """An annual contract goes on to expansion when day 90 is full."""
    growing(shelf, 90).until("day 90 10:59").assert_stage("maturity")
    growing(shelf, 90).until("day 90 11:01").assert_stage("expansion")


def test_strict_expansion_asks_for_health_above_70(shelf: Shelf) -> None:
    """The list of the stricter preset is not done at 70, and is at more."""
    items = shelf.book("b2b-saas", "strict-expansion").stages["maturity"].checklist
    assert [item.when.text for item in items if item.label.startswith("Healthy")] == ["health > 70"]


def test_health_below_40_is_a_risk_and_no_churn(shelf: Shelf) -> None:
    """The signal asks for less than 40, and puts the account at risk."""
    book = shelf.book("b2b-saas")
    assert book.signals["poor_health"].at_risk
    assert book.watched["poor_health"].condition.text == "health < 40"


def test_the_preset_of_the_source_churns_below_40(shelf: Shelf) -> None:
    """With the preset, health below 40 that lasts leads to churn; without it no row speaks of health."""
    rows = shelf.book("b2b-saas", "churn-below-40").transitions
    assert [row.when.text for row in rows if row.target == "churned" and "health" in row.when.text] == [
        "health < 40 and poor_health.days >= 14"
    ]
    assert not [row for row in shelf.book("b2b-saas").transitions if "health" in row.when.text]


def test_a_human_is_called_where_the_review_is_missed(shelf: Shelf) -> None:
    """Only of the biggest customers, once, and no longer than until it is held."""
    late = account(shelf, ENTERPRISE).event("login", "day 0 12:00").event("review_30d_held", "day 31 12:00")
    late.until("day 33").assert_escalated("review_30d_overdue", owner="cs_director", closed="goal_reached")
    account(shelf, SMB).until("day 33").assert_never("review_30d_overdue")
