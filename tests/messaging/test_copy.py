"""The shipped copy, template by template."""

import re

import pytest

from orchestrator.messaging.compose import compose, full_context
from orchestrator.messaging.context import clean, context_names, trial_contexts
from orchestrator.messaging.templates import TemplateKind
from tests.messaging.letters import FIGURES, SENDER, SHIPPED, bodies, letter
from tests.messaging.test_markdown import Reader

KNOWN = context_names(FIGURES)
TOUCHES = {
    "day_0_welcome", "day_1_core_feature", "day_3_setup", "day_5_value", "day_7_feature", "day_14_survey",
    "day_21_case_study", "day_21_return", "day_30_renewal", "day_30_value",
}  # fmt: skip
SIGNALS = {
    "no_login",
    "setup_incomplete",
    "no_core_action",
    "early_ticket",
    "invites_unaccepted",
    "usage_falling",
    "low_score",
}
WORK = {"gone_quiet", "poor_health", "health_falling", "onboarding_stalled", "growth_stalled"}
MAILS = SHIPPED.names()
NOTES = SHIPPED.names(TemplateKind.IN_APP)
WORDS = SHIPPED.names(TemplateKind.NOTIFY)
ESCALATIONS = SHIPPED.names(TemplateKind.ESCALATION)
TRIALS = dict(trial_contexts(FIGURES))


def test_every_touch_and_signal_has_its_copy() -> None:
    """The eight touches in their variants and the seven churn signals are all written (rules 1.0.4 and 1.0.6)."""
    assert set(MAILS) >= TOUCHES | {f"signal_{signal}" for signal in SIGNALS} | {"gone_quiet"}
    assert set(ESCALATIONS) >= SIGNALS | WORK


@pytest.mark.parametrize("name", MAILS)
def test_every_mail_passes_its_check(name: str) -> None:
    """Each shipped mail keeps to the rules and renders whatever is absent."""
    assert SHIPPED.check(name, KNOWN) == []


@pytest.mark.parametrize("name", ESCALATIONS)
def test_every_escalation_passes_its_check(name: str) -> None:
    """Each shipped escalation keeps to the rules and renders whatever is absent."""
    assert SHIPPED.check(name, KNOWN, TemplateKind.ESCALATION) == []


@pytest.mark.parametrize("name", MAILS)
def test_every_mail_is_short(name: str) -> None:
    """No mail has more than 150 words, in whatever case it is rendered."""
    for case, context in TRIALS.items():
        words = SHIPPED.words(name, "en", clean(context)).body.text.split()
        assert len(words) <= 150, f"{case}: {len(words)}"


@pytest.mark.parametrize("name", MAILS)
def test_every_mail_has_one_action(name: str) -> None:
    """The body has no link beside the one button, in HTML and in plain text."""
    words = SHIPPED.words(name, "en", full_context(letter(template=name), SENDER))
    assert "a" not in Reader(words.body.html).tags
    assert "http" not in words.body.text
    html, text = bodies(compose(letter(template=name), SHIPPED, SENDER))
    assert html.count('class="press"') == 1
    assert text.count(words.button.url) == 1


@pytest.mark.parametrize("name", [name for name in MAILS if name.startswith("day_")])
def test_no_figure_is_invented(name: str) -> None:
    """Without figures of the account, no mail speaks of any."""
    figures = [f"figures.{figure}" for figure in FIGURES]
    context = {key: group for key, group in TRIALS["with every name there"].items() if key != "figures"}
    text = SHIPPED.words(name, "en", context).body.text
    assert not re.search(r"[$€£%]|\bsaved \d|\d+ (hours?|people|times)\b", text), figures


@pytest.mark.parametrize("name", MAILS)
def test_every_mail_is_calm(name: str) -> None:
    """Not one exclamation mark, no shouting, no leftover of a template."""
    for context in TRIALS.values():
        words = SHIPPED.words(name, "en", clean(context))
        said = f"{words.subject}\n{words.preview}\n{words.reason}\n{words.button.label}\n{words.body.text}"
        assert "!" not in said
        assert "  \n" not in said
        assert not re.search(r"\{\{|\}\}|\bNone\b|undefined| [.,;:?]|,,|\b[A-Z]{5,}\b", said)


@pytest.mark.parametrize("name", ESCALATIONS)
def test_every_escalation_says_what_to_do(name: str) -> None:
    """Each escalation tells what happened and what to do, and leaves no gap when values are absent."""
    for context in TRIALS.values():
        body = SHIPPED.note(name, clean(context)).body
        assert [part for part in ("What happened.", "What to do.") if part not in body] == []
        assert not re.search(r"\{\{|\bNone\b| [.,;:?]|\.\.", body)


@pytest.mark.parametrize("name", sorted(SIGNALS | WORK))
def test_every_risk_comes_with_a_way_to_begin(name: str) -> None:
    """Who is called to a risk is told how to begin the talk."""
    assert "A way to begin." in SHIPPED.note(name, TRIALS["with every name there"]).body


@pytest.mark.parametrize("name", NOTES)
def test_every_note_in_the_product_is_one_short_thing(name: str) -> None:
    """A note keeps to the rules, has at most 60 words, no link but its button, and stays calm whatever is absent."""
    assert SHIPPED.check(name, KNOWN, TemplateKind.IN_APP) == []
    for case, context in TRIALS.items():
        note = SHIPPED.banner(name, "en", clean(context))
        said = f"{note.title}\n{note.button.label}\n{note.body.text}"
        assert len(note.body.text.split()) <= 60, case
        assert "http" not in said
        assert not re.search(r"!|\{\{|\bNone\b| [.,;:?]|,,|\b[A-Z]{5,}\b", said), case


@pytest.mark.parametrize("name", WORDS)
def test_every_word_to_our_own_people_passes_its_check(name: str) -> None:
    """Each shipped notification keeps to the rules and renders whatever is absent."""
    assert SHIPPED.check(name, KNOWN, TemplateKind.NOTIFY) == []
