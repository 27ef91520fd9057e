"""1.2, the path of a small customer: the weeks in which its mails are due; and what stays with humans."""

import re

import pytest

from orchestrator.core.playbook import Cadence, Escalate, Letter, Play
from orchestrator.playbook.lint.treatment import DUTIES
from orchestrator.testing import Rehearsal
from tests.rules.shelf import Shelf
from tests.rules.timeline import SELF_SERVE, life

OF_WEEK_2 = ("quick_start", "feature_templates", "feature_schedules", "feature_sharing", "feature_alerts")


def at_work(shelf: Shelf, anchor: str) -> Rehearsal:
    """A self-serve account that works every day at eleven, for two weeks."""
    account = life(shelf, book="customer-lifecycle", anchor=anchor, arr=SELF_SERVE)
    account.usage("login", "1d", "day 1 11:00", "day 14")
    account.usage("core_action", "1d", "day 1 11:00", "day 14")
    return account


def test_week_2_begins_with_day_7(shelf: Shelf) -> None:
    """Whatever the hour of the sign-up, a Monday that is day 7 belongs to week 2, and one that is day 6 does not."""
    late = at_work(shelf, "2026-03-02 23:59").until("day 14")
    late.assert_decided("quick_start", outcome="done", at="day 7 09:00")
    early = at_work(shelf, "2026-03-03 00:00").until("day 14")
    early.assert_decided("quick_start", outcome="skipped", at="day 6 09:00")
    early.assert_decided("quick_start", outcome="done", at="day 13 09:00")


def test_week_2_has_each_working_day_once(shelf: Shelf) -> None:
    """The mails of week 2 come due on five different days of it, the last of which is the local day 13."""
    triggers = [shelf.book("customer-lifecycle").plays[name].trigger for name in OF_WEEK_2]
    assert {each.until_day for each in triggers if isinstance(each, Cadence)} == {13}
    assert len({str(each) for each in triggers}) == len(OF_WEEK_2)


def test_the_week_is_summed_up_from_day_14_on(shelf: Shelf) -> None:
    """On the Friday that is day 7 nothing is summed up, on that of day 14 it is, whatever the hour of the sign-up."""
    account = at_work(shelf, "2026-03-06 23:59").until("day 14")
    account.assert_decided("weekly_summary", outcome="skipped", at="day 7 09:00")
    account.assert_decided("weekly_summary", outcome="done", at="day 14 09:00")


def test_the_week_is_summed_up_until_day_27(shelf: Shelf) -> None:
    """The Friday that is day 28 lies in the fifth week and is not asked."""
    trigger = shelf.book("customer-lifecycle").plays["weekly_summary"].trigger
    assert isinstance(trigger, Cadence)
    assert trigger.until_day == 27


def _said_of(play: Play) -> str:
    return " ".join((play.name, play.label, *(each.template for each in play.actions if isinstance(each, Letter))))


def test_seven_duties_stay_with_humans() -> None:
    """The check of playbooks knows the seven duties that rules 1.2 keep human."""
    assert len(DUTIES) == 7


@pytest.mark.parametrize("duty", DUTIES)
def test_no_machine_does_what_stays_human(shelf: Shelf, duty: str) -> None:
    """Where a play of the whole playbook is about such a duty, another one, or it itself, hands work to a human."""
    plays = shelf.book("customer-lifecycle").plays.values()
    about = [play for play in plays if re.search(DUTIES[duty], _said_of(play), flags=re.IGNORECASE)]
    work = [play for play in about if any(isinstance(each, Escalate) for each in play.actions)]
    assert bool(work) is bool(about), [play.name for play in about]
