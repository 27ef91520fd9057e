"""Segments: which kind of customer an account is, and what is scaled by it (``spec/rules.md`` 1.2, 1.3 and 1.9).

A segment rests on the account's traits alone, so that it changes only when somebody says something of the account,
never by the clock. While it is unknown, conditions that ask for it are unknown; but work needs an owner and a stage a
window at any time, and these are then the default segment's.
"""

from dataclasses import replace
from datetime import UTC, datetime

from orchestrator.core.conditions import View, value_of
from orchestrator.core.facts import Facts
from orchestrator.core.playbook import OF_SEGMENT, Escalate, Playbook, Segment, Segmentation, Window

_ANY = datetime(2000, 1, 1, tzinfo=UTC)  # an instant: traits do not move with the clock


def segment_of(facts: Facts, playbook: Playbook) -> Segment | None:
    """The segment of an account with these facts, the default one while it is unknown; None: there are no segments."""
    segmentation = playbook.segmentation
    return None if segmentation is None else _found(facts, segmentation, playbook)


def _found(facts: Facts, segmentation: Segmentation, playbook: Playbook) -> Segment:
    view = View(facts=facts, vocabulary=playbook.vocabulary, now=_ANY, anchor=None, stage="", stage_entered_at=_ANY)
    name = value_of(segmentation.by, view)
    return segmentation.table[segmentation.default if name is None else str(name)]


def window_of(stage: str, facts: Facts, playbook: Playbook) -> Window | None:
    """The window of a stage for an account with these facts: its segment's, else the stage's own."""
    segment = segment_of(facts, playbook)
    own = playbook.stages[stage].window
    return own if segment is None else segment.windows.get(stage, own)


def owned(work: Escalate, facts: Facts, playbook: Playbook) -> Escalate:
    """The work with a role that owns it: the one that it names, else that of the account's segment."""
    segment = segment_of(facts, playbook) if work.owner == OF_SEGMENT else None
    return work if segment is None or segment.owner is None else replace(work, owner=segment.owner)
