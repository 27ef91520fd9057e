"""What calls say of consent becomes statements on addresses; which of them counts is the store's to follow."""

from datetime import datetime, timedelta

import pytest

from orchestrator.core.consent import Statement, statements, unsubscribed_at
from orchestrator.core.events import Event, EventKind, Json
from orchestrator.core.people import Person, learn
from tests.core.strategies import START, event

NOBODY = Person(id="p1")


def identify(at: timedelta = timedelta(0), **said: Json) -> Event:
    return event("identify", START + at, kind=EventKind.IDENTIFY, properties=said)


def said(*events: Event, before: Person = NOBODY) -> list[Statement]:
    return statements(before, learn(before, events), events)


def test_a_withdrawal_is_said_of_the_address_of_its_call() -> None:
    """Who withdraws names the address, when, and where."""
    at = (START - timedelta(days=1)).isoformat()
    call = identify(consent="withdrawn", email="a@b.example", consent_at=at, consent_source="form")
    first = said(call)[0]
    assert (first.address, first.given, first.source, first.at.isoformat()) == ("a@b.example", False, "form", at)


@pytest.mark.parametrize("word", [None, "maybe", 7, True, ["withdrawn"], {"consent": 1}])
def test_another_word_says_nothing(word: Json) -> None:
    """Only the two words count, and whatever else stands there breaks nothing."""
    assert said(identify(consent=word, email="a@b.example")) == []


def test_without_an_address_nothing_is_said_until_there_is_one() -> None:
    """What was said before an address was known is said again of the address."""
    first = identify(consent="withdrawn", consent_at=START.isoformat(), consent_source="form")
    assert said(first) == []
    (late,) = said(identify(timedelta(days=1), email="a@b.example"), before=learn(NOBODY, [first]))
    assert (late.address, late.given, late.at, late.source) == ("a@b.example", False, START, "form")


def test_the_address_that_is_known_is_meant_where_none_is_named() -> None:
    """A later call need not repeat the address, and is no call of any other kind."""
    known = learn(NOBODY, [identify(email="a@b.example")])
    click = event("click", START, properties={"consent": "withdrawn"})
    (one,) = said(identify(timedelta(days=1), consent="withdrawn", email=7), click, before=known)
    assert (one.address, one.at) == ("a@b.example", START + timedelta(days=1))


@pytest.mark.parametrize(
    ("properties", "lifts"),
    [
        ({"consent_resubscribe": True, "consent_at": START.isoformat()}, True),
        ({"consent_resubscribe": True}, False),
        ({"consent_at": START.isoformat()}, False),
        ({"consent_resubscribe": "true", "consent_at": START.isoformat()}, False),
    ],
)
def test_only_a_word_that_says_so_with_its_time_may_lift(properties: dict[str, Json], lifts: bool) -> None:
    """Consent lifts an earlier withdrawal only if it is meant to, and says when it was given."""
    assert said(identify(timedelta(0), consent="given", email="a@b.example", **properties))[0].resubscribes is lifts


def test_nobody_speaks_in_the_future() -> None:
    """A word dated after its call is of the call's time."""
    ahead = (START + timedelta(days=9)).isoformat()
    assert said(identify(consent="withdrawn", email="a@b.example", consent_at=ahead))[0].at == START


def test_the_time_of_another_word_does_not_date_this_one() -> None:
    """What is kept of a person is dated by its own call."""
    old = identify(consent="given", consent_at=(START - timedelta(days=9)).isoformat())
    new = identify(timedelta(hours=1), consent="withdrawn")
    (late,) = said(identify(timedelta(days=1), email="a@b.example"), before=learn(NOBODY, [old, new]))
    assert (late.given, late.at, late.source) == (False, START + timedelta(hours=1), "")


def test_a_person_without_consent_has_none_at_a_new_address() -> None:
    """Most people never said anything of it."""
    assert said(identify(email="a@b.example")) == []


DAYS = [START + timedelta(days=number) for number in range(4)]


def stated(number: int, *, given: bool = False, resubscribes: bool = False) -> Statement:
    return Statement(
        address="a@b.example",
        person="p1",
        given=given,
        at=DAYS[number],
        source="",
        resubscribes=resubscribes,
        stamp=(DAYS[number], "crm", str(number)),
    )


AGAIN = stated(2, given=True, resubscribes=True)


@pytest.mark.parametrize(
    ("known", "told", "since"),
    [
        (None, [], None),
        (DAYS[1], [], 1),
        (None, [stated(1)], 1),
        (DAYS[0], [stated(1)], 1),
        (None, [stated(1), stated(2, given=True)], 1),
        (None, [stated(1), AGAIN], None),
        (None, [AGAIN, stated(1)], None),
        (None, [stated(3), AGAIN], 3),
        (DAYS[3], [AGAIN], 3),
        (DAYS[1], [AGAIN], None),
        (DAYS[2], [AGAIN], 2),
        (None, [AGAIN], None),
    ],
)
def test_the_last_withdrawal_counts_unless_a_later_word_lifts_it(
    known: datetime | None, told: list[Statement], since: int | None
) -> None:
    """Since when somebody is unsubscribed follows from all that was said, in whatever order."""
    assert unsubscribed_at(known, told) == (None if since is None else DAYS[since])
