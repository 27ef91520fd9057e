"""Accounts as documents and back: nothing is lost, and what an older version wrote is still read."""

import json
from dataclasses import replace

from hypothesis import given

from orchestrator.core.account import Account
from orchestrator.core.events import Event
from orchestrator.core.lifecycle import opened
from orchestrator.core.people import Person
from orchestrator.core.playbook import Playbook
from orchestrator.store.documents import Stored, account_document, account_from
from tests.core.lives import life
from tests.core.playbooks import PLAYBOOK
from tests.core.strategies import SPAN, START, crowds, histories, playbooks


def lived(events: list[Event], people: tuple[Person, ...], playbook: Playbook) -> Account:
    """An account that lived through these events."""
    return life(people, playbook, START).live(events, START + SPAN).account


@given(histories(), crowds(), playbooks())
def test_an_account_comes_back_as_it_was(events: list[Event], people: tuple[Person, ...], playbook: Playbook) -> None:
    """Through JSON and back an account is equal, whatever happened to it."""
    account = lived(events, people, playbook)
    assert account_from("a", json.loads(json.dumps(account_document(account)))) == account


def test_an_account_that_is_history_comes_back_as_it_was() -> None:
    """That an account is held, and until when, is kept."""
    for live_at in (None, START):
        account = replace(opened("a", START, PLAYBOOK), history=True, live_at=live_at)
        assert account_from("a", json.loads(json.dumps(account_document(account)))) == account


def test_an_older_document_is_read() -> None:
    """What this version added is empty where an older version wrote the account."""
    account = opened("a", START, PLAYBOOK)
    document = account_document(account)
    for newer in ("signals", "edges"):
        del document[newer]
    del document["facts"]["said"]
    assert account_from("a", document) == account


def test_an_item_is_made_when_it_is_asked_for_and_once() -> None:
    """What is not there is the default, and makes nothing; what is there is the same each time."""
    made: list[int] = []

    def make(number: int) -> list[int]:
        made.append(number)
        return [number]

    stored = Stored({"first": 1, "second": 2}, make)
    assert (stored.get("none"), stored.get("none", [0]), made) == (None, [0], [])
    assert stored.get("second") is stored["second"]
    assert made == [2]
