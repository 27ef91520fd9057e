"""The names that a compiled playbook gives to those who ask something of their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.core.conditions import Node
from orchestrator.core.playbook import Playbook
from orchestrator.playbook.compiler import CHECKLIST
from orchestrator.playbook.conditions import ConditionError, compile_condition
from orchestrator.playbook.names import names_of
from orchestrator.playbook.source import read_source
from orchestrator.runtime.composition import template_texts
from orchestrator.usecases.publish import checked
from tests.testing import small, whole

TEMPLATES = Path(__file__).parents[2] / "templates"
SHIPPED = checked(read_source(TEMPLATES / "playbooks" / "b2b-saas.yaml", template_texts(TEMPLATES)))


def conditions(playbook: Playbook) -> Iterator[Node]:
    """Those of plays, milestones and the stage table."""
    for play in playbook.plays.values():
        yield play.when
        if play.policy.only_while is not None:
            yield play.policy.only_while
    yield from (milestone.when for milestone in playbook.milestones.values())
    yield from (row.when for row in playbook.transitions if CHECKLIST not in row.when.text)


@pytest.mark.parametrize("playbook", [SHIPPED, small.playbook(), whole.playbook()], ids=lambda each: each.name)
def test_what_the_compiler_knows_is_known_afterwards(playbook: Playbook) -> None:
    """Every condition of a playbook, compiled again against the names that it gives, is the same node."""
    names = names_of(playbook)
    assert [compile_condition(node.text, names) for node in conditions(playbook)] == [*conditions(playbook)]


@pytest.mark.parametrize(
    "text",
    [
        "segment == 'smb' and touch != 'high'",
        "phase == 'kickoff' and phase_days < 3 and not phase_late and onboardings == 1",
        "health < 40 and health.colour == 'red' and health.coverage > 60",
        "at_risk and silence and silence.days >= 1 and not silence.acknowledged",
        "value_proven and goals.open == 0 and ready and stage == 'trial'",
    ],
)
def test_derived_names_are_known_where_the_playbook_has_them(text: str) -> None:
    """Segments, phases, health, signals and judgements give names; a playbook without them does not know those."""
    assert compile_condition(text, names_of(whole.playbook())).text == text
    with pytest.raises(ConditionError):
        compile_condition(text, names_of(small.playbook()))
