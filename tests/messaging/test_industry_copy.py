"""What each industry says in the eight touches, as its reader gets it."""

import re
from collections.abc import Mapping

import pytest

from orchestrator.core.playbook import Playbook, SendEmail
from orchestrator.messaging.compose import compose, full_context
from orchestrator.messaging.context import sample_context
from orchestrator.messaging.templates import TemplateKind
from orchestrator.playbook import PlaybookSource, compile_playbook
from tests.messaging.letters import FIGURES, SENDER, SHIPPED, bodies, letter
from tests.playbook.lives import event, lived

INDUSTRIES = sorted(
    path.removeprefix("playbooks/presets/").removesuffix(".yaml")
    for path in SHIPPED.files
    if path.startswith("playbooks/presets/industry-")
)
TOUCHES = [name for name in SHIPPED.names() if name.startswith("day_")]
COMMON = {"welcome", "core_feature", "setup", "value", "habit", "survey", "case_study", "come_back", "first_month"}


def book(industry: str) -> Playbook:
    """The shipped playbook with an industry over it."""
    text = f"playbook: tried\nextends: [b2b-saas, {industry}]\n"
    return compile_playbook(PlaybookSource(file="tried.yaml", text=text, templates=SHIPPED.files))


BOOKS = {industry: book(industry) for industry in INDUSTRIES}


def context(industry: str, figures: tuple[str, ...] = FIGURES) -> Mapping[str, object]:
    """A plausible letter's context under an industry's playbook."""
    playbook = BOOKS[industry]
    label, path = playbook.core_feature
    feature = {"label": label, "url": f"https://app.lumen.example{path}"}
    return {**sample_context(figures), "copy": playbook.copy, "core_feature": feature}


def letters(industry: str) -> set[str]:
    """The mails that an industry's playbook sends."""
    actions = [action for play in BOOKS[industry].plays.values() for action in play.actions]
    return {action.template for action in actions if isinstance(action, SendEmail)}


@pytest.mark.parametrize("industry", INDUSTRIES)
def test_an_industry_has_words_for_each_touch(industry: str) -> None:
    """Each of the eight touches has a block of the industry's own, and every block is in a mail that it sends."""
    copy = BOOKS[industry].copy
    assert copy.keys() >= COMMON
    written = {block for name in letters(industry) for block in read_by(name)}
    assert copy.keys() <= written


def read_by(name: str) -> set[str]:
    """The blocks that a mail has a place for."""
    return {path.removeprefix("copy.") for path in SHIPPED.variables(name) if path.startswith("copy.")}


@pytest.mark.parametrize("industry", INDUSTRIES)
@pytest.mark.parametrize("figures", [FIGURES, ()], ids=["figures", "no_figures"])
def test_every_letter_of_an_industry_is_short_and_calm(industry: str, figures: tuple[str, ...]) -> None:
    """With an industry's words no mail has more than 150 words, an exclamation mark, or an invented figure."""
    for name in sorted(letters(industry)):
        words = SHIPPED.words(name, "en", context(industry, figures))
        assert len(words.body.text.split()) <= 150, name
        assert "!" not in f"{words.subject}{words.preview}{words.body.text}"
        assert not re.search(r"[$€£%]|\{\{", words.body.text)
        if not figures:
            assert not re.search(r"\bsaved \d", words.body.text)


@pytest.mark.parametrize("touch", TOUCHES)
def test_no_two_industries_say_the_same(touch: str) -> None:
    """Each touch is another letter in each of the ten industries, and another one than the general letter."""
    said = {SHIPPED.words(touch, "en", context(industry)).body.text for industry in INDUSTRIES}
    said.add(SHIPPED.words(touch, "en", sample_context(FIGURES)).body.text)
    assert len(said) == len(INDUSTRIES) + 1


@pytest.mark.parametrize("industry", INDUSTRIES)
def test_a_welcome_leaves_with_the_words_of_its_industry(industry: str) -> None:
    """The mail itself, HTML and plain text, has the industry's words in place of the general ones."""
    html, text = bodies(compose(letter(template="day_0_welcome", context=context(industry)), SHIPPED, SENDER))
    flat = " ".join(text.split())
    assert BOOKS[industry].copy["welcome"] in flat
    assert "The best start is a small one" not in flat
    assert BOOKS[industry].copy["welcome"].split(".")[0] in " ".join(html.split())


def test_the_words_are_in_the_saved_letter() -> None:
    """What an account is sent carries its playbook's words with it, so that it is composed alike for ever."""
    welcome, first = lived(BOOKS["industry-legal"], [event("Signed Up", 0)], 1).messages
    assert (welcome.play, first.play) == ("day_0_welcome", "security_first")
    saved = full_context(letter(template="first_step", context=first.context), SENDER)
    words = SHIPPED.words("first_step", "en", saved)
    assert words.subject == "One step first: take the training on security"
    assert "page for your data protection officer" in " ".join(words.body.text.split())


@pytest.mark.parametrize(
    ("role", "said"),
    [
        ("manager", "the board of a line"),
        ("quality", "each deviation with its cause"),
        ("operator", "one screen at the line"),
        ("champion", "one thing that you do every week"),
    ],
)
def test_each_role_reads_what_is_in_it_for_them(role: str, said: str) -> None:
    """In manufacturing the letter for new people is another one for each role, and a general one for who has none."""
    known = {**context("industry-manufacturing"), "person": {"first_name": "Ida", "role": role}}
    assert said in SHIPPED.words("role_welcome", "en", known).body.text


@pytest.mark.parametrize("name", ["kyc_waiting", "migration_support", "white_label"])
def test_work_that_an_industry_hands_out_is_written(name: str) -> None:
    """Each is handed out by an industry."""
    assert name in SHIPPED.names(TemplateKind.ESCALATION)
    assert any(
        getattr(action, "template", "") == name
        for playbook in BOOKS.values()
        for play in playbook.plays.values()
        for action in play.actions
    )
