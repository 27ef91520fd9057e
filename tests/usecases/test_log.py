"""What a human says of an account is written down, folded, and looked at by the rules."""

import pytest

from orchestrator.usecases import log
from orchestrator.usecases.overrule import UnknownAccountError
from tests.usecases.company import HOUR, MONDAY, Company
from tests.usecases.playbooks import tiny
from tests.usecases.world import World

PROVEN = """\
  proven:
    after: 1h since judgement_ticked
    only_while: proven
    escalate: {template: no_login, severity: low, category: adoption, owner: csm, due: 8h}
    valid_for: 7d
"""
AIM = log.GoalText(text="Two logins in the first week", measure="login", target=2)
SAVE = log.GoalText(text="Save an hour a week")


@pytest.fixture
def acme(bare: World) -> World:
    """One account, under a playbook that knows a judgement."""
    bare.publish(tiny(PROVEN).replace("milestones:", "judgements: {proven: Value is proven}\nmilestones:"))
    bare.drain(*Company().sign_up())
    return bare


def test_a_judgement_is_ticked_with_name_and_evidence(acme: World) -> None:
    """A tick wakes the account, and the rule that rests on it acts; taken back, what it did is withdrawn."""
    log.tick(acme.ports, "acme", "proven", "mei", "They said so.")
    acme.live()
    words, *_ = acme.facts()["said"]["judgement_ticked"]["proven"]
    assert words == {"by": "mei", "evidence": "They said so.", "ticked": True}
    acme.at(MONDAY + HOUR)
    acme.live()
    assert acme.decisions() == [("acme", "proven", "due")]
    log.tick(acme.ports, "acme", "proven", "bo", "", ticked=False)
    acme.live()
    assert acme.one("SELECT close_reason FROM escalations") == "goal_reached"


def test_a_judgement_that_the_playbook_does_not_have_is_refused(acme: World) -> None:
    """A mistyped judgement is not silently kept."""
    with pytest.raises(log.UnknownWordError, match="did you mean `proven`"):
        log.tick(acme.ports, "acme", "proved", "mei", "")


def test_goals_are_set_met_and_dropped(acme: World) -> None:
    """Each word on a goal is kept with who said it."""
    log.set_goal(acme.ports, "acme", "save", "mei", SAVE)
    log.set_goal(acme.ports, "acme", "use", "mei", AIM)
    acme.live()
    log.end_goal(acme.ports, "acme", "save", "bo", met=True)
    log.end_goal(acme.ports, "acme", "use", "bo", met=False)
    acme.live()
    said = acme.facts()["said"]
    assert said["goal_set"]["use"][0] == {"by": "mei", "text": AIM.text, "measure": "login", "target": 2}
    assert (set(said["goal_met"]), set(said["goal_dropped"])) == ({"save"}, {"use"})


def test_a_goal_is_measured_by_what_the_playbook_knows(acme: World) -> None:
    """A measure or event that there is not is refused, and so is the end of a goal that was never set."""
    with pytest.raises(log.UnknownWordError, match="did you mean `login`"):
        log.set_goal(acme.ports, "acme", "use", "mei", log.GoalText(text="x", measure="logn"))
    with pytest.raises(log.UnknownGoalError):
        log.end_goal(acme.ports, "acme", "use", "mei", met=True)


def test_only_a_known_account_is_spoken_of(acme: World) -> None:
    """A mistyped account is refused."""
    with pytest.raises(UnknownAccountError):
        log.tick(acme.ports, "acne", "proven", "mei", "")
