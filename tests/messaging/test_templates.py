from pathlib import Path

import pytest

from orchestrator.messaging.context import context_names, sample_context
from orchestrator.messaging.errors import RenderError, TemplateError
from orchestrator.messaging.templates import LAYOUT_HTML, LAYOUT_TEXT, TemplateKind, TemplateSet
from tests.messaging.letters import FIGURES, FOLDER, SHIPPED

KNOWN = context_names(FIGURES)
GOOD = """---
subject: "Hello {{ account.name or 'you' }}"
preview: "p"
reason: "r"
button:
  label: "go"
  url: "{{ product.url }}/a?b={{ account.id }}"
---
Hello {{ person.first_name or "there" }}.
"""


def templates(text: str, **more: str) -> TemplateSet:
    """A set of one message, and the shipped layout."""
    files = {path: SHIPPED.files[path] for path in (LAYOUT_HTML, LAYOUT_TEXT)}
    return TemplateSet({**files, "email/m/en.md": text, **more})


def test_a_good_template_has_no_problems() -> None:
    """A template that keeps to the rules passes."""
    assert templates(GOOD).check("m", KNOWN) == []


def test_a_template_may_read_any_block_of_words() -> None:
    """Which blocks there are is the playbook's matter; a letter that is whole without one passes, and prints it."""
    several = GOOD + "\n{% if copy.welcome %}{{ copy.welcome }}{% elif copy.other %}{{ copy.other }}{% endif %}"
    found = templates(several, **{"email/torn/en.md": "{% if copy.torn", "playbooks/x.yaml": "{{ copy.no }} copy.no"})
    assert found.check("m", KNOWN) == []
    assert found.blocks() == {"welcome", "other"}
    context = {**sample_context(), "copy": {"welcome": "**One** step.", "other": "no"}}
    assert "<p>**One** step.</p>" in found.words("m", "en", context).body.html


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("subject: \"Hello {{ account.name or 'you' }}\"", "subject: |\n  a\n  b", 2, "one line"),
        ("subject: \"Hello {{ account.name or 'you' }}\"", 'subject: "a\\nb"', 2, "one line"),
        ("subject: \"Hello {{ account.name or 'you' }}\"", 'subject: ""', 2, "empty"),
        ("subject: \"Hello {{ account.name or 'you' }}\"", "subject: {{ account.name }}", 2, ""),
        ("subject: \"Hello {{ account.name or 'you' }}\"", "subject: \"{{ person.first_name or '' }}\"", 2, "nothing"),
        ('preview: "p"\n', "", 1, "preview is missing"),
        ('preview: "p"', 'preview: "p"\npreview: "q"', 4, "twice"),
        ('preview: "p"', 'previw: "p"', 3, "did you mean 'preview'"),
        ('preview: "p"', 'preview: ["p"]', 3, "must be text"),
        ('preview: "p"', 'preview: "p', 4, "not YAML"),
        ('  label: "go"\n', "", 1, "button.label is missing"),
        ('  label: "go"', '  label: "go"\n  lable: "go"', 7, "did you mean"),
        ('button:\n  label: "go"\n  url: "{{ product.url }}/a?b={{ account.id }}"', "button: x", 5, "write button"),
        ("{{ product.url }}/a", "javascript:x", 7, "http, https or mailto"),
        ("{{ product.url }}/a", "{{ product.ulr }}/a", 7, "did you mean 'product.url'"),
        ("person.first_name", "person.frist_name", 9, "did you mean 'person.first_name'"),
        ('person.first_name or "there"', "person.first_name", 9, "with nothing optional there"),
        ("Hello {{ person", "\n\nHello {{ figures.nothing }} {{ person", 11, "figures.nothing"),
        ("Hello {{ person", "{{ figures.hours_saved }} {{ person", 9, "with nothing optional there"),
        ("Hello {{ person", "{{ copy.welcome }} {{ person", 9, "with nothing optional there"),
        ("Hello {{ person", "{% set x = 1 %}{{ person", 9, "no assignments"),
        ("Hello {{ person", "{% if %}{{ person", 9, ""),
        ("---\nsubject", "subject", 1, "three hyphens"),
        ("---\nHello", "Hello", 1, "three hyphens"),
        ("Hello {{ person", "x" * 30_000 + "{{ person", 1, "20,000"),
    ],
)
def test_a_mistake_is_shown_where_it_is(old: str, new: str, line: int, said: str) -> None:
    """Each mistake is told with its file, its line and what to write instead."""
    assert old in GOOD
    problems = templates(GOOD.replace(old, new, 1)).check("m", KNOWN)
    assert problems
    assert any(problem.line == line and said in problem.message for problem in problems), problems
    assert {problem.file for problem in problems} == {"email/m/en.md"}


def test_all_mistakes_are_told_at_once() -> None:
    """A check does not stop at the first mistake."""
    broken = GOOD.replace("product.url", "product.ulr").replace("first_name", "frist_name")
    assert len(templates(broken).check("m", KNOWN)) == 2


@pytest.mark.parametrize("file", [LAYOUT_HTML, LAYOUT_TEXT])
def test_the_layout_is_checked_too(file: str) -> None:
    """A name that the layout does not have, or a layout that is not there, is a problem of the layout's file."""
    files = {**templates(GOOD).files, file: "{{ subjekt }}"}
    (problem,) = TemplateSet(files).check("m", KNOWN)
    assert (problem.file, problem.line) == (file, 1)
    assert "did you mean 'subject'" in problem.message
    del files[file]
    assert [problem.file for problem in TemplateSet(files).check("m", KNOWN)] == [file]


def test_an_unknown_template_is_told_with_the_nearest() -> None:
    """Asking for a template that is not there names the nearest that is."""
    (problem,) = SHIPPED.check("day_0_welcom", KNOWN)
    assert "did you mean 'day_0_welcome'" in problem.message
    with pytest.raises(TemplateError, match="day_0_welcome"):
        SHIPPED.words("day_0_welcom", "en", {})


def test_a_broken_template_is_never_sent() -> None:
    """A template that was never checked fails by name when it is rendered."""
    with pytest.raises(TemplateError, match=r"email/m/en\.md:10"):
        templates(GOOD + "{% include 'x' %}").words("m", "en", sample_context())
    with pytest.raises(RenderError, match=r"email/m/en\.md:11"):
        templates(GOOD + "\n{{ owner.name }}").words("m", "en", sample_context(absent=["owner.name"]))


def test_the_nearest_language_is_used() -> None:
    """A message is rendered in the language asked for, else in its parent, else in English."""
    several = templates(GOOD, **{"email/m/zh.md": GOOD.replace("Hello", "你好")})
    context = sample_context()
    assert several.words("m", "zh-Hant", context).subject.startswith("你好")
    assert several.words("m", "fr", context).locale == "en"
    assert several.locales("m") == ("en", "zh")


def test_variables_are_the_names_used() -> None:
    """The names a template reads are known before it is rendered."""
    assert templates(GOOD).variables("m") == {"account.name", "product.url", "account.id", "person.first_name"}


def test_a_set_is_its_texts() -> None:
    """A set made again from its texts is the same set: that is how an old version is kept."""
    again = TemplateSet(dict(SHIPPED.files))
    assert again.names() == SHIPPED.names()
    assert again.words("day_0_welcome", "en", sample_context()) == SHIPPED.words(
        "day_0_welcome", "en", sample_context()
    )


def test_a_file_that_is_not_text_is_told(tmp_path: Path) -> None:
    """A template that is not UTF-8 is named."""
    (tmp_path / "email" / "m").mkdir(parents=True)
    (tmp_path / "email" / "m" / "en.md").write_bytes(b"\xff\xfe")
    with pytest.raises(TemplateError, match=r"email/m/en\.md"):
        TemplateSet.from_folder(tmp_path)


def test_the_folder_is_read_whole() -> None:
    """Every template file of the folder belongs to the set, and every playbook: one may extend another."""
    folders = ("email", "escalation", "in_app", "notify", "content")
    on_disk = [path for part in folders for path in (FOLDER / part).rglob("*.*")]
    playbooks = (FOLDER / "playbooks").rglob("*.yaml")
    assert {path.relative_to(FOLDER).as_posix() for path in (*on_disk, *playbooks)} == set(SHIPPED.files)


def test_an_escalation_is_title_and_text() -> None:
    """An escalation is rendered as plain text, with a title of one line."""
    hostile = sample_context()
    hostile["account"]["name"] = "**[x](http://evil)**\r\n<b>"
    note = SHIPPED.note("no_login", hostile)
    assert note.title == "**[x](http://evil)** <b> has not signed in since sign-up"
    assert "**[x](http://evil)** <b>" in note.body
    assert "What to do." in note.body
    assert SHIPPED.check("no_login", KNOWN, TemplateKind.ESCALATION) == []
