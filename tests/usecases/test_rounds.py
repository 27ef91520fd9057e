"""Several mails at once, one over each connection: one commit before all of them, and what is then in doubt."""

from dataclasses import replace
from threading import Barrier

import pytest
from sqlalchemy.exc import DBAPIError

from orchestrator.core.reasons import PostponementReason
from orchestrator.messaging.transport import Accepted, Deferred, Refused
from orchestrator.usecases import deliver as delivering
from orchestrator.usecases.deliver import Delivered, deliver
from orchestrator.usecases.ports import Ports
from orchestrator.usecases.rescue import rescue
from tests.database import until
from tests.usecases.company import Company, cohort
from tests.usecases.playbooks import DIVIDED_AT_THE_DOOR, HELLO, SECOND, tiny
from tests.usecases.test_faults import steady, stumble
from tests.usecases.test_uncertain import OVER, KilledError, killed
from tests.usecases.world import Answer, Relay, World

LANES = 3
STATES = "SELECT state FROM messages ORDER BY state"


def over(world: World, *relays: Relay) -> Ports:
    """The installation, with a connection to each of these relays."""
    return replace(world.ports, mailing=replace(world.ports.mailing, transports=relays))


def signed_up(world: World, members: int) -> None:
    world.drain(*(call for each in cohort(members) for call in each.sign_up()))


def states(world: World) -> list[str]:
    return [row["state"] for row in world.rows(STATES)]


def test_a_round_is_handed_over_at_the_same_time(world: World) -> None:
    """As many as there are connections are ``sending``, committed, while all of them are handed over; no more are."""
    signed_up(world, 2 * LANES)
    together = Barrier(LANES, timeout=30)
    seen: list[list[str]] = []

    def before() -> None:
        together.wait()
        seen.append(states(world))
        together.wait()

    world.relay.before = before
    assert deliver(over(world, *[world.relay] * LANES), "test", 20) == Delivered(sent=2 * LANES)
    assert (
        seen == [["claimed"] * LANES + ["sending"] * LANES] * LANES + [["sending"] * LANES + ["sent"] * LANES] * LANES
    )
    assert states(world) == ["sent"] * 2 * LANES


def test_a_sender_that_dies_leaves_one_in_doubt_for_each_connection(world: World) -> None:
    """Of nine, three were accepted and recorded, three under way are unknown, three leave later; none leaves twice."""
    signed_up(world, 3 * LANES)
    world.relay.script.extend([Accepted(reply="ok")] * LANES + [killed] * LANES)
    with pytest.raises(KilledError):
        deliver(over(world, *[world.relay] * LANES), "test", 20)
    world.run(OVER)
    assert rescue(world.ports).unknown == LANES
    world.live()
    assert states(world) == ["sent"] * 2 * LANES + ["unknown"] * LANES
    assert len(set(world.relay.recipients)) == len(world.relay.recipients) == 2 * LANES


def test_a_connection_that_breaks_costs_the_others_nothing(world: World) -> None:
    """What one transport raises is raised once the answers that the others got are recorded."""
    signed_up(world, LANES)
    answers: list[Answer] = [killed, Accepted(reply="ok"), Refused(code=554, text="no", address_dead=False)]
    relays = [Relay() for _ in answers]
    for relay, answer in zip(relays, answers, strict=True):
        relay.script.append(answer)
    with pytest.raises(KilledError):
        deliver(over(world, *relays), "test", 20)
    assert states(world) == ["failed", "sending", "sent"]


def test_a_slow_answer_keeps_no_other_in_doubt(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one relay takes its time, what the others have accepted is recorded."""
    monkeypatch.setattr(delivering, "QUICK_SECONDS", 0.01)
    signed_up(world, LANES)
    slow = Relay(before=lambda: until(world.engine, "SELECT count(*) = 2 FROM messages WHERE state = 'sent'"))
    assert deliver(over(world, Relay(), slow, Relay()), "test", 20).sent == LANES
    world.live()
    assert sorted(world.count_of("message_sent", each.account) for each in cohort(LANES)) == [1] * LANES


def test_an_address_is_written_to_once_a_round(bare: World) -> None:
    """Two mails to one address with room for one: the second is looked at after the first, and waits."""
    bare.publish(tiny(HELLO, SECOND, cap=1))
    bare.drain(*Company().sign_up(), *Company("other", "bob").sign_up())
    deliver(over(bare, *[bare.relay] * LANES), "test", 20)
    rows = bare.rows("SELECT state, reason FROM messages ORDER BY state")
    waits = {"state": "pending", "reason": PostponementReason.CAPPED}
    assert rows == [waits] * 2 + [{"state": "sent", "reason": None}] * 2
    assert len(set(bare.relay.recipients)) == 2


def test_each_answer_of_a_round_has_its_end(world: World) -> None:
    """One is refused, one deferred, one accepted; only what was handed over counts for the cap."""
    signed_up(world, LANES)
    answers = (Refused(code=554, text="no", address_dead=False), Deferred(code=451, text="later"), Accepted(reply="ok"))
    world.relay.script.extend(answers)
    assert deliver(over(world, *[world.relay] * LANES), "test", 20) == Delivered(sent=1, others=2)
    assert states(world) == ["failed", "pending", "sent"]
    assert world.one("SELECT sum(jsonb_array_length(sends)) FROM contacts") == 2


def test_one_that_cannot_be_judged_costs_its_round_nothing(bare: World) -> None:
    """A message whose ``only_while`` raises stands aside; the others of its round leave, and those before are sent."""
    bare.publish(tiny(DIVIDED_AT_THE_DOOR))
    members = cohort(2 * LANES)
    bare.drain(*(call for each in members for call in each.sign_up()))
    raises = members[-1].account
    bare.rewrite(raises, lambda found: found["facts"]["events"].update(login=found["facts"]["events"]["signed_up"]))
    assert deliver(over(bare, *[bare.relay] * LANES), "test", 20) == Delivered(sent=2 * LANES - 1, others=1)
    assert bare.message_of(raises)["reason"] == PostponementReason.PARKED
    assert states(bare) == ["pending"] + ["sent"] * (2 * LANES - 1)


def test_what_was_accepted_is_recorded_though_the_next_round_fails(world: World) -> None:
    """The disk is full when the second is to be marked: the first is sent, not unknown; the second leaves later."""
    signed_up(world, 2)
    stumble(
        world, "messages", "53100", "NEW.state = 'sending' AND EXISTS (SELECT FROM messages WHERE state = 'sending')"
    )
    with pytest.raises(DBAPIError):
        world.deliver()
    assert states(world) == ["pending", "sent"]
    steady(world)
    assert world.deliver().sent == 1
    assert len(set(world.relay.recipients)) == 2
