"""The language of conditions: what it says, what it refuses, and that it means what Python means."""
# ruff: noqa: E501 -- one condition and its whole message a line: that is the table

import ast
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.conditions import Compare, Every, Term, TermKind, View, flips, terms, verdict
from orchestrator.core.facts import (
    Fact,
    Facts,
    MeasureRule,
    ScoreRule,
    TraitRule,
    TraitType,
    Value,
    Vocabulary,
    Written,
)
from orchestrator.playbook import ConditionError, Names, compile_condition
from orchestrator.playbook.conditions import Fault

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)
WORDS = Vocabulary(
    events=frozenset({"login", "invite", "sale"}),
    aliases={},
    traits={
        "plan": TraitRule(type=TraitType.TEXT),
        "touch": TraitRule(type=TraitType.TEXT, values=("high", "low", "tech"), default="tech"),
        "term": TraitRule(type=TraitType.TEXT, values=("monthly", "annual")),
        "seats": TraitRule(type=TraitType.NUMBER),
        "trial": TraitRule(type=TraitType.BOOL),
        "vip": TraitRule(type=TraitType.BOOL),
        "renewal_at": TraitRule(type=TraitType.INSTANT),
    },
    scores={"nps": ScoreRule(event="sale", property="score", lowest=0, highest=10)},
    measures={"hours": MeasureRule(event="sale", property="hours", distinct=False)},
)
NAMES = Names(
    vocabulary=WORDS,
    stages=("young", "old"),
    milestones=frozenset({"started"}),
    later=frozenset({"finished"}),
    broken=frozenset({"mangled"}),
    judgements=frozenset({"proven"}),
)


def view(facts: Facts | None = None, **traits: Value) -> View:
    """An account ten days old, in its first stage for three, with these facts and traits."""
    written = {name: Written(value=value, stamp=(NOW, "s", "m")) for name, value in traits.items()}
    return View(
        facts=replace(facts or Facts(), traits=written),
        vocabulary=WORDS,
        now=NOW,
        anchor=NOW - timedelta(days=10),
        stage="young",
        stage_entered_at=NOW - timedelta(days=3),
        milestones={"started": NOW},
    )


def holds(text: str, facts: Facts | None = None, **traits: Value) -> bool | None:
    """The verdict of a condition."""
    return verdict(compile_condition(text, NAMES), view(facts, **traits))


def told(text: str, names: Names = NAMES) -> list[str]:
    """What is wrong with a condition: column from 0, and the message."""
    with pytest.raises(ConditionError) as refused:
        compile_condition(text, names)
    return [f"{fault.offset}: {fault.message}" for fault in refused.value.faults]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("goals", "0: say goals.set, goals.met, goals.open"),
        ("goals.count > 1", "0: `goals` has no `.count` (it has set, met, open)"),
        ("proven > 2", "0: expected a number, got the judgement `proven` (true or false)"),
        ("proven.by", "0: `proven` has no `.by`"),
    ],
)
def test_what_judgements_and_goals_are_not(text: str, message: str) -> None:
    """A judgement is true or false and has no parts; goals have three."""
    assert told(text) == [message]


def test_goals_may_be_a_name_of_the_playbook() -> None:
    """A playbook that means something of its own by `goals` keeps its meaning."""
    names = replace(NAMES, vocabulary=replace(WORDS, events=frozenset({"goals"})))
    (found,) = terms(compile_condition("goals.count > 1", names))
    assert found.kind is TermKind.COUNT


TRUTH: Mapping[str, bool | None] = {"True": True, "False": False, "vip": None}


@pytest.mark.parametrize("left", TRUTH)
@pytest.mark.parametrize("right", TRUTH)
def test_kleene(left: str, right: str) -> None:
    """And, or and not follow Kleene's strong logic for true, false and unknown."""
    values = {TRUTH[left], TRUTH[right]}
    both = False if False in values else None if None in values else True
    either = True if True in values else None if None in values else False
    assert holds(f"{left} and {right}") is both
    assert holds(f"{left} or {right}") is either
    assert holds(f"not {left}") is (None if TRUTH[left] is None else not TRUTH[left])


@pytest.mark.parametrize(
    "text",
    [
        "seats > 3",
        "seats + 1 == 2",
        "plan == 'x'",
        "plan in ['x']",
        "nps.lowest < 6",
        "renewal_at > login.last",
        "not trial",
    ],
)
def test_the_unknown_stays_unknown(text: str) -> None:
    """What rests on a trait or an answer that nobody gave is unknown, not false."""
    assert holds(text) is None


@pytest.mark.parametrize(
    ("text", "truth"),
    [
        ("login", True),
        ("invite", False),
        ("login.count == 3", True),
        ("invite.count == 0", True),
        ("login.days_ago >= 2", True),
        ("login.days_ago > 2", False),
        ("2 <= login.days_ago", True),
        ("invite.days_ago > 36500", True),
        ("login.first_day <= 1", True),
        ("login.business_days_ago <= 2", True),
        ("login.business_days_ago > 1000", False),
        ("invite.business_days_ago >= 3", True),
        ("renewal_at.days_until <= 60", None),
        ("-3 < renewal_at.days_until <= 60", None),
        ("started.days <= 10", True),
        ("0 <= started.days < 3", False),
        ("0 <= login.first_day <= 1", True),
        ("0 <= invite.first_day <= 1", False),
        ("login.first < login.last", True),
        ("login.last > invite.last", True),
        ("invite.first > login.first", True),
        ("login.falling_weeks == 0", True),
        ("login.week_ratio <= 0.7", None),
        ("started", True),
        ("proven", False),
        ("goals.set or goals.met", False),
        ("goals.open == 0", True),
        ("nps.latest == 9 and nps.lowest == 4 and nps.answers == 2", True),
        ("hours * 2 == 5", True),
        ("hours / login.count - -1 > 1.8", True),
        ("day >= 10 and day < 11", True),
        ("9 < day < 11", True),
        ("9 < day < 10", False),
        ("stage == 'young' and stage != 'old'", True),
        ("stage_days <= 3", True),
        ("touch == 'tech'", True),
        ("touch in ('high', 'low')", False),
        ("touch not in {'high', 'low'}", True),
        ("login.count in [1, 2, 3]", True),
        ("login.count not in [-3]", True),
        ("login == True", True),
        ("login != invite", True),
        ("  login  ", True),
        ("login\n  and started", True),
        ("plan == 'a # b'", None),
        ("'ä' == 'ä' and login", True),
    ],
)
def test_each_word_of_the_language(text: str, truth: bool | None) -> None:
    """Every term and every operator reads what it says."""
    week = {2932: 3}
    facts = Facts(
        events={"login": Fact(count=3, first=NOW - timedelta(days=9.5), last=NOW - timedelta(days=2), weeks=week)},
        scores={
            "nps": {
                "a": Written(value=4, stamp=(NOW - timedelta(1), "s", "1")),
                "b": Written(value=9, stamp=(NOW, "s", "2")),
            }
        },
        sums={"hours": 2_500_000},
    )
    assert holds(text, facts) is truth


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "0: the condition is empty"),
        (" \n ", "3: the condition is empty"),
        ("logn", "0: unknown name `logn` (did you mean `login`?)"),
        ("xyzzy", "0: unknown name `xyzzy`"),
        ("xyzzy.count > 1", "0: unknown name `xyzzy`"),
        ("not finished", "4: a milestone may name only milestones above it, and `finished` is not above"),
        ("login.cuont > 1", "0: `login` has no `.cuont` (did you mean `count`?)"),
        (
            "login.zzz",
            "0: `login` has no `.zzz` (it has count, days_ago, business_days_ago, first_day, first, last, falling_weeks, week_ratio)",
        ),
        (
            "login.__class__",
            "0: `login` has no `.__class__` (it has count, days_ago, business_days_ago, first_day, first, last, falling_weeks, week_ratio)",
        ),
        ("plan.count > 1", "0: `plan` has no `.count`"),
        ("started.day > 1", "0: `started` has no `.day` (did you mean `days`?)"),
        (
            "started.days + 1 > 2",
            "0: `started.days` is infinite until it happened: compare it, do not calculate with it",
        ),
        ("plan.days_until > 1", "0: `plan` has no `.days_until`"),
        ("renewal_at.days > 1", "0: `renewal_at` has no `.days` (it has days_until)"),
        (
            "login.business_days_ago > 1001",
            "26: `login.business_days_ago` counts working days of at most 1000, not 1001",
        ),
        ("day.count > 1", "0: `day` has no `.count`"),
        ("login.count.real > 1", "0: a name of the vocabulary may have one attribute, as in login.count"),
        ("'a'.join", "0: a name of the vocabulary may have one attribute, as in login.count"),
        ("nps > 6", "0: `nps` is a score: say nps.latest, nps.lowest, nps.answers"),
        # types
        ("plan > 3", "0: expected a number, got the text trait `plan`"),
        ("3 < plan", "4: expected a number, got the text trait `plan`"),
        ("plan == 3", "8: expected a text, got a number `3`"),
        ("login > 3", "0: expected a number, got the event `login` (true or false)"),
        ("started >= login.count", "0: expected a number, got the milestone `started` (true or false)"),
        ("login == 1", "9: expected true or false, got a number `1`"),
        ("seats", "0: expected true or false, got the number trait `seats`"),
        ("plan and login", "0: expected true or false, got the text trait `plan`"),
        ("not login.count", "4: expected true or false, got a number `login.count`"),
        ("login or 'x'", "9: expected true or false, got a text `'x'`"),
        ("plan + 1 > 2", "0: expected a number, got the text trait `plan`"),
        ("1 + trial > 2", "4: expected a number, got the true or false trait `trial`"),
        ("renewal_at > 3", "13: expected an instant, got a number `3`: an instant is compared with an instant only"),
        ("renewal_at > plan", "13: expected an instant, got the text trait `plan`"),
        (
            "seats == renewal_at",
            "9: expected a number, got the instant trait `renewal_at`: an instant is compared with an instant only",
        ),
        ("(seats > 1) > 2", "1: expected a number, got the true-or-false `seats > 1`"),
        ("touch == 'hihg'", "9: `touch` is never 'hihg', only high, low, tech (did you mean `high`?)"),
        ("'zzz' != touch", "0: `touch` is never 'zzz', only high, low, tech"),
        ("touch in ['high', 'lwo']", "18: `touch` is never 'lwo', only high, low, tech (did you mean `low`?)"),
        ("stage == 'yuong'", "9: `stage` is never 'yuong', only young, old (did you mean `young`?)"),
        ("seats in [1, 'x']", "13: expected a number, got a text `'x'`"),
        ("seats in [1, seats]", "13: a list after `in` holds constants only, got the number trait `seats`"),
        ("seats in []", "9: after `in` comes a list of constants such as ['monthly', 'annual']"),
        ("plan in 'abc'", "8: after `in` comes a list of constants such as ['monthly', 'annual']"),
        ("1 < seats in [1]", "0: `in` may not stand in a chain of comparisons"),
        # what moves with the clock
        (
            "day == 5",
            "0: `day` moves with the clock: compare it with a plain number by < <= > or >=, so that the engine knows when it turns",
        ),
        (
            "day > seats",
            "0: `day` moves with the clock: compare it with a plain number by < <= > or >=, so that the engine knows when it turns",
        ),
        (
            "seats > login.days_ago",
            "8: `login.days_ago` moves with the clock: compare it with a plain number by < <= > or >=, so that the engine knows when it turns",
        ),
        (
            "day + 1 > 5",
            "0: `day` moves with the clock: compare it with a plain number by < <= > or >=, so that the engine knows when it turns",
        ),
        (
            "stage_days in [1, 2]",
            "0: `stage_days` moves with the clock: compare it with a plain number by < <= > or >=, so that the engine knows when it turns",
        ),
        ("day > plan", "6: expected a number, got the text trait `plan`"),
        (
            "day > day",
            "0: `day` moves with the clock: compare it with a plain number by < <= > or >=, so that the engine knows when it turns",
        ),
        ("day < 40000", "6: `day` counts days: 40000 is more than a century"),
        (
            "login.first_day - 1 > 2",
            "0: `login.first_day` is infinite until it happened: compare it, do not calculate with it",
        ),
        (
            "1 / login.week_ratio > 2",
            "4: `login.week_ratio` is infinite until it happened: compare it, do not calculate with it",
        ),
        # what is not of the language
        ("login()", "0: calls are not part of the condition language"),
        ("__import__('os').system('x')", "0: calls are not part of the condition language"),
        ("(lambda: True)", "1: functions are not part of the condition language"),
        ("plan['x']", "0: square brackets after a name are not part of the condition language"),
        ("[x for x in plan]", "0: comprehensions are not part of the condition language"),
        ("{x for x in plan}", "0: comprehensions are not part of the condition language"),
        ("{x: 1 for x in plan}", "0: comprehensions are not part of the condition language"),
        ("(x for x in plan)", "0: comprehensions are not part of the condition language"),
        ("login if login else started", "0: `if … else` is not part of the condition language"),
        ("(a := 1)", "1: `:=` is not part of the condition language"),
        ("f'{plan}' == 'x'", "0: texts with values in them are not part of the condition language"),
        ("[1, 2]", "0: a list stands only after `in`; elsewhere it is not part of the condition language"),
        ("{1: 2}", "0: this is not part of the condition language"),
        ("+login.count > 1", "0: this is not part of the condition language"),
        ("login is True", "9: `is` is not part of the condition language: write == or !="),
        ("seats ** 2 > 1", "0: only + - * / may be calculated"),
        ("seats // 2 > 1", "0: only + - * / may be calculated"),
        ("-seats < 1", "0: a minus may stand only before a plain number or between two values"),
        ("- -1 < seats", "0: a minus may stand only before a plain number or between two values"),
        ("-True < seats", "0: a minus may stand only before a plain number or between two values"),
        ("seats > 1e999", "8: a number may be 1,000,000,000,000 at most"),
        ("seats > 10000000000000", "8: a number may be 1,000,000,000,000 at most"),
        ("seats > 1j", "8: `1j` is no number, text, True or False"),
        ("plan == None", "8: `None` is no number, text, True or False"),
        ("plan == b'x'", "8: `b'x'` is no number, text, True or False"),
        ("login # or started", "6: a comment may not stand inside a condition"),
        ("login # and\n started", "6: a comment may not stand inside a condition"),
        ("login and", "9: this is no condition: invalid syntax"),
        ("login) or (started", "5: this is no condition: unmatched ')'"),
        ("login; started", "5: this is no condition: invalid syntax"),
        ("(login", "0: this is no condition: '(' was never closed"),
        ("'ä' == plan and logn", "16: unknown name `logn` (did you mean `login`?)"),
        ("   logn", "3: unknown name `logn` (did you mean `login`?)"),
        ("   login and", "12: this is no condition: invalid syntax"),
        ("a" * 1001, "0: a condition may have 1000 characters at most, this has 1001"),
    ],
)
def test_what_is_refused_and_why(text: str, message: str) -> None:
    """Each thing outside the language, and each wrong type, is refused at its column in one sentence."""
    assert told(text) == [message]


def test_an_instant_is_not_calculated_with() -> None:
    """Both sides of a calculation are told when both are wrong."""
    assert told("login.last - login.first > 2") == [
        "0: expected a number, got an instant `login.last`",
        "13: expected a number, got an instant `login.first`",
    ]


def test_all_faults_are_told() -> None:
    """Every clause that is wrong is told, not only the first."""
    assert told("logn and plan > 3 and (nps or day == 1)") == [
        "0: unknown name `logn` (did you mean `login`?)",
        "9: expected a number, got the text trait `plan`",
        "23: `nps` is a score: say nps.latest, nps.lowest, nps.answers",
        "30: `day` moves with the clock: compare it with a plain number by < <= > or >=, so that the engine knows when it turns",
    ]


def test_what_is_broken_elsewhere_is_not_told_again() -> None:
    """A name whose declaration is wrong refuses the condition without a word."""
    assert told("mangled") == []
    assert told("mangled.count > 1 and logn") == ["22: unknown name `logn` (did you mean `login`?)"]


def test_depth_is_bounded() -> None:
    """Twenty levels are read, twenty-one are not."""
    assert holds(f"{'not ' * 19}login") is True
    assert told(f"{'not ' * 20}login") == ["80: nested deeper than 20 levels: give a part of it a name as a milestone"]


@pytest.mark.parametrize(
    "text",
    [
        "(" * 400 + "login" + ")" * 400,
        "not " * 240 + "login",
        "-" * 900 + "1 < seats",
        "\0login",
        "plan == '\ud800'",
        "plan == '\\d'",
        "1or login",
    ],
)
def test_what_would_hurt_the_parser_is_refused(text: str) -> None:
    """Deep nesting, NUL and what Python only warns of are refused, never run, never a crash."""
    assert len(told(text)) == 1


def test_a_chain_is_its_comparisons() -> None:
    """A chain becomes one comparison a pair, each with terms of its own, so that both turns are known."""
    node = compile_condition("3 <= day < 5", NAMES)
    assert isinstance(node, Every)
    assert [part.text for part in node.operands] == ["3 <= day", "day < 5"]
    first, second = node.operands
    assert isinstance(first, Compare)
    assert isinstance(second, Compare)
    assert first.right is not second.left
    young = replace(view(), anchor=NOW - timedelta(days=1))
    assert list(flips(node, young)) == [NOW + timedelta(days=2), NOW + timedelta(days=4)]


def test_each_part_keeps_its_words() -> None:
    """A compiled condition carries the words it was written in, for `why` to show."""
    node = compile_condition("login  and (seats+1) > 3", NAMES)
    assert isinstance(node, Every)
    assert [part.text for part in node.operands] == ["login", "(seats+1) > 3"]
    assert [(term.kind, term.text) for term in terms(node)] == [(TermKind.SEEN, "login"), (TermKind.TRAIT, "seats")]


def test_a_stage_and_its_days_have_no_name() -> None:
    """What belongs to the account and not to a word of the vocabulary reads under an empty name."""
    found = list(terms(compile_condition("stage == 'old' and stage_days < 3 and day < 1", NAMES)))
    assert found == [
        Term(kind=TermKind.STAGE, name="", text="stage"),
        Term(kind=TermKind.STAGE_DAYS, name="", text="stage_days"),
        Term(kind=TermKind.DAY, name="", text="day"),
    ]


# -- the language means what Python means ---------------------------------------------------------------------------

NUMBERS = st.one_of(st.integers(-5, 5), st.sampled_from([0.5, 1.5, -2.25]))
SIGNS = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])


def numbers() -> st.SearchStrategy[str]:
    """Texts of numbers: constants, a trait, a count, a measure, and calculations with them."""
    leaves = st.one_of(NUMBERS.map(str), st.sampled_from(["seats", "login_count"]))
    return st.recursive(
        leaves,
        lambda inner: st.builds("({} {} {})".format, inner, st.sampled_from("+-*"), inner),
        max_leaves=4,
    )


def clauses() -> st.SearchStrategy[str]:
    """Texts that are true or false by themselves."""
    return st.one_of(
        st.sampled_from(["trial", "vip", "True", "False"]),
        st.builds("{} {} {}".format, numbers(), SIGNS, numbers()),
        st.builds("{} {} {} {} {}".format, numbers(), SIGNS, numbers(), SIGNS, numbers()),
        st.builds("plan {} {!r}".format, st.sampled_from(["==", "!="]), st.sampled_from(["a", "b", "ä ö"])),
        st.builds(
            "{} {} {}".format, numbers(), st.sampled_from(["in", "not in"]), st.lists(NUMBERS, min_size=1, max_size=3)
        ),
        st.builds(
            "plan {} {}".format, st.sampled_from(["in", "not in"]), st.lists(st.sampled_from(["a", "b"]), min_size=1)
        ),
    )


def conditions() -> st.SearchStrategy[str]:
    """Texts of whole conditions."""
    return st.recursive(
        clauses(),
        lambda inner: st.one_of(
            st.builds("({} and {})".format, inner, inner),
            st.builds("({} or {})".format, inner, inner),
            st.builds("(not {})".format, inner),
            st.builds("{} and {} or {}".format, inner, inner, inner).map("({})".format),
        ),
        max_leaves=6,
    )


@given(
    text=conditions(),
    seats=NUMBERS,
    count=st.integers(0, 4),
    trial=st.booleans(),
    vip=st.booleans(),
    plan=st.sampled_from(["a", "b"]),
)
def test_it_means_what_python_means(text: str, seats: float, count: int, trial: bool, vip: bool, plan: str) -> None:
    """Where everything is known, a condition is true exactly when Python's own eval of it is."""
    fact = {"login": Fact(count=count, first=NOW, last=NOW)} if count else {}
    known = {"seats": seats, "login_count": count, "trial": trial, "vip": vip, "plan": plan}
    expected = eval(compile(ast.parse(text, mode="eval"), "condition", "eval"), {"__builtins__": {}}, known)  # noqa: S307 -- the other reading that ours is held against
    found = holds(
        text.replace("login_count", "login.count"), Facts(events=fact), seats=seats, trial=trial, vip=vip, plan=plan
    )
    assert found is bool(expected)


@given(
    text=st.one_of(
        st.text(max_size=60), st.text(alphabet="login.count()[]{}'\"<>=!+-*/ \n#:0123and or not in", max_size=60)
    )
)
def test_any_text_is_compiled_or_refused(text: str) -> None:
    """Whatever the text, it compiles to a condition or is refused with places inside it; nothing else happens."""
    faults = attempted(text)
    assert faults is None or faults
    assert all(0 <= fault.offset <= len(text) for fault in faults or ())


def attempted(text: str) -> tuple[Fault, ...] | None:
    """The faults of a text; None when it is a condition."""
    try:
        compile_condition(text, NAMES)
    except ConditionError as error:
        return error.faults
    return None
