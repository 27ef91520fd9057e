"""The `health` section of a playbook: what it becomes, the names it gives, and what it may not say."""
# ruff: noqa: E501 -- one mistake and its whole message a line: that is the table

import pytest

from orchestrator.core.conditions import Literal, Says, Term, TermKind, Weighted, terms
from orchestrator.core.decisions import NoteKind
from orchestrator.core.health import Colour, RollUp, Rules
from orchestrator.core.playbook import Playbook
from tests.playbook.lives import DAY, START, event, lived
from tests.playbook.small import bent, compiled, told

FIRST = "milestones:\n"
ENGAGEMENT = (
    "    engagement: {weight: 60, green: login.days_ago <= 7, yellow: login.days_ago <= 14, label: How lively}\n"
)
ADOPTION = "    adoption: {weight: 40, value: hours, from: 0, to: 10, when: day >= 3}\n"
HEALTH = f"health:\n  indicators:\n{ENGAGEMENT}{ADOPTION}"
DAY_1 = "    day: 1\n"


def healthy(*changes: tuple[str, str], more: str = "") -> str:
    """The small playbook with a health section, and some of its text replaced."""
    return bent((FIRST, f"{HEALTH}{more}{FIRST}"), *changes)


def said(book: Playbook) -> Weighted:
    """What health is made of."""
    assert book.health is not None
    return book.health


def test_a_section_becomes_a_node() -> None:
    """Indicators with labels, weights and conditions; bands, floor and roll-up have their defaults."""
    node = said(compiled(healthy()))
    assert (node.says, node.rules) == (Says.SCORE, Rules(green=70, yellow=40, coverage_floor=60))
    engagement, adoption = node.indicators
    assert (engagement.name, engagement.label, engagement.weight) == ("engagement", "How lively", 60)
    assert engagement.green is not None
    assert engagement.yellow is not None
    assert (engagement.green.text, engagement.yellow.text) == ("login.days_ago <= 7", "login.days_ago <= 14")
    assert isinstance(engagement.when, Literal)
    assert (adoption.label, adoption.worst, adoption.best, adoption.when.text) == ("adoption", 0, 10, "day >= 3")
    assert adoption.figure == Term(kind=TermKind.MEASURE, name="hours", text="hours")


def test_its_rules_may_be_said() -> None:
    """Bands, floor, roll-up and the indicators of which the worst decides."""
    more = "  bands: {green: 80, yellow: 60}\n  coverage_floor: 50\n  roll_up: strict\n  worst_of: [adoption]\n"
    rules = said(compiled(healthy(more=f"{more}  worth: {{yellow: 40}}\n"))).rules
    assert rules == Rules(
        green=80,
        yellow=60,
        coverage_floor=50,
        roll_up=RollUp.STRICT,
        worst_of=frozenset({"adoption"}),
        worth=(100, 40, 0),
    )


def test_without_a_section_there_is_no_health() -> None:
    """Health is not guessed, and who asks for it is told why."""
    assert compiled().health is None
    assert told(bent((DAY_1, DAY_1 + "    when: health < 40\n"))) == [
        "p.yaml:34:11 plays.hello.when: this playbook has no `health` section to say what health is made of"
    ]


def test_an_own_name_may_be_health_where_there_is_no_section() -> None:
    """A playbook without the section may call a trait of its own health."""
    text = bent(("    touch:", "    health: number\n    touch:"), (DAY_1, DAY_1 + "    when: health < 40\n"))
    (term,) = terms(compiled(text).plays["hello"].when)
    assert term.kind is TermKind.TRAIT


@pytest.mark.parametrize(
    ("written", "kinds"),
    [
        ("health < 40", {TermKind.OVERRIDE}),
        ("health.raw < 40", {TermKind.OVERRIDE}),
        ("health.coverage >= 50", {TermKind.OVERRIDE}),
        ("health.colour == 'red'", {TermKind.OVERRIDE}),
        ("health.colour in ['red', 'yellow']", {TermKind.OVERRIDE}),
        ("health.falling_weeks >= 2", {TermKind.HEALTH_FALLING}),
    ],
)
def test_each_name_of_health(written: str, kinds: set[TermKind]) -> None:
    """Score, raw score, coverage and colour are made of the indicators; the falling weeks are of the samples."""
    book = compiled(healthy((DAY_1, f"{DAY_1}    when: {written}\n")))
    assert kinds <= {term.kind for term in terms(book.plays["hello"].when)}
    assert book.sampled is (kinds == {TermKind.HEALTH_FALLING})
    assert {"login", "health_overridden"} <= book.reads


def test_what_health_rests_on_is_read() -> None:
    """Its events are read though no play asks for health: each change of colour is noted when it comes about."""
    assert {"scored", "health_overridden"} <= compiled(healthy(("value: hours", "value: nps.latest"))).reads
    assert "health_overridden" not in compiled().reads


def test_it_may_rest_on_milestones_judgements_and_goals() -> None:
    """An indicator may say whatever a play may, but for health itself."""
    green = "green: warm and proven and goals.met"
    text = healthy(("green: login.days_ago <= 7", green), ("setup:", "judgements: {proven: Value is proven}\nsetup:"))
    assert {term.kind for term in terms(said(compiled(text)))} > {
        TermKind.MILESTONE,
        TermKind.JUDGED,
        TermKind.GOALS_MET,
    }


def test_health_from_the_first_day() -> None:
    """From a text to the journal: the colours of a life, with a play that follows them."""
    play = "  sick:\n    every: week until day 60\n    when: health < 40\n    escalate: {template: no_login, severity: high, category: adoption, owner: csm, due: 8h}\n"
    found = lived(compiled(healthy() + play), [event("Signed Up", 0), event("Logged In", 0, hours=5)], 21)
    noted = [(note.detail["colour"], (note.at - START) / DAY) for note in found.notes if note.kind is NoteKind.HEALTH]
    assert [(colour, round(day, 6)) for colour, day in noted] == [
        (Colour.GREEN, 0),
        (Colour.YELLOW, 7),
        (Colour.RED, 14),
    ]
    assert [round(day * 24) for day in found.when("sick")] == [20 * 24 + 14]  # the Monday after


# fmt: off
@pytest.mark.parametrize(
    ("change", "messages"),
    [
        (("weight: 60", "weight: 50"), ["15:3 health.indicators: the weights must add up to 100, these add up to 90"]),
        (("weight: 60", "weight: 60.5"), ["15:3 health.indicators: the weights must add up to 100, these add up to 100.5"]),
        (("weight: 60", "weight: -1"), ["16:26 health.indicators.engagement.weight: expected a number of at least 0, got -1"]),
        (("weight: 60, ", ""), ["16:5 health.indicators.engagement: missing key `weight`"]),
        (("green: login.days_ago", "green: logn.days_ago"), ["16:37 health.indicators.engagement.green: unknown name `logn` (did you mean `login`?)"]),
        (("green: login.days_ago <= 7", "green: health > 7"), ["16:37 health.indicators.engagement.green: health may rest on milestones, so neither a milestone nor health itself may rest on health"]),
        (("value: hours", "value: login.days_ago"), ["17:35 health.indicators.adoption.value: `login.days_ago` moves with the clock: compare it with a plain number by < <= > or >=, so that the engine knows when it turns"]),
        (("value: hours", "value: touch"), ["17:35 health.indicators.adoption.value: expected a number, got the text trait `touch`"]),
        (("value: hours", "value: hours, green: login"), ["17:5 health.indicators.adoption: an indicator has `green` and perhaps `yellow`, or `value`, `from` and `to`"]),
        (("from: 0, ", ""), ["17:5 health.indicators.adoption: an indicator has `green` and perhaps `yellow`, or `value`, `from` and `to`"]),
        (("green: login.days_ago <= 7, ", ""), ["16:5 health.indicators.engagement: an indicator has `green` and perhaps `yellow`, or `value`, `from` and `to`"]),
        (("from: 0, to: 10", "from: 10, to: 10"), ["17:56 health.indicators.adoption.to: `from` and `to` must differ: the first is worth 0, the second 100"]),
        (("    adoption:", "    not:"), ["17:5 health.indicators.not: `not` cannot be a name: use letters, digits and _, no word of the language"]),
        ((FIRST, "  bands: {green: 40, yellow: 40}\n" + FIRST), ["18:10 health.bands: green must begin above yellow"]),
        ((FIRST, "  worth: {yellow: 0}\n" + FIRST), ["18:10 health.worth: green must count more than yellow, and yellow more than red"]),
        ((FIRST, "  bands: {green: 101}\n" + FIRST), ["18:18 health.bands.green: expected a number of at most 100, got 101"]),
        ((FIRST, "  worst_of: [adpotion]\n" + FIRST), ["18:14 health.worst_of[0]: unknown indicator `adpotion` (did you mean `adoption`?)"]),
        ((FIRST, "  roll_up: wieghted\n" + FIRST), ["18:12 health.roll_up: expected weighted or strict, got 'wieghted' (did you mean `weighted`?)"]),
        ((FIRST, "  bnads: {}\n" + FIRST), ["18:3 health.bnads: unknown key `bnads` (did you mean `bands`?)"]),
        (("green: login.days_ago", "gren: 1, green: login.days_ago"), ["16:30 health.indicators.engagement.gren: unknown key `gren` (did you mean `green`?)"]),
        (("    touch:", "    health: number\n    touch:"), ["9:5 vocabulary.traits.health: `health` is given by the section `health` already: a name is one thing only"]),
        (("    when: login\n", "    when: login and health > 4\n"), ["20:21 milestones.started.when: health may rest on milestones, so neither a milestone nor health itself may rest on health"]),
        ((DAY_1, DAY_1 + "    when: health.color == 'red'\n"), ["38:11 plays.hello.when: `health` has no `.color` (did you mean `colour`?)"]),
        ((DAY_1, DAY_1 + "    when: health.colour == 'rde'\n"), ["38:28 plays.hello.when: `health.colour` is never 'rde', only green, yellow, red (did you mean `red`?)"]),
        ((DAY_1, DAY_1 + "    when: health == 'red'\n"), ["38:21 plays.hello.when: expected a number, got a text `'red'`"]),
    ],
)
def test_each_mistake_is_named_with_its_place(change: tuple[str, str], messages: list[str]) -> None:
    """One mistake gives one problem, at its place; a broken indicator is not said to leave the sum short."""
    assert told(healthy(change)) == [f"p.yaml:{message}" for message in messages]
# fmt: on


def test_a_broken_indicator_is_said_once() -> None:
    """Neither the sum of the weights nor the list of the worst is blamed for it."""
    text = healthy(("weight: 60", "weight: heavy"), more="  worst_of: [engagement]\n")
    assert told(text) == ["p.yaml:16:26 health.indicators.engagement.weight: expected a number, got 'heavy'"]


def test_a_broken_section_is_said_once() -> None:
    """Plays that speak of health are not told that there is none."""
    text = bent((FIRST, f"health: 3\n{FIRST}"), (DAY_1, DAY_1 + "    when: health < 40\n"))
    assert told(text) == ["p.yaml:14:9 health: expected keys with values, got 3"]
