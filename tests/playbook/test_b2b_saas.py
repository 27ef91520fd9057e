"""The shipped playbook keeps every number of the rules (spec sections 1.0.4, 1.0.6, 1.4, 1.9)."""

from dataclasses import replace
from datetime import time, timedelta

import pytest

from orchestrator.core.conditions import Compare, Literal, Node, Term, TermKind
from orchestrator.core.events import OWN_SOURCE, Event
from orchestrator.core.facts import Facts, fold
from orchestrator.core.playbook import (
    After,
    Escalate,
    EveryWeek,
    Holds,
    Mode,
    OnDay,
    Opened,
    Play,
    Playbook,
    Reached,
    SendEmail,
    Severity,
    Silent,
    Stalled,
)
from orchestrator.core.segments import segment_of
from orchestrator.playbook import PlaybookSource, compile_condition, version_of
from orchestrator.playbook.conditions import Names
from tests.playbook.lives import DAY, event, lived, traits
from tests.playbook.small import EMAILS, ESCALATIONS, SHIPPED, TEMPLATES, shipped

BOOK = shipped("b2b-saas")
HOUR = timedelta(hours=1)
SIGNALS = {
    "R1": "no_login",
    "R2": "setup_incomplete",
    "R3": "no_core_action",
    "R4": "early_ticket",
    "R5": "invites_unaccepted",
    "R6": "usage_falling",
    "R7": "low_score",
}
ARR = {"enterprise": 100_000, "mid_market": 25_000, "smb": 5_000}  # the least of each segment that has a human


def condition(text: str, book: Playbook = BOOK) -> Node:
    """The condition that a text means under a playbook, to compare by value."""
    names = Names(vocabulary=book.vocabulary, stages=tuple(book.stages), milestones=frozenset(book.milestones))
    return compile_condition(text, names)


def limits(node: Node | None) -> set[tuple[TermKind, str, float]]:
    """Every comparison of a term with a number: what is read, the sign, the number."""
    match node:
        case Compare(left=Term() as term, right=Literal(value=int() | float() as value)):
            return {(term.kind, node.operator, float(value))}
        case None | Term() | Literal():
            return set()
        case _:
            inner = getattr(node, "operands", None) or [getattr(node, "operand", None)]
            return {found for part in inner for found in limits(part)}


def play(name: str) -> Play:
    return BOOK.plays[name]


# -- the eight touches (1.0.6) ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("day_0_welcome", 0),
        ("day_1_core_feature", 1),
        ("day_3_setup", 3),
        ("day_5_value", 5),
        ("day_7_feature", 7),
        ("day_14_survey", 14),
        ("day_21_case_study", 21),
        ("day_21_return", 21),
        ("day_30_renewal", 30),
        ("day_30_value", 30),
    ],
)
def test_each_touch_has_its_day_and_its_mail(name: str, day: int) -> None:
    """Rules 1.0.6: days 0, 1, 3, 5, 7, 14, 21 (two forms) and 30 (by term), each with its own mail."""
    assert play(name).trigger == OnDay(day=day)
    assert play(name).actions == (SendEmail(template=name),)


def test_day_0_is_due_at_the_sign_up_itself() -> None:
    """Rules 1.0.2 and 1.0.6: the welcome waits for no hour, window or cap, so it leaves within five minutes."""
    policy = play("day_0_welcome").policy
    assert (policy.at, policy.exempt, policy.priority) == (None, True, 0)
    assert policy.valid_for == 12 * HOUR
    assert lived(BOOK, [event("Signed Up", 0)], 0).when("day_0_welcome") == [0]


def test_all_other_touches_come_at_nine() -> None:
    """Every touch but the first comes at 09:00 on the recipient's clock, within window and caps."""
    others = [each for each in BOOK.plays.values() if isinstance(each.trigger, OnDay) and each.trigger.day]
    assert {each.policy.at for each in others} == {time(9)}
    assert not any(each.policy.exempt for each in others)


def test_day_1_ends_with_the_first_core_action() -> None:
    """Rules 1.0.6: not who has used the core feature."""
    assert play("day_1_core_feature").policy.only_while == condition("not core_action")


def test_day_1_never_arrives_with_day_3() -> None:
    """Saturday's tip would wait 48 hours for Monday, the day of the Day 3 mail: it may wait less than that."""
    assert play("day_1_core_feature").policy.max_defer < 48 * HOUR
    friday = 4.0
    life = lived(BOOK, [event("Signed Up", friday), event("Logged In", friday)], 14)
    assert "day_1_core_feature" not in life.done
    assert life.when("day_3_setup") == [pytest.approx(7 - 1 / 24)]


def test_day_3_is_for_an_incomplete_set_up() -> None:
    """Rules 1.0.6: only while the set-up is incomplete; Saturday's is deferred to Monday."""
    assert play("day_3_setup").policy.only_while == condition("not setup_completed")
    assert play("day_3_setup").policy.max_defer >= 2 * DAY


def test_day_21_asks_for_a_core_action_in_seven_days() -> None:
    """Rules 1.9 "Active": at least one core action in the last 7 days; the two forms exclude each other."""
    assert limits(play("day_21_case_study").when) == {(TermKind.DAYS_AGO, "<=", 7.0)}
    assert limits(play("day_21_return").policy.only_while) == {(TermKind.DAYS_AGO, ">", 7.0)}


@pytest.mark.parametrize(
    ("active", "term", "expected"),
    [
        (True, "monthly", {"day_21_case_study", "day_30_renewal"}),
        (True, "annual", {"day_21_case_study", "day_30_value"}),
        (False, "quarterly", {"day_21_return", "day_30_value"}),
        (False, None, {"day_21_return", "day_30_value"}),
    ],
)
def test_everyone_gets_one_mail_on_day_21_and_one_on_day_30(active: bool, term: str | None, expected: set[str]) -> None:
    """Rules 1.0.6: monthly gets the renewal, annual the value summary; so does who never said a term."""
    events = [event("Signed Up", 0), traits(0, arr=100_000, **({"term": term} if term else {}))]
    events += [event("Core Action", day) for day in range(1, 30)] if active else []
    done = lived(BOOK, events, 34).done
    assert {name for name in done if name.startswith(("day_21", "day_30"))} == expected
    assert len(done) == len(set(done))


def test_a_good_life_hears_the_touches_and_nothing_else() -> None:
    """An account that does everything gets its touches on their days and no signal."""
    names = [
        "Signed Up",
        "Logged In",
        "Core Action",
        "Integration Connected",
        "Data Imported",
        "Invite Sent",
        "Invite Accepted",
    ]
    events = [event(name, number / 100) for number, name in enumerate(names)]
    events += [event(name, day + 0.1) for day in range(1, 36) for name in ("Logged In", "Core Action")]
    life = lived(BOOK, events, 35)
    assert life.done == [
        "day_0_welcome",
        "day_5_value",
        "day_7_feature",
        "day_14_survey",
        "day_21_case_study",
        "day_30_value",
    ]
    assert [
        int(each.due_at.timestamp() - event("", 0).occurred_at.timestamp()) // 86_400 + 1 for each in life.messages
    ][1:] == [5, 7, 14, 21, 30]


# -- the seven signals (1.0.4) ---------------------------------------------------------------------------------------


def test_r1_no_login_within_48_hours() -> None:
    """R1: no login 48 hours after sign-up, counted in the account's working days."""
    assert play("no_login").trigger == After(delay=48 * HOUR, since="signed_up", business=True)
    assert play("no_login").policy.only_while == condition("not login")


def test_r2_set_up_incomplete_after_5_days() -> None:
    """R2: the set-up is still incomplete after 5 days; the milestone's target says the same."""
    assert play("setup_incomplete").trigger == After(delay=5 * DAY, since="signed_up")
    assert play("setup_incomplete").policy.only_while == condition("not setup_completed")
    assert BOOK.milestones["setup_completed"].target == 5 * DAY


def test_r3_no_core_action_within_7_days() -> None:
    """R3: no core action 7 days after sign-up."""
    assert play("no_core_action").trigger == After(delay=7 * DAY, since="signed_up")
    assert play("no_core_action").policy.only_while == condition("not core_action")


def test_r4_a_ticket_within_24_hours() -> None:
    """R4: a support ticket within 24 hours of sign-up, answered for within four working hours (1.4)."""
    assert play("early_ticket").trigger == Reached(milestone="first_day_ticket")
    assert BOOK.milestones["first_day_ticket"].when == condition("0 <= ticket_created.first_day <= 1")
    assert escalation("early_ticket_call").due == 4 * HOUR


def test_r5_no_invitation_accepted_within_3_days() -> None:
    """R5: invitations sent but none accepted for 3 days (1.9: only while none is accepted)."""
    assert play("invites_unaccepted").trigger == After(delay=3 * DAY, since="invite_sent")
    assert play("invites_unaccepted").policy.only_while == condition("not invite_accepted")


def test_r6_usage_keeps_falling() -> None:
    """R6: every week until day 30: two weekly falls in a row and the latest at most 70 % of the first full week."""
    assert play("usage_falling").trigger == EveryWeek(until_day=30)
    assert limits(play("usage_falling").when) == {(TermKind.FALLING, ">=", 2.0), (TermKind.WEEK_RATIO, "<=", 0.7)}


def test_r7_a_score_below_6() -> None:
    """R7: somebody scored below 6, so 0 to 5; a 6 is a detractor that does not fire it."""
    trigger = play("low_score").trigger
    assert isinstance(trigger, Holds)
    assert (trigger.span, limits(trigger.condition)) == (timedelta(0), {(TermKind.LOWEST, "<", 6.0)})


def escalation(name: str) -> Escalate:
    (action,) = play(name).actions
    assert isinstance(action, Escalate)
    return action


@pytest.mark.parametrize(
    ("name", "severity", "owner", "category", "hours"),
    [
        ("no_login_call", Severity.HIGH, "csm", "adoption", 8),
        ("setup_incomplete_call", Severity.MEDIUM, "onboarding_specialist", "timeline", 16),
        ("no_core_action_call", Severity.HIGH, "csm", "adoption", 8),
        ("early_ticket_call", Severity.HIGH, "support_lead", "technical", 4),
        ("invites_unaccepted_call", Severity.LOW, "onboarding_specialist", "adoption", 24),
        ("usage_falling_call", Severity.HIGH, "csm", "adoption", 8),
        ("low_score_call", Severity.CRITICAL, "cs_director", "champion", 4),
    ],
)
def test_each_signal_goes_to_a_human(name: str, severity: Severity, owner: str, category: str, hours: int) -> None:
    """Each of the seven signals has a severity, an owner role, a category and a due time in working hours."""
    found = escalation(name)
    assert (found.severity, found.owner, found.category, found.due) == (severity, owner, category, hours * HOUR)


def signalled() -> dict[str, tuple[list[Event], float]]:
    """Events that make each signal, and the days by which it has come."""
    quiet = [event("Signed Up", 0)]
    seen = [*quiet, event("Logged In", 0.01)]
    week = [event("Core Action", day) for day in (8.1, 8.2, 8.3, 8.4, 8.5, 9.1, 9.2, 9.3, 9.4, 9.5)]
    fewer = [event("Core Action", day) for day in (15.1, 15.2, 15.3, 15.4, 15.5, 15.6, 15.7, 22.1, 22.2)]
    return {
        "R1": (quiet, 2),
        "R2": (seen, 5),
        "R3": (seen, 7),
        "R4": ([*quiet, event("Ticket Created", 0.8)], 0.8),
        "R5": ([*quiet, event("Invite Sent", 1)], 4),
        "R6": ([*quiet, *week, *fewer], 28 - 10 / 24),
        "R7": ([*quiet, event("NPS Answered", 14.2, score=5)], 14.2),
    }


@pytest.mark.parametrize("segment", ARR)
@pytest.mark.parametrize("signal", SIGNALS)
def test_a_human_is_called_where_there_is_one(signal: str, segment: str) -> None:
    """With a touch of high, medium or low, each signal opens its escalation on its day and writes no signal mail."""
    events, day = signalled()[signal]
    life = lived(BOOK, [*events, traits(0, arr=ARR[segment])], 35)
    assert life.when(SIGNALS[signal])[:1] == life.when(f"{SIGNALS[signal]}_call")[:1] == [pytest.approx(day)]
    assert not [each for each in life.messages if each.action.template.startswith("signal_")]


@pytest.mark.parametrize(
    ("signal", "gap"), [("R1", 5), ("R2", 4), ("R3", 4), ("R4", 2), ("R5", 4), ("R6", 7), ("R7", 3)]
)
def test_tech_touch_writes_first_and_then_calls_a_human(signal: str, gap: int) -> None:
    """Without a human of its own, an account gets one mail; some days later, if it still holds, a human is called."""
    events, day = signalled()[signal]
    name = SIGNALS[signal]
    life = lived(BOOK, events, 42)
    assert len(life.when(f"{name}_mail")) == 1
    (called,) = life.when(f"{name}_human")
    assert called == pytest.approx(day + gap)
    assert f"{name}_call" not in life.done


def test_the_director_hears_of_what_nobody_takes_on() -> None:
    """Two working days (16 hours) after a human was called and said nothing; not R5, and R7 is the director's own."""
    unanswered = [name for name in BOOK.plays if name.endswith("_unanswered")]
    assert {name.removesuffix("_unanswered") for name in unanswered} == {
        *SIGNALS.values(),
        "poor_health",
    } - {"invites_unaccepted", "low_score"}
    for name in unanswered:
        signal = name.removesuffix("_unanswered")
        assert play(name).trigger == Opened(signal=signal, delay=16 * HOUR, business=True)
        assert escalation(name).owner == "cs_director"
    silent = [event("Signed Up", 0), traits(0, arr=100_000)]
    assert lived(BOOK, silent, 20).when("no_login_unanswered") == [4]  # called on Wednesday at 10:00
    taken = replace(event("escalation_acknowledged", 2.5, signal="no_login", by="Robin"), source=OWN_SOURCE)
    assert "no_login_unanswered" not in lived(BOOK, [*silent, taken], 20).done


def test_who_never_logged_in_is_one_escalation() -> None:
    """R1 absorbs its symptoms: one human is called for it (and the director after that), not five."""
    high = lived(BOOK, [event("Signed Up", 0), traits(0, arr=100_000)], 35)
    assert [each.play for each in high.escalations] == ["no_login_call", "no_login_unanswered"]
    tech = lived(BOOK, [event("Signed Up", 0)], 35)
    assert [each.play for each in tech.escalations] == ["no_login_human"]
    assert [each.play for each in tech.messages if each.play in {f"{name}_mail" for name in SIGNALS.values()}] == [
        "no_login_mail"
    ]


def test_symptoms_open_when_the_root_is_over() -> None:
    """Who logs in at last and still has done nothing is then asked about that."""
    events = [event("Signed Up", 0), event("Logged In", 10), traits(0, arr=100_000)]
    life = lived(BOOK, events, 11)
    assert life.when("setup_incomplete_call") == life.when("no_core_action_call") == [10]


CURES = {
    "R1": event("Logged In", 2.5),
    "R2": event("Setup Completed", 5.5),
    "R3": event("Core Action", 7.5),
    "R4": event("Ticket Resolved", 1),
    "R5": event("Invite Accepted", 4.5),
    "R7": event("NPS Answered", 15, score=9),
}


@pytest.mark.parametrize("signal", CURES)
def test_what_is_cured_is_closed(signal: str) -> None:
    """When its cause is gone, an open escalation closes by itself, and no human is called after the mail."""
    events, _ = signalled()[signal]
    cured = lived(BOOK, [*events, CURES[signal], traits(0, arr=100_000)], 35)
    assert f"{SIGNALS[signal]}_call" in [each.play for each in cured.withdrawals]
    assert f"{SIGNALS[signal]}_human" not in lived(BOOK, [*events, CURES[signal]], 42).done


def test_falling_usage_is_over_when_it_rises() -> None:
    """R6 closes once usage neither falls nor lies at 70 % of the first full week or below."""
    events, _ = signalled()["R6"]
    risen = [event("Core Action", 29 + number / 20) for number in range(12)]
    life = lived(BOOK, [*events, *risen, traits(0, arr=100_000)], 40)
    assert "usage_falling_call" in [each.play for each in life.withdrawals]


def test_two_falls_above_70_percent_are_no_signal() -> None:
    """R6 asks for both: two weekly falls that leave more than 70 % of the first week say nothing."""
    days = [*(8 + n / 20 for n in range(10)), *(15 + n / 20 for n in range(9)), *(22 + n / 20 for n in range(8))]
    life = lived(
        BOOK, [event("Signed Up", 0), traits(0, arr=100_000), *(event("Core Action", day) for day in days)], 30
    )
    assert "usage_falling" not in life.done


def test_a_score_of_6_is_no_signal_but_blocks_the_gate() -> None:
    """A 6 fires no R7, and as a detractor's answer it keeps the account in onboarding (1.9)."""
    events = [
        event("Signed Up", 0),
        event("Setup Completed", 1),
        event("Core Action", 1),
        event("NPS Answered", 2, score=6),
    ]
    life = lived(BOOK, events, 20)
    assert "low_score" not in life.done
    assert life.stages == []


def test_a_late_ticket_is_no_signal() -> None:
    """R4 asks for the first 24 hours: a ticket before sign-up or an hour later than that fires nothing."""
    for day in (-3.0, 1.05):
        life = lived(BOOK, [event("Signed Up", 0), event("Ticket Created", day)], 5)
        assert not [name for name in life.done if name.startswith("early_ticket")]


def test_silence_of_the_first_login_leaves_out_the_weekend() -> None:
    """R1 of a Friday's sign-up comes on Tuesday; where Friday and Saturday are the weekend, on Monday."""
    friday = [event("Signed Up", 4), traits(4, arr=100_000)]
    assert lived(BOOK, friday, 20).when("no_login") == [8]
    gulf = [event("Signed Up", 4), traits(4, arr=100_000, weekend="fri_sat")]
    assert lived(BOOK, gulf, 20).when("no_login") == [pytest.approx(8 - 10 / 24)]


# -- gone quiet ------------------------------------------------------------------------------------------------------


def test_gone_quiet_after_three_working_days() -> None:
    """1.9 "Gone quiet": its own signal, three working days since the last login, in the first 30 days."""
    assert play("gone_quiet").trigger == Silent(period=3 * DAY, since="login", business=True)
    life = lived(BOOK, [event("Signed Up", 0), event("Logged In", 1)], 40)
    assert (life.when("gone_quiet"), life.when("gone_quiet_mail"), life.when("gone_quiet_call")) == ([4], [4], [11])


def test_gone_quiet_is_not_for_who_never_came() -> None:
    """Who never logged in is R1's; who goes quiet after the month is nobody's here."""
    assert "gone_quiet" not in lived(BOOK, [event("Signed Up", 0)], 30).done
    assert "gone_quiet" not in lived(BOOK, [event("Signed Up", 0), event("Logged In", 29)], 50).done


def test_three_quiet_days_bring_nobody_to_the_phone() -> None:
    """Who has a human is called by the segment's owner when a week has gone by on top, and gets no mail."""
    life = lived(BOOK, [event("Signed Up", 0), event("Logged In", 1), traits(0, arr=5_000)], 10.9)
    assert "gone_quiet" in life.done
    assert not {"gone_quiet_mail", "gone_quiet_call"} & set(life.done)
    later = lived(BOOK, [event("Signed Up", 0), event("Logged In", 1), traits(0, arr=5_000)], 11)
    assert [each.action.owner for each in later.escalations if each.play == "gone_quiet_call"] == [
        "onboarding_specialist"
    ]


# -- segments (1.3, 1.9) ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arr", "segment", "touch", "owner", "days"),
    [
        (100_000, "enterprise", "high", "csm", 180),
        (99_999, "mid_market", "medium", "csm", 90),
        (25_000, "mid_market", "medium", "csm", 90),
        (24_999, "smb", "low", "onboarding_specialist", 60),
        (5_000, "smb", "low", "onboarding_specialist", 60),
        (4_999, "self_serve", "tech", "overflow_csm", 30),
        (None, "self_serve", "tech", "overflow_csm", 30),
    ],
)
def test_the_segment_follows_from_the_revenue(
    arr: float | None, segment: str, touch: str, owner: str, days: int
) -> None:
    """Rules 1.3: 100K+, 25 to 100K, 5 to 25K and below, half-open; onboarding at its longest. Unknown: tech."""
    rules = BOOK.vocabulary
    said = [traits(0, arr=arr)] if arr is not None else []
    found = segment_of(fold(Facts(), said, rules), BOOK)
    assert found is not None
    assert (found.name, found.touch, found.owner) == (segment, touch, owner)
    assert found.windows["onboarding"] == (0 * DAY, days * DAY)


@pytest.mark.parametrize(("arr", "day", "owner"), [(5_000, 60, "onboarding_specialist"), (None, 30, "overflow_csm")])
def test_a_stalled_onboarding_is_its_owners(arr: float | None, day: int, owner: str) -> None:
    """1.9: windows scale by segment; at the end of its own, who is still in onboarding is work of its owner."""
    assert play("onboarding_stalled").trigger == Stalled(stage="onboarding")
    detractor = [event("Signed Up", 0), event("Setup Completed", 1), event("NPS Answered", 2, score=6)]
    used = [event(name, each + 0.1) for each in range(70) for name in ("Logged In", "Core Action")]
    said = [traits(0, arr=arr)] if arr is not None else []
    life = lived(BOOK, [*detractor, *used, *said], 65)
    assert life.when("onboarding_stalled") == [day]
    assert [each.action.owner for each in life.escalations] == [owner]


def test_who_has_a_signal_open_has_not_stalled() -> None:
    """The end of a window calls nobody where somebody was called already."""
    assert "onboarding_stalled" not in lived(BOOK, [event("Signed Up", 0)], 40).done


# -- health (1.3, 1.4) -----------------------------------------------------------------------------------------------


def test_health_is_five_weighted_indicators() -> None:
    """Rules 1.3: engagement, progress, adoption, sentiment, champion; bands at 70 and 40 (1.4), weights ours."""
    assert BOOK.health is not None
    assert {each.name: each.weight for each in BOOK.health.indicators} == {
        "engagement": 25,
        "progress": 25,
        "adoption": 25,
        "sentiment": 15,
        "champion": 10,
    }
    rules = BOOK.health.rules
    assert (rules.green, rules.yellow, rules.coverage_floor) == (70, 40, 60)


BEGUN = [event("Signed Up", 0), event("Setup Completed", 0.1), event("Core Action", 0.2), event("Logged In", 0.2)]


def test_poor_health_is_at_risk_and_not_churned() -> None:
    """Health below 40 for a week flags the account and calls the owner; the stage stays; from 50 on it is over."""
    back = [event(name, 40) for name in ("Logged In", "Core Action")]
    life = lived(BOOK, [*BEGUN, *back, traits(0, arr=100_000)], 41)
    fell = 14.2  # login and core action are red after 14 days
    assert life.when("poor_health") == life.when("poor_health_call") == [pytest.approx(fell + 7, abs=0.01)]
    assert "churned" not in [stage for stage, _ in life.stages]
    assert "poor_health_call" in [each.play for each in life.withdrawals]
    assert [name for name, signal in BOOK.signals.items() if signal.at_risk] == ["poor_health"]


def test_one_odd_week_is_no_alarm() -> None:
    """Who is back within the week of confirmation was never at risk."""
    back = [event(name, 20) for name in ("Logged In", "Core Action")]
    assert "poor_health" not in lived(BOOK, [*BEGUN, *back], 30).done


def test_two_falling_weeks_are_told_before_health_is_poor() -> None:
    """Rules 1.4 "Alerts": health falls two weeks running; where it is poor already that is said instead."""
    trigger = play("health_falling").trigger
    assert isinstance(trigger, Holds)
    assert limits(trigger.condition) == {(TermKind.HEALTH_FALLING, ">=", 2.0)}
    used = [event("Core Action", day + 0.3) for day in range(1, 36)]
    seen = [event("Logged In", day + 0.3) for day in range(1, 19)]  # yellow a week later, red after two
    life = lived(BOOK, [*BEGUN, *used, *seen, traits(0, arr=5_000)], 36)
    assert len(life.when("health_falling_call")) == 1
    assert "poor_health_call" not in life.done


# -- stages (1.4, 1.9) -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stage", "begins", "ends", "target"),
    [("onboarding", 0, 7, 0.85), ("growth", 7, 30, 0.90), ("maturity", 30, 90, 0.80), ("expansion", 90, None, 0.50)],
)
def test_each_stage_has_its_window_and_target(stage: str, begins: int, ends: int | None, target: float) -> None:
    """Rules 1.4: 0 to 7, 7 to 30, 30 to 90 and from 90 days; 85, 90, 80 and 50 per cent."""
    found = BOOK.stages[stage]
    assert found.window == (begins * DAY, None if ends is None else ends * DAY)
    assert found.target == target


def test_churned_is_the_only_exit() -> None:
    """The stages are onboarding, growth, maturity, expansion and churned; who is churned gets nothing."""
    assert [name for name, stage in BOOK.stages.items() if stage.exit] == ["churned"]
    assert (BOOK.first_stage, list(BOOK.stages)[1:4]) == ("onboarding", ["growth", "maturity", "expansion"])


READY = [event("Signed Up", 0), event("Setup Completed", 1), event("Core Action", 2)]


def test_activation_has_seven_days() -> None:
    """Rules 1.4: activated within seven days is the target; a late activation is late, not lost."""
    assert BOOK.milestones["activated"].target == 7 * DAY
    late = [event("Signed Up", 0), event("Setup Completed", 1), event("Core Action", 9)]
    assert lived(BOOK, late, 12).stages == [("growth", 9)]


def test_growth_comes_with_the_first_good_answer() -> None:
    """Onboarding ends once it is complete, activated, and the answers hold no detractor (0 to 6)."""
    assert lived(BOOK, [*READY, event("NPS Answered", 3, score=7)], 10).stages == [("growth", 3)]


def test_silence_stops_blocking_after_seven_days() -> None:
    """Where nobody answers, the gate opens when the stage's window ends, on day 7."""
    assert lived(BOOK, READY, 10).stages == [("growth", 7)]


def test_growth_needs_set_up_and_activation() -> None:
    """Neither half of the gate is enough."""
    for missing in (1, 2):
        assert lived(BOOK, [each for number, each in enumerate(READY) if number != missing], 20).stages == []


def grown(features: int, csat: int | None, last: float = 29) -> list[tuple[object, float]]:
    events = [*READY, event("Core Action", last)]
    events += [event("Feature Used", 10, feature=f"f{number}") for number in range(features)]
    events += [event("CSAT Answered", 20, score=csat)] if csat is not None else []
    return lived(BOOK, events, 31).stages[1:]


def test_maturity_asks_for_use_depth_and_satisfaction() -> None:
    """Day 30, a core action in 7 days, more than 60 % of ten features, above 8 of 10 or nobody asked."""
    assert grown(7, None) == [("maturity", 30)]
    assert grown(7, 9) == [("maturity", 30)]
    assert grown(7, 8) == []
    assert grown(6, 9) == []
    assert grown(7, 9, last=22.9) == []


def matured(*more: Event, term: str) -> list[tuple[object, float]]:
    events = [
        *READY,
        event("Core Action", 29),
        *(event("Feature Used", 10, feature=f"f{number}") for number in range(7)),
    ]
    return lived(BOOK, [*events, *more, traits(0, term=term)], 100).stages[2:]


def test_expansion_comes_with_the_renewal_or_on_day_90() -> None:
    """An annual term goes on at day 90 regardless or when its renewal is signed; a monthly one needs both."""
    signed = event("Renewal Signed", 60)
    assert matured(term="annual") == [("expansion", 90)]
    assert matured(signed, term="annual") == [("expansion", 60)]
    assert matured(signed, term="monthly") == [("expansion", 90)]
    assert matured(term="monthly") == []


def test_cancelling_is_churn_and_subscribing_again_is_onboarding() -> None:
    """From any stage a cancellation leads out; a new subscription leads back in, and on as far as it still holds."""
    gone = event("Subscription Cancelled", 12)
    back = event("Subscription Started", 20)
    assert lived(BOOK, [*READY, gone], 30).stages == [("growth", 7), ("churned", 12)]
    life = lived(BOOK, [*READY, event("Subscription Started", 0), gone, back], 30)
    assert life.stages == [("growth", 7), ("churned", 12), ("onboarding", 20), ("growth", 20)]
    assert "day_14_survey" not in life.done
    assert "day_21_return" in life.done


# -- settings --------------------------------------------------------------------------------------------------------


def test_window_caps_and_horizon() -> None:
    """Mail leaves on weekdays from 9 to 5 on the recipient's clock, one in 24 hours and three in 7 days."""
    assert (BOOK.window.weekdays, BOOK.window.opens, BOOK.window.closes) == (frozenset(range(5)), time(9), time(17))
    assert (BOOK.caps.day, BOOK.caps.week) == (1, 3)
    assert (BOOK.horizon, BOOK.timezone, BOOK.mode) == (30 * DAY, "UTC", Mode.LIVE)


def test_nothing_that_is_written_outlives_ten_days() -> None:
    """After ten days of outage no mail is still valid; an escalation whose cause still holds may be."""
    for each in BOOK.plays.values():
        writes = any(isinstance(action, SendEmail) for action in each.actions)
        assert each.policy.valid_for < 10 * DAY if writes else each.policy.valid_for <= 14 * DAY


def test_every_escalation_knows_its_end() -> None:
    """Whatever is handed to a human closes by itself when its cause is gone."""
    for each in BOOK.plays.values():
        if any(isinstance(action, Escalate) for action in each.actions):
            assert each.policy.only_while is not None, each.name


def test_every_template_has_its_play() -> None:
    """No shipped letter is without a play that sends it."""
    actions = [action for each in BOOK.plays.values() for action in each.actions]
    named = {action.template for action in actions if isinstance(action, SendEmail | Escalate)}
    assert named == {*EMAILS, *ESCALATIONS}


def test_it_reads_what_its_rules_look_at() -> None:
    """Events that only feed figures cost their fold only; all others wake the rules."""
    events = set(BOOK.vocabulary.events)
    unread = events - BOOK.reads
    sendings = {"message_sent", "message_failed", "message_cancelled", "message_unknown"}
    assert unread == {"value_delivered", "goal_set", "goal_met", "goal_dropped", *sendings}


def test_its_version_is_that_of_its_source() -> None:
    """The version is the hash of the text and of the templates."""
    text = (SHIPPED / "b2b-saas.yaml").read_text(encoding="utf-8")
    assert BOOK.version == version_of(PlaybookSource(file="x", text=text, templates=TEMPLATES))


def test_the_checklist_is_in_the_order_of_the_work() -> None:
    """Integrate, import, invite (1.0.2): the missing steps of the set-up mails."""
    assert BOOK.checklist == ("integration_connected", "data_imported", "team_invited")
