"""The decision procedure against the engine: witnesses are real, and a no is never contradicted by brute force."""
# ruff: noqa: E501 -- what is written stands in one line beside what it gives

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.core.conditions import Node, TermKind, View, verdict
from orchestrator.core.facts import MILLIONTH, Fact, Facts, Written, week_of
from orchestrator.core.playbook import Playbook
from orchestrator.playbook import Names, PlaybookSource, compile_condition, compile_playbook
from orchestrator.playbook.lint import Answer, Proof, solve, solver
from orchestrator.playbook.lint.clauses import Demand, Want, lasting
from orchestrator.playbook.lint.openings import implied
from orchestrator.playbook.lint.witness import MONDAY
from tests.playbook.small import TEMPLATES, bent

DAY = timedelta(days=1)
TEXT = bent(
    ("  traits:\n", "  traits:\n    size: number\n    free: text\n    paid: bool\n    ends: instant\n"),
    (
        "    hours: {sum: hours, of: login}",
        "    hours: {sum: hours, of: login}\n    times: {times: login}\n    who: {people: login}",
    ),
    ("    when: login\n", "    when: login\n  fresh:\n    when: login.days_ago < 2\n"),
    (
        "plays:\n",
        "judgements: {proven: Value is proven}\nsegments:\n  default: small\n  table:\n    big: {touch: high, where: {size: [10, null]}}\n    mid: {touch: low, where: {size: [5, 10]}}\n    small: {touch: tech}\nsignals:\n  quiet: {severity: low, category: adoption, holds: login.days_ago > 7}\n  loud: {severity: low, category: adoption, holds: login and size > 8}\nplays:\n",
    ),
    ("    touch: {one_of: [high, tech], default: tech}\n", "    tier: {one_of: [high, tech], default: tech}\n"),
)
BOOK: Playbook = compile_playbook(PlaybookSource(file="p.yaml", text=TEXT, templates=TEMPLATES))


def node(text: str) -> Node:
    """A condition of the playbook."""
    from orchestrator.playbook.segments import derived_names

    names = Names(
        vocabulary=BOOK.vocabulary,
        stages=tuple(BOOK.stages),
        milestones=frozenset(BOOK.milestones),
        derived=derived_names(BOOK.segmentation),
        judgements=frozenset(BOOK.judgements),
        signals=frozenset(BOOK.signals),
    )
    return compile_condition(text, names)


def asked(text: str, want: Want = Want.TRUE) -> Answer:
    """Whether a condition can be so."""
    conditions = {name: milestone.when for name, milestone in BOOK.milestones.items()}
    known = implied(BOOK, conditions, (), settled=False)
    return solve([Demand(node=node(text), want=want)], BOOK, implied=known)


POSSIBLE = [
    "login.first_day > 5 and day < 4",  # it never happened
    "login and login.first_day == 3 and login.last == login.first",
    "login.first_day != 3 and login",
    "login.count == 1 and login.first_day == login.first_day",
    "login.first_day < scored.first_day and day < 2",
    "login.last > scored.last",
    "scored.first > login.first",
    "login.first == scored.first and not login",
    "ends > login.last and ends < scored.first",
    "nps.lowest < 3 and nps.latest > 8 and nps.answers == 2",
    "nps.answers == 3 and scored.count == 3",
    "nps.answers > 4",
    "nps.lowest <= 0 or nps.lowest >= 10",
    "size / 10 > 0.6 and size * 2 + 1 < 14 and 3 - size < -3",
    "hours > 3.5 and not login.count > 1",
    "times == 3 and who == 2",
    "login.falling_weeks >= 2 and login.week_ratio <= 0.7",
    "login.falling_weeks >= 2 and login.week_ratio <= 0.7 and day <= 21",
    "login.falling_weeks == 0 and login.week_ratio > 1.5",
    "login.falling_weeks >= 2 and login.week_ratio > 1",  # it rose first
    "login.falling_weeks == 1 and login.week_ratio > 100",
    "login.falling_weeks == 1 and day > 40",
    "not login and login.week_ratio > 3",
    "login.week_ratio == 1 and day < 8",
    "login.week_ratio < 0.3 and day < 15",
    "login.falling_weeks < 1",
    "free == 'x' or free == 'other'",
    "free != 'other' and free != 'x'",
    "free in ['a', 'b'] and free not in ['a']",
    "paid and tier == 'high'",
    "stage == 'old' and stage_days > 30 and day < 2",
    "fresh and login.days_ago > 5",  # reached once, then quiet
    "warm and login.count > 2",
    "segment == 'mid' and size > 9",
    "touch == 'tech' and size < 3",
    "touch in ['high', 'low'] and segment != 'big'",
    "login and True",
    "proven and not paid",
    "not proven",
    "ends.days_until < 30 and ends.days_until > -2 and ends > login.last",
    "login.business_days_ago >= 3 and login.days_ago < 5",
    "login.business_days_ago < 3",
    "3 >= login.business_days_ago and login",
    "warm.days < 7 and day > 20",
    "warm.days > 7 and warm",
    "warm.days > 7 and not warm",
    "quiet.days > 3 and quiet.count == 2 and not quiet.acknowledged",
    "quiet.acknowledged and quiet.days < 1",
    "not quiet and quiet.count > 1 and quiet.days < 1",
    "started == True and login",
    "loud and size < 3",  # until it is seen to have closed
    "1 / quiet.count > 0",
    "size * -2 > 4 or 3 * size > 4",
    "free == segment",
    "size + 1 > 3 and size - 1 < 3 and size / -2 > -2",
    "2 < login.count <= 5 and 3 >= login.days_ago",
    "7 > login.first_day",
    "login.first_day == scored.first_day",
]
IMPOSSIBLE = [
    "login and login.count == 0",
    "login.count < 1 and login.days_ago < 100",
    "login.first_day > 5 and day < 4 and login",
    "login.days_ago < 0",
    "login and login.days_ago > 3 and day < 2 and login.first_day > 0",
    "login.first > login.last and login",
    "login.last > scored.last and scored.last > login.last",
    "login.count == 1 and login.last > login.first",
    "signed_up.first_day > 0 and signed_up",
    "day > 3 and not signed_up",
    "stage_days < 0",
    "nps.lowest > nps.lowest + 1",
    "nps.lowest < 6 and nps.answers == 0",
    "nps.answers > 0 and not scored",
    "nps.answers > scored.count and nps.answers == 3 and scored.count < 3",
    "nps.latest < 3 and nps.lowest > 4",
    "nps.latest > 3 and nps.lowest < 2 and nps.answers == 1",
    "nps.latest > 10",
    "size > 3 and size <= 3",
    "size / 2 == 3 and size != 6",
    "times > 3 and login.count <= 3",
    "who > login.count and who == 4 and login.count == 3",
    "hours > 0 and not login",
    "login.falling_weeks >= 2 and day < 21",
    "login.falling_weeks >= 3 and login.count < 6",
    "login.week_ratio > 0 and day < 7",
    "login.week_ratio >= 0 and not signed_up",
    "login.falling_weeks >= 0 and not signed_up",
    "free == 'x' and free == 'y'",
    "tier not in ['high', 'tech']",
    "paid and not paid",
    "stage == 'old' and stage == 'young'",
    "not started and login",
    "started and not login",
    "warm and login.count < 3",
    "segment == 'mid' and size < 5",
    "touch == 'tech' and size >= 5",
    "touch == 'medium'",
    "segment == 'big' and touch != 'high'",
    "login and not True",
    "1 > 2",
    "proven and not proven",
    "1 / 0 > 2",
    "free == segment and 1 > 2",
    "quiet.days > 0 and not quiet",
    "ends.days_until < 30 and ends.days_until > 40",
    "login.business_days_ago >= 3 and login.days_ago < 2",
    "login.business_days_ago < 3 and not login",
    "warm.days < 7 and not warm",
    "warm.days < 7 and login.count < 2",
    "warm.days > 20 and day < 10 and warm",
    "warm.days >= 0 and warm and not signed_up",
    "quiet.days < 0",
    "quiet and quiet.count < 1",
    "quiet.acknowledged and not quiet",
    "quiet.days > 10 and stage_days < 0",
    "loud and not login",
    "loud.count > 2 and login.count == 0",
]
UNPROVEN = [
    "login.count > scored.count and login.count < scored.count",
    "size * size < 0",
    "1 / size > 3 and size > 1",
    "1 / size > 3 and size > -1 and size < 1",
    "size * size + 1 < 1",
    "login and login.first_day < -2000000",
    "who > times",
    "goals.open > 3",
    "login.business_days_ago < 3 and login.days_ago > 4",  # over a weekend
]


@pytest.mark.parametrize("text", POSSIBLE)
def test_what_can_be_has_a_witness(text: str) -> None:
    """Each condition that can hold holds on its witness, as the engine sees it."""
    answer = asked(text)
    assert answer.proof is Proof.SATISFIABLE
    assert answer.witness is not None
    assert verdict(node(text), answer.witness) is True


@pytest.mark.parametrize("text", IMPOSSIBLE)
def test_what_cannot_be_is_proven(text: str) -> None:
    """Each condition that contradicts itself, or the nature of its terms, is proven to never hold."""
    assert asked(text).impossible


@pytest.mark.parametrize("text", UNPROVEN)
def test_what_compares_two_figures_is_not_proven(text: str) -> None:
    """Where two figures are compared and the rest does not decide, nothing is claimed."""
    assert asked(text).proof is Proof.UNPROVEN


@pytest.mark.parametrize(
    ("text", "want", "possible"),
    [
        ("tier == 'high' or tier != 'high'", Want.FALSE, False),
        ("tier == 'high' or tier != 'high'", Want.NOT_TRUE, True),  # it may be unknown
        ("login.count >= 0", Want.NOT_TRUE, False),
        ("nps.lowest >= 0", Want.FALSE, False),
        ("nps.lowest >= 0", Want.NOT_TRUE, True),
        ("day >= 0", Want.NOT_TRUE, True),
        ("login.first_day > 3", Want.NOT_FALSE, True),
        ("ends > login.last", Want.NOT_TRUE, True),
        ("segment == 'small'", Want.NOT_TRUE, True),
        ("login.week_ratio < 0 and signed_up", Want.NOT_FALSE, True),  # no full week is over
        ("size > 3 and segment == 'small'", Want.NOT_FALSE, True),
        ("size > 3 and size < 2", Want.NOT_FALSE, True),
        ("paid and size > 3 and segment == 'small' and size > 5", Want.TRUE, False),
    ],
)
def test_unknown_is_a_value_of_its_own(text: str, want: Want, possible: bool) -> None:
    """Each threshold of Kleene's logic can be asked for."""
    assert asked(text, want).impossible is not possible


def test_a_question_that_is_too_large_is_given_up() -> None:
    """Beyond the bound on alternatives nothing is claimed."""
    either = " and ".join(f"(login.count == {n} or scored.count == {n})" for n in range(12))
    assert asked(either).proof is Proof.UNPROVEN


@pytest.mark.parametrize("bound", ["MOST_TRIES", "MOST_TIMES", "MOST_ALTERNATIVES"])
def test_each_bound_gives_up(bound: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a search is cut short nothing is claimed, neither yes nor no."""
    monkeypatch.setattr(solver, bound, 1)
    text = "(login.first_day != 3 or paid) and login and day < 2 and nps.lowest < 2 and nps.latest > 3 and login.first_day > 3"
    assert asked(f"{text} and scored.count == 2").proof is Proof.UNPROVEN


def test_a_kind_of_term_that_is_not_known_here_is_not_proven(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the procedure has no rule for is left to the witness, and claimed only where the rest decides."""
    monkeypatch.setattr(solver, "_KNOWN", solver._KNOWN - {TermKind.COUNT})
    assert asked("login.count < 1 and login.count > 1").proof is Proof.UNPROVEN
    assert asked("login.count < 1 and paid and not paid").impossible


@pytest.mark.parametrize(
    ("text", "lasts"),
    [
        ("login", True),
        ("login.count > 2 and (started or 3 <= nps.answers)", True),
        ("True", True),
        ("login.count < 2", False),
        ("not login", False),
        ("login.days_ago > 3", False),
    ],
)
def test_what_lasts_is_told_from_what_may_end(text: str, lasts: bool) -> None:
    """A condition lasts when nothing that can happen ends it."""
    assert lasting(node(text)) is lasts


# ---------------------------------------------------------------------------------------------- random conditions

NUMBERS = st.integers(0, 3)
ATOMS = st.one_of(
    st.sampled_from(["login", "signed_up", "started", "warm", "fresh", "paid", "nps.answers == 0", "nps.answers >= 1"]),
    st.sampled_from(["tier == 'high'", "tier != 'tech'", "stage == 'old'", "login.last > signed_up.last", "times < 3"]),
    st.sampled_from(["segment == 'mid'", "touch != 'high'", "nps.lowest < 6", "nps.latest >= 9", "size / 2 > 2.5"]),
    st.builds("login.count {} {}".format, st.sampled_from(["<", ">=", "=="]), NUMBERS),
    st.builds("login.days_ago {} {}".format, st.sampled_from(["<", ">=", "<=", ">"]), NUMBERS.map(lambda n: 3 * n)),
    st.builds("login.first_day {} {}".format, st.sampled_from(["<", "==", "!=", ">"]), NUMBERS.map(lambda n: 3 * n)),
    st.builds("day {} {}".format, st.sampled_from(["<", ">="]), NUMBERS.map(lambda n: 7 * n)),
    st.builds("stage_days {} {}".format, st.sampled_from(["<=", ">"]), NUMBERS),
    st.builds("hours {} {}".format, st.sampled_from(["<", ">"]), NUMBERS),
    st.builds("login.falling_weeks >= {}".format, NUMBERS),
)
CONDITIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.builds("({} and {})".format, inner, inner),
        st.builds("({} or {})".format, inner, inner),
        st.builds("(not {})".format, inner),
    ),
    max_leaves=6,
)


def worlds() -> Iterator[View]:
    """Views of a small world: every combination of a few values, at rest."""
    now = MONDAY + 22 * DAY
    logins = [None, (1, 21, 21), (2, 20, 13), (3, 22, 1), (2, 22, 19), (6, 20, 2)]
    for start, login, tier, size, answers, old in itertools.product(
        (None, 22, 15, 3), logins, (None, "high"), (None, 1, 7, 12), ((), (2,), (5, 9)), (False, True)
    ):
        events: dict[str, Fact] = {}
        if start is not None:
            events["signed_up"] = Fact(count=1, first=now - start * DAY, last=now - start * DAY)
        if login is not None:
            count, first, last = login
            begin = week_of(now) - 4
            weeks = {begin + 1: 3, begin + 2: 2, begin + 3: 1} if count == 6 else {}
            events["login"] = Fact(count=count, first=now - first * DAY, last=now - last * DAY, weeks=weeks)
        if answers:
            events["scored"] = Fact(count=len(answers), first=now - DAY, last=now)
        stamps = {name: value for name, value in {"tier": tier, "size": size, "paid": old}.items() if value is not None}
        facts = Facts(
            events=events,
            traits={name: written(value) for name, value in stamps.items()},
            scores={"nps": {f"p{n}": written(each, n) for n, each in enumerate(answers)}} if answers else {},
            sums={"hours": 2 * MILLIONTH, "times": login[0] * MILLIONTH} if login else {},
        )
        view = View(
            facts=facts,
            vocabulary=BOOK.vocabulary,
            now=now,
            anchor=None if start is None else now - start * DAY,
            stage="old" if old else "young",
            stage_entered_at=now - 2 * DAY,
        )
        yield replace(view, milestones=reached(view))


def written(value: bool | float | str, number: int = 0) -> Written:
    """A value, written in its turn."""
    return Written(value=value, stamp=(MONDAY, "test", f"{number}"))


def reached(view: View) -> Mapping[str, datetime]:
    """The milestones at rest."""
    found: dict[str, datetime] = {}
    for name, milestone in BOOK.milestones.items():
        if verdict(milestone.when, replace(view, milestones=found)):
            found[name] = view.now
    return found


WORLDS = tuple(worlds())


@settings(max_examples=60, deadline=None)
@given(CONDITIONS, st.sampled_from(Want))
def test_brute_force_agrees(text: str, want: Want) -> None:
    """No world of a small domain contradicts the answer, and every witness is real."""
    asks = node(text)
    answer = solve([Demand(node=asks, want=want)], BOOK)
    if answer.witness is not None:
        assert want.met(verdict(asks, answer.witness))
    if answer.impossible:
        assert not any(want.met(verdict(asks, view)) for view in WORLDS)


@settings(max_examples=60, deadline=None)
@given(CONDITIONS)
def test_what_is_not_arithmetic_is_decided(text: str) -> None:
    """Over intervals, lists and instants there is always an answer."""
    assert asked(text).proof is not Proof.UNPROVEN
