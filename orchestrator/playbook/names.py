"""What a condition may ask of a playbook that is compiled: for those who ask something of their own, such as scenarios.

The compiler gathers the same names from the document while it compiles; a test holds the two equal.
"""

from collections.abc import Mapping

from orchestrator.core.playbook import Playbook
from orchestrator.playbook import ages, health, onboarding, segments, signals
from orchestrator.playbook.compiler import CHECKLIST, NO_CHECKLIST
from orchestrator.playbook.conditions import Derived, Names


def names_of(playbook: Playbook) -> Names:
    """All that a condition may speak of."""
    return Names(
        vocabulary=playbook.vocabulary,
        stages=tuple(playbook.stages),
        milestones=frozenset(playbook.milestones),
        derived=_derived(playbook),
        elsewhere={CHECKLIST: NO_CHECKLIST, **({} if playbook.health else health.ABSENT)},
        judgements=frozenset(playbook.judgements),
        signals=frozenset(playbook.signals),
    )


def _derived(playbook: Playbook) -> Mapping[str, Derived]:
    return {
        **segments.derived_names(playbook.segmentation),
        **ages.derived_names(playbook.ages),
        **(onboarding.derived_names(playbook.onboarding.phases) if playbook.onboarding else {}),
        **signals.risk_of(name for name, signal in playbook.signals.items() if signal.at_risk),
        **(health.names_of(playbook.health) if playbook.health else {}),
    }
