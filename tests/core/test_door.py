"""``release``: everything that may have changed is looked at again just before a hand-over."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.account import Account
from orchestrator.core.calendars import Hours
from orchestrator.core.decisions import Cancel, Message, Release, Send, Wait
from orchestrator.core.door import LOOK_AGAIN, release, room_at
from orchestrator.core.errors import IllegalInputError
from orchestrator.core.lifecycle import absorb, advance, opened
from orchestrator.core.people import Contact, Person
from orchestrator.core.playbook import Caps, OnDay
from orchestrator.core.reasons import MessageReason, PostponementReason
from tests.core.playbooks import DAY, HOUR, MAIL, negation, play, seen, with_plays
from tests.core.strategies import START, event, pause, person, resume

ANNA = person("anna")
ADDRESS = "anna@example.com"
FREE = Contact(address=ADDRESS)
ALWAYS_OPEN = Hours(weekdays=frozenset(range(7)))
PLAY = play("p", OnDay(day=0), MAIL, only_while=negation(seen("setup_done")), valid_for=3 * DAY, max_defer=2 * DAY)
PLAYBOOK = with_plays(
    PLAY, replace(PLAY, name="bye", stages=frozenset({"churned"})), window=ALWAYS_OPEN, caps=Caps(day=2, week=4)
)
STEP = advance(opened("a", START, PLAYBOOK), (ANNA,), [event("signed_up")], START, with_plays(PLAY, version="v1"))
MESSAGE, ACCOUNT = STEP.messages[0], STEP.account
MOMENT = timedelta(microseconds=1)


def at_the_door(
    now: datetime = START,
    *,
    message: Message = MESSAGE,
    account: Account = ACCOUNT,
    who: Person | None = ANNA,
    contact: Contact = FREE,
    window: Hours = ALWAYS_OPEN,
    parked: bool = False,
) -> Release:
    """What is said of the message of the test."""
    return release(message, account, who, contact, now, replace(PLAYBOOK, window=window), parked=parked)


def sent(*ago: timedelta) -> Contact:
    """A contact that was written to so long before START."""
    return replace(FREE, sends=tuple(sorted(START - each for each in ago)))


def after(*names: str) -> Account:
    """The account after these events."""
    return advance(ACCOUNT, (ANNA,), [event(name) for name in names], START, replace(PLAYBOOK, version="v1")).account


def test_a_message_may_leave() -> None:
    """Nothing forbids it, nothing hinders it: it is sent, from not_before to not_after."""
    assert at_the_door() == Send()
    assert at_the_door(START + 2 * DAY) == Send()
    assert at_the_door(START + 3 * DAY) == Send()


# -- cancelled ---------------------------------------------------------------------------------------------------------


def cancelled(answer: Release) -> MessageReason | None:
    """Why it must not leave any more."""
    return answer.reason if isinstance(answer, Cancel) else None


@pytest.mark.parametrize(
    ("who", "contact", "reason"),
    [
        (None, FREE, MessageReason.ERASED),
        (ANNA, replace(FREE, erased_at=START), MessageReason.ERASED),
        (person("anna", email="gone"), FREE, MessageReason.NO_ADDRESS),
        (ANNA, replace(FREE, suppressed="bounce"), MessageReason.SUPPRESSED_BOUNCE),
        (ANNA, replace(FREE, suppressed="complaint"), MessageReason.SUPPRESSED_COMPLAINT),
        (ANNA, replace(FREE, unsubscribed_at=START), MessageReason.UNSUBSCRIBED),
        (ANNA, replace(FREE, unsubscribed_at=START, suppressed="complaint"), MessageReason.SUPPRESSED_COMPLAINT),
    ],
    ids=["no person", "erased", "no address", "bounced", "complained", "unsubscribed", "the gravest first"],
)
def test_nobody_who_may_not_be_written_to_is(who: Person | None, contact: Contact, reason: MessageReason) -> None:
    """ERASED, NO_ADDRESS, SUPPRESSED_BOUNCE, SUPPRESSED_COMPLAINT, UNSUBSCRIBED: also for transactional mail."""
    assert cancelled(at_the_door(who=who, contact=contact)) is reason
    assert cancelled(at_the_door(who=who, contact=contact, message=replace(MESSAGE, exempt=True))) is reason


def test_exited() -> None:
    """EXITED: the account has left; what belongs to the exit may still leave."""
    churned = after("left")
    assert cancelled(at_the_door(account=churned)) is MessageReason.EXITED
    assert at_the_door(account=churned, message=replace(MESSAGE, play="bye")) == Send()


def test_goal_reached() -> None:
    """GOAL_REACHED: what the message asks for is done."""
    assert cancelled(at_the_door(account=after("setup_done"))) is MessageReason.GOAL_REACHED


def test_expired() -> None:
    """EXPIRED: a microsecond after not_after it is too late."""
    assert cancelled(at_the_door(START + 3 * DAY + MOMENT)) is MessageReason.EXPIRED


# -- waiting -----------------------------------------------------------------------------------------------------------


def test_not_before() -> None:
    """NOT_BEFORE: it waits for its time, unless that is after not_after."""
    later = replace(MESSAGE, not_before=START + HOUR)
    assert at_the_door(message=later) == Wait(until=START + HOUR, reason=PostponementReason.NOT_BEFORE)
    assert cancelled(at_the_door(message=replace(MESSAGE, not_before=START + 4 * DAY))) is MessageReason.EXPIRED
    deferred = replace(MESSAGE, not_before=START + 2 * DAY + HOUR)
    assert at_the_door(message=deferred) == Wait(until=START + 2 * DAY + HOUR, reason=PostponementReason.NOT_BEFORE)


@pytest.mark.parametrize("parked", [True, False])
def test_parked_and_paused(parked: bool) -> None:
    """PARKED, PAUSED: it comes to the door again, and once more when its time is over, but it is not given up early."""
    paused = absorb(ACCOUNT, [pause(START)], PLAYBOOK)
    account = ACCOUNT if parked else paused
    reason = PostponementReason.PARKED if parked else PostponementReason.PAUSED
    assert at_the_door(account=account, parked=parked) == Wait(until=START + LOOK_AGAIN, reason=reason)
    end = MESSAGE.not_after
    assert at_the_door(end, account=account, parked=parked) == Wait(until=end + MOMENT, reason=reason)
    assert cancelled(at_the_door(end + MOMENT, account=account, parked=parked)) is MessageReason.EXPIRED


def test_after_the_pause_it_leaves() -> None:
    """A pause that has ended hinders nothing."""
    resumed = absorb(ACCOUNT, [pause(START), resume(START + HOUR)], PLAYBOOK)
    assert at_the_door(START + HOUR, account=resumed) == Send()


def test_outside_window() -> None:
    """OUTSIDE_WINDOW: what was held up until the evening leaves in the person's morning; exempt mail at once."""
    office = Hours(weekdays=frozenset(range(5)), opens=time(8), closes=time(18))
    evening = START + 10 * HOUR
    opening = START.replace(day=5, hour=7, minute=0)
    assert at_the_door(evening, window=office) == Wait(until=opening, reason=PostponementReason.OUTSIDE_WINDOW)
    assert at_the_door(evening, window=office, message=replace(MESSAGE, exempt=True)) == Send()
    assert at_the_door(evening, window=office, who=person(timezone="America/Los_Angeles")) == Send()


def test_a_window_that_does_not_open_in_time() -> None:
    """EXPIRED: nobody waits for an opening after max_defer, or for one that never comes."""
    sundays = Hours(weekdays=frozenset({6}))
    assert cancelled(at_the_door(window=sundays)) is MessageReason.EXPIRED
    assert cancelled(at_the_door(window=Hours(weekdays=frozenset()))) is MessageReason.EXPIRED


def test_capped() -> None:
    """CAPPED: a full day waits for the hour at which one of its mails is a day old; exempt mail does not wait."""
    full = sent(HOUR, 20 * HOUR)
    assert at_the_door(contact=full) == Wait(until=START + 4 * HOUR, reason=PostponementReason.CAPPED)
    assert at_the_door(START + 4 * HOUR, contact=full) == Send()
    assert at_the_door(contact=full, message=replace(MESSAGE, exempt=True)) == Send()


def test_a_full_week_waits_for_room_in_the_week() -> None:
    """The stricter of both caps rules."""
    full = sent(2 * DAY, 3 * DAY, 4 * DAY, 6 * DAY)
    assert at_the_door(contact=full) == Wait(until=START + DAY, reason=PostponementReason.CAPPED)


def test_room_at_night_is_room_in_the_morning() -> None:
    """A capped message does not leave when the cap allows but when the window then opens."""
    office = Hours(weekdays=frozenset(range(5)), opens=time(8), closes=time(18))
    opening = START.replace(day=5, hour=7, minute=0)
    waits = at_the_door(contact=sent(HOUR, 14 * HOUR), window=office)
    assert waits == Wait(until=opening, reason=PostponementReason.CAPPED)


def test_it_waits_for_room_no_longer_than_max_defer() -> None:
    """EXPIRED: room after max_defer is too late, though not_after has not come; at its very end it is in time."""
    crowded = sent(HOUR, 2 * HOUR, 3 * HOUR, 4 * HOUR)
    assert cancelled(at_the_door(contact=crowded)) is MessageReason.EXPIRED
    just = sent(2 * DAY, 3 * DAY, 4 * DAY, 5 * DAY)
    assert at_the_door(contact=just) == Wait(until=START + 2 * DAY, reason=PostponementReason.CAPPED)
    short = replace(MESSAGE, not_after=START + DAY)
    assert cancelled(at_the_door(contact=just, message=short)) is MessageReason.EXPIRED


MINUTES = st.integers(0, 14 * 24 * 60).map(lambda minutes: timedelta(minutes=minutes))


def fits(sends: Iterable[datetime], now: datetime, caps: Caps) -> bool:
    """Whether one more mail at this instant stays within the caps."""
    known = list(sends)
    return all(
        sum(now - span < each <= now for each in known) < most for span, most in ((DAY, caps.day), (7 * DAY, caps.week))
    )


@given(st.lists(MINUTES, max_size=12), st.integers(1, 3), st.integers(1, 6))
def test_room_is_the_first_instant_within_the_caps(ago: list[timedelta], day: int, week: int) -> None:
    """At that instant there is room, and a microsecond before there is none."""
    contact, caps = sent(*ago), Caps(day=day, week=week)
    room = room_at(contact, START, caps)
    assert room >= START
    assert fits(contact.sends, room, caps)
    assert room == START or not fits(contact.sends, room - MOMENT, caps)


def test_a_draft_waits_for_a_person_until_its_time_is_over() -> None:
    """DRAFT: what nobody has approved waits at the door, and is cancelled as EXPIRED after its not_after."""
    draft = replace(MESSAGE, draft=True)
    assert at_the_door(message=draft) == Wait(until=MESSAGE.not_after + MOMENT, reason=PostponementReason.DRAFT)
    assert at_the_door(MESSAGE.not_after + MOMENT, message=draft) == Cancel(reason=MessageReason.EXPIRED)
    assert at_the_door(message=replace(draft, draft=False)) == Send()
    assert at_the_door(message=draft, account=after("setup_done")) == Cancel(reason=MessageReason.GOAL_REACHED)


def test_every_answer_of_the_door_has_a_test_here() -> None:
    """The reasons that ``release`` can give are each claimed by a test of this file."""
    claims = " ".join(str(each.__doc__) for name, each in globals().items() if name.startswith("test_"))
    later = {"DISCARDED", "SHADOW", "RELAY_REFUSED", "RENDER_FAILED", "SENDER_LOST"}  # said by deliver
    never = {"RELAY_DEFERRED", "NO_RECIPIENT", "OUTRANKED", "ACCOUNT_CAPPED"}  # said by deliver, and by advance
    never |= {"CONFIRMING", "ABSORBED", "COOLING"}  # the same, of signals
    assert [each.name for each in MessageReason if each.name not in claims] == sorted(
        later, key=list(MessageReason.__members__).index
    )
    assert {each.name for each in PostponementReason if each.name not in claims} == never


def test_whose_turn_it_is() -> None:
    """The more urgent first; then what was free earlier; then as the plays came due; then by the play's name."""
    turns = [
        replace(MESSAGE, priority=MESSAGE.priority - 1, not_before=START + DAY),
        MESSAGE,
        replace(MESSAGE, not_before=START + HOUR, due_at=START - DAY, play="z"),
        replace(MESSAGE, not_before=START + HOUR, play="a"),
        replace(MESSAGE, not_before=START + HOUR, play="b"),
    ]
    shuffled = [turns[number] for number in (3, 0, 4, 2, 1)]
    assert sorted(shuffled, key=lambda each: each.urgency) == turns


# -- illegal input -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "named"),
    [(replace(MESSAGE, account="b"), "account b"), (replace(MESSAGE, play="unheard_of"), "unheard_of")],
    ids=["another account's", "of an unknown play"],
)
def test_a_message_that_does_not_belong_raises(wrong: Message, named: str) -> None:
    """A message of another account or of a play that the playbook does not have is refused."""
    with pytest.raises(IllegalInputError, match=named):
        at_the_door(message=wrong)


def test_a_now_without_zone_raises() -> None:
    """The instant at the door must be aware UTC."""
    with pytest.raises(IllegalInputError, match="now"):
        at_the_door(START.replace(tzinfo=None))


def test_repeated() -> None:
    """REPEATED: what the address had from the account under another id does not come again, another episode does."""
    again = Contact(address=FREE.address, had=frozenset({(MESSAGE.play, MESSAGE.episode)}))
    assert cancelled(at_the_door(contact=again)) is MessageReason.REPEATED
    assert at_the_door(contact=replace(again, had=frozenset({(MESSAGE.play, "another")}))) == Send()
