"""Families of accounts: whose word on a parent counts, who is above whom, and what they add up to."""

from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest

from orchestrator.core.events import Json
from orchestrator.core.facts import Facts, Written
from orchestrator.core.families import Parentage, kin, line, parentages, whole
from orchestrator.core.lifecycle import opened
from tests.core.playbooks import PLAYBOOK
from tests.core.strategies import START, event, traits

HOUR = timedelta(hours=1)


def test_the_last_word_counts_in_any_order() -> None:
    """Of several calls the latest by time says whose part an account is; calls that do not speak of it say nothing."""
    calls = [traits(START, parent="one"), traits(START + HOUR, parent="two"), traits(START + 2 * HOUR, seats=3)]
    for order in permutations(calls):
        found = parentages([*order, event("login", properties={"parent": "x"})])
        assert found == {"a": Parentage(account="a", parent="two", stamp=calls[1].stamp)}
    assert parentages([replace(calls[0], account=None)]) == {}


@pytest.mark.parametrize(
    ("said", "parent"),
    [
        *(("group", "group"), (" group ", "group"), (7, "7"), ("x" * 256, None)),
        *(("", None), (None, None), ("a", None), (True, None), ([], None)),
    ],
)
def test_what_is_a_parent(said: Json, parent: str | None) -> None:
    """The id of another account; nothing, itself, or what is no id, says that it has none."""
    assert parentages([traits(parent=said)])["a"].parent == parent


def test_the_line_ends_at_the_top_or_where_it_turns() -> None:
    """Parent, that one's parent and so on; a circle is followed once around."""
    assert line("c", {"c": "b", "b": "a"}) == ("b", "a")
    assert line("a", {"c": "b", "b": "a"}) == ()
    assert line("a", {"a": "b", "b": "a"}) == ("b", "a")
    assert line("x", {"x": "a", "a": "b", "b": "a"}) == ("a", "b")


def test_kin_are_all_below_the_same_top() -> None:
    """Those above, those beside and those below; strangers are alone, a circle is one family."""
    parents = {"c": "b", "b": "a", "d": "a", "y": "x", "r": "s", "s": "r"}
    assert {kin(each, parents) for each in "abcd"} == {frozenset("abcd")}
    assert (kin("x", parents), kin("z", parents), kin("r", parents)) == tuple(map(frozenset, ("xy", "z", "rs")))


def test_what_a_family_adds_up_to() -> None:
    """So many accounts, so many in each stage and colour; worth is the sum of those of whom it is known."""
    one = opened("one", START, PLAYBOOK)
    arr = Facts(traits={"arr": Written(value=1000, stamp=(START, "crm", "m"))})
    told = replace(one, id="two", facts=arr, colour="green")
    odd = replace(one, id="odd", facts=Facts(traits={"arr": Written(value="much", stamp=(START, "crm", "m"))}))
    found = whole([one, told, odd])
    assert (found.accounts, found.worth) == (3, 1000)
    assert (found.stages, found.colours) == ({one.stage: 3}, {"green": 1, "unknown": 2})
    assert whole([one, odd]).worth is None
