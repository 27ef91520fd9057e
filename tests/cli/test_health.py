"""How ``lifecycle account show`` tells of an account's health."""

import pytest

from orchestrator.cli import account as command
from orchestrator.core.lifecycle import absorb, opened
from tests.core.playbooks import DAY, HEALTH, PLAYBOOK, with_plays
from tests.core.strategies import START, event, word

BOOK = with_plays(*PLAYBOOK.plays.values(), health=HEALTH)


def test_health_is_told_indicator_by_indicator(capsys: pytest.CaptureFixture[str]) -> None:
    """Score, colour, coverage, and what each indicator says; what is unknown is said to be."""
    account = absorb(opened("a", START, BOOK), [event("signed_up"), event("login")], BOOK)
    command._print_health(account, BOOK, START)
    told = capsys.readouterr().out
    assert "health 83.3333, green; 60 % of the weight is known" in told
    assert "Engagement (40 %): green, 100" in told
    assert "Sentiment (10 %): unknown" in told


def test_an_override_is_told_with_its_author(capsys: pytest.CaptureFixture[str]) -> None:
    """Who has set it, until when and why, and what it is by the figures."""
    said = word("health_overridden", score=12, until=(START + DAY).isoformat(), by="mei", reason="They called.")
    account = absorb(opened("a", START, BOOK), [said], BOOK)
    command._print_health(account, BOOK, START)
    told = capsys.readouterr().out.replace("\n", " ")
    assert "health 12, red" in told
    assert "set by mei until 2026-03-05 10:20 UTC: They called.; by the figures it is" in told


def test_where_nothing_is_said_of_health_nothing_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """A playbook without health leaves it out."""
    command._print_health(opened("a", START, PLAYBOOK), PLAYBOOK, START)
    assert capsys.readouterr().out == ""
