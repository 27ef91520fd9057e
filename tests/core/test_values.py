"""Reasons, errors and keys: small values that other floors build on."""

import pytest

from orchestrator.core.decisions import key
from orchestrator.core.errors import IllegalInputError, LifecycleError, UndecidableError
from orchestrator.core.reasons import DecisionReason, MessageReason, PostponementReason, Reason


@pytest.mark.parametrize("reason", [*DecisionReason, *PostponementReason, *MessageReason], ids=repr)
def test_each_reason_is_a_word_with_a_sentence(reason: Reason) -> None:
    """The word is the metric's tag, the sentence is for people."""
    assert str(reason) == reason.value == reason.name.lower()
    assert reason.sentence.endswith(".")


def test_a_reason_is_found_by_its_word() -> None:
    """A stored word gives the reason back."""
    assert DecisionReason("stale") is DecisionReason.STALE
    with pytest.raises(ValueError, match="tired"):
        DecisionReason("tired")


@pytest.mark.parametrize("error", [LifecycleError, IllegalInputError, UndecidableError])
def test_an_errors_default_message_is_its_docstring(error: type[LifecycleError]) -> None:
    """Raised without words, an error says what its class says."""
    assert str(error()) == error.__doc__
    assert str(error("because")) == "because"


def test_keys_tell_parts_apart() -> None:
    """The same parts give the same key; parts cannot run into each other, and any text is a part."""
    assert key("a", "b") == key("a", "b")
    assert len({key("a", "b"), key("ab"), key("", "ab"), key("ab", ""), key("b", "a"), key("\ud800")}) == 6
