"""A hot account: one that most of a shard's waiting entries belong to, which more workers would not make faster.

A shard is drained by one process at a time, and an account lies in one shard. So one customer that sends half of all
events is bounded by one drainer, and its neighbours in that shard wait behind it. A look at the shard's head tells.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.intake.formats import belongs_to

LOOKED_AT = 500  # entries at the head of a shard: one batch of a drain, which is what waits for what
FEWEST = 100  # with fewer than these a share says nothing
HOT = 0.5  # the share above which the rest of the shard waits mostly for one account


@dataclass(frozen=True, slots=True, kw_only=True)
class Hot:
    """Whose entries fill the head of a shard."""

    whose: str  # the account's id; of calls that name none: the person's
    share: float  # of the calls looked at, HOT to 1
    looked_at: int  # calls


def hottest(calls: Sequence[bytes]) -> Hot | None:
    """The account, else the person, that at least HOT of these calls belong to; None: none does, or too few calls."""
    if len(calls) < FEWEST:
        return None
    owners = Counter(filter(None, map(belongs_to, calls)))
    for whose, count in owners.most_common(1):
        if count >= HOT * len(calls):
            return Hot(whose=whose, share=count / len(calls), looked_at=len(calls))
    return None
