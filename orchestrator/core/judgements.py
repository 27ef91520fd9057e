"""Judgements: what only a human can tick (value proven, relationship built), with name, date and evidence.

The last word on each counts, by its stamp; what nobody ever ticked is not judged to hold (closed world).
"""

from dataclasses import dataclass
from datetime import datetime

from orchestrator.core.facts import Facts

WORD = "judgement_ticked"  # the own event that says so


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The last word of a human on one judgement."""

    ticked: bool  # False: it was taken back
    by: str  # who judged; empty when nobody is named
    at: datetime  # when
    evidence: str  # what it rests on, in words; may be empty


def judgement(name: str, facts: Facts) -> Judgement | None:
    """What was last said of a judgement; None when nobody ever spoke of it."""
    said = facts.said.get(WORD, {}).get(name)
    if said is None:
        return None
    by, evidence = said.words["by"], said.words["evidence"]
    return Judgement(
        ticked=said.words["ticked"] is True,
        by=by if isinstance(by, str) else "",
        at=said.stamp[0],
        evidence=evidence if isinstance(evidence, str) else "",
    )
