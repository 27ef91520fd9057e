"""The one uncertain case: what was handed over without an answer is named, held or sent again, and settled."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.exc import OperationalError

from orchestrator.core.reasons import MessageReason, PostponementReason
from orchestrator.messaging.transport import Abandoned, Accepted, Refused, Uncertain
from orchestrator.usecases.deliver import Delivered, deliver
from orchestrator.usecases.reconcile import NotUncertainError, reconcile
from orchestrator.usecases.rescue import Rescued, rescue
from tests.usecases.company import DAY, MONDAY, Company, cohort
from tests.usecases.playbooks import HELLO, RESENT, SECOND, tiny
from tests.usecases.world import World, holding

OVER = "UPDATE messages SET lease_until = clock_timestamp() - interval '1 second' WHERE state IN ('claimed', 'sending')"

MINUTE = timedelta(minutes=1)


class KilledError(BaseException):
    """The sender dies here: no ``except`` of the product sees it."""


def killed() -> Accepted:
    raise KilledError


def lose(world: World) -> None:
    """A sender dies while it hands over, and its lease runs out."""
    world.relay.script.append(killed)
    with pytest.raises(KilledError):
        world.deliver()
    assert world.message()["state"] == "sending"
    world.run(OVER)


def test_a_sender_that_dies_while_handing_over_leaves_an_unknown(world: World) -> None:
    """Only once its lease has run out is it named; then it is held, and no sender touches it."""
    world.drain(*Company().sign_up())
    world.relay.script.append(killed)
    with pytest.raises(KilledError):
        world.deliver()
    assert rescue(world.ports) == Rescued(given_back=0, unknown=0)
    world.run(OVER)
    assert rescue(world.ports) == Rescued(given_back=0, unknown=1)
    assert rescue(world.ports) == Rescued(given_back=0, unknown=0)
    assert (world.message()["state"], world.message()["reason"]) == ("unknown", MessageReason.SENDER_LOST)
    assert world.deliver() == Delivered()
    world.live()
    assert world.count_of("message_unknown") == 1


def test_claims_of_a_dead_sender_are_given_back(world: World) -> None:
    """What was claimed and not begun was not handed over: it is pending again, never unknown."""
    world.drain(*(call for each in cohort(5) for call in each.sign_up()))
    world.run(
        "UPDATE messages SET state = 'claimed', lease_token = gen_random_uuid(), "
        "lease_until = clock_timestamp() - interval '1 second'"
    )
    assert world.deliver() == Delivered()
    assert rescue(world.ports) == Rescued(given_back=5, unknown=0)
    assert world.deliver().sent == 5


def test_a_sender_that_dies_holds_at_most_one_unknown(world: World) -> None:
    """Of a batch of five one was under way: that one is unknown, the others leave later, none twice."""
    world.drain(*(call for each in cohort(5) for call in each.sign_up()))
    world.relay.script.extend([Accepted(reply="ok"), killed])
    with pytest.raises(KilledError):
        world.deliver()
    world.run(OVER)
    rescue(world.ports)
    world.live()
    assert len(set(world.relay.recipients)) == len(world.relay.recipients) == 4
    assert [row["state"] for row in world.rows("SELECT state FROM messages ORDER BY state")] == ["sent"] * 4 + [
        "unknown"
    ]


def test_a_lease_that_ran_out_before_the_hand_over_sends_nothing(world: World) -> None:
    """A sender that is late between claim and ``sending`` finds its guard closed."""
    world.drain(*Company().sign_up())
    late = replace(world.ports, mailing=replace(world.ports.mailing, lease_seconds=0))
    deliver(late, "late", seconds=0.001)
    assert world.relay.taken == []
    assert world.message()["state"] == "pending"
    assert world.message()["attempts"] == 0


def test_a_sender_that_wakes_too_late_sends_nothing(world: World) -> None:
    """Stopped between ``sending`` and the mail's data, past its lease: it abandons the mail, which is pending again."""
    world.drain(*Company().sign_up())
    short = replace(world.ports, mailing=replace(world.ports.mailing, lease_seconds=0.5))

    def stopped() -> None:
        world.run("SELECT pg_sleep(0.6)")

    world.relay.before = stopped
    deliver(short, "late", seconds=0.1)
    assert world.relay.taken == []
    assert (world.message()["state"], world.message()["reason"]) == ("pending", PostponementReason.RELAY_DEFERRED)


def test_an_abandoned_mail_is_pending_again_though_it_was_named_unknown(world: World) -> None:
    """The rescue was quicker than the stopped sender; when it wakes and has sent nothing, that is known, and said."""
    world.drain(*Company().sign_up())

    def overtaken() -> None:
        world.run(OVER)
        rescue(world.ports)
        assert world.message()["state"] == "unknown"

    world.relay.before = overtaken
    world.relay.script.append(Abandoned())
    world.deliver()
    assert world.message()["state"] == "pending"
    world.relay.before = lambda: None
    world.at(MONDAY + DAY)
    world.deliver()
    assert len(world.relay.taken) == 1


@pytest.mark.parametrize(
    ("answer", "state"),
    [(Accepted(reply="ok"), "sent"), (Refused(code=554, text="no", address_dead=False), "failed")],
)
def test_an_answer_that_comes_after_the_rescue_settles(world: World, answer: Accepted | Refused, state: str) -> None:
    """The token stays with an unknown message, so that its sender's late answer still counts, once."""
    world.drain(*Company().sign_up())

    def overtaken() -> None:
        world.run(OVER)
        rescue(world.ports)

    world.relay.before = overtaken
    world.relay.script.append(answer)
    world.deliver()
    assert world.message()["state"] == state
    world.live()
    assert world.count_of(f"message_{state}") == 1


def test_an_answer_that_never_came_is_unknown_at_once(world: World) -> None:
    """The relay was given everything and then the line was cut: named, held."""
    world.relay.script.append(Uncertain(text="cut"))
    world.drain(*Company().sign_up())
    world.deliver()
    assert (world.message()["state"], world.message()["reason"]) == ("unknown", MessageReason.SENDER_LOST)
    assert world.deliver() == Delivered()


def test_what_may_be_sent_again_is_the_same_mail(bare: World) -> None:
    """``on_unknown: resend``: it goes again by itself, also after a correction: same Message-ID, same bytes."""
    bare.publish(tiny(RESENT))
    company = Company()
    bare.drain(*company.sign_up())
    bare.relay.script.append(Uncertain(text="cut"))
    bare.deliver()
    assert (bare.message()["state"], bare.message()["not_before"]) == ("pending", MONDAY + MINUTE)
    assert len(bare.relay.taken) == 1
    bare.at(MONDAY + DAY)
    bare.drain(company.identify(MONDAY + DAY, name="Anna Okafor-Smith"))
    bare.live()
    (first, _), (second, _) = bare.relay.taken
    assert first["Message-ID"] == second["Message-ID"]
    assert first.as_bytes() == second.as_bytes()
    assert bare.message()["state"] == "sent"


def test_a_resend_is_not_held_back_by_its_own_first_try(bare: World) -> None:
    """The cap counts a message once: what may have left already is no reason to wait for itself."""
    bare.publish(tiny(RESENT, SECOND, cap=1))
    bare.drain(*Company().sign_up())
    bare.relay.script.append(Uncertain(text="cut"))
    bare.live()
    bare.at(MONDAY + MINUTE)
    bare.live()
    assert bare.message()["state"] == "sent"
    assert (bare.message("second")["state"], bare.message("second")["reason"]) == ("pending", "capped")
    assert bare.one("SELECT jsonb_array_length(sends) FROM contacts") == 1


def test_a_message_that_arrived_is_reconciled_as_sent(world: World) -> None:
    """The relay's log has it: it is sent, its account hears of it, and it is settled for good."""
    world.drain(*Company().sign_up())
    lose(world)
    rescue(world.ports)
    reconcile(world.ports, world.message()["id"], arrived=True)
    world.live()
    assert (world.message()["state"], world.message()["settled_at"]) == ("sent", MONDAY)
    assert world.count_of("message_sent") == 1
    assert world.relay.taken == []
    with pytest.raises(NotUncertainError):
        reconcile(world.ports, world.message()["id"], arrived=True)


def test_a_message_that_did_not_arrive_goes_again(world: World) -> None:
    """The relay's log does not have it: it is sent, once, while it is still valid."""
    world.drain(*Company().sign_up())
    lose(world)
    rescue(world.ports)
    reconcile(world.ports, world.message()["id"], arrived=False)
    world.live()
    assert world.message()["state"] == "sent"
    assert len(world.relay.taken) == 1


def test_a_message_that_did_not_arrive_in_time_expires(world: World) -> None:
    """Reconciled days later it is not sent: it is no longer valid."""
    world.drain(*Company().sign_up())
    lose(world)
    rescue(world.ports)
    world.at(MONDAY + 3 * DAY)
    reconcile(world.ports, world.message()["id"], arrived=False)
    world.live()
    assert (world.message()["state"], world.message()["reason"]) == ("cancelled", "expired")


def test_a_cut_connection_before_the_hand_over_sends_nothing(world: World, pool: ThreadPoolExecutor) -> None:
    """The database goes away between claim and ``sending``: nothing left, the claim is given back in time."""
    world.drain(*Company().sign_up())
    with holding(world, "LOCK TABLE contacts"):
        sender = pool.submit(deliver, world.ports, "cut", 20)
        waiting = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        while not (found := world.rows(waiting)):
            pass
        world.run("SELECT pg_terminate_backend(:pid)", pid=found[0]["pid"])
        with pytest.raises(OperationalError):
            sender.result()
    assert world.relay.taken == []
    assert world.message()["state"] == "pending"


def test_a_rescue_of_many_is_bounded_by_what_was_in_hand(bare: World) -> None:
    """Waiting, sent and cancelled messages are none of its business."""
    bare.publish(tiny(HELLO))
    bare.drain(*(call for each in cohort(4) for call in each.sign_up()))
    bare.live()
    assert rescue(bare.ports) == Rescued(given_back=0, unknown=0)
