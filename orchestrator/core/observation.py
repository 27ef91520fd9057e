"""What one account says of a metric: pure, at one instant, from its state alone.

A figure is the amounts of all accounts over their weights, so that accounts add up in any order and in any parts; only
of a median each account's number has to be kept.
"""

import math
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from orchestrator.core.account import Account, LedgerEntry, Outcome
from orchestrator.core.conditions import Node, View, value_of, verdict
from orchestrator.core.errors import UndecidableError
from orchestrator.core.figures import Figure
from orchestrator.core.metrics import Judged, Mean, Median, Metric, NetPromoters, Ratio, Share
from orchestrator.core.reasons import DecisionReason

_SAYS_NOTHING = frozenset({DecisionReason.NOT_AMONG, DecisionReason.EXITED})  # of a checkpoint it was not asked of
_OF_A_HUNDRED = 100.0  # in which net promoters are counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What an account adds to a figure."""

    amount: Figure
    weight: Figure = 1.0


YES, NO = Observation(amount=1), Observation(amount=0)
UNKNOWN = Observation(amount=0, weight=0)  # it counts, and nothing is known of it


def observed(metric: Metric, account: Account, view: View) -> Observation | None:
    """What an account adds to a metric; UNKNOWN where nothing can be said, None where it is not counted at all.

    Args:
        metric: of the playbook that the view is made with.
        account: as it is kept.
        view: of that account, at the instant of measuring.
    """
    try:
        return _observed(metric, account, view)
    except UndecidableError:
        return UNKNOWN


def _observed(metric: Metric, account: Account, view: View) -> Observation | None:
    among = verdict(metric.among, view)
    if among is not True:
        return UNKNOWN if among is None else None
    match metric.measured:
        case Judged(checkpoint=name):
            return _judged(account.ledger.get(name), metric, view.now)
        case Share(of=node):
            return _held(verdict(node, view))
        case Mean(of=node) | Median(of=node):
            number = _number(node, view)
            return UNKNOWN if number is None else Observation(amount=number)
        case NetPromoters() as asked:
            return _promoters(asked, metric, view)
        case Ratio(of=of, to=to):
            return _ratio(_number(of, view), _number(to, view))
        case _ as unreachable:
            assert_never(unreachable)


def _judged(entry: LedgerEntry | None, metric: Metric, now: datetime) -> Observation | None:
    if entry is None or entry.reason in _SAYS_NOTHING or not _recent(entry.decided_at, metric, now):
        return None
    if entry.reason is DecisionReason.CONDITION_FALSE:
        return NO
    return YES if entry.outcome is Outcome.DONE else UNKNOWN


def _held(said: bool | None) -> Observation:  # noqa: FBT001 -- a verdict
    return UNKNOWN if said is None else Observation(amount=float(said))


def _recent(at: datetime, metric: Metric, now: datetime) -> bool:
    return metric.over is None or now - at <= metric.over


def _number(node: Node, view: View) -> Figure | None:
    found = value_of(node, view)
    finite = isinstance(found, int | float) and math.isfinite(found)
    return float(found) if finite and isinstance(found, int | float) else None


def _promoters(asked: NetPromoters, metric: Metric, view: View) -> Observation:
    answers = [
        answer.value
        for answer in view.facts.scores.get(asked.score, {}).values()
        if isinstance(answer.value, int | float) and _recent(answer.stamp[0], metric, view.now)
    ]
    for_us = sum(value >= asked.promoters for value in answers)
    against = sum(value <= asked.detractors for value in answers)
    return Observation(amount=_OF_A_HUNDRED * (for_us - against), weight=len(answers)) if answers else UNKNOWN


def _ratio(of: Figure | None, to: Figure | None) -> Observation:
    return UNKNOWN if of is None or to is None else Observation(amount=of, weight=to)
