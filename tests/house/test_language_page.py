"""The page on the language is true and whole: its examples compile, and each of its tables is the program's."""

import json
import re
import typing
from collections.abc import Iterator
from datetime import timedelta
from functools import cache

import pytest
from pydantic import BaseModel

from orchestrator.core.audience import GROUPS
from orchestrator.core.conditions import MOVING, WEEKLY, Case, Compare, Either, Node, Says, Term, TermKind, Weighted
from orchestrator.core.playbook import Playbook
from orchestrator.core.reasons import DecisionReason, MessageReason, PostponementReason, Reason
from orchestrator.messaging.catalogue import ASSET_KEYS
from orchestrator.messaging.context import CONTEXT, COPY, FIGURES, context_names
from orchestrator.messaging.frontmatter import PLAN_KEYS
from orchestrator.messaging.templates import TemplateKind, TemplateSet
from orchestrator.playbook import PlaybookError, load, loader, spans
from orchestrator.playbook.actions import ACTION_KEYS
from orchestrator.playbook.conditions import AT_RISK
from orchestrator.playbook.json_schema import json_schema
from orchestrator.playbook.lint import lint
from orchestrator.playbook.loader import Plain
from orchestrator.playbook.plays import TRIGGERS
from orchestrator.playbook.schema import CheckpointShape, Document, MissedShape, PlayShape, RungShape, SignalShape
from orchestrator.playbook.source import PlaybookSource
from orchestrator.playbook.vocabulary import AGE, BUILTIN_TRAITS, PHASE_NAMES, SEGMENT_NAMES
from orchestrator.runtime.composition import template_texts
from orchestrator.testing import judge, parse_scenario, story
from orchestrator.usecases.publish import checked
from tests.house.source import HOUSE

SHELF = HOUSE / "templates" / "playbooks"
PAGE = (SHELF / "README.md").read_text(encoding="utf-8")
FILE = "first-steps.yaml"
BLOCKS: list[str] = re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL)
WHOLE, *REST = BLOCKS
SCENARIOS = [block for block in REST if block.startswith("scenario:")]
EXTENDING = [block for block in REST if block.startswith("playbook:")]
FRAGMENTS = [block for block in REST if block not in {*SCENARIOS, *EXTENDING}]
BESIDE_MAIL = {"in_app/first_report/en.md": "---\nsubject: s\n---\n", "notify/stuck.md": "words"}  # none are shipped
REQUIRED = "required"


def data(text: str) -> Plain:
    """A text of the page as the language reads it: `on` is a word here, and no `true`."""
    tree = loader.read(text, "page")
    assert not tree.problems, tree.problems
    return tree.data


def joined(base: Plain, own: Plain) -> Plain:
    """Two parts of a playbook in one: keys with values are joined, anything else is the later one's."""
    if not (isinstance(base, dict) and isinstance(own, dict)):
        return own
    return {**base, **{key: joined(base.get(key), each) for key, each in own.items()}}


@cache
def templates() -> dict[str, str]:
    """What is shipped, with the page's playbook on its shelf."""
    return {**template_texts(HOUSE / "templates"), **BESIDE_MAIL, f"playbooks/{FILE}": WHOLE}


def compiled(*parts: Plain) -> Playbook:
    """The page's playbook with these parts in it."""
    whole = data(WHOLE)
    for part in parts:
        whole = joined(whole, part)
    return load(json.dumps(whole), templates(), file=FILE)


def is_in_order(*parts: Plain) -> bool:
    """Whether the page's playbook compiles with these parts in it."""
    try:
        compiled(*parts)
    except PlaybookError:
        return False
    return True


def table(mark: str) -> list[list[str]]:
    """The cells of the table under a mark of the page, row by row, without its head."""
    found = re.search(rf"<!-- {re.escape(mark)} -->\n\|.*\n\|[-|]+\n((?:\|.*\n)+)", PAGE)
    assert found is not None, f"templates/playbooks/README.md has no table marked `<!-- {mark} -->`"
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in found[1].splitlines()]


def words(cell: str) -> list[str]:
    """What stands in back quotes."""
    return re.findall(r"`([^`]+)`", cell)


# -- examples ----------------------------------------------------------------------------------------------------------


def test_the_first_playbook_of_the_page_runs_and_leaves_nothing_to_warn_of() -> None:
    """It compiles with the templates that it names, as they are shipped, and the check is content."""
    source = PlaybookSource(file=FILE, text=WHOLE, templates=template_texts(HOUSE / "templates"))
    assert not lint(checked(source), source, None)


@pytest.mark.parametrize("number", range(len(FRAGMENTS)))
def test_each_fragment_of_the_page_fits_into_its_first_playbook(number: int) -> None:
    """Whoever puts it there, at the keys that it shows, has a playbook that compiles."""
    assert compiled(data(FRAGMENTS[number])).plays


@cache
def grown() -> Plain:
    """The page's playbook with all its fragments."""
    whole = data(WHOLE)
    for fragment in FRAGMENTS:
        whole = joined(whole, data(fragment))
    return whole


def test_all_fragments_of_the_page_fit_together() -> None:
    """One playbook can hold everything that the page shows."""
    assert compiled(grown()).signals


@pytest.mark.parametrize("text", EXTENDING)
def test_what_extends_another_playbook_compiles(text: str) -> None:
    """The page's example of `extends` rests on the page's own playbook, and changes it as it says."""
    found = load(text, templates(), file="page.yaml")
    assert found.plays.keys() == data(WHOLE)["plays"].keys() - {"never_logged_in"}


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_scenario_of_the_page_passes(scenario: str) -> None:
    """It comes out as it says once the fragment before it is in the playbook."""
    before = [block for block in BLOCKS[: BLOCKS.index(scenario)] if block in FRAGMENTS][-1]
    playbook = compiled(data(before))
    verdict = judge(parse_scenario(scenario, playbook, file="page.yaml"), playbook)
    assert verdict.passed, story(verdict)


def test_the_mistake_of_the_page_is_told_as_it_says() -> None:
    """The example of a refusal is what the program prints, with its line."""
    (shown,) = (block.strip() for block in re.findall(r"```text\n(first-steps.*?)```", PAGE, flags=re.DOTALL))
    play = FRAGMENTS[0].removeprefix("plays:\n").replace("report_made.count", "report_mad.count")
    with pytest.raises(PlaybookError) as refused:
        load(f"{WHOLE}\n{play}", templates(), file=FILE)
    assert [str(problem) for problem in refused.value.problems] == [shown]


# -- keys --------------------------------------------------------------------------------------------------------------


def shapes(shape: object, found: list[type[BaseModel]] | None = None) -> list[type[BaseModel]]:
    """Every shape that a playbook may hold."""
    known = [] if found is None else found
    if not (isinstance(shape, type) and issubclass(shape, BaseModel)):
        for part in typing.get_args(shape):
            shapes(part, known)
    elif shape not in known:
        known.append(shape)
        for field in shape.model_fields.values():
            shapes(field.annotation, known)
    return known


def defaults(shape: type[BaseModel]) -> dict[str, str | None]:
    """The keys of a shape of its own, each with its default as a person writes it; None: it is told in words."""
    inherited = PlayShape.model_fields if shape in {SignalShape, RungShape, CheckpointShape, MissedShape} else {}
    return {
        field.alias or name: REQUIRED if field.is_required() else written(field.default)
        for name, field in shape.model_fields.items()
        if name not in inherited
    }


def written(default: object) -> str | None:
    """A default as the table of a page has it; None when nothing is the default, and words say what that means."""
    match default:
        case bool():
            return f"`{str(default).lower()}`"
        case timedelta():
            return f"`{spans.written(default)}`"
        case int() | float() | str():
            return f"`{default}`"
        case _:
            return None


@pytest.mark.parametrize("shape", shapes(Document), ids=lambda shape: shape.__name__)
def test_every_key_of_the_language_is_in_its_table(shape: type[BaseModel]) -> None:
    """Each shape has its table on the page: all its keys and no other, with their defaults."""
    told = {key: row[1] for row in table(f"every key of {shape.__name__}") for key in words(row[0])}
    wanted = defaults(shape)
    assert sorted(told) == sorted(wanted)
    assert {key: told[key] for key, default in wanted.items() if default is not None} == {
        key: default for key, default in wanted.items() if default is not None
    }
    assert all(told.values())


def test_no_table_of_the_page_is_of_a_shape_that_is_gone() -> None:
    """What the page marks as the keys of a shape is a shape of the language."""
    marked = re.findall(r"<!-- every key of (\w+) -->", PAGE)
    assert sorted(marked) == sorted(shape.__name__ for shape in shapes(Document))


def test_every_trait_of_every_account_is_in_its_table() -> None:
    """The table of the built-in traits has each with its type, and no other."""
    told = {words(row[0])[0]: row[1] for row in table("the built-in traits")}
    assert told == {name: rule.type.value for name, rule in BUILTIN_TRAITS.items()}


def test_every_action_is_in_its_table() -> None:
    """The table of actions has each key once, in the order of the program."""
    assert [key for row in table("every action") for key in words(row[0])] == list(ACTION_KEYS)


def test_every_audience_is_in_its_table() -> None:
    """The table of audiences has each word, and how a role is written."""
    told = [words(row[0])[0] for row in table("every group")]
    assert told == [*GROUPS, "role billing"]


def test_all_that_the_copy_may_say_is_in_its_table() -> None:
    """The table of names for templates is the program's, word for word."""
    *told, (figures, _, _), (blocks, _, _) = table("what the copy may say")
    assert told == [[f"`{name.path}`", name.help, "yes" if name.always else ""] for name in CONTEXT]
    assert words(figures)[0].startswith(FIGURES)
    assert words(blocks)[0].startswith(COPY)


def test_the_blocks_that_the_page_names_are_those_of_the_eight_touches() -> None:
    """Each block of words that a Day N letter has a place for is named, and no other."""
    touches = {path: text for path, text in templates().items() if path.startswith("email/day_")}
    (listed,) = re.findall(r"have places for (.*?)\.\n", PAGE)
    assert set(words(listed)) == TemplateSet(touches).blocks()


def test_all_that_an_asset_and_a_handout_may_say_is_in_its_table() -> None:
    """The keys of the content catalogue and of what a human is handed are the program's, in its order."""
    assert {words(row[0])[0] for row in table("every key of an asset")} == set(ASSET_KEYS)
    assert [words(row[0])[0] for row in table("every key of a handout")] == list(PLAN_KEYS)


def test_the_handout_of_the_page_is_in_order() -> None:
    """The page's example of a handout passes its check."""
    (example,) = re.findall(r"```markdown\n(.*?)```", PAGE, flags=re.DOTALL)
    shown = TemplateSet({**templates(), "escalation/shown.md": example})
    assert shown.check("shown", context_names(), TemplateKind.ESCALATION) == []


# -- triggers ----------------------------------------------------------------------------------------------------------


def test_the_table_of_triggers_names_each_and_nothing_else() -> None:
    """Every trigger that a play may have is there, in the order of the program."""
    told = [words(row[0])[0].partition(":")[0] for row in table("every trigger")]
    assert list(dict.fromkeys(told)) == list(TRIGGERS)


@pytest.mark.parametrize("example", [words(row[0])[0] for row in table("every trigger")])
def test_each_trigger_of_the_table_compiles(example: str) -> None:
    """What the table shows may stand in a play."""
    play = {**data(example), "email": "day_0_welcome"}
    assert "tried" in compiled(grown(), {"plays": {"tried": play}}).plays


@pytest.mark.parametrize("example", re.findall(r"^\| `(again: [^`]+)` \|", PAGE, flags=re.MULTILINE))
def test_each_way_to_act_again_compiles(example: str) -> None:
    """What the page shows of `again` may stand in a play that comes due more than once."""
    play = {"on": "login", "email": "day_0_welcome", **data(example)}
    assert compiled({"plays": {"tried": play}}).plays["tried"].policy.again is not None


# -- terms -------------------------------------------------------------------------------------------------------------

TERMS = table("every term")
PROBES = {
    "true or false": "{}",
    "number": "{} > 1",
    "text": "{} == name",
    "instant": "{} > signed_up.first",
}  # by type: what compiles with a term of that type only


def asked(condition: str) -> dict[str, Plain]:
    """A part of a playbook whose one new play asks this."""
    return {"plays": {"tried": {"day": 1, "when": condition, "email": "day_0_welcome"}}}


def reads(node: Node) -> str:
    """What the term of a compiled probe reads: the kind of a term, or the derived name."""
    term = node.left if isinstance(node, Compare) else node
    return term.kind.value if isinstance(term, Term) else term.text


def fitting(term: str) -> Iterator[str]:
    """The types whose probes compile with this term."""
    for kind, probe in PROBES.items():
        if is_in_order(grown(), asked(probe.format(term))):
            yield kind


@pytest.mark.parametrize(("cell", "kind", "moves"), [(row[0], row[1], row[4]) for row in TERMS])
def test_each_term_is_of_the_type_that_the_table_says(cell: str, kind: str, moves: str) -> None:
    """It compiles where its type may stand and nowhere else; what moves is not compared by `==`."""
    (term,) = words(cell)
    (found,) = fitting(term)
    assert kind in {found, "its own"}
    read = reads(compiled(grown(), asked(PROBES[found].format(term))).plays["tried"].when)
    assert moves == ("yes" if read in MOVING else "weekly" if read in WEEKLY else "")
    if moves == "yes":
        assert not is_in_order(grown(), asked(f"{term} == 1"))


def test_the_table_of_terms_names_each_and_nothing_else() -> None:
    """Every kind of term and every derived name that a condition may ask for is there, once."""
    derived = {*SEGMENT_NAMES, AGE, *(says.value for says in Says), AT_RISK}
    kinds = {kind.value for kind in TermKind if kind is not TermKind.OVERRIDE}  # health itself reads it
    told = [reads_of(words(row[0])[0]) for row in TERMS]
    assert sorted(told) == sorted(kinds | derived)
    assert set(PHASE_NAMES) <= set(told)


@pytest.mark.parametrize("example", [words(row[2])[0] for row in table("every operator")])
def test_each_example_of_the_operators_compiles(example: str) -> None:
    """What the table of operators shows may stand in a condition of the page's playbook."""
    assert is_in_order(grown(), asked(example))


def test_every_operator_is_in_the_table() -> None:
    """All that may stand between names is told."""
    told = [word for row in table("every operator") for word in words(row[0])]
    assert sorted(told) == sorted(
        ["and", "or", "not", "( )", "==", "!=", "<", "<=", ">", ">=", "in", "not in", "+", "-", "*", "/"]
    )


def reads_of(term: str) -> str:
    """What a term of the table reads."""
    kind = next(fitting(term))
    return reads(compiled(grown(), asked(PROBES[kind].format(term))).plays["tried"].when)


def test_derived_names_are_macros() -> None:
    """What is neither a kind of term nor on the list of derived names would be missed: these are all the shapes."""
    whole = compiled(grown(), asked("segment == 'self_serve' and health > 1 and at_risk"))
    nodes = whole.plays["tried"].when.operands  # type: ignore[union-attr]  # three parts joined by `and`
    assert [type(part.left if isinstance(part, Compare) else part) for part in nodes] == [Case, Weighted, Either]


# -- reasons and the schema --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reasons", [DecisionReason, PostponementReason, MessageReason])
def test_the_tables_of_reasons_are_the_lists_word_for_word(reasons: type[Reason]) -> None:
    """Each reason is there with its sentence, in the order of the program, and no other."""
    told = table(f"every {reasons.__name__}")
    wanted = [[f"`{reason.value}`", reason.sentence] for reason in reasons]
    lines = "\n".join(f"| {word} | {sentence} |" for word, sentence in wanted)
    assert told == wanted, f"templates/playbooks/README.md: put these rows under `every {reasons.__name__}`:\n{lines}"


def test_the_schema_beside_the_playbooks_is_the_language() -> None:
    """Editors get the schema of this version: the file is what `lifecycle playbook schema` prints."""
    file = SHELF / "playbook.schema.json"
    command = ".venv/bin/python -m orchestrator.cli playbook schema"
    assert file.read_text(encoding="utf-8") == json.dumps(json_schema(), indent=2) + "\n", (
        f"renew it: {command} > templates/playbooks/{file.name}"
    )


def anchors() -> set[str]:
    """The headings of the page as a link names them."""
    heads = re.findall(r"^#+ (.+)$", PAGE, flags=re.MULTILINE)
    return {re.sub(r"[^a-z0-9 -]", "", head.lower()).replace(" ", "-") for head in heads}


def test_links_of_the_page_lead_somewhere() -> None:
    """Each link is a file of this repository, or a heading of the page."""
    for target in re.findall(r"\]\(([^)]+)\)", PAGE):
        path, _, heading = target.partition("#")
        assert (SHELF / path).exists(), target
        assert path or heading in anchors(), target


def test_links_of_the_readme_to_the_page_lead_to_headings() -> None:
    """The README names sections that the page has."""
    readme = (HOUSE / "README.md").read_text(encoding="utf-8")
    named = re.findall(r"\]\(templates/playbooks/README\.md#([^)]+)\)", readme)
    assert named
    assert set(named) <= anchors()
