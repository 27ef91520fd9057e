"""Triggers that come due more than once, or move: several days, before a date, each time, cadences, overdue."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from orchestrator.core.account import Account
from orchestrator.core.lifecycle import absorb
from orchestrator.core.periods import Unit
from orchestrator.core.playbook import (
    Before,
    Cadence,
    Milestone,
    Occurred,
    OnDays,
    Overdue,
    Play,
    Playbook,
    Target,
    Trigger,
)
from orchestrator.core.reasons import DecisionReason, PostponementReason
from orchestrator.core.timing import Due, next_due, told, zone_of
from tests.core.lives import Life, life
from tests.core.playbooks import DAY, HOUR, MAIL, PLAYBOOK, play, seen, with_plays
from tests.core.strategies import START, event, pause, person, traits
from tests.core.test_timing import SIGNED, account, decided, due

EVENING = START + 10 * HOUR  # Wednesday, 21:20 in Berlin: the window is closed
ANNA = person("anna")
RENEWAL = datetime(2026, 6, 1, tzinfo=UTC)


def begin(*plays: Play, at: datetime = START, **changes: object) -> Life:
    """The life of an account that signs up; it stays in its stage, so that it wakes for its plays alone."""
    lived = life((ANNA,), with_plays(*plays, **{"transitions": (), **changes}), at)
    lived.step(at, [event("signed_up", at)])
    return lived


def done(lived: Life) -> list[tuple[str, datetime]]:
    """The episodes that were done, and when."""
    return [(each.episode, each.decided_at) for each in lived.decisions if each.reason is DecisionReason.DUE]


def reasons(lived: Life) -> list[DecisionReason]:
    return [each.reason for each in lived.decisions]


# -- several days ------------------------------------------------------------------------------------------------------


def test_each_of_several_days_is_an_episode() -> None:
    """One play may come due on several local days, each decided for itself, at its time of day."""
    lived = begin(play("p", OnDays(days=(0, 1, 28)), at=time(9)))
    lived.sleep(START + 60 * DAY)
    assert done(lived) == [
        ("day 0000", START),
        ("day 0001", datetime(2026, 3, 5, 8, tzinfo=UTC)),
        ("day 0028", datetime(2026, 4, 1, 7, tzinfo=UTC)),
    ]
    assert lived.account.anchor == START
    assert lived.account.wake_at is None


def test_days_that_were_missed_are_decided_in_order() -> None:
    """A late call judges each missed day by its own valid_for."""
    lived = begin(play("p", OnDays(days=(1, 2, 9))))
    lived.step(START + 3 * DAY)
    assert [(each.episode, each.reason) for each in lived.decisions] == [
        ("day 0001", DecisionReason.DUE),
        ("day 0002", DecisionReason.DUE),
    ]
    lived.step(START + 20 * DAY)
    assert reasons(lived)[-1] is DecisionReason.STALE


# -- before a date -----------------------------------------------------------------------------------------------------

BEFORE = Before(lead=60 * DAY, until="renewal_at")


def test_before_counts_back_from_the_date() -> None:
    """Sixty days before the date, on that date's clock; with ``at``, from then on to that local time."""
    known = absorb(SIGNED, [traits(renewal_at="2026-06-01")], PLAYBOOK)
    assert due(play("p", BEFORE), known) == (RENEWAL.isoformat(), RENEWAL - 60 * DAY)
    at_nine = play("p", BEFORE, at=time(9))
    assert due(at_nine, known) == (RENEWAL.isoformat(), datetime(2026, 4, 2, 7, tzinfo=UTC))
    assert due(at_nine, known, person(timezone="America/Los_Angeles")) == (
        RENEWAL.isoformat(),
        datetime(2026, 4, 2, 16, tzinfo=UTC),
    )


@pytest.mark.parametrize("said", [None, "soon", "0001-01-01", "9999-12-31T23:59:59"])
def test_without_a_real_date_nothing_is_before_it(said: str | None) -> None:
    """A date that is not said, is no date, or is how a product writes its null calls for nothing."""
    assert due(play("p", BEFORE), absorb(SIGNED, [traits(renewal_at=said)], PLAYBOOK)) is None
    assert due(play("p", BEFORE), SIGNED) is None


def test_a_default_date_counts() -> None:
    """What holds for an account that says nothing is counted back from as well."""
    rule = replace(PLAYBOOK.vocabulary.traits["renewal_at"], default=RENEWAL)
    words = replace(PLAYBOOK.vocabulary, traits={**PLAYBOOK.vocabulary.traits, "renewal_at": rule})
    lived = begin(play("p", BEFORE), vocabulary=words)
    assert lived.account.wake_at == RENEWAL - 60 * DAY


def test_a_date_that_moves_is_derived_afresh() -> None:
    """Before it is due, the play follows the date wherever it goes; a renewed date is a new episode."""
    lived = begin(play("p", BEFORE))
    lived.step(START, [traits(START, renewal_at="2026-06-01")])
    assert lived.account.wake_at == RENEWAL - 60 * DAY
    lived.step(START + DAY, [traits(START + DAY, renewal_at="2026-05-18")])
    assert lived.account.wake_at == RENEWAL - 74 * DAY
    lived.sleep(RENEWAL)
    lived.step(RENEWAL, [traits(RENEWAL, renewal_at="2027-06-01")])
    assert lived.account.wake_at == datetime(2027, 4, 2, tzinfo=UTC)
    assert done(lived) == [("2026-05-18T00:00:00+00:00", RENEWAL - 74 * DAY)]
    lived.step(RENEWAL, [traits(RENEWAL + HOUR, renewal_at="2026-05-01")])
    assert lived.account.wake_at is None


def test_a_date_that_is_known_too_late_is_told_as_stale() -> None:
    """A date that is first said within the lead makes the play due in the past: valid_for says how late it may be."""
    lived = begin(play("p", BEFORE), play("q", BEFORE, valid_for=30 * DAY))
    lived.step(START, [traits(START, renewal_at="2026-04-10")])
    assert {each.play: each.reason for each in lived.decisions} == {
        "p": DecisionReason.STALE,
        "q": DecisionReason.DUE,
    }


WAITING = play("p", Before(lead=20 * DAY, until="renewal_at"), MAIL, max_defer=4 * DAY, valid_for=9 * DAY)
SOON = EVENING + 20 * DAY


def waiting() -> Life:
    """A play that came due before a date and waits for the morning."""
    lived = begin(WAITING)
    lived.step(EVENING, [traits(EVENING, renewal_at=SOON.isoformat())])
    assert lived.account.waiting["p"].episode == SOON.isoformat()
    return lived


def test_a_date_that_moves_away_overtakes_what_waits() -> None:
    """OVERTAKEN: what waits for a date that is further away now is decided, and comes due again for the new date."""
    later = SOON + 30 * DAY
    lived = waiting()
    lived.step(EVENING + HOUR, [traits(EVENING + HOUR, renewal_at=later.isoformat())])
    assert [(each.episode, each.due_at) for each in lived.decisions] == [(SOON.isoformat(), EVENING)]
    assert reasons(lived) == [DecisionReason.OVERTAKEN]
    assert (lived.account.waiting, lived.account.wake_at) == ({}, later - 20 * DAY)


def test_a_date_that_comes_nearer_keeps_what_waits() -> None:
    """What waits goes on waiting under its episode, due by the nearer date; it is done once."""
    lived = waiting()
    nearer = traits(EVENING + HOUR, renewal_at=(SOON - 3 * DAY).isoformat())
    assert lived.step(EVENING + HOUR, [nearer]).decisions == ()
    lived.sleep(SOON)
    assert [(each.episode, each.due_at) for each in lived.decisions] == [(SOON.isoformat(), EVENING - 3 * DAY)]
    assert reasons(lived) == [DecisionReason.DUE]


def test_a_date_that_is_taken_back_overtakes_what_waits() -> None:
    """OVERTAKEN: what waits for a date that is no more is decided."""
    lived = waiting()
    lived.step(EVENING + HOUR, [traits(EVENING + HOUR, renewal_at=None)])
    assert (reasons(lived), lived.account.wake_at) == ([DecisionReason.OVERTAKEN], None)


# -- each time ---------------------------------------------------------------------------------------------------------

EACH = play("p", Occurred(event="came_back"), MAIL, max_defer=4 * DAY, valid_for=9 * DAY)


def test_each_time_is_an_episode() -> None:
    """What happens again comes due again; an older one that is heard of later does not."""
    lived = begin(EACH)
    lived.step(START, [event("came_back", START)])
    lived.step(START + HOUR, [event("came_back", START + HOUR), event("came_back", START + HOUR / 2)])
    lived.step(START + 2 * HOUR, [event("came_back", START + HOUR / 3)])
    assert done(lived) == [(START.isoformat(), START), ((START + HOUR).isoformat(), START + HOUR)]
    assert lived.account.wake_at is None


def test_the_next_time_overtakes_the_one_that_waits() -> None:
    """OVERTAKEN: what happened again while its mail waited is done once, for the last time."""
    lived = begin(EACH)
    lived.step(EVENING, [event("came_back", EVENING)])
    lived.step(EVENING + HOUR, [event("came_back", EVENING + HOUR)])
    lived.sleep(EVENING + 2 * DAY)
    assert [(each.due_at, each.reason) for each in lived.decisions] == [
        (EVENING, DecisionReason.OVERTAKEN),
        (EVENING + HOUR, DecisionReason.DUE),
    ]


# -- cadences ----------------------------------------------------------------------------------------------------------


def test_a_weekly_cadence_is_on_the_local_calendar() -> None:
    """Each Monday at nine where they are, through the change of clocks, until a day."""
    lived = begin(play("p", Cadence(unit=Unit.WEEK, on=0, until_day=33), at=time(9)))
    lived.sleep(START + 90 * DAY)
    assert done(lived) == [
        ("2026-W11", datetime(2026, 3, 9, 8, tzinfo=UTC)),
        ("2026-W12", datetime(2026, 3, 16, 8, tzinfo=UTC)),
        ("2026-W13", datetime(2026, 3, 23, 8, tzinfo=UTC)),
        ("2026-W14", datetime(2026, 3, 30, 7, tzinfo=UTC)),
        ("2026-W15", datetime(2026, 4, 6, 7, tzinfo=UTC)),
    ]


def test_a_cadence_begins_where_they_are() -> None:
    """Without a time of day it is due at the local midnight, which is Sunday's noon in London for a far zone."""
    far = person(timezone="Pacific/Kiritimati")
    assert due(play("p", Cadence(unit=Unit.WEEK, on=0)), SIGNED, far) == (
        "2026-W11",
        datetime(2026, 3, 8, 10, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("cadence", "episode", "day"),
    [
        (Cadence(unit=Unit.WEEK, on=2), "2026-W11", datetime(2026, 3, 10, 23, tzinfo=UTC)),
        (Cadence(unit=Unit.WEEK, on=3), "2026-W10", datetime(2026, 3, 4, 23, tzinfo=UTC)),
        (Cadence(unit=Unit.MONTH, on=4), "2026-04", datetime(2026, 4, 3, 22, tzinfo=UTC)),
        (Cadence(unit=Unit.MONTH, on=5), "2026-03", datetime(2026, 3, 4, 23, tzinfo=UTC)),
        (Cadence(unit=Unit.MONTH, on=31), "2026-03", datetime(2026, 3, 30, 22, tzinfo=UTC)),
        (Cadence(unit=Unit.QUARTER, on=1), "2026-Q2", datetime(2026, 3, 31, 22, tzinfo=UTC)),
    ],
)
def test_a_cadence_begins_after_the_day_of_the_anchor(cadence: Cadence, episode: str, day: datetime) -> None:
    """The day of the sign-up itself does not count, the next one does."""
    assert due(play("p", cadence), SIGNED) == (episode, day)


def test_a_month_of_cadences_needs_no_31st() -> None:
    """Each month has its last day, and an outage leaves a decision for each month that was missed."""
    lived = begin(play("p", Cadence(unit=Unit.MONTH, on=31), at=time(12)))
    lived.sleep(START + 40 * DAY)
    lived.step(datetime(2026, 6, 1, tzinfo=UTC))
    assert [(each.episode, each.due_at.day, each.reason) for each in lived.decisions] == [
        ("2026-03", 31, DecisionReason.DUE),
        ("2026-04", 30, DecisionReason.STALE),
        ("2026-05", 31, DecisionReason.DUE),
    ]


def test_a_cadence_goes_on_from_another_episode() -> None:
    """A ledger that holds a week of figures, of an earlier version of the play, goes on with the next week."""
    known = replace(SIGNED, ledger=decided("p", "2026-03-16"))
    assert due(play("p", Cadence(unit=Unit.WEEK, on=0), at=time(9)), known) == (
        "2026-W13",
        datetime(2026, 3, 23, 8, tzinfo=UTC),
    )


def test_a_cadence_ends() -> None:
    """After its last day nothing is due any more."""
    assert due(play("p", Cadence(unit=Unit.WEEK, on=0, until_day=4)), SIGNED) is None


# -- overdue -----------------------------------------------------------------------------------------------------------


def timed(target: timedelta | None = None, targets: tuple[Target, ...] = ()) -> Playbook:
    """The playbook in which the set-up has these targets."""
    late = Milestone(name="setup", when=seen("setup_done"), label="Set-up", target=target, targets=targets)
    each = play("p", Overdue(milestone="setup"), MAIL, max_defer=DAY)
    return with_plays(each, milestones={**PLAYBOOK.milestones, "setup": late}, transitions=())


def deadline(book: Playbook, of: Account) -> tuple[str, datetime] | None:
    """When the set-up is overdue."""
    found: Due | None = next_due(book.plays["p"], of, zone_of(of, None, book), book)
    return None if found is None else (found.episode, found.at)


ON_TWO = (Target(within=3 * DAY, since="login"), Target(within=DAY, since="value"))


def test_a_milestone_is_overdue_when_its_target_has_passed() -> None:
    """Once, at the anchor and its target; never for a milestone that is reached, nor before there is an anchor."""
    book = timed(target=5 * DAY)
    assert deadline(book, SIGNED) == ("once", START + 5 * DAY)
    assert deadline(book, replace(SIGNED, milestones={"setup": START + 9 * DAY})) is None
    assert deadline(book, account()) is None


def test_the_first_of_several_targets_that_is_missed_counts() -> None:
    """Each clock counts once it has begun: an event's first time, another milestone's date."""
    book = timed(target=5 * DAY, targets=ON_TWO)
    heard = account(("signed_up", START), ("login", START + DAY), ("login", START + 2 * DAY))
    assert deadline(book, heard) == ("once", START + 4 * DAY)
    assert deadline(book, replace(heard, milestones={"value": START + HOUR})) == ("once", START + 25 * HOUR)
    assert deadline(timed(targets=ON_TWO), SIGNED) is None
    assert deadline(timed(targets=ON_TWO), account(("login", START))) == ("once", START + 3 * DAY)


def test_a_milestone_that_is_reached_overtakes_what_waits() -> None:
    """OVERTAKEN: what waited because a milestone was overdue is decided when it is reached after all."""
    late = EVENING - START
    lived = life((ANNA,), timed(target=late), START)
    lived.step(START, [event("signed_up")])
    lived.sleep(EVENING + HOUR)
    assert lived.account.waiting["p"].reason is PostponementReason.OUTSIDE_WINDOW
    lived.step(EVENING + HOUR, [event("setup_done", EVENING + HOUR)])
    assert [(each.due_at, each.reason) for each in lived.decisions] == [(EVENING, DecisionReason.OVERTAKEN)]


def test_an_overdue_milestone_is_told_once() -> None:
    """Once decided, neither another clock nor another day makes it due again."""
    book = timed(target=2 * DAY, targets=ON_TWO)
    lived = life((ANNA,), book, START)
    lived.step(START, [event("signed_up")])
    lived.sleep(START + 9 * DAY)
    lived.step(START + 9 * DAY, [event("login", START + 9 * DAY)])
    assert reasons(lived) == [DecisionReason.DUE]


# -- what they have in common ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "trigger",
    [OnDays(days=(1, 2)), BEFORE, Occurred(event="ordered"), Overdue(milestone="setup"), Cadence(unit=Unit.WEEK, on=0)],
    ids=lambda trigger: type(trigger).__name__,
)
def test_without_its_cause_nothing_recurs(trigger: Trigger) -> None:
    """No anchor, no date, no event, no target: there is no episode."""
    assert due(play("p", trigger), account()) is None


def test_what_never_passes_waits_through_a_pause() -> None:
    """A cadence that came due during a pause waits for its end, and keeps its place."""
    lived = begin(play("p", Cadence(unit=Unit.WEEK, on=0), MAIL, at=time(9)))
    lived.step(START + HOUR, [pause(START + HOUR)])
    lived.sleep(START + 12 * DAY)
    assert (lived.account.waiting["p"].episode, lived.decisions) == ("2026-W11", [])


@pytest.mark.parametrize(
    ("trigger", "sentence"),
    [
        (OnDays(days=(7, 14)), "days 7, 14 after the anchor"),
        (BEFORE, "60 days before renewal_at"),
        (Occurred(event="ordered"), "each ordered"),
        (Overdue(milestone="setup"), "milestone setup overdue"),
        (Cadence(unit=Unit.WEEK, on=0), "every week on monday"),
        (Cadence(unit=Unit.MONTH, on=31, until_day=90), "every month on day 31 until day 90"),
        (Cadence(unit=Unit.QUARTER, on=1), "every quarter on day 1"),
    ],
)
def test_a_recurring_trigger_is_told_as_a_sentence(trigger: Trigger, sentence: str) -> None:
    """Each trigger says in words why it came due."""
    assert told(trigger, 0) == sentence
