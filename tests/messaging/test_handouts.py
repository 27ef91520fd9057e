"""What a human is handed: the grammar of its template, the one form of its page, and the content catalogue."""

import pytest

from orchestrator.messaging.catalogue import CATALOGUE, Catalogue, read_catalogue
from orchestrator.messaging.context import context_names, sample_context
from orchestrator.messaging.errors import RenderError, TemplateError
from orchestrator.messaging.templates import Note, TemplateKind, TemplateSet
from tests.messaging.letters import FIGURES, SHIPPED

KNOWN = context_names(FIGURES)
CONTENT = """levels:
  L1: Getting started
assets:
  deck: {label: Kickoff deck, kind: deck}
  film:
    label: Getting started
    kind: video
    level: L1
    minutes: 2
    url: /videos/start
    about: the first steps
  forum: {label: Community, kind: page, url: "https://talk.example/a"}
"""
GOOD = """---
title: "Kickoff with {{ account.name or account.id }}"
minutes: 90
agenda:
  - {minutes: 75, what: "Goals of {{ account.name or account.id }}", who: all}
  - minutes: 15
    what: Next steps
checklist:
  - "Criteria written down"
  - "{% if segment.touch == 'high' %}Map drawn{% endif %}"
bring: [deck, film]
draft:
  subject: "Hello {{ person.first_name or 'there' }}"
  body: |
    Hello {{ person.first_name or "there" }},

    see {{ content.film.url }}.
---
**What happened.** They signed.
"""
STANDING = """- Mid-market, medium touch
- Phase: Configure, until 11 May 2026; it ends with: a configured account
- Health: 55 of 100, yellow
- Open risks: Invitations not accepted (4 days)
- Still to be done in this stage: Basic features in use
- Their goals, not met yet: Five reports a week
- Where these goals stand: Five reports a week: 3 of 5
- Open in the project: Data migration (customer)
- Waiting for something else: Custom settings, until the data is there"""
BROUGHT = """- Kickoff deck
- Getting started (https://app.lumen.example/videos/start), video, 2
  minutes: the first steps"""


def templates(text: str = GOOD, content: str = CONTENT) -> TemplateSet:
    """A set of one handout and a catalogue."""
    return TemplateSet({"escalation/m.md": text, CATALOGUE: content})


def note(text: str = GOOD, absent: tuple[str, ...] = ()) -> Note:
    """The handout, rendered."""
    return templates(text).note("m", sample_context(FIGURES, absent=absent))


def test_a_handout_is_one_page() -> None:
    """What to do, where they stand, agenda with the clock, checklist, what to bring and the draft, in this order."""
    assert note().body.split("\n\n") == [
        "What happened. They signed.",
        "Where they stand.",
        STANDING,
        "Agenda, 90 minutes.",
        "- 0:00 to 1:15: Goals of Northwind Traders (all)\n- 1:15 to 1:30: Next steps",
        "Checklist.",
        "- [ ] Criteria written down",
        "Bring.",
        BROUGHT,
        "A draft to Ann Okafor.",
        "> Subject: Hello Ann",
        "> Hello Ann,",
        "> see https://app.lumen.example/videos/start.",
    ]


def test_what_is_not_known_is_left_out() -> None:
    """Without anything known of the account there is no standing; a draft names nobody; a phase may have no end."""
    bare = templates().note("m", {"account": {"id": "a"}, "product": {"url": "https://x.example"}})
    assert "Where they stand" not in bare.body
    assert "A draft.\n" in bare.body
    assert "- Phase: Configure\n" in note(absent=("phase.until", "phase.deliverable")).body
    assert "- Mid-market\n" in note(absent=("segment.touch",)).body
    assert "- Health: 55 of 100\n" in note(absent=("health.colour",)).body


def test_an_item_that_prints_nothing_is_left_out() -> None:
    """A checklist may depend on the customer."""
    high = sample_context(FIGURES)
    high["segment"]["touch"] = "high"
    assert "- [ ] Map drawn" in templates().note("m", high).body
    assert "Map drawn" not in note().body


def test_time_without_an_agenda_is_said() -> None:
    """Work that is no meeting may say how long it takes."""
    assert "Time. 30 minutes." in note("---\ntitle: t\nminutes: 30\n---\nwords").body


def test_a_handout_has_a_html_form_without_foreign_markup() -> None:
    """Both forms come from one text, and what a customer is called is text in both."""
    context = sample_context(FIGURES)
    context["account"]["name"] = "<b>[x](https://evil.example)</b>"
    found = templates().note("m", context)
    assert "<strong>Agenda, 90 minutes.</strong>" in found.html
    assert "<blockquote>" in found.html
    assert "&lt;b&gt;[x](https://evil.example)&lt;/b&gt;" in found.html


def test_a_good_handout_has_no_problems() -> None:
    """A handout that keeps to the rules passes, with each name there and missing."""
    assert templates().check("m", KNOWN, TemplateKind.ESCALATION) == []


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("minutes: 90", "minutes: 60", 3, "adds up to 90; `minutes` says 60"),
        ("minutes: 90\n", "", 4, "adds up to 90; write `minutes: 90`"),
        ("minutes: 90", "minutes: 1.5 hours", 3, "whole number of minutes"),
        ("minutes: 90", "minutes: 0", 3, "whole number of minutes"),
        ("minutes: 90", "minutes: 90\nminutes: 90", 4, "twice"),
        ("minutes: 90", "minits: 90", 3, "did you mean 'minutes'"),
        ("    what: Next steps", "    wat: Next steps", 7, "did you mean 'what'"),
        ("    what: Next steps", "    minutes: 15", 7, "twice"),
        ("    what: Next steps", "    who: all", 6, "needs `what`"),
        ("minutes: 75, ", "", 5, "needs `minutes`"),
        ("  - minutes: 15\n    what: Next steps", "  - Next steps", 6, "write a point of the agenda as"),
        ('  - "Criteria written down"', '  - ""', 9, "empty"),
        ("bring: [deck, film]", "bring: deck", 11, "must be a list"),
        ("bring: [deck, film]", "bring: [dek]", 11, "did you mean 'deck'"),
        ("  body: |\n", "  bodi: |\n", 14, "did you mean 'body'"),
        ("  subject: \"Hello {{ person.first_name or 'there' }}\"\n", "", 13, "draft.subject is missing"),
        ("content.film.url", "content.deck.url", 17, "there is no 'content.deck.url'"),
        ("content.film.url", "content.flim.url", 17, "did you mean 'content.film.url'"),
        ('Hello {{ person.first_name or "there" }},', "Hello {{ person.first_name }},", 15, "with nothing optional"),
        ("what: Next steps", "what: \"{{ person.first_name or '' }}\"", 7, "renders to nothing"),
        ("who: all", 'who: "{% set x = 1 %}"', 5, "no assignments"),
    ],
)
def test_a_mistake_is_shown_where_it_is(old: str, new: str, line: int, said: str) -> None:
    """Each mistake of a handout is told with its file, its line and what to write instead."""
    assert old in GOOD
    problems = templates(GOOD.replace(old, new, 1)).check("m", KNOWN, TemplateKind.ESCALATION)
    assert any(problem.line == line and said in problem.message for problem in problems), problems
    assert {problem.file for problem in problems} == {"escalation/m.md"}


def test_only_what_a_human_is_handed_has_an_agenda() -> None:
    """A word to our own people has a title and no more."""
    (problem,) = TemplateSet({"notify/m.md": GOOD}).check("m", KNOWN, TemplateKind.NOTIFY)[:1]
    assert "there is no field 'minutes'" in problem.message


def test_a_handout_that_was_never_checked_fails_by_name() -> None:
    """What is to be brought must be there when the page is written too."""
    with pytest.raises(TemplateError, match=r"escalation/m\.md:11.*'dek'"):
        templates(GOOD.replace("[deck, film]", "[dek]")).note("m", sample_context())
    with pytest.raises(RenderError, match="renders to nothing"):
        note(GOOD.replace("what: Next steps", 'what: "{% if 1 > 2 %}x{% endif %}"'))


# -- the catalogue -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("levels:", "level:", 1, "did you mean 'levels'"),
        ("  deck: {label: Kickoff deck, kind: deck}", "  deck: {kind: deck}", 4, "needs `label`"),
        ("  deck: {label: Kickoff deck, kind: deck}", "  deck: {label: Kickoff deck}", 4, "needs `kind`"),
        ("  deck: {label: Kickoff deck, kind: deck}", "  deck: Kickoff", 4, "write the asset deck as"),
        ("  deck:", "  a deck:", 4, "letters, digits and _"),
        ("  forum:", "  deck:", 12, "the asset deck is there twice"),
        ("level: L1", "level: L2", 8, "expected one of the levels L1"),
        ("minutes: 2", "minutes: two", 9, "whole number"),
        ("url: /videos/start", "url: videos", 10, "begins with /"),
        ("url: /videos/start", "url: /a b", 10, "begins with /"),
        ("levels:\n  L1: Getting started", "levels: x", 1, "write levels as"),
        ("label: Kickoff deck", "label: [x]", 4, "must be text"),
    ],
)
def test_a_mistake_of_the_catalogue_is_shown_where_it_is(old: str, new: str, line: int, said: str) -> None:
    """Each is told with its line, also by the check of a template that needs the catalogue."""
    assert old in CONTENT
    content = CONTENT.replace(old, new, 1)
    with pytest.raises(TemplateError) as raised:
        read_catalogue(content)
    assert any(problem.line == line and said in problem.message for problem in raised.value.problems), raised.value
    problems = templates(content=content).check("m", KNOWN, TemplateKind.ESCALATION)
    assert {problem.file for problem in problems} == {CATALOGUE}


def test_a_catalogue_that_is_no_yaml_is_told() -> None:
    """A broken file is named."""
    with pytest.raises(TemplateError, match=r"content/catalogue\.yaml:1: this is not YAML"):
        read_catalogue("levels: [")


def test_without_a_catalogue_there_is_nothing_to_bring() -> None:
    """Templates that refer to no content need none."""
    assert TemplateSet({}).catalogue == Catalogue()
    assert Catalogue().names() == frozenset()


def test_names_are_those_that_can_be_printed() -> None:
    """An asset without an address has no ``url`` to be printed."""
    names = read_catalogue(CONTENT).names()
    assert {"content.deck.label", "content.film.url", "content.film.minutes", "content.forum.url"} <= names
    assert not names & {"content.deck.url", "content.deck.minutes", "content.forum.level"}


def test_every_asset_of_the_catalogue_is_needed() -> None:
    """Whatever our own people should bring, some handout or letter asks for; the other pages are the shelf's own."""
    copy = "".join(text for path, text in SHIPPED.files.items() if path.endswith(".md"))
    unread = {name for name, asset in SHIPPED.catalogue.assets.items() if asset.url is None and name not in copy}
    assert unread == set()
