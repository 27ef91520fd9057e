"""What a playbook becomes: the values that the engine runs on, and the version they carry."""
# ruff: noqa: E501 -- what is written stands in one line beside what it gives

from dataclasses import replace
from datetime import time, timedelta
from pathlib import Path

import pytest

from orchestrator.core.audience import GROUPS, Audience, holders
from orchestrator.core.conditions import ALWAYS
from orchestrator.core.events import OWN_EVENTS
from orchestrator.core.facts import Filter, MeasureRule, ScoreRule, TraitRule, TraitType
from orchestrator.core.periods import Unit
from orchestrator.core.playbook import (
    After,
    Again,
    Before,
    Cadence,
    Entered,
    EveryWeek,
    Mode,
    Occurred,
    OnDay,
    OnDays,
    OnUnknown,
    Overdue,
    Reached,
    SendEmail,
    Silent,
    Target,
    Trigger,
)
from orchestrator.core.timing import WEEKENDS
from orchestrator.playbook import PlaybookSource, compile_playbook, load, read_source, version_of
from tests.playbook.small import SMALL, TEMPLATES, bent, compiled, told

SOURCE = PlaybookSource(file="p.yaml", text=SMALL, templates=TEMPLATES)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("written", "trigger"),
    [
        ("day: 0", OnDay(day=0)),
        ("after: 30m since signed_up", After(delay=DAY / 48, since="signed_up")),
        ("after: 48h since signed_up", After(delay=2 * DAY, since="signed_up")),
        ("after: 2w since login", After(delay=14 * DAY, since="login")),
        ("after: 0h since login", After(delay=0 * DAY, since="login")),
        ("after: 1 hour since account_paused", After(delay=DAY / 24, since="account_paused")),
        ("after: 2 business days since signed_up", After(delay=2 * DAY, since="signed_up", business=True)),
        ("after: 48 business hours since signed_up", After(delay=2 * DAY, since="signed_up", business=True)),
        ("silent: 3d since login", Silent(period=3 * DAY, since="login")),
        ("silent: 3 business days since login", Silent(period=3 * DAY, since="login", business=True)),
        ("reached: warm", Reached(milestone="warm")),
        ("entered: old", Entered(stage="old")),
        ("every: week until day 30", EveryWeek(until_day=30)),
        ("day: [7, 14, 21]", OnDays(days=(7, 14, 21))),
        ("day: [7]", OnDays(days=(7,))),
        ("before: 60d until renewal_at", Before(lead=60 * DAY, until="renewal_at")),
        ("on: login", Occurred(event="login")),
        ("overdue: timely", Overdue(milestone="timely")),
        ("every: week on monday", Cadence(unit=Unit.WEEK, on=0)),
        ("every: week on fri until day 90", Cadence(unit=Unit.WEEK, on=4, until_day=90)),
        ("every: month", Cadence(unit=Unit.MONTH, on=1)),
        ("every: month on 15 until day 365", Cadence(unit=Unit.MONTH, on=15, until_day=365)),
        ("every: quarter", Cadence(unit=Unit.QUARTER, on=1)),
        ("every: quarter until day 0", Cadence(unit=Unit.QUARTER, on=1, until_day=0)),
    ],
)
def test_each_trigger(written: str, trigger: Trigger) -> None:
    """Every way of writing a trigger gives its value."""
    at = '    at: "09:00"\n'
    timely = "  timely: {when: login, target: 7d}\nsetup:"
    book = compiled(bent(("    day: 1\n", f"    {written}\n"), (at, ""), ("setup:", timely)))
    assert book.plays["hello"].trigger == trigger


def test_a_milestone_may_have_targets_on_several_clocks() -> None:
    """A target counts from the anchor, others from an event or another milestone; the events of their clocks are read."""
    said = "    when: login\n    target: 7d\n    targets: [{within: 3d, since: scored}, {within: 12h, since: warm}]\n"
    book = compiled(bent(("    when: login\n", said)))
    found = book.milestones["started"]
    assert (found.target, found.timed, book.milestones["warm"].timed) == (7 * DAY, True, False)
    assert found.targets == (Target(within=3 * DAY, since="scored"), Target(within=DAY / 2, since="warm"))
    assert "scored" in book.reads


def test_a_broken_trait_is_not_also_called_unknown() -> None:
    """A play that counts back from a trait whose declaration is wrong is left alone."""
    touch = "touch: {one_of: [high, tech], default: tech}"
    text = bent((touch, f"{touch}\n    trial_ends: dat"), ("    day: 1", "    before: 3d until trial_ends"))
    assert told(text) == ["p.yaml:10:5 vocabulary.traits.trial_ends: expected bool, number, text or instant, got 'dat'"]


@pytest.mark.parametrize(
    ("written", "again"),
    [
        ("never", Again()),
        ("once a day", Again(days=1)),
        ("once a week", Again(days=7)),
        ("once a month", Again(months=1)),
        ("once a quarter", Again(months=3)),
        ("once a  year", Again(months=12)),
        ("30d", Again(days=30)),
        ("2 weeks", Again(days=14)),
        ("48h", Again(days=2)),
    ],
)
@pytest.mark.parametrize("trigger", ["on: login", "silent: 3d since login", "entered: old", "day: [1, 2]"])
def test_each_way_to_say_again(written: str, again: Again, trigger: str) -> None:
    """How soon a play may do again what it did: never, after so many days, once a period."""
    book = compiled(bent(("    day: 1\n", f"    {trigger}\n    again: {written}\n")))
    assert book.plays["hello"].policy.again == again


def test_the_policy_of_a_play() -> None:
    """Everything that a play may say of when and how it acts reaches its policy."""
    said = "day: 1\n    valid_for: 3d\n    max_defer: 1d\n    priority: 7\n    only_while: not login\n    transactional: true\n    on_unknown: resend\n    mode: shadow\n    stages: [young]\n    label: Hi\n    when: started"
    book = compiled(bent(("    day: 1", f"    {said}")))
    play = book.plays["hello"]
    assert (play.label, play.stages, play.actions) == (
        "Hi",
        frozenset({"young"}),
        (SendEmail(template="day_0_welcome"),),
    )
    assert play.when.text == "started"
    policy = play.policy
    assert (policy.at, policy.valid_for, policy.max_defer, policy.priority) == (time(9), 3 * DAY, DAY, 7)
    assert policy.only_while is not None
    assert (policy.only_while.text, policy.exempt) == ("not login", True)
    assert (policy.on_unknown, policy.mode) == (OnUnknown.RESEND, Mode.SHADOW)


def test_what_is_not_said_has_its_default() -> None:
    """A play without a condition is always meant; names stand in for labels; the playbook's mode is live."""
    book = compiled(bent(("  hello:", "  hello_there:")))
    play = book.plays["hello_there"]
    assert (play.when, play.label, play.policy.only_while, play.policy.mode) == (ALWAYS, "hello there", None, None)
    assert (book.mode, book.timezone, book.horizon, book.core_feature) == (Mode.LIVE, "UTC", 30 * DAY, ("", ""))
    assert book.milestones["warm"].label == "warm"


def test_the_audience_of_a_play() -> None:
    """Whom it is for, who stands in, and the work when nobody is reachable; one word is short for a list of one."""
    work = "{template: no_login, severity: low, category: champion, owner: csm, due: 4h}"
    said = f"day: 1\n    to: champion\n    fallback: [admins, role Billing-Contact]\n    unreachable: {work}"
    play = compiled(bent(("    day: 1\n", f"    {said}\n"))).plays["hello"]
    assert play.audience == Audience(to=(GROUPS["champion"],), fallback=(GROUPS["admins"], holders("Billing-Contact")))
    assert (play.unreachable and play.unreachable.category) == "champion"
    assert compiled().plays["hello"].audience == Audience()


def test_both_actions_may_stand_in_one_play() -> None:
    """A play may write to the customer and call a human."""
    book = compiled(
        bent(
            (
                "    email: day_0_welcome\n",
                "    email: gone_quiet\n    escalate: {template: no_login, severity: low, category: scope, owner: csm, due: 4h}\n",
            )
        )
    )
    assert len(book.plays["hello"].actions) == 2


def test_a_playbook_may_only_escalate() -> None:
    """A play that writes to nobody may come at any hour, outside the send window too."""
    text = bent(
        ('at: "09:00"', "at: 23:00"),
        ("email: day_0_welcome", "escalate: {template: no_login, severity: low, category: scope, owner: csm, due: 4h}"),
    )
    assert compiled(text).plays["hello"].policy.at == time(23)


def test_the_vocabulary() -> None:
    """Our names lead to themselves, the product's names to ours; scores, measures and traits keep their rules."""
    words = compiled().vocabulary
    assert words.events == {"signed_up", "login", "scored", *OWN_EVENTS}
    assert words.aliases == {
        **{name: name for name in words.events},
        "Signed Up": "signed_up",
        "Logged In": "login",
        "Scored": "scored",
    }
    assert words.scores == {"nps": ScoreRule(event="scored", property="score", lowest=0, highest=10)}
    assert words.measures == {"hours": MeasureRule(event="login", property="hours", distinct=False)}
    assert words.traits["touch"] == TraitRule(type=TraitType.TEXT, values=("high", "tech"), default="tech")


def test_what_every_account_has() -> None:
    """Name, plan, zone, country, weekend, owner, seats, term and renewal date are known without being declared."""
    traits = compiled().vocabulary.traits
    assert {name: rule.type for name, rule in traits.items() if name != "touch"} == {
        "name": TraitType.TEXT,
        "plan": TraitType.TEXT,
        "timezone": TraitType.TEXT,
        "country": TraitType.TEXT,
        "weekend": TraitType.TEXT,
        "owner_name": TraitType.TEXT,
        "owner_email": TraitType.TEXT,
        "seats": TraitType.NUMBER,
        "term": TraitType.TEXT,
        "renewal_at": TraitType.INSTANT,
    }
    assert traits["weekend"].values == tuple(WEEKENDS)
    assert traits["term"].values == ("monthly", "annual")


def test_a_builtin_trait_may_be_said_again() -> None:
    """A playbook may give what every account has a list or a default, of the same type."""
    touch = "touch: {one_of: [high, tech], default: tech}"
    more = f"{touch}\n    weekend: {{one_of: [sat_sun, fri_sat], default: fri_sat}}\n    seats: {{type: number, default: 5}}\n    renewal_at: {{type: instant, default: '2027-01-01'}}"
    traits = compiled(bent((touch, more))).vocabulary.traits
    assert (traits["weekend"].default, traits["seats"].default) == ("fri_sat", 5)
    assert traits["renewal_at"].default is not None


def test_an_own_name_among_its_aliases_is_harmless() -> None:
    """Our own name of an event may be repeated among the product's names for it."""
    assert compiled(bent(("[Logged In]", "[login, Logged In, Logged In]"))).vocabulary.aliases["login"] == "login"


def test_an_event_with_properties_is_a_name_of_its_own() -> None:
    """What a product's event carries may give it a name more; a name of ours stands for all that a product calls it."""
    said = "login: [Logged In, Signed In]\n    tried: [{name: login, where: {plan: trial}}, {name: Tried, where: {paid: [0, false]}}]\n    greeted: [{name: message_sent, where: {play: hello}}]"
    words = compiled(bent(("login: [Logged In]", said))).vocabulary
    trial = Filter(name="tried", where={"plan": ("trial",)})
    assert words.filters == {
        "login": (trial,),
        "Logged In": (trial,),
        "Signed In": (trial,),
        "Tried": (Filter(name="tried", where={"paid": (0, False)}),),
        "message_sent": (Filter(name="greeted", where={"play": ("hello",)}),),
    }
    assert words.aliases["tried"] == "tried"
    assert "Tried" not in words.aliases


def test_windows_and_stages() -> None:
    """Days, hours, an open end, and the place of each row of the stage table."""
    book = compiled(bent(("old: {goal: stay}", "old: {goal: stay, window: [null, null]}")))
    assert (book.window.weekdays, book.window.opens, book.window.closes) == (frozenset({0, 4}), time(9), time(17))
    assert (book.working.opens, book.working.closes) == (time(0), None)
    assert book.stages["young"].window == (0 * DAY, 7 * DAY)
    assert book.stages["old"].window == (0 * DAY, None)
    (row,) = book.transitions
    assert (row.source, row.target, row.path) == ("young", "old", "stages.transitions[0]")


def test_any_leads_from_everywhere() -> None:
    """`any` in a row is every stage but its target."""
    book = compiled(bent(("from: young", "from: any")))
    assert book.transitions[0].source is None


@pytest.mark.parametrize(
    ("change", "reads"),
    [
        (("    day: 1", "    day: 1"), set()),
        (("    day: 1", "    day: 1\n    when: nps.lowest < 6"), {"scored"}),
        (
            ("    day: 1", "    day: 1\n    when: touch == 'tech' and day < 9 and stage_days < 3 and stage == 'old'"),
            set(),
        ),
        (("    day: 1", "    after: 2d since scored"), {"scored"}),
        (("    day: 1", "    silent: 2d since scored"), {"scored"}),
        (("    day: 1", "    on: scored"), {"scored"}),
        (("    day: 1", "    day: 1\n    only_while: not scored"), {"scored"}),
        (("of: login", "of: scored"), set()),
        (("    day: 1", "    day: 1\n    when: goals.met"), {"goal_set", "goal_met", "goal_dropped"}),
        (("setup: [started]", "setup: [started]\njudgements: {proven: x}"), set()),
        (("    day: 1", "    day: 1\n    when: proven"), {"judgement_ticked"}),
    ],
)
def test_reads_is_what_any_rule_looks_at(change: tuple[str, str], reads: set[str]) -> None:
    """Anchor, triggers and every condition, through milestones and scores; pauses always; figures alone never."""
    always = {"signed_up", "login", "account_paused", "account_resumed"}
    judged = ("milestones:\n", "judgements: {proven: Value is proven}\nmilestones:\n")
    text = bent(change) if "judgements" in change[1] else bent(change, judged)
    assert compiled(text).reads == always | reads


def test_judgements_have_their_labels() -> None:
    """What a human can tick is known by name with the words for it."""
    book = compiled(bent(("milestones:\n", "judgements: {proven: Value is proven}\nmilestones:\n")))
    assert book.judgements == {"proven": "Value is proven"}


def test_a_measure_in_a_condition_is_read() -> None:
    """Once a rule asks for a figure, the event that makes it is read."""
    book = compiled(bent(("of: login", "of: scored"), ("when: warm", "when: warm and hours > 2")))
    assert "scored" in book.reads


# -- versions --------------------------------------------------------------------------------------------------------


def test_the_version_is_the_hash_of_text_and_templates() -> None:
    """Sixteen hexadecimal digits, the same for the same text and templates, whatever the file or the order."""
    version = version_of(SOURCE)
    assert len(version) == 16
    assert int(version, 16) >= 0
    backwards = dict(reversed(TEMPLATES.items()))
    assert version_of(PlaybookSource(file="q.yaml", text=SMALL, templates=backwards)) == version
    assert compile_playbook(SOURCE).version == version


@pytest.mark.parametrize(
    "other",
    [
        replace(SOURCE, text=SMALL + "\n"),
        replace(SOURCE, templates={**TEMPLATES, "email/gone_quiet/en.md": "new"}),
        replace(SOURCE, templates={**TEMPLATES, "email/gone_quiet/ms.md": ""}),
    ],
)
def test_any_change_is_another_version(other: PlaybookSource) -> None:
    """A letter of the text, of a template, or a template more makes another version."""
    assert version_of(other) != version_of(SOURCE)


def test_letters_cannot_move_between_parts() -> None:
    """The same letters divided otherwise are another version."""
    left = PlaybookSource(file="p", text="a", templates={"b": "c"})
    right = PlaybookSource(file="p", text="ab", templates={"": "c"})
    assert version_of(left) != version_of(right)


def test_a_path_and_its_text_are_one_playbook(tmp_path: Path) -> None:
    """Loading a file and loading its text give equal playbooks."""
    path = tmp_path / "p.yaml"
    path.write_text(SMALL, encoding="utf-8")
    assert load(path, TEMPLATES) == load(SMALL, TEMPLATES)
    assert read_source(path, TEMPLATES).file == str(path)
