import pytest

from orchestrator.messaging.dialect import FILTERS, LONGEST_OUTPUT, Dialect, names_used, rendered, shown
from orchestrator.messaging.errors import RenderError

LINE = Dialect(shown)
VALUES = {"a": {"name": "Ann", "none": None, "n": 1234567, "x": 3.25, "yes": True}, "many": ["p", "q", "r"]}


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{ a.name }}, {{ a['name'] }}", "Ann, Ann"),
        ("{{ a.none or 'there' }}", "there"),
        ("{% if a.none %}x{% elif a.n > 3 %}y{% else %}z{% endif %}", "y"),
        ("{{ a.n }} {{ a.x }} {{ 3.0 }}", "1,234,567 3.2 3"),
        ("{% for m in many %}{{ m }}{% if not loop.last %}-{% endif %}{% endfor %}", "p-q-r"),
        ("{{ many | listed }}; {{ many[0] }}", "p, q and r; p"),
        ("{{ 1 | plural('seat', 'seats') }}, {{ a.n | plural('seat', 'seats') }}", "1 seat, 1,234,567 seats"),
        ("{{ a.name | upper }}{{ a.name | lower }}{{ 'big deal' | capitalize }}", "ANNannBig deal"),
        ("{% if a.missing is defined %}x{% endif %}{{ a.name ~ '!' }}", "Ann!"),
    ],
)
def test_what_templates_may_say(source: str, text: str) -> None:
    """Values, conditions, loops, tests for being there, and the filters of the table."""
    assert rendered(LINE.compiled(source), VALUES) == text


@pytest.mark.parametrize(
    "source",
    [
        "{% set x = 1 %}", "{% with x = 1 %}{% endwith %}", "{% include 'x' %}", "{% extends 'x' %}",
        "{% import 'x' as y %}",
        "{% from 'x' import y %}", "{% macro m() %}{% endmacro %}", "{% block b %}{% endblock %}", "{{ a() }}",
        "{{ a.name.upper() }}",
        "{{ 'x' * 9 }}", "{{ 9 ** 9 }}", "{{ 9 // 2 }}", "{{ '%s' % a }}", "{{ a.name | safe }}",
        "{{ a | attr('b') }}", "{{ a is callable }}",
        "{% filter upper %}x{% endfilter %}", "{{ a.name[1:] }}", "{% for x in many recursive %}{{ x }}{% endfor %}",
        "{{ {} }}",
        "{% for x in many %}{% for y in many %}{% for z in many %}{% endfor %}{% endfor %}{% endfor %}", "{{",
        "{% if %}", "\ue000",
        "x" * 30_000, "{{ " + "(" * 3_000 + "a" + ")" * 3_000 + " }}",
    ],
)  # fmt: skip
def test_what_templates_may_not_say(source: str) -> None:
    """Whatever could grow, reach out or be called is refused before anything is rendered, with its line."""
    (first, *_) = LINE.findings(source)
    assert first.line == 1
    with pytest.raises(RenderError):
        LINE.compiled(source)


@pytest.mark.parametrize(
    "source",
    [
        "{{ a.none }}", "{{ a.missing }}", "{{ missing }}", "{{ many }}", "{{ a }}", "{{ a.yes }}",
        "{{ a.name.upper }}",
        "{{ a.__class__ }}", "{{ a['__class__'] }}", "{{ many[9] }}", "{{ a.name + 1 }}",
        "{% for x in a.none %}{% endfor %}",
        "{{ a.none | plural('a', 'b') }}", "{{ a.none | upper }}", "{{ a.items }}", "{{ loop.index }}", "{{ self }}",
    ],
)  # fmt: skip
def test_what_cannot_be_printed_is_an_error(source: str) -> None:
    """Absent values, lists, groups, truth values and the insides of Python are errors, never empty text."""
    with pytest.raises(RenderError) as failed:
        rendered(LINE.compiled("\n\n" + source), VALUES)
    assert failed.value.line == 3


def test_output_is_bounded() -> None:
    """A template whose loops write too much is stopped."""
    source = "{% for x in m %}{% for y in m %}{{ x }}" + "." * 1000 + "{% endfor %}{% endfor %}"
    with pytest.raises(RenderError, match=f"{LONGEST_OUTPUT:,}"):
        rendered(LINE.compiled(source), {"m": ["x"] * 20})


def test_close_words_are_suggested() -> None:
    """An unknown filter is named together with the nearest known one."""
    (finding,) = LINE.findings("{{ many | lsited }}")
    assert "did you mean 'listed'" in finding.message


def test_names_are_found_with_their_lines() -> None:
    """The names a template reads are its outside names, dotted, not its loop's own."""
    tree = LINE.parsed("{{ a.b }}\n{% for x in c.d if x %}{{ x.y }}{{ e['f'] }}{{ loop.index }}{% endfor %}")
    assert names_used(tree) == {("a.b", 1), ("c.d", 2), ("e.f", 2)}


def test_the_filters_are_few() -> None:
    """The table of filters is what the writers' page will say it is."""
    assert set(FILTERS) == {"listed", "plural", "length", "lower", "upper", "capitalize"}
