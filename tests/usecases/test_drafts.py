"""Drafts: what a person approves before it leaves."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from orchestrator.core.decisions import NoteKind
from orchestrator.core.playbook import Playbook
from orchestrator.core.reasons import MessageReason
from orchestrator.usecases.drafts import NoDraftError, approve, discard, waiting
from orchestrator.usecases.merge import merge
from orchestrator.usecases.rescue import Rescued, rescue
from orchestrator.usecases.simulate import Arrival, Looked, simulate
from tests.usecases.company import DAY, HOUR, MONDAY, Company, cohort
from tests.usecases.playbooks import HELLO, SECOND, tiny
from tests.usecases.world import World

DRAFTED = tiny(HELLO + "    draft: true\n", SECOND)
MOMENT = timedelta(microseconds=1)


def drafted(world: World) -> UUID:
    """The id of the one draft of a company that has just signed up."""
    world.publish(DRAFTED)
    world.drain(*Company().sign_up())
    world.deliver()
    identity: UUID = world.message()["id"]
    return identity


def states(world: World) -> list[tuple[str, str, str | None]]:
    """Each message's play, state and reason."""
    rows = world.rows("SELECT play, state, reason FROM messages ORDER BY play")
    return [(row["play"], row["state"], row["reason"]) for row in rows]


def test_a_draft_does_not_leave_until_a_person_approves_it(bare: World) -> None:
    """Delivery passes it by; approved, it goes to the door like any other, and the journal says who approved it."""
    identity = drafted(bare)
    assert states(bare) == [("hello", "draft", None), ("second", "sent", None)]
    bare.at(MONDAY + HOUR)
    approve(bare.ports, identity, "mei")
    assert bare.message()["not_before"] == MONDAY + HOUR
    bare.live()
    assert states(bare) == [("hello", "sent", None), ("second", "sent", None)]
    (noted,) = bare.rows("SELECT account_id, detail FROM journal WHERE kind = 'draft'")
    assert (noted["account_id"], noted["detail"]["what"], noted["detail"]["who"]) == ("acme", "approved", "mei")


def test_a_discarded_draft_ends_by_name(bare: World) -> None:
    """DISCARDED: it is cancelled, its account is told, and it can be neither approved nor discarded again."""
    identity = drafted(bare)
    discard(bare.ports, identity, "mei")
    bare.live()
    assert states(bare)[0] == ("hello", "cancelled", MessageReason.DISCARDED)
    assert bare.count_of("message_cancelled") == 1
    for again in (approve, discard):
        with pytest.raises(NoDraftError):
            again(bare.ports, identity, "mei")


def test_a_draft_that_nobody_approves_expires(bare: World) -> None:
    """At its not_after it may still be approved; a moment later it is ended as expired, once."""
    identity = drafted(bare)
    bare.at(MONDAY + 2 * DAY)
    assert rescue(bare.ports) == Rescued(given_back=0, unknown=0, expired=0)
    bare.at(MONDAY + 2 * DAY + MOMENT)
    with pytest.raises(NoDraftError):
        approve(bare.ports, identity, "mei")
    assert rescue(bare.ports) == Rescued(given_back=0, unknown=0, expired=1)
    assert rescue(bare.ports) == Rescued(given_back=0, unknown=0, expired=0)
    assert states(bare)[0] == ("hello", "cancelled", MessageReason.EXPIRED)
    bare.live()
    assert bare.count_of("message_cancelled") == 1


def test_a_draft_is_withdrawn_like_any_message(bare: World) -> None:
    """When what it asks for is done, a draft is cancelled with its goal's reason."""
    bare.publish(DRAFTED)
    company = Company()
    bare.drain(*company.sign_up())
    bare.drain(company.track("Logged In"))
    assert states(bare)[0] == ("hello", "cancelled", MessageReason.GOAL_REACHED)


def test_drafts_can_be_read_before_they_leave(bare: World) -> None:
    """Each draft is listed with its subject and text, as it would leave; of one account, or of all."""
    bare.publish(DRAFTED)
    bare.drain(*(call for each in cohort(2) for call in each.sign_up()))
    listed = list(waiting(bare.ports))
    assert [message.account for message, _ in listed] == ["account-0000", "account-0001"]
    assert all(text.partition("\n")[0] and "\n\n" in text for _, text in listed)
    assert [message.account for message, _ in waiting(bare.ports, "account-0001")] == ["account-0001"]


def test_a_draft_that_cannot_be_composed_says_so(bare: World) -> None:
    """A draft without an address cannot be read, and the list says why instead of failing."""
    drafted(bare)
    bare.run("UPDATE messages SET address = NULL WHERE state = 'draft'")
    ((_, text),) = waiting(bare.ports)
    assert text.startswith("it cannot be composed: ")


def test_a_draft_follows_its_account_through_a_merge(bare: World) -> None:
    """What waited for approval at a merged account waits at the one that is left."""
    bare.publish(DRAFTED)
    bare.drain(*(call for each in cohort(2) for call in each.sign_up()))
    merge(bare.ports, "account-0000", "account-0001")
    assert {message.account for message, _ in waiting(bare.ports)} == {"account-0001"}


def test_a_simulation_knows_what_was_looked_at(bare: World) -> None:
    """What the store makes of an approved and of a discarded draft, the simulation makes of it too."""
    playbook: Playbook = bare.publish(DRAFTED)
    calls = Company().sign_up()
    arrivals = [Arrival(at=MONDAY, call=call) for call in calls]
    bare.drain(*calls)
    bare.at(MONDAY + HOUR)
    discard(bare.ports, bare.message()["id"], "mei")
    looked = Looked(at=MONDAY + HOUR, account="acme", play="hello", who="mei", approved=False)
    found = simulate(arrivals, playbook, MONDAY + HOUR, words=[looked])
    told = {each.message.play: (each.message.play, each.state, each.reason) for each in found.messages}
    assert told["hello"] == states(bare)[0]
    approved = simulate(arrivals, playbook, MONDAY + HOUR, words=[replace(looked, approved=True)])
    assert {each.message.play: (each.state, each.at) for each in approved.messages}["hello"] == ("sent", MONDAY + HOUR)
    assert [note.detail["what"] for _, note in approved.notes if note.kind is NoteKind.DRAFT] == ["approved"]


def test_a_simulation_approves_nothing(bare: World) -> None:
    """Nobody approves by itself in a simulation: a draft stays one, then ends as expired when its time is over."""
    playbook: Playbook = bare.publish(DRAFTED)
    arrivals = [Arrival(at=MONDAY, call=call) for call in Company().sign_up()]
    for end, state, reason in ((DAY, "draft", None), (3 * DAY, "cancelled", MessageReason.EXPIRED)):
        found = simulate(arrivals, playbook, MONDAY + end)
        assert {each.message.play: (each.state, each.reason) for each in found.messages} == {
            "hello": (state, reason),
            "second": ("sent", None),
        }
