"""What a human says of an account is written down, folded, and looked at by the rules."""

from collections.abc import Callable
from uuid import UUID

import pytest

from orchestrator.usecases import log
from orchestrator.usecases.overrule import UnknownAccountError
from orchestrator.usecases.ports import Ports
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


ABSENT = """\
signals:
  absent:
    severity: high
    category: adoption
    intervention: Call them.
    after: 1h since signed_up
    while: not login
    ladder:
      - escalate: {template: no_login, owner: csm, due: 8h}
      - after: 1d
        unless: acknowledged
        escalate: {template: no_login, owner: cs_director, due: 8h}
plays:
"""


@pytest.fixture
def absent(bare: World) -> World:
    """An account that never logged in, an hour after it signed up."""
    bare.publish(tiny().replace("plays:\n", ABSENT))
    bare.drain(*Company().sign_up())
    bare.at(MONDAY + HOUR)
    bare.live()
    return bare


def of_the_signal(world: World) -> dict[str, str]:
    """What was decided of the signal and its ladder."""
    return {play: reason for _, play, reason in world.decisions() if play.startswith("absent")}


def test_an_open_signal_is_taken_on(absent: World) -> None:
    """Whoever acknowledges a signal stops its ladder; it stays open, and its work too."""
    log.acknowledge(absent.ports, "acme", "absent", "mei")
    absent.at(MONDAY + 48 * HOUR)
    absent.live()
    assert of_the_signal(absent) == {"absent": "due", "absent_1": "due", "absent_2": "condition_false"}
    assert absent.facts()["said"]["escalation_acknowledged"]["absent"][0] == {"by": "mei"}
    assert absent.one("SELECT closed_at FROM escalations") is None


def test_an_open_signal_is_settled(absent: World) -> None:
    """Whoever resolves a signal closes it and its work; the journal says so."""
    log.resolve(absent.ports, "acme", "absent", "mei")
    absent.live()
    assert absent.one("SELECT detail ->> 'closed' FROM journal WHERE kind = 'signal'") == "resolved"
    assert absent.one("SELECT close_reason FROM escalations") == "goal_reached"
    absent.at(MONDAY + 48 * HOUR)
    absent.live()
    assert of_the_signal(absent) == {"absent": "due", "absent_1": "due"}
    with pytest.raises(log.NoOpenSignalError):
        log.acknowledge(absent.ports, "acme", "absent", "mei")


@pytest.mark.parametrize("say", [log.acknowledge, log.resolve])
def test_only_an_open_signal_is_answered(absent: World, say: Callable[[Ports, str, str, str], UUID]) -> None:
    """A mistyped signal is refused, and so is an account that there is not."""
    with pytest.raises(log.NoOpenSignalError):
        say(absent.ports, "acme", "absence", "mei")
    with pytest.raises(UnknownAccountError):
        say(absent.ports, "acne", "absent", "mei")


# -- health ------------------------------------------------------------------------------------------------------------

HEALTH = "health:\n  indicators:\n    lively: {weight: 100, green: login.days_ago <= 7}\n"


@pytest.fixture
def healthy(bare: World) -> World:
    """One account, under a playbook that says what health is made of and looks at its weeks."""
    falling = PROVEN.replace("only_while: proven", "when: health.falling_weeks >= 1").replace("goal_met", "login")
    bare.publish(tiny(falling).replace("milestones:", f"{HEALTH}milestones:"))
    bare.drain(*Company().sign_up())
    return bare


def colours(world: World) -> list[str]:
    """The colours that the journal tells of, in order."""
    found = world.rows("SELECT detail ->> 'colour' AS colour FROM journal WHERE kind = 'health' ORDER BY at")
    return [row["colour"] for row in found]


def test_an_override_holds_until_its_end(healthy: World) -> None:
    """The journal tells each change of colour: by the figures, by a human's word, and when that has expired."""
    word = (90, MONDAY + 2 * HOUR)
    healthy.at(MONDAY + HOUR)
    log.override_health(healthy.ports, "acme", "mei", "They told me.", word)
    healthy.live()
    assert healthy.document()["colour"] == "green"
    healthy.at(MONDAY + 2 * HOUR)
    healthy.live()
    assert colours(healthy) == ["red", "green", "red"]


def test_an_override_can_be_lifted(healthy: World) -> None:
    """Before its end a human can take it back."""
    healthy.at(MONDAY + HOUR)
    log.override_health(healthy.ports, "acme", "mei", "They told me.", (90, MONDAY + 20 * HOUR))
    healthy.live()
    healthy.at(MONDAY + 2 * HOUR)
    log.lift_override(healthy.ports, "acme", "bo", "They have not.")
    healthy.live()
    assert colours(healthy) == ["red", "green", "red"]


def test_an_override_needs_health_and_an_end(healthy: World) -> None:
    """What would be over already is refused, and so is a word on the health of whoever has none."""
    with pytest.raises(log.OverError):
        log.override_health(healthy.ports, "acme", "mei", "", (90, MONDAY))
    healthy.publish(tiny())
    healthy.drain(*Company(account="other", person="bob").sign_up())
    with pytest.raises(log.NoHealthError):
        log.override_health(healthy.ports, "other", "mei", "", (90, MONDAY + HOUR))


def test_samples_are_taken_by_the_wake(healthy: World) -> None:
    """Each Monday the account is woken, and what its health is then is kept."""
    for week in (1, 2):
        healthy.at(MONDAY + week * 7 * 24 * HOUR)
        healthy.live()
    assert list(healthy.document()["samples"].values()) == [0, 0]
