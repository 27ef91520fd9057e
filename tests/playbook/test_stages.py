"""Exit checklists and stalls as a playbook writes them: what they become, and what they may not say."""
# ruff: noqa: E501 -- one mistake and its whole message a line: that is the table

from datetime import timedelta

import pytest

from orchestrator.core.conditions import Every
from orchestrator.core.playbook import Stalled
from tests.playbook.lives import event, lived, traits
from tests.playbook.small import bent, compiled, told

DAY = timedelta(days=1)
YOUNG = "    young: {goal: grow, window: [0d, 7d]}\n"
LISTED = """\
    young:
      goal: grow
      window: [0d, 7d]
      checklist:
        - {label: Logged in twice, when: login.count > 1}
        - {label: Nobody is cross, when: nps.lowest > 6 or nps.answers == 0}
"""
ROW = "{from: young, to: old, when: warm}"
LEAVES = "{from: young, to: old, when: checklist}"
TRIGGER = '    day: 1\n    at: "09:00"\n'
WORK = "    escalate: {template: no_login, severity: low, category: scope, owner: csm, due: 4h}\n"
SEGMENTS = "segments:\n  default: many\n  table:\n    big: {where: {seats: [50, null]}, touch: high, windows: {old: [7d, 90d], young: [0d, 30d]}}\n    many: {touch: tech}\nstages:\n"
UNTOUCHED = ("    touch: {one_of: [high, tech], default: tech}\n", "    arr: number\n")


def listed(*changes: tuple[str, str]) -> str:
    """The small playbook whose first stage has a checklist that its exit asks for."""
    return bent((YOUNG, LISTED), (ROW, LEAVES), *changes)


def test_a_checklist() -> None:
    """The items in their order; in the transition they stand as one condition with a name."""
    book = compiled(listed())
    items = book.stages["young"].checklist
    assert [(item.label, item.when.text) for item in items] == [
        ("Logged in twice", "login.count > 1"),
        ("Nobody is cross", "nps.lowest > 6 or nps.answers == 0"),
    ]
    assert book.stages["old"].checklist == ()
    assert book.transitions[0].when == Every(operands=tuple(item.when for item in items), text="checklist")


def test_a_stage_is_left_when_its_checklist_is_done() -> None:
    """All items, whatever their order; a detractor among the answers holds the account back."""
    book = compiled(listed())
    assert lived(book, [event("Logged In", 1), event("Logged In", 3)], 9).stages == [("old", 3)]
    assert lived(book, [event("Logged In", 1), event("Logged In", 3), event("Scored", 2, score=4)], 9).stages == []


def test_a_checklist_may_be_a_part_of_a_condition() -> None:
    """It may be joined with other conditions, and each transition means the stage that it leaves itself."""
    rows = "{from: young, to: old, when: checklist and day > 2}\n    - {from: old, to: young, when: not checklist}"
    book = compiled(
        listed((LEAVES, rows), ("old: {goal: stay}", "old: {goal: stay, checklist: [{label: Here, when: login}]}"))
    )
    assert [row.when.text for row in book.transitions] == ["checklist and day > 2", "not checklist"]
    assert [item.when.text for item in book.stages["old"].checklist] == ["login"]


def test_the_events_of_a_checklist_are_read() -> None:
    """An item that turns is seen at once."""
    assert "scored" in compiled(listed()).reads


def test_without_a_checklist_the_word_is_free() -> None:
    """A playbook without checklists may call an event so; with them, the name is taken."""
    renamed = (("login: [Logged In]", "login: [Logged In]\n    checklist: [Checked]"),)
    assert "checklist" in compiled(bent(*renamed)).vocabulary.events
    assert told(listed(*renamed)) == [
        "p.yaml:7:5 vocabulary.events.checklist: `checklist` is the checklist of a stage already: a name is one thing only"
    ]


def test_a_stall_may_be_in_a_stage_with_a_window() -> None:
    """The stage's own window, or that of a segment, must end somewhere."""
    assert compiled(bent((TRIGGER, "    stalled: young\n"))).plays["hello"].trigger == Stalled(stage="young")
    by_segment = bent((TRIGGER, "    stalled: old\n"), ("stages:\n", SEGMENTS), UNTOUCHED)
    assert compiled(by_segment).plays["hello"].trigger == Stalled(stage="old")


def test_a_stall_scales_by_segment() -> None:
    """From the YAML to the work: day 7 for the many, day 30 for the big."""
    mail = "    email: day_0_welcome\n"
    book = compiled(bent((TRIGGER, "    stalled: young\n"), (mail, WORK), ("stages:\n", SEGMENTS), UNTOUCHED))
    assert lived(book, [event("Signed Up", 0), traits(seats=5)], 99).when("hello") == [7]
    assert lived(book, [event("Signed Up", 0), traits(seats=50)], 99).when("hello") == [30]


WRONG = [
    ((("when: login.count > 1}", "when: logn.count > 1}"),), "27:42 stages.table.young.checklist[0].when: unknown name `logn` (did you mean `login`?)"),
    ((("when: login.count > 1}", "whn: login}"),), "27:36 stages.table.young.checklist[0].whn: unknown key `whn` (did you mean `when`?)"),
    (((LEAVES, LEAVES.replace("young, to: old", "old, to: young")), ("first: young", "first: old")), "31:36 stages.transitions[0].when: the stage `old` has no checklist"),
    (((LEAVES, LEAVES.replace("young", "any")),), "31:34 stages.transitions[0].when: `checklist` is that of one stage, `any` is all of them"),
    (((LEAVES, LEAVES.replace("young", "yuong")), ("first: young", "first: old")), "31:14 stages.transitions[0].from: unknown stage `yuong` (did you mean `young`?)"),
    ((("    day: 1\n", "    day: 1\n    when: checklist\n"),), "39:11 plays.hello.when: `checklist` stands in a transition only: it is the checklist of the stage that is left"),
    (((TRIGGER, "    stalled: yuong\n"),), "38:14 plays.hello.stalled: unknown stage `yuong` (did you mean `young`?)"),
    (((TRIGGER, "    stalled: old\n"),), "38:14 plays.hello.stalled: no window of `old` ends, so that nobody can stall in it"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "message"), WRONG)
def test_what_checklists_and_stalls_may_not_say(changes: tuple[tuple[str, str], ...], message: str) -> None:
    """Each refusal names its place."""
    assert f"p.yaml:{message}" in told(listed(*changes))
