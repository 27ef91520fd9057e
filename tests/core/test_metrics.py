"""Figures of many accounts: limits, what each account says, and how a figure stands."""

import math
from dataclasses import replace
from datetime import timedelta

import pytest

from orchestrator.core.account import Account, LedgerEntry, Outcome
from orchestrator.core.conditions import ALWAYS, Literal, Node
from orchestrator.core.facts import Facts, Written
from orchestrator.core.lifecycle import view_of
from orchestrator.core.metrics import (
    Alert,
    Bound,
    Grade,
    Judged,
    Mean,
    Measured,
    Median,
    Metric,
    NetPromoters,
    Ratio,
    Share,
    Side,
    graded,
)
from orchestrator.core.observation import NO, UNKNOWN, YES, Observation, observed
from orchestrator.core.playbook import Severity
from orchestrator.core.reasons import DecisionReason
from tests.core.playbooks import PLAYBOOK, calculate
from tests.core.strategies import START

DAY = timedelta(days=1)
LIMITS = (
    (Side.ABOVE, ">", False, True),
    (Side.AT_LEAST, ">=", True, True),
    (Side.BELOW, "<", False, False),
    (Side.AT_MOST, "<=", True, False),
)  # side, sign, whether the limit itself fits, whether more fits
ABOVE_85 = Bound(side=Side.ABOVE, limit=0.85)
SEVEN, NOTHING, ENDLESS = (Literal(value=each, text=str(each)) for each in (7, None, math.inf))
NEVER = Literal(value=False, text="False")


@pytest.mark.parametrize(("side", "sign", "itself", "more"), LIMITS)
def test_a_limit_is_open_or_closed_as_it_was_promised(side: Side, sign: str, itself: bool, more: bool) -> None:
    """More than 85 % is not 85 %; at least 85 % is."""
    bound = Bound(side=side, limit=0.85)
    assert (bound.sign, bound.fits(0.85), bound.fits(0.86), bound.fits(0.84)) == (sign, itself, more, not more)


def metric(measured: Measured, among: Node = ALWAYS, over: timedelta | None = None) -> Metric:
    """A metric of these."""
    return Metric(
        name="m", label="m", group="g", population="all", measured=measured, target=ABOVE_85, among=among, over=over
    )


def seen(what: Metric, account: Account) -> Observation | None:
    """What an account says of a metric on its tenth day."""
    return observed(what, account, view_of(account, START + 10 * DAY, PLAYBOOK))


def someone(**changes: object) -> Account:
    """An account as it began."""
    account = Account(id="acme", playbook_version="v", created_at=START, stage="onboarding", stage_entered_at=START)
    return replace(account, **changes)  # type: ignore[arg-type]  # fields of an account


def judged(reason: DecisionReason) -> Account:
    """An account whose checkpoint was judged on its seventh day."""
    outcome = Outcome.DONE if reason is DecisionReason.DUE else Outcome.SKIPPED
    at = START + 7 * DAY
    entry = LedgerEntry(
        episode="once", decided_at=at, outcome=outcome, reason=reason, first_episode="once", first_decided_at=at
    )
    return someone(ledger={"c": entry})


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        (DecisionReason.DUE, YES),
        (DecisionReason.CONDITION_FALSE, NO),
        (DecisionReason.UNKNOWN, UNKNOWN),
        (DecisionReason.STALE, UNKNOWN),
        (DecisionReason.NOT_AMONG, None),
        (DecisionReason.EXITED, None),
    ],
)
def test_what_became_of_a_checkpoint_is_what_an_account_says(reason: DecisionReason, said: Observation | None) -> None:
    """Met, missed, not known, or none of its business."""
    assert seen(metric(Judged(checkpoint="c")), judged(reason)) == said


def test_what_was_judged_long_ago_or_never_does_not_count() -> None:
    """Three days ago counts over three days, and not over less."""
    account = judged(DecisionReason.DUE)
    assert seen(metric(Judged(checkpoint="c"), over=3 * DAY), account) == YES
    assert seen(metric(Judged(checkpoint="c"), over=3 * DAY - timedelta(seconds=1)), account) is None
    assert seen(metric(Judged(checkpoint="c")), someone()) is None


@pytest.mark.parametrize(
    ("measured", "said"),
    [
        (Share(of=ALWAYS), YES),
        (Share(of=NEVER), NO),
        (Share(of=NOTHING), UNKNOWN),
        (Mean(of=SEVEN), Observation(amount=7)),
        (Median(of=SEVEN), Observation(amount=7)),
        (Mean(of=NOTHING), UNKNOWN),
        (Mean(of=ENDLESS), UNKNOWN),
        (Ratio(of=SEVEN, to=SEVEN), Observation(amount=7, weight=7)),
        (Ratio(of=NOTHING, to=SEVEN), UNKNOWN),
        (Ratio(of=SEVEN, to=NOTHING), UNKNOWN),
    ],
)
def test_what_an_account_says_of_a_condition_or_a_number(measured: Measured, said: Observation) -> None:
    """What is not known, or has no end, is unknown and never zero."""
    assert seen(metric(measured), someone()) == said


def test_who_is_not_among_those_who_count_says_nothing() -> None:
    """Outside the population is nothing; whether it is inside may be unknown."""
    assert seen(metric(Share(of=ALWAYS), among=NEVER), someone()) is None
    assert seen(metric(Share(of=ALWAYS), among=NOTHING), someone()) == UNKNOWN


def answered(*values: float) -> Account:
    """An account of so many people, each of whom has answered on the ninth day."""
    answers = {
        f"p{number}": Written(value=value, stamp=(START + 9 * DAY, "product", f"m{number}"))
        for number, value in enumerate(values)
    }
    return someone(facts=Facts(scores={"nps": answers}))


def test_net_promoters_are_promoters_less_detractors_of_a_hundred() -> None:
    """Nine promotes, seven is passive, six detracts; who answered long ago or never is unknown."""
    nps = NetPromoters(score="nps", promoters=9, detractors=6)
    assert seen(metric(nps), answered(10, 9, 7, 6)) == Observation(amount=100, weight=4)
    assert seen(metric(nps), answered(8.9, 6.1)) == Observation(amount=0, weight=2)
    assert seen(metric(nps, over=timedelta(hours=23)), answered(10)) == UNKNOWN
    assert seen(metric(nps), someone()) == UNKNOWN


def test_what_cannot_be_evaluated_is_unknown() -> None:
    """One account's division by zero does not stop the board."""
    assert seen(metric(Mean(of=calculate(SEVEN, "/", Literal(value=0, text="0")))), someone()) == UNKNOWN


@pytest.mark.parametrize(
    ("figure", "grade"),
    [
        (None, Grade.UNKNOWN),
        (0.86, Grade.MET),
        (0.85, Grade.BETWEEN),
        (0.70, Grade.BETWEEN),
        (0.69, Grade.ALERT),
    ],
)
def test_a_figure_stands_by_its_target_and_its_alert(figure: float | None, grade: Grade) -> None:
    """Above 85 % is met, below 70 % is an alert, both exactly; nothing known is unknown."""
    alert = Alert(bound=Bound(side=Side.BELOW, limit=0.70), severity=Severity.HIGH, action="Look", owner="cs_director")
    share = metric(Share(of=ALWAYS))
    assert graded(replace(share, alert=alert), figure) is grade
    assert graded(share, 0.1) is Grade.BETWEEN
