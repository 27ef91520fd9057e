"""Messages out: what is handed over, what is not and why, and what each answer of the relay means."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from email.utils import parsedate_to_datetime
from uuid import uuid4

import pytest

from orchestrator.core.reasons import MessageReason, PostponementReason
from orchestrator.messaging.transport import Accepted, Deferred, Receipt, Refused
from orchestrator.store import messages
from orchestrator.usecases import overrule
from orchestrator.usecases.deliver import deliver
from orchestrator.usecases.simulate import Arrival, simulate
from tests.usecases.company import DAY, HOUR, MONDAY, Company, cohort
from tests.usecases.playbooks import CALLED, DIVIDED_AT_THE_DOOR, HELLO, SECOND, tiny
from tests.usecases.world import World, another, counted

MINUTE = timedelta(minutes=1)
ANN = "ann@acme.example"


def test_a_message_is_claimed_then_sending_then_sent(world: World) -> None:
    """While it is handed over it is ``sending``, committed, under a lease; then it is sent, and nobody holds it."""
    world.drain(*Company().sign_up())
    seen: list[str] = []
    assert world.message()["state"] == "pending"
    world.relay.before = lambda: seen.append(world.message()["state"])
    assert world.deliver().sent == 1
    row = world.message()
    assert seen == ["sending"]
    assert (row["state"], row["reason"], row["attempts"], row["lease_token"]) == ("sent", None, 1, None)
    assert (row["sending_at"], row["settled_at"]) == (MONDAY, MONDAY)
    assert world.relay.recipients == [ANN]


def test_the_mail_is_what_was_decided(world: World) -> None:
    """Its Message-ID follows from the message, its date is that of the hand-over, its words come from the template."""
    world.drain(*Company().sign_up())
    world.deliver()
    ((mail, envelope),) = world.relay.taken
    assert mail["Message-ID"] == f"<{world.message()['id']}@lumen.example>"
    assert parsedate_to_datetime(str(mail["Date"])) == MONDAY
    assert str(mail["Subject"]).startswith("Welcome to Lumen")
    assert envelope.sender == "hello@lumen.example"


def test_sent_is_folded_exactly_once(world: World) -> None:
    """What became of a message comes back to its account as an event, once, and is kept in its history."""
    world.drain(*Company().sign_up())
    world.live()
    world.live()
    assert world.count_of("message_sent") == 1
    assert world.one("SELECT count(*) FROM outcomes") == 0
    (row,) = world.rows("SELECT * FROM events WHERE source = 'lifecycle'")
    assert (row["name"], row["properties"]["play"], row["person_id"]) == ("message_sent", "hello", "ann")


def test_nobody_else_may_speak_of_messages(world: World) -> None:
    """An event of the product that bears one of our names is no outcome."""
    world.drain(*Company().sign_up(), Company("acme", "mallory").track("message_sent"))
    assert world.count_of("message_sent") == 0


ANSWERS: dict[str, tuple[Receipt, str, str | None, str | None]] = {
    "accepted": (Accepted(reply="250 ok"), "sent", None, None),
    "refused": (Refused(code=554, text="no", address_dead=False), "failed", MessageReason.RELAY_REFUSED, None),
    "address dead": (Refused(code=550, text="who", address_dead=True), "failed", MessageReason.RELAY_REFUSED, "bounce"),
    "deferred": (Deferred(code=451, text="later"), "pending", PostponementReason.RELAY_DEFERRED, None),
    "relay away": (Deferred(code=0, text="nobody there"), "pending", PostponementReason.RELAY_DEFERRED, None),
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_each_answer_of_the_relay_has_its_end(world: World, answer: str) -> None:
    """Accepted is sent, refused is failed, a dead address is suppressed, and what was deferred waits."""
    receipt, state, reason, suppressed = ANSWERS[answer]
    world.relay.script.append(receipt)
    world.drain(*Company().sign_up())
    world.deliver()
    row = world.message()
    assert (row["state"], row["reason"], row["lease_token"]) == (state, reason, None)
    assert world.one("SELECT suppressed FROM contacts") == suppressed


def test_a_deferred_message_comes_again_with_growing_pauses(world: World) -> None:
    """After one minute, then two, then four; and its journal says that it waits."""
    world.relay.script.extend([Deferred(code=451, text="later")] * 3)
    world.drain(*Company().sign_up())
    pauses, now = [], MONDAY
    for _ in range(3):
        world.deliver()
        pauses.append((world.message()["not_before"] - now) / MINUTE)
        now = world.message()["not_before"]
        world.at(now - timedelta(seconds=1))
        assert world.deliver().others == 0
        world.at(now)
    world.deliver()
    assert pauses == [1, 2, 4]
    assert world.message()["state"] == "sent"
    assert world.one("SELECT count(*) FROM journal WHERE kind = 'postponed' AND play = 'hello'") == 3


def test_a_relay_that_is_away_is_asked_once_a_run(world: World) -> None:
    """When nobody answers, the rest of the batch is given back and the run ends."""
    world.relay.script.append(Deferred(code=0, text="nobody there"))
    world.drain(*(call for each in cohort(5) for call in each.sign_up()))
    assert world.deliver().others == 1
    states = world.rows("SELECT state, lease_token FROM messages")
    assert [(row["state"], row["lease_token"]) for row in states] == [("pending", None)] * 5
    assert world.deliver().sent == 4


def test_the_more_urgent_goes_first(bare: World) -> None:
    """By priority, then by when it may leave."""
    bare.publish(tiny(HELLO.replace("valid_for", "priority: 90\n    valid_for"), SECOND))
    bare.drain(*Company().sign_up())
    bare.deliver()
    assert bare.one("SELECT play FROM messages ORDER BY settled_at, priority LIMIT 1") == "second"
    assert not bare.relay.subjects[0].startswith("Welcome")


def test_equals_leave_as_they_came_due(bare: World) -> None:
    """Of equal priority and free at one instant: by when the plays came due, whatever their ids; simulated alike."""
    names = ("f", "e", "d", "c", "b", "a")
    plays = (f"  {name}: {{after: {hour}h since signed_up, email: day_7_feature}}\n" for hour, name in enumerate(names))
    playbook = bare.publish(tiny(*plays))
    calls = Company().sign_up()
    bare.at(MONDAY + DAY)
    bare.drain(*calls)
    with bare.engine.begin() as connection:
        claims = [messages.claim(connection, uuid4(), MONDAY + DAY, 30, 1) for _ in names]
    simulated = simulate((Arrival(at=MONDAY + DAY, call=call) for call in calls), playbook, MONDAY + DAY)
    assert [each.message.play for claimed in claims for each in claimed] == [*names]
    assert [each.message.play for each in simulated.messages] == [*names]


# -- modes -------------------------------------------------------------------------------------------------------------


def test_shadow_leaves_nothing_and_uses_no_cap(bare: World) -> None:
    """Decided and composed, and that is all: the message ends as shadow, the address has all its room."""
    bare.publish(tiny(mode="shadow"))
    bare.drain(*Company().sign_up())
    bare.live()
    assert bare.relay.taken == []
    assert (bare.message()["state"], bare.message()["reason"]) == ("cancelled", MessageReason.SHADOW)
    assert bare.rows("SELECT FROM contacts WHERE sends <> '[]'") == []
    assert bare.decisions() == [("acme", "hello", "due")]


def test_redirect_sends_to_one_address_and_uses_no_cap(bare: World) -> None:
    """The mail says to whom it would have gone; the envelope goes to us, and a refusal suppresses nobody."""
    bare.publish(tiny(HELLO, SECOND, mode="redirect"))
    bare.relay.script.append(Refused(code=550, text="who", address_dead=True))
    bare.drain(*Company().sign_up())
    bare.deliver()
    assert bare.relay.recipients == ["inbox@lumen.example"]
    assert ANN in str(bare.relay.taken[0][0]["To"])
    assert bare.rows("SELECT FROM contacts WHERE sends <> '[]' OR suppressed IS NOT NULL") == []


def test_redirect_without_an_address_waits(bare: World) -> None:
    """A setting that is missing hands over nothing and makes nothing unknown: the message waits."""
    bare.publish(tiny(mode="redirect"))
    bare.drain(*Company().sign_up())
    nowhere = replace(bare.ports, mailing=replace(bare.ports.mailing, redirect_to=None))
    deliver(nowhere, "test", seconds=20)
    assert (bare.message()["state"], bare.message()["not_before"]) == ("pending", MONDAY + HOUR)
    assert bare.relay.taken == []


# -- the cap -----------------------------------------------------------------------------------------------------------


def test_the_cap_holds_a_second_mail_back(bare: World) -> None:
    """One mail a day: the second waits for room, and leaves when there is some."""
    bare.publish(tiny(HELLO, SECOND, cap=1))
    bare.drain(*Company().sign_up())
    bare.live()
    assert len(bare.relay.taken) == 1
    waits = bare.message("second")
    assert (waits["state"], waits["reason"], waits["not_before"]) == (
        "pending",
        PostponementReason.CAPPED,
        MONDAY + DAY,
    )
    bare.at(MONDAY + DAY)
    bare.live()
    assert len(bare.relay.taken) == 2


def test_two_senders_at_once_keep_the_cap_of_one_address(bare: World, pool: ThreadPoolExecutor) -> None:
    """Two accounts, one address, two senders at the same moment: one mail leaves, the other waits."""
    bare.publish(tiny(HELLO, cap=1))
    ann = Company("acme", "ann")
    also = Company("umbrella", "ann")
    bare.drain(*ann.sign_up(), also.identify(MONDAY, email=ann.email), also.track("Signed Up"))
    one = replace(bare.ports, mailing=replace(bare.ports.mailing, lease_seconds=60))
    with another(bare) as second:
        both = [pool.submit(deliver, ports, name, 20) for ports, name in ((one, "a"), (second.ports, "b"))]
        assert sum(each.result().sent for each in both) == 1
    assert len(bare.relay.taken) == 1
    states = bare.rows("SELECT state, reason FROM messages ORDER BY state")
    assert states == [{"state": "pending", "reason": "capped"}, {"state": "sent", "reason": None}]


def test_a_deferred_hand_over_gives_its_share_of_the_cap_back(bare: World) -> None:
    """What did not leave does not count: neither for itself nor for another."""
    bare.publish(tiny(HELLO, SECOND, cap=1))
    bare.relay.script.append(Deferred(code=451, text="later"))
    bare.drain(*Company().sign_up())
    bare.live()
    assert (bare.message()["state"], bare.message("second")["state"]) == ("pending", "sent")


# -- the door ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "state", "reason"),
    [
        ("UPDATE contacts SET suppressed = 'bounce', suppressed_at = :now", "cancelled", "suppressed_bounce"),
        ("UPDATE contacts SET suppressed = 'complaint', suppressed_at = :now", "cancelled", "suppressed_complaint"),
        ("UPDATE contacts SET unsubscribed_at = :now", "cancelled", "unsubscribed"),
        ("UPDATE contacts SET erased_at = :now", "cancelled", "erased"),
        ("DELETE FROM persons WHERE :now IS NOT NULL", "cancelled", "erased"),
        ("UPDATE persons SET traits = '{}' WHERE :now IS NOT NULL", "cancelled", "no_address"),
        (
            "INSERT INTO parked_accounts VALUES ('acme', CAST(:now AS timestamptz) + interval '1 day', 1, 'x', :now)",
            "pending",
            "parked",
        ),
    ],
)
def test_the_door_looks_again(world: World, change: str, state: str, reason: str) -> None:
    """What forbids a message after it was decided is found before it is handed over, and named."""
    world.drain(*Company().sign_up())
    world.run("INSERT INTO contacts (address) VALUES (:address)", address=ANN)
    world.run(change.replace(":now IS NOT NULL", "CAST(:now AS timestamptz) IS NOT NULL"), now=MONDAY)
    world.deliver()
    assert world.relay.taken == []
    assert (world.message()["state"], world.message()["reason"]) == (state, reason)


@pytest.mark.parametrize(("event", "reason"), [("Left", "exited"), ("Logged In", "goal_reached")])
@pytest.mark.parametrize("claimed", [False, True])
def test_a_drain_cancels_what_has_not_left(world: World, event: str, reason: str, claimed: bool) -> None:
    """An exit, or a goal that is reached, cancels pending and claimed messages in the drain's own transaction."""
    company = Company()
    world.drain(*company.sign_up())
    if claimed:
        world.run(
            "UPDATE messages SET state = 'claimed', lease_token = gen_random_uuid(), "
            "lease_until = clock_timestamp() + interval '1 hour'"
        )
    world.drain(company.track(event))
    assert (world.message()["state"], world.message()["reason"]) == ("cancelled", reason)
    assert world.deliver().sent == 0


@pytest.mark.parametrize(("event", "reason"), [("Left", "exited"), ("Logged In", "goal_reached")])
def test_a_drain_between_claim_and_hand_over_is_noticed(world: World, event: str, reason: str) -> None:
    """What a drain cancels while a sender holds the batch is not handed over."""
    companies = cohort(2)
    world.drain(*(call for each in companies for call in each.sign_up()))
    first: list[str] = []

    def meanwhile() -> None:
        if not first:
            first.append("sent")
            world.drain(*(each.track(event) for each in companies))

    world.relay.before = meanwhile
    world.deliver()
    assert len(world.relay.taken) == 1
    rows = world.rows("SELECT state, reason FROM messages ORDER BY state")
    assert rows == [{"state": "cancelled", "reason": reason}, {"state": "sent", "reason": None}]


def test_a_paused_account_is_asked_again_within_the_hour(world: World) -> None:
    """The message of a paused account waits at the door and leaves when the account is resumed."""
    world.drain(*Company().sign_up())
    overrule.pause(world.ports, "acme", "mei")
    world.live()
    assert (world.message()["state"], world.message()["reason"]) == ("pending", PostponementReason.PAUSED)
    overrule.resume(world.ports, "acme", "mei")
    world.at(MONDAY + HOUR)
    world.live()
    assert world.message()["state"] == "sent"


def test_what_is_no_longer_valid_is_not_sent(world: World) -> None:
    """After its not_after a message is cancelled as expired."""
    world.drain(*Company().sign_up())
    world.at(MONDAY + 2 * DAY + MINUTE)
    world.deliver()
    assert (world.message()["state"], world.message()["reason"]) == ("cancelled", MessageReason.EXPIRED)


def test_an_address_that_cannot_be_written_to_is_named(world: World) -> None:
    """Nothing is handed over to what is no address; the message says why it ended."""
    company = Company()
    world.drain(company.identify(MONDAY, email="ann@localhost"), company.track("Signed Up"))
    world.deliver()
    assert (world.message()["state"], world.message()["reason"]) == ("cancelled", MessageReason.NO_ADDRESS)


def test_a_mail_that_cannot_be_rendered_has_failed(world: World) -> None:
    """A context that the template cannot do with ends its message, by name, before anything is handed over."""
    world.drain(*Company().sign_up())
    world.run("UPDATE messages SET context = '{}'")
    world.live()
    assert (world.message()["state"], world.message()["reason"]) == ("failed", MessageReason.RENDER_FAILED)
    assert world.message()["attempts"] == 0
    assert world.count_of("message_failed") == 1


def test_a_rule_that_cannot_be_told_at_the_door_stops_its_own_message_only(bare: World) -> None:
    """A message whose ``only_while`` raises stands aside for an hour; the others leave; then it expires."""
    bare.publish(tiny(DIVIDED_AT_THE_DOOR))
    raises, fine = Company("acme"), Company("other", "bob")
    bare.drain(*raises.sign_up(), *fine.sign_up())
    bare.rewrite("acme", lambda found: found["facts"]["events"].update(login=found["facts"]["events"]["signed_up"]))
    bare.deliver()
    rows = bare.rows("SELECT account_id, state, reason, not_before FROM messages ORDER BY account_id")
    assert [(row["state"], row["reason"]) for row in rows] == [("pending", PostponementReason.PARKED), ("sent", None)]
    assert rows[0]["not_before"] == MONDAY + HOUR
    bare.at(MONDAY + 2 * DAY + MINUTE)
    bare.deliver()
    assert bare.rows("SELECT reason FROM messages WHERE account_id = 'acme'") == [{"reason": "expired"}]


def test_an_account_is_never_locked_by_a_sender(world: World) -> None:
    """Statements of a delivery take locks on contacts and messages only."""
    world.drain(*Company().sign_up())
    with counted(world.engine) as statements:
        world.deliver()
    assert not [each for each in statements if "FROM accounts" in each and "FOR " in each]


def test_an_escalation_needs_no_door(bare: World) -> None:
    """Work for a human is open at once, with its owner and a due time in working hours, and is no message."""
    bare.publish(tiny(CALLED))
    bare.drain(*Company().sign_up())
    bare.at(MONDAY + HOUR)
    bare.live()
    (row,) = bare.rows("SELECT owner, severity, due_at, mode FROM escalations")
    assert (row["owner"], row["severity"], row["due_at"]) == ("csm", "high", MONDAY + DAY + HOUR)
    assert bare.rows("SELECT FROM messages") == []
