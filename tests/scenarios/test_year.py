"""A year under the whole playbook: nobody stalls for a rule's fault, nobody gets more than a person would bear."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from orchestrator.usecases.simulate import Simulated
from tests.scenarios.year import BEGIN, LIVES, SEGMENTS, year

WEEK = timedelta(days=7)
MONTH = timedelta(days=31)
EVERY_YEAR = [(segment, life) for segment in SEGMENTS for life in LIVES]
WORKING = ["served", "heard by the product only", "there once a week"]


def mails(lived: Simulated, *, exempt: bool) -> dict[str, list[datetime]]:
    """When a mail left, by address; with or without those that the caps leave alone."""
    left: dict[str, list[datetime]] = {}
    for ended in lived.messages:
        if ended.state == "sent" and (exempt or not ended.message.exempt):
            left.setdefault(ended.message.address, []).append(ended.at)
    return left


def most_within(instants: Sequence[datetime], span: timedelta) -> int:
    """The most of them that lie within any span of this length."""
    return max((sum(begin <= at < begin + span for at in instants) for begin in instants), default=0)


def stage(lived: Simulated) -> str:
    """The stage at the end."""
    (account,) = lived.accounts.values()
    return account.stage


@pytest.mark.parametrize(("segment", "life"), EVERY_YEAR)
def test_nobody_gets_more_mail_than_a_person_would_bear(segment: str, life: str) -> None:
    """Three a week beside the few that were asked for, fourteen in the first month, three dozen in the year."""
    lived = year(segment, life)
    assert not lived.parked
    assert all(most_within(left, WEEK) <= 3 for left in mails(lived, exempt=False).values())
    for left in mails(lived, exempt=True).values():
        assert most_within(left, WEEK) <= 5
        assert sum(at < BEGIN + MONTH for at in left) <= 14
        assert len(left) <= 36


@pytest.mark.parametrize(("segment", "life"), [(segment, life) for segment in SEGMENTS for life in WORKING])
def test_nobody_stalls_for_a_rules_fault(segment: str, life: str) -> None:
    """Who works with the product comes to expansion, even where our own people write nothing down."""
    lived = year(segment, life)
    assert stage(lived) == "expansion"
    stalled = {work.escalation.play for work in lived.escalations if work.escalation.play.endswith("_stalled")}
    assert not (stalled and life == "served")


@pytest.mark.parametrize("segment", SEGMENTS)
@pytest.mark.parametrize("life", ["fades after three weeks", "never comes"])
def test_who_is_lost_is_somebodys_work(segment: str, life: str) -> None:
    """An account that fades or never comes does not get on, and a human knows."""
    lived = year(segment, life)
    assert stage(lived) in {"onboarding", "growth"}
    assert any(work.closed_at is None for work in lived.escalations)


@pytest.mark.parametrize(("segment", "life"), EVERY_YEAR)
def test_nobody_at_our_side_is_called_more_than_a_person_would_bear(segment: str, life: str) -> None:
    """Led by people: forty talks and tasks a year. By the product: ten, and none where all goes as it should."""
    lived = year(segment, life)
    led = segment in {"enterprise", "mid_market"}
    assert len(lived.escalations) <= (40 if led else 10)
    if segment == "self_serve" and life in WORKING:
        assert not lived.escalations
    still_open = Counter(work.escalation.play for work in lived.escalations if work.closed_at is None)
    assert all(times == 1 for times in still_open.values())
