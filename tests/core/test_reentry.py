"""Re-entry: a play that comes due again too soon after it was done is skipped, by the local calendar."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given

from orchestrator.core.account import merge
from orchestrator.core.calendars import Hours, local_day
from orchestrator.core.events import Event
from orchestrator.core.lifecycle import opened
from orchestrator.core.people import Person
from orchestrator.core.playbook import Again, Occurred, Play, Playbook
from orchestrator.core.reasons import DecisionReason
from orchestrator.core.reentry import last_done, too_soon
from orchestrator.core.timing import zone_of
from tests.core.lives import Life, life
from tests.core.playbooks import DAY, HOUR, MAIL, PLAYBOOK, play, seen, with_plays, work
from tests.core.strategies import SPAN, START, crowds, event, histories, person, playbooks
from tests.core.test_timing import decided

ANNA = person("anna")


def each(again: Again | None, **policy: Any) -> Play:  # noqa: ANN401 -- fields of Policy
    """Work for a human each time somebody comes back."""
    return play("p", Occurred(event="came_back"), work(), again=again, **policy)


def told(one: Play, *instants: datetime) -> list[DecisionReason]:
    """What became of it, each time that somebody came back."""
    return [decision.reason for decision in lived(one, *instants).decisions]


def lived(one: Play, *instants: datetime, **changes: object) -> Life:
    """The life of an account at which somebody came back at these instants."""
    before = life((ANNA,), with_plays(one, **{"transitions": (), **changes}), START)
    return before.live([event("came_back", at) for at in instants], max(instants) + DAY)


NINE = datetime(2026, 3, 5, 8, tzinfo=UTC)  # in Berlin
DONE, SOON = DecisionReason.DUE, DecisionReason.TOO_SOON


def test_without_a_rule_each_time_counts() -> None:
    """A play that says nothing of `again` does what it does whenever it comes due, and nothing is kept of it."""
    assert told(each(None), NINE, NINE + HOUR) == [DONE, DONE]
    assert lived(each(None), NINE).account.done == {}


def test_too_soon() -> None:
    """TOO_SOON: what came due again within the days that it asks for is skipped; the days count from what was done."""
    daily = each(Again(days=2))
    assert told(daily, NINE, NINE + DAY, NINE + 2 * DAY, NINE + 3 * DAY) == [DONE, SOON, DONE, SOON]


def test_once_is_all() -> None:
    """TOO_SOON: what may never be done again is done once, however long ago."""
    assert told(each(Again()), NINE, NINE + 40 * DAY) == [DONE, SOON]


def test_a_skip_does_not_count() -> None:
    """Only what was done holds the next one back."""
    one = replace(each(Again(days=9)), when=seen("login"))
    before = life((ANNA,), with_plays(one, transitions=()), START)
    events = [event("came_back", NINE), event("login", NINE + HOUR), event("came_back", NINE + 2 * HOUR)]
    reasons = [decision.reason for decision in before.live(events, NINE + DAY).decisions]
    assert reasons == [DecisionReason.CONDITION_FALSE, DONE]


def test_days_are_not_hours() -> None:
    """A daily 09:00 is not lost because yesterday's was at 09:30; a minute past the local midnight is another day."""
    assert told(each(Again(days=1)), NINE + HOUR / 2, NINE + DAY) == [DONE, DONE]
    midnight = datetime(2026, 3, 5, 23, tzinfo=UTC)
    assert told(each(Again(days=1)), midnight - HOUR, midnight - HOUR / 60, midnight) == [DONE, SOON, DONE]


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        (datetime(2026, 3, 15, 9, tzinfo=UTC), datetime(2026, 4, 15, 7, tzinfo=UTC), DONE),
        (datetime(2026, 3, 15, 9, tzinfo=UTC), datetime(2026, 4, 14, 21, tzinfo=UTC), SOON),
        (datetime(2026, 3, 31, 9, tzinfo=UTC), datetime(2026, 4, 30, 7, tzinfo=UTC), DONE),
        (datetime(2027, 2, 15, 9, tzinfo=UTC), datetime(2027, 3, 15, 9, tzinfo=UTC), DONE),
        (datetime(2027, 2, 15, 9, tzinfo=UTC), datetime(2027, 3, 14, 9, tzinfo=UTC), SOON),
    ],
)
def test_a_month_is_a_calendar_month(first: datetime, second: datetime, reason: DecisionReason) -> None:
    """From the 15th to the 15th is a month, in February too; the last of March is followed by the last of April."""
    assert told(each(Again(months=1)), first, second) == [DONE, reason]


def test_it_is_too_soon_when_it_could_act_not_when_it_came_due() -> None:
    """A mail that has to wait for its window is held against the day on which the window opens."""
    weekdays = Hours(weekdays=frozenset({3}), opens=time(9), closes=time(10))
    mail = replace(each(Again(days=7), max_defer=9 * DAY, valid_for=9 * DAY), actions=(MAIL,))
    seen_again = lived(mail, NINE, NINE + 3 * DAY, NINE + 8 * DAY, window=weekdays)
    assert [one.reason for one in seen_again.decisions][:2] == [DONE, DONE]
    assert [one.decided_at for one in seen_again.decisions][:2] == [NINE, NINE + 7 * DAY]


def test_a_human_is_not_called_too_soon_either() -> None:
    """TOO_SOON: where nobody can be written to, the escalation in place of the mail keeps its distance as well."""
    mail = replace(each(Again(days=7), max_defer=HOUR), actions=(MAIL,), unreachable=work())
    nobody = life((), with_plays(mail, transitions=()), START)
    nobody.live([event("came_back", at) for at in (NINE, NINE + 2 * DAY, NINE + 7 * DAY)], NINE + 9 * DAY)
    assert [one.reason for one in nobody.decisions] == [DONE, SOON, DONE]


def test_an_earlier_version_of_the_play_counts() -> None:
    """What was done before the play had its `again` is known from the ledger, and of two instants the later counts."""
    account = replace(opened("a", START, PLAYBOOK), ledger=decided("p", "x"))
    zone = zone_of(account, None, PLAYBOOK).tz
    assert last_done("q", account) is None
    assert last_done("p", account) == START
    assert last_done("p", replace(account, done={"p": NINE})) == NINE
    assert too_soon(each(Again(days=1)), account, START + HOUR, zone)
    assert not too_soon(each(Again(days=1)), account, START + DAY, zone)


def test_merged_accounts_have_done_what_either_did() -> None:
    """Of two accounts that become one, the last time counts, of each play."""
    left = replace(opened("a", START, PLAYBOOK), done={"p": NINE, "q": START})
    right = replace(left, id="b", done={"p": START, "q": NINE, "r": START})
    assert merge(left, right).done == {"p": NINE, "q": NINE, "r": START}


@given(histories(), crowds(), playbooks())
def test_whatever_happens_it_is_not_done_too_soon(
    events: list[Event], people: tuple[Person, ...], playbook: Playbook
) -> None:
    """In any life, two times that a play does something are as many local days apart as it asks for."""
    account = life(people, playbook, START).live(events, START + SPAN)
    for name, one in playbook.plays.items():
        again = one.policy.again
        done = [each for each in account.decisions if each.play == name and each.reason is DecisionReason.DUE]
        if again is None or one.signal is not None:
            continue  # a signal opens again by its cooldown; the language gives it no ``again``
        assert len(done) <= 1 or not again.never
        for first, second in pairwise(done):
            zone = zone_of(account.account, people[0] if people else None, playbook).tz
            between = local_day(second.decided_at, zone) - local_day(first.decided_at, zone)
            assert between >= timedelta(days=again.days - 1)  # the zone may have changed in between
