"""What plays do beside mail: notes in the product, surveys, words to our own people, calls, and what is set."""

from dataclasses import replace
from typing import Any

import pytest

from orchestrator.core.account import Account
from orchestrator.core.decisions import Step
from orchestrator.core.events import OWN_SOURCE, EventKind
from orchestrator.core.lifecycle import absorb, advance
from orchestrator.core.people import Person
from orchestrator.core.playbook import (
    Action,
    AskSurvey,
    CallWebhook,
    Channel,
    Entered,
    Gaps,
    Holdout,
    OnDay,
    Play,
    Reached,
    Scale,
    ShowInApp,
    SurveyKind,
    doing,
)
from orchestrator.core.policy import left
from orchestrator.core.reasons import DecisionReason, MessageReason, PostponementReason
from tests.core.lives import Life, life, outputs
from tests.core.playbooks import (
    CALL_CRM,
    DAY,
    HOUR,
    MAIL,
    NOTE,
    SURVEY,
    VOCABULARY,
    WORD,
    compare,
    negation,
    play,
    said,
    seen,
    trait,
    with_plays,
    work,
)
from tests.core.strategies import START, event, person, traits

ANNA = person("anna", name="Anna Ek")
NIGHT = START - 10 * HOUR  # 01:20 in Berlin: the window is closed


def touch(*actions: Action, **parts: Any) -> Play:  # noqa: ANN401 -- fields of Policy
    return play("p", OnDay(day=0), *actions, **parts)


def begin(*plays: Play, people: tuple[Person, ...] = (ANNA,), **changes: Any) -> Life:  # noqa: ANN401 -- of Playbook
    """An account that signs up at the start."""
    lived = life(people, with_plays(*plays, **changes), START)
    lived.step(START, [event("signed_up")])
    return lived


def first(lived: Life) -> Step:
    return lived.steps[0][1]


def went(step: Step) -> list[tuple[str, str, str]]:
    return [(each.channel, each.person, each.address) for each in step.messages]


# -- channels ----------------------------------------------------------------------------------------------------------


def test_each_letter_has_its_channel_and_address() -> None:
    """Mail has an address, a note its person, a word its role, a call its system; each has a key of its own."""
    step = first(begin(touch(MAIL, NOTE, replace(SURVEY, channel=Channel.IN_APP), WORD, CALL_CRM)))
    assert went(step) == [
        ("email", "anna", "anna@example.com"),
        ("in_app", "anna", ""),
        ("in_app", "anna", ""),
        ("notify", "", "csm"),
        ("webhook", "", "crm"),
    ]
    assert len({each.id for each in step.messages}) == len(step.messages)
    assert step.messages[-1].context["person"] == {"name": "Anna Ek", "first_name": "Anna", "role": ""}
    assert CallWebhook(name="crm").template == "crm"


def test_a_note_needs_neither_address_nor_window() -> None:
    """In the product a person is reached at any hour, mail or not; a survey by mail waits for both."""
    nameless = person("anna", email="")
    lived = life((nameless,), with_plays(touch(NOTE)), NIGHT)
    assert went(lived.step(NIGHT, [event("signed_up", NIGHT)])) == [("in_app", "anna", "")]
    asked = life((nameless,), with_plays(touch(SURVEY)), NIGHT)
    (waits,) = asked.step(NIGHT, [event("signed_up", NIGHT)]).postponements
    assert waits.reason is PostponementReason.NO_RECIPIENT


def test_our_own_people_are_told_of_an_account_without_people() -> None:
    """A word, a call and what is set need nobody at the account, and wait for no window."""
    lived = life((), with_plays(touch(WORD, CALL_CRM, said(vip=True))), NIGHT)
    step = lived.step(NIGHT, [event("signed_up", NIGHT)])
    assert (len(step.messages), len(step.events)) == (2, 1)


def test_a_survey_says_what_it_asks() -> None:
    """The letter knows the kind, the ends of the scale, and which end is the better one; in words there is none."""
    effort = AskSurvey(kind=SurveyKind.CES, template="effort", scale=Scale(lowest=1, highest=5, high_is_better=False))
    step = first(begin(touch(effort, SURVEY, AskSurvey(kind=SurveyKind.GOAL, template="goal"), MAIL)))
    assert [each.context.get("survey") for each in step.messages] == [
        {"kind": "ces", "lowest": 1, "highest": 5, "best": 1, "worst": 5},
        {"kind": "nps", "lowest": 0, "highest": 10, "best": 10, "worst": 0},
        {"kind": "goal"},
        None,
    ]


def test_what_nobody_took_yet_is_withdrawn() -> None:
    """Notes, words and calls that wait are withdrawn with their goal, even when a mail of the same play has left."""
    lived = begin(touch(MAIL, WORD, only_while=negation(seen("setup_done"))))
    lived.step(START, [event("message_sent", source=OWN_SOURCE, properties={"play": "p", "episode": "once"})])
    answer = lived.step(START + HOUR, [event("setup_done", START + HOUR)])
    assert [each.reason for each in answer.withdrawals] == [MessageReason.GOAL_REACHED]


# -- mail, then in-app -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prefer", "start", "done", "expected"),
    [
        (None, None, True, ["email", "in_app"]),
        (None, "setup", False, ["email"]),
        (None, "setup", True, ["in_app"]),
        (Channel.EMAIL, "setup", True, ["email"]),
        (Channel.IN_APP, "setup", False, ["in_app"]),
        (Channel.IN_APP, None, False, ["in_app"]),
    ],
)
def test_mail_until_it_is_sticky_then_in_app(
    prefer: Channel | None, start: str | None, done: bool, expected: list[str]
) -> None:
    """A play with both writes mail until the milestone is reached, then in-app, unless it says which it wants."""
    book = with_plays(touch(MAIL, NOTE, prefer=prefer), in_app_from=start)
    events = [event("signed_up"), *([event("setup_done")] if done else [])]
    step = life((ANNA,), book, START).step(START, events)
    assert [each.channel for each in step.messages] == expected


def test_a_play_with_mail_alone_writes_mail() -> None:
    """What has no note in the product is not touched by ``in_app_from``."""
    book = with_plays(touch(MAIL), in_app_from="setup")
    step = life((ANNA,), book, START).step(START, [event("signed_up"), event("setup_done")])
    assert [each.channel for each in step.messages] == ["email"]


def test_whoever_has_no_address_is_reached_once_it_is_sticky() -> None:
    """A touch that waits for an address goes in-app as soon as the milestone is reached."""
    lived = begin(touch(MAIL, NOTE), people=(person("anna", email=""),), in_app_from="setup")
    assert first(lived).messages == ()
    step = lived.step(START + HOUR, [event("setup_done", START + HOUR)])
    assert went(step) == [("in_app", "anna", "")]


# -- what is set -------------------------------------------------------------------------------------------------------


def value(account: Account, name: str) -> object:
    return account.facts.traits[name].value


def test_what_is_set_holds_at_once() -> None:
    """A later judgement of the same instant sees it, and so does the stage table."""
    lived = begin(
        touch(said(vip=True, seats=60), priority=1),
        play("q", OnDay(day=0), work(), when=trait("vip")),
        play("r", Entered(stage="expansion"), WORD),
    )
    assert [(each.play, each.reason) for each in first(lived).decisions] == [
        ("p", DecisionReason.DUE),
        ("q", DecisionReason.DUE),
    ]
    assert (value(lived.account, "vip"), value(lived.account, "seats")) == (True, 60)


def test_a_decision_is_explained_by_what_held_before_it_acted() -> None:
    """A play that sets what it asks for was due because it was not so."""
    (decision,) = first(begin(touch(said(vip=True), when=negation(trait("vip"))))).decisions
    assert [(each.text, each.verdict) for each in decision.clauses] == [("not (vip)", True)]


def test_what_is_set_is_an_event_of_our_own() -> None:
    """It has a deterministic id, and folding it into the facts that were gives the facts that are: a replay agrees."""
    lived, again = begin(touch(said(vip=True))), begin(touch(said(vip=True)))
    (own,) = first(lived).events
    assert (own.source, own.kind, own.properties) == (OWN_SOURCE, EventKind.GROUP, {"vip": True})
    assert own == first(again).events[0]
    bare = absorb(replace(lived.account, facts=begin(touch(WORD)).account.facts), [own], lived.playbook)
    assert bare.facts == lived.account.facts
    assert outputs(advance(lived.account, (ANNA,), [], START, lived.playbook)) == ()


def test_the_later_word_holds() -> None:
    """What the product says later stands; what it had said before is overruled."""
    lived = begin(touch(said(seats=60)))
    lived.step(START + HOUR, [traits(START - HOUR, seats=5)])
    assert value(lived.account, "seats") == 60
    lived.step(START + 2 * HOUR, [traits(START + 2 * HOUR, seats=7)])
    assert value(lived.account, "seats") == 7


def test_what_is_set_is_not_withdrawn() -> None:
    """A fact is no promise: there is nothing to take back when the goal is reached."""
    lived = begin(touch(said(vip=True), only_while=negation(seen("setup_done"))))
    assert lived.account.standing == {}


def test_a_zone_that_is_set_counts_at_once() -> None:
    """Local times are read in the zone that was just set."""
    later = play("q", OnDay(day=0), WORD)
    lived = begin(touch(said(timezone="Asia/Kathmandu"), priority=1), later, people=())
    assert [each.zone for each in first(lived).decisions] == ["Europe/Berlin", "Asia/Kathmandu"]


def test_setting_once_a_milestone_is_reached() -> None:
    """Training done, next section unlocked, another system told: one play, once."""
    book = with_plays(play("unlock", Reached(milestone="setup"), said(vip=True), ShowInApp(template="next"), CALL_CRM))
    lived = life((ANNA,), book, START).live([event("signed_up"), event("setup_done", START + DAY)], START + 9 * DAY)
    assert [each.play for each in lived.decisions] == ["unlock"]
    assert "vip" in VOCABULARY.traits
    assert compare(trait("seats"), ">", 1) is not None


# -- beside policy -----------------------------------------------------------------------------------------------------


def test_the_holdout_reads_nothing_and_our_own_people_work_on() -> None:
    """In the holdout neither mail nor note nor survey is written; words, calls, work and what is set stay."""
    everything = touch(MAIL, NOTE, SURVEY, WORD, CALL_CRM, work(), said(vip=True))
    step = first(begin(everything, holdout=Holdout(share=1, salt="all")))
    assert [each.channel for each in step.messages] == ["notify", "webhook"]
    assert (len(step.escalations), len(step.events)) == (1, 1)


def test_only_mail_is_kept_apart() -> None:
    """A note in the product neither waits for the gap between mails nor makes a mail wait, not even by expiring."""
    gaps = Gaps(message=DAY)
    note, mail, other = touch(NOTE, priority=1), play("q", OnDay(day=0), MAIL), play("r", OnDay(day=0), NOTE, MAIL)
    lived = begin(note, mail, gaps=gaps)
    assert [each.play for each in first(lived).messages] == ["p", "q"]
    recent = begin(other, gaps=gaps).account.recent
    lost = {"play": "r", "episode": "once", "reason": "expired"}
    ended = event("message_cancelled", source=OWN_SOURCE, person="anna", properties={**lost, "channel": "in_app"})
    assert [each.play for each in recent] == ["r"]
    assert left(recent, [ended]) == recent
    assert left(recent, [replace(ended, properties=lost)]) == ()


def test_what_an_end_says_of_a_message() -> None:
    """The end of a mail names its play and episode; that of anything else its channel too."""
    mail, note = first(begin(touch(MAIL, NOTE))).messages
    assert mail.told == {"play": "p", "episode": "once"}
    assert note.told == {"play": "p", "episode": "once", "channel": "in_app"}


def test_each_action_in_a_few_words() -> None:
    """What a play does can be told in a line."""
    actions = (MAIL, NOTE, SURVEY, WORD, CALL_CRM, said(vip=True, seats=60), work())
    assert [doing(action) for action in actions] == [
        "email letter",
        "in-app banner",
        "survey nps survey, by email",
        "notify csm word",
        "webhook crm",
        "set vip = True, seats = 60",
        "escalate to csm, high",
    ]
