"""1.0.1: how each figure of the score is read from what the accounts' events say."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from orchestrator.core.events import Event
from orchestrator.core.metrics import Bound
from tests.playbook.lives import event
from tests.rules.readings import by, read
from tests.rules.shelf import Shelf

Days = tuple[list[tuple[str, float]], ...]  # what happened to each account, and on which day


def worth(shelf: Shelf, name: str, day: float, *lives: Sequence[Event]) -> float | None:
    """One figure on a day of accounts in which this happened; None: nobody says it."""
    found = read(shelf, day, *lives)
    return found[name].value if name in found else None


def figure(shelf: Shelf, name: str, day: float, *lives: Sequence[tuple[str, float]]) -> float | None:
    """The same of what happened on which day."""
    return worth(shelf, name, day, *([event(what, when) for what, when in each] for each in lives))


def test_activation_is_the_core_action_within_7_days(shelf: Shelf) -> None:
    """On day 7 it counts, a minute later it does not; who has not had the seven days is not counted."""
    lives: Days = ([("Core Action", 7)], [("Core Action", 7.001)], [], [("Core Action", 0.1)])
    assert figure(shelf, "activation", 10, *lives) == 0.5
    assert figure(shelf, "activation", 6.99, *lives) is None
    assert figure(shelf, "activation", 7, [("Core Action", 1)]) == 1


def test_retention_is_asked_on_day_30(shelf: Shelf) -> None:
    """Of accounts whose day 30 has just passed: who had a core action in the last 7 days is still active."""
    lives: Days = ([("Core Action", 23)], [("Core Action", 22.99)], [("Core Action", 29)], [])
    assert figure(shelf, "retention_30d", 30, *lives) == 0.5
    assert figure(shelf, "retention_30d", 29.99, *lives) is None
    assert figure(shelf, "retention_30d", 37, *lives) is None


def test_tickets_are_counted_a_person_of_the_first_30_days(shelf: Shelf) -> None:
    """Three tickets of two people who logged in are one and a half."""
    tickets = [event("Support Ticket Opened", each) for each in (2, 3, 4)]
    life = [*tickets, event("Logged In", 1), replace(event("Logged In", 3), person="bob")]
    assert worth(shelf, "support_tickets", 30, life) == 1.5
    assert worth(shelf, "support_tickets", 29.9, life) is None
    assert worth(shelf, "support_tickets", 37, life) is None


def test_setup_is_asked_when_a_month_is_over(shelf: Shelf) -> None:
    """Who has finished the set-up by then, of all whose day 30 has passed."""
    assert figure(shelf, "setup_completion", 30, [("Setup Completed", 29)], []) == 0.5
    assert figure(shelf, "setup_completion", 29.9, [("Setup Completed", 29)], []) is None


def test_time_to_value_is_the_median_of_those_who_have_it(shelf: Shelf) -> None:
    """2, 4 and 9 days have 4 in the middle; who has no value yet is unknown, and told so."""
    lives = [[event("Value Event", each)] for each in (2, 4, 9)]
    found = read(shelf, 20, *lives, [])["time_to_value"]
    assert (found.value, found.source) == (4, "known of 3 of 4 accounts that signed up in the last 90 days")


def test_nps_is_promoters_less_detractors(shelf: Shelf) -> None:
    """9 and 10 are promoters, 0 to 6 detractors, 7 and 8 neither."""
    lives = [[event("NPS Answered", 14, score=score)] for score in (10, 9, 8, 7, 6)]
    assert worth(shelf, "nps_day_14", 20, *lives) == pytest.approx(20)


def test_the_first_and_the_last_stage_have_a_figure_too(shelf: Shelf) -> None:
    """Who logged in within a day; in which account somebody accepted an invitation by day 30."""
    assert figure(shelf, "first_login", 2, [("Logged In", 1)], [("Logged In", 1.01)]) == 0.5
    assert figure(shelf, "team_growth", 31, [("Invite Accepted", 30)], [("Invite Accepted", 30.01)]) == 0.5


def test_the_board_aims_at_the_industry(shelf: Shelf) -> None:
    """On the board the figures of the industry are the targets: at most, or at least, these."""
    targets = {name: each.target for name, each in by(shelf).playbook.metrics.items()}

    def meets(name: str, good: float, bad: float) -> bool:
        bound: Bound = targets[f"audit_{name}"]
        return bound.fits(good) and not bound.fits(bad)

    assert meets("time_to_value", 4.2, 4.21)
    assert meets("activation", 0.68, 0.679)
    assert meets("retention_30d", 0.72, 0.719)
    assert meets("support_tickets", 2.1, 2.11)
