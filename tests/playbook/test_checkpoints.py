"""Checkpoints as they are written: what each becomes, what is refused, and a life under them."""
# ruff: noqa: E501 -- one mistake and its whole message a line: that is the table

import pytest

from orchestrator.core.account import Outcome
from orchestrator.core.conditions import ALWAYS
from orchestrator.core.metrics import Bound, Side
from orchestrator.core.playbook import After, Cadence, Escalate, Playbook, SendEmail
from orchestrator.core.reasons import DecisionReason
from orchestrator.playbook.graph import graph, mermaid, svg
from orchestrator.playbook.lint import lint
from orchestrator.playbook.plays import TRIGGERS
from orchestrator.playbook.source import PlaybookSource
from tests.playbook.lives import DAY, event, lived
from tests.playbook.small import BESIDE_MAIL, SMALL, TEMPLATES, bent, compiled, told

WRITTEN = """\
checkpoints:
  came_back:
    label: They have logged in twice
    step: The first week
    after: 7d since signed_up
    met: login.count >= 2
    target: {above: 0.5}
    missed:
      when: touch == 'high'
      escalate: {template: no_login, severity: low, category: adoption, owner: csm, due: 8h}
  pleased:
    step: The first month
    day: 30
    at: "10:00"
    among: login
    met: nps.latest > 8
    missed: {name: ask_them, only_while: login, email: day_14_survey}
  steady:
    step: Every month
    every: month
    met: login.days_ago <= 7
"""
CHECKED = (
    bent(
        ("old: {goal: stay}", "old: {goal: stay}\n    gone: {goal: leave, exit: true}"),
        ("when: warm}", "when: warm}\n    - {from: any, to: gone, when: scored.count > 2}"),
    )
    + WRITTEN
)


def changed(*changes: tuple[str, str]) -> str:
    """The playbook with checkpoints, with some of its text replaced."""
    text = CHECKED
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


@pytest.fixture(scope="module")
def book() -> Playbook:
    """The playbook with checkpoints."""
    return compiled(CHECKED)


def test_a_checkpoint_is_a_play_that_does_nothing(book: Playbook) -> None:
    """Its condition is what should have happened; it is judged in exit stages too."""
    play = book.plays["came_back"]
    assert (play.label, play.actions, play.when.text) == ("They have logged in twice", (), "login.count >= 2")
    assert play.trigger == After(delay=7 * DAY, since="signed_up")
    assert play.stages == {"young", "old", "gone"}
    assert set(book.checkpoints) == {"came_back", "pleased", "steady"}
    what = book.checkpoints["came_back"]
    assert (what.step, what.among, what.target) == ("The first week", ALWAYS, Bound(side=Side.ABOVE, limit=0.5))


def test_what_comes_again_and_again_is_not_asked_of_who_has_left(book: Playbook) -> None:
    """A monthly checkpoint is for the stages that are no exit."""
    play = book.plays["steady"]
    assert isinstance(play.trigger, Cadence)
    assert (play.stages, book.checkpoints["steady"].target) == (frozenset(), None)


def test_what_is_missed_is_a_play_beside_it(book: Playbook) -> None:
    """It has the checkpoint's trigger, label and hour, asks that it is not met, and stands only while it is not."""
    play = book.plays["came_back_missed"]
    assert (play.trigger, play.label) == (book.plays["came_back"].trigger, "They have logged in twice")
    assert isinstance(play.actions[0], Escalate)
    assert play.when.text == "(not (login.count >= 2)) and (touch == 'high')"
    assert play.policy.only_while is not None
    assert play.policy.only_while.text == "not (login.count >= 2)"
    mail = book.plays["ask_them"]
    assert mail.actions == (SendEmail(template="day_14_survey"),)
    assert mail.policy.at == book.plays["pleased"].policy.at
    assert mail.when.text == "(login) and (not (nps.latest > 8))"
    assert mail.policy.only_while is not None
    assert mail.policy.only_while.text == "(not (nps.latest > 8)) and (login)"


REFUSED = (
    (
        ("met: login.count >= 2", "met: logins > 2"),
        "p.yaml:43:10 checkpoints.came_back.met: unknown name `logins` (did you mean `login`?)",
    ),
    (("    met: login.count >= 2\n", ""), "p.yaml:39:3 checkpoints.came_back: missing key `met`"),
    (("    step: The first week\n", ""), "p.yaml:39:3 checkpoints.came_back: missing key `step`"),
    (
        ("    after: 7d since signed_up\n", ""),
        f"p.yaml:39:3 checkpoints.came_back: a checkpoint needs one trigger of {', '.join(TRIGGERS)}; this has none",
    ),
    (
        ("    target: {above: 0.5}\n", "    email: day_0_welcome\n"),
        "p.yaml:44:5 checkpoints.came_back.email: a checkpoint has no `email`: it asks whether `met` holds, `among` whom, and its `missed` acts",
    ),
    (
        ("      when: touch", "      day: 3\n      when: touch"),
        "p.yaml:46:7 checkpoints.came_back.missed.day: `missed` has no `day`: it comes due with its checkpoint",
    ),
    (
        ("{above: 0.5}", "{}"),
        "p.yaml:44:5 checkpoints.came_back.target: expected one of above, at_least, below, at_most, with its limit",
    ),
    (
        ("{above: 0.5}", "{above: 0.5, below: 1}"),
        "p.yaml:44:5 checkpoints.came_back.target: expected one of above, at_least, below, at_most, with its limit",
    ),
    (
        ("name: ask_them", "name: came_back"),
        "p.yaml:54:5 checkpoints.pleased.missed: `came_back` is a play already: a name is one thing only",
    ),
    (("  steady:", "  hello:"), "p.yaml:55:3 checkpoints.hello: `hello` is a play already: a name is one thing only"),
    (
        ("name: ask_them", "name: not"),
        "p.yaml:54:14 checkpoints.pleased.missed.name: `not` cannot be a name: use letters, digits and _, no word of the language",
    ),
)  # what is written wrongly, and what is said of it


@pytest.mark.parametrize(("change", "said"), REFUSED)
def test_what_is_no_checkpoint_is_refused(change: tuple[str, str], said: str) -> None:
    """Each mistake is told with its place."""
    assert said in told(changed(change))


def verdicts(*events: tuple[str, float]) -> dict[str, DecisionReason]:
    """What became of each checkpoint by day 33 of such a life."""
    life = lived(compiled(CHECKED), [event("Signed Up", 0), *(event(name, day) for name, day in events)], until_day=33)
    return {each.play: each.reason for each in life.decisions if each.play in {"came_back", "pleased"}}


def test_met_missed_unknown_and_none_of_its_business() -> None:
    """Done is met; DecisionReason.NOT_AMONG is said of who is not asked; an unknown answer is no answer."""
    met = verdicts(("Logged In", 1), ("Logged In", 2))
    assert met == {"came_back": DecisionReason.DUE, "pleased": DecisionReason.UNKNOWN}
    missed = verdicts()
    assert missed == {"came_back": DecisionReason.CONDITION_FALSE, "pleased": DecisionReason.NOT_AMONG}


def test_who_is_asked_may_be_unknown_too() -> None:
    """Where nobody can say whether an account is among those who are asked, nothing is known of it."""
    book = compiled(changed(("among: login", "among: nps.lowest > 2")))
    life = lived(book, [event("Signed Up", 0)], until_day=33)
    assert [each.reason for each in life.decisions if each.play == "pleased"] == [DecisionReason.UNKNOWN]


def test_who_has_left_is_judged_all_the_same() -> None:
    """The account is in its exit stage on day 2, and on day 7 the checkpoint is missed, and nobody is called."""
    away = [event("Signed Up", 0), *(event("Scored", day) for day in (1, 1.5, 2))]
    life = lived(compiled(changed(("touch == 'high'", "touch == 'tech'"))), away, until_day=9)
    told_of = {each.play: each for each in life.decisions if each.play.startswith("came_back")}
    assert told_of["came_back"].outcome is Outcome.SKIPPED
    assert told_of["came_back"].reason is DecisionReason.CONDITION_FALSE
    assert told_of["came_back_missed"].reason is DecisionReason.EXITED
    assert not life.escalations


def test_the_work_of_a_missed_checkpoint_ends_when_it_is_met_after_all() -> None:
    """A human is called on day 7, and the call is withdrawn with the second login on day 9; the checkpoint stays missed."""
    book = compiled(changed(("touch == 'high'", "touch == 'tech'")))
    life = lived(book, [event("Signed Up", 0), event("Logged In", 8), event("Logged In", 9)], until_day=12)
    assert [each.play for each in life.escalations] == ["came_back_missed"]
    assert [(each.play, each.reason.value) for each in life.withdrawals] == [("came_back_missed", "goal_reached")]


def test_the_explanation_names_whom_it_is_asked_of() -> None:
    """The decision on a checkpoint shows the clause that left the account out."""
    life = lived(compiled(CHECKED), [event("Signed Up", 0)], until_day=33)
    (decision,) = (each for each in life.decisions if each.play == "pleased")
    assert [clause.text for clause in decision.clauses if clause.decisive] == ["login"]


def test_the_picture_has_checkpoints_of_their_own(book: Playbook) -> None:
    """They stand under their own heading, with what they ask for; a playbook without any has no such heading."""
    drawn = graph(book)
    assert [card.name for card in drawn.checkpoints] == ["came_back", "pleased", "steady"]
    assert drawn.checkpoints[0].does == ("met: login.count >= 2",)
    assert "Checkpoints" in svg(drawn)
    assert 'subgraph checkpoints["Checkpoints"]' in mermaid(drawn)
    assert "Checkpoints" not in svg(graph(compiled(SMALL)))


def findings(text: str) -> list[tuple[str, str]]:
    """Path and rule of what the check says of checkpoints."""
    source = PlaybookSource(file="p.yaml", text=text, templates=TEMPLATES | BESIDE_MAIL)
    return [(each.path, each.rule) for each in lint(compiled(text), source) if each.path.startswith("checkpoints")]


def test_the_check_knows_a_checkpoint_that_can_never_be_met() -> None:
    """What contradicts itself, or its own day, is told at `met`; a checkpoint in order is not spoken of."""
    assert not findings(CHECKED)
    assert findings(changed(("met: login.count >= 2", "met: day > 30"))) == [
        ("checkpoints.came_back.met", "never-fires")
    ]


def test_a_kickoff_that_is_only_asked_about_is_no_work_of_a_machine() -> None:
    """A checkpoint does nothing, so it takes no duty from a human."""
    assert not findings(changed(("They have logged in twice", "The kickoff was held")))
