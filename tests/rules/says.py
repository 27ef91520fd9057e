"""``says``: what a person is handed must contain certain words, whoever gets it."""

import re
from collections.abc import Iterator, Mapping

from orchestrator.messaging.context import sample_context, trial_contexts
from orchestrator.messaging.errors import RenderError
from orchestrator.messaging.templates import TemplateSet
from tests.rules.register import Says
from tests.rules.shelf import Shelf


def says(shelf: Shelf, wanted: Says) -> None:
    """Assert that a letter or handout says the words, in one of the cases in which it can be written.

    ``kind``: ``email``, ``in_app``, ``escalation``; ``name``: the template.
    """
    texts = list(_rendered(shelf, wanted))
    assert any(_contains(text, wanted.words) for text in texts), f"{wanted.words!r} is not in: {texts[:1]}"


def _contains(text: str, words: str) -> bool:
    """Whether words stand in a text, not within longer ones, however the white space falls."""
    pattern = r"\s+".join(map(re.escape, words.split()))
    return re.search(rf"(?<![\w.]){pattern}(?!\w|[.,]\d)", text) is not None


def _rendered(shelf: Shelf, wanted: Says) -> Iterator[str]:
    templates: TemplateSet = shelf.once("templates", lambda: TemplateSet(shelf.templates))
    for context in (sample_context(), *(each for _, each in trial_contexts())):
        try:
            yield _text(templates, wanted, context)
        except RenderError:
            continue  # not a case that this one is written for


def _text(templates: TemplateSet, wanted: Says, context: Mapping[str, object]) -> str:
    match wanted.kind:
        case "email":
            words = templates.words(wanted.name, "en", context)
            return f"{words.subject}\n{words.preview}\n{words.body.text}\n{words.button.label}"
        case "in_app":
            banner = templates.banner(wanted.name, "en", context)
            return f"{banner.title}\n{banner.body.text}\n{banner.button.label}"
        case "escalation":
            note = templates.note(wanted.name, context)
            return f"{note.title}\n{note.body}"
        case _:
            raise AssertionError(f"nothing that is handed out is called {wanted.kind!r}")
