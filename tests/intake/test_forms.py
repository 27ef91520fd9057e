"""The forms that are shipped are in order, and one that is not written as a form is says where."""

from pathlib import Path

import pytest

from orchestrator.intake import forms
from orchestrator.intake.forms import FormError

TEMPLATES = Path(__file__).parents[2] / "templates"
SHIPPED = sorted(each.stem for each in (TEMPLATES / "forms").glob("*.yaml"))


@pytest.mark.parametrize("name", SHIPPED)
def test_the_shipped_forms_are_in_order(name: str) -> None:
    """Each form can be shown, and asks something of an account whose playbook knows all its words."""
    form = forms.load(TEMPLATES, name)
    assert len(forms.asked(form, lambda _: True, {"champion_strong": "Somebody speaks for us"})) == len(form.questions)


def test_what_the_playbook_has_no_word_for_is_not_asked() -> None:
    """Only the goal is left where no event and no judgement is known."""
    asked = forms.asked(forms.load(TEMPLATES, "check-in"), lambda _: False, {})
    assert [each.kind for each in asked] == ["goal"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("title: T\nquestions: [{ask: What}]\n", "one of `event`, `judgement` and `goal`"),
        ("title: T\nquestions: [{event: a}]\n", "`ask` is missing"),
        ("title: T\nquestions: []\n", "questions"),
        ("title: T\nquestions: [{goal: true, ask: a, colour: red}]\n", "colour"),
        ("[", "mine.yaml"),
    ],
)
def test_a_form_that_is_none_says_where(tmp_path: Path, text: str, told: str) -> None:
    """Whoever writes a form is told what does not fit."""
    (tmp_path / "forms").mkdir()
    (tmp_path / "forms" / "mine.yaml").write_text(text)
    with pytest.raises(FormError, match=told):
        forms.load(tmp_path, "mine")


@pytest.mark.parametrize("name", ["kick-off", "../crm/hubspot", ""])
def test_a_form_that_is_not_there_is_refused(name: str) -> None:
    """A mistyped form is refused with those that there are."""
    with pytest.raises(FormError, match="there are: check-in, kickoff"):
        forms.load(TEMPLATES, name)


@pytest.mark.parametrize(("text", "name"), [("Save 1 hour!", "save_1_hour"), ("日本", "goal"), ("x" * 99, "x" * 40)])
def test_a_goal_gets_a_short_name(text: str, name: str) -> None:
    """A goal that was only told in words needs a name to be met by."""
    assert forms.slug(text) == name
