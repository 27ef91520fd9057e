"""Promise P4: a sender dies, or sleeps beyond its lease, just before a hand-over or in the middle of one."""

import os
import signal
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import text

from orchestrator.core.reasons import MessageReason
from tests.acceptance.cohort import BEGIN, alike, cues_of, until
from tests.acceptance.gate import At
from tests.acceptance.plant import DAY, HOUR, Plant, built, holds
from tests.acceptance.plant import until as state
from tests.acceptance.simulator import expected

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(180)]

NINE = BEGIN + DAY + 9 * HOUR  # when all of them get their Day 1 mail
EIGHT = NINE - HOUR
CONNECTIONS = 2 * 4  # of one delivery worker: two processes, SMTP_CONNECTIONS each
MEMBERS = until(alike(20, "absent"), NINE)


@pytest.fixture(scope="module")
def running() -> Iterator[Plant]:
    with built(BEGIN) as plant:
        yield plant


@pytest.fixture
def plant(running: Plant) -> Plant:
    """It is eight o'clock, and twenty mails are to leave at nine."""
    running.until_well()
    running.begin(BEGIN)
    running.play(cues_of(MEMBERS), BEGIN, EIGHT)
    return running


def kill_worker(plant: Plant) -> None:
    plant.kill("delivery")


def kill_senders(plant: Plant) -> None:
    for child in plant.children("delivery"):
        os.kill(child, signal.SIGKILL)


@pytest.mark.parametrize("kill", [kill_worker, kill_senders])
@pytest.mark.parametrize("at", At)
def test_a_killed_sender_leaves_one_named_doubt(plant: Plant, at: At, kill: Callable[[Plant], None]) -> None:
    """A killed sender leaves at most one `unknown` a connection, and the relay's index settles it."""
    with plant.gate.closed(at):
        moving = plant.meanwhile(lambda: plant.play([], EIGHT, NINE))
        plant.gate.until_held()
        assert plant.value("SELECT count(*) FROM messages WHERE state = 'claimed'") > 0
        kill(plant)
    moving.result(60)
    assert 1 <= len(plant.settled) <= CONNECTIONS
    holds(plant, expected(MEMBERS, plant.playbook, NINE))


def test_a_sender_that_sleeps_beyond_its_lease_sends_nothing(plant: Plant) -> None:
    """A sender that is stopped beyond its lease and wakes hands nothing over; another has done its work meanwhile."""
    with plant.gate.closed(At.MAIL, places=1):
        moving = plant.meanwhile(lambda: plant.play([], EIGHT, NINE))
        plant.gate.until_held()
        plant.signal("delivery", signal.SIGSTOP)
    with plant.another("delivery"):
        moving.result(60)
        before = len(plant.caught())
        slept = plant.log("delivery").count("lifecycle.deliver")
        plant.signal("delivery", signal.SIGCONT)
        state(lambda: plant.log("delivery").count("lifecycle.deliver") > slept + 2, "the sleeper is at work again")
    assert len(plant.caught()) == before
    holds(plant, expected(MEMBERS, plant.playbook, NINE))


def test_who_may_not_be_written_to_any_more_gets_not_even_what_is_queued(plant: Plant) -> None:
    """Suppressed, unsubscribed or erased while a sender holds their mail claimed, people get nothing more."""
    ends = {
        "suppressed = 'bounce', suppressed_at = now()": MessageReason.SUPPRESSED_BOUNCE,
        "suppressed = 'complaint', suppressed_at = now()": MessageReason.SUPPRESSED_COMPLAINT,
        "unsubscribed_at = now()": MessageReason.UNSUBSCRIBED,
        "erased_at = now()": MessageReason.ERASED,
    }
    before = len(plant.caught())
    with plant.gate.closed(At.MAIL):
        moving = plant.meanwhile(lambda: plant.play([], EIGHT, NINE))
        plant.gate.until_held()
        queued = [row["address"] for row in plant.rows("SELECT address FROM messages WHERE state = 'claimed'")]
        with plant.ports.engine.begin() as connection:
            for address, end in zip(queued, ends, strict=False):
                connection.execute(text(f"INSERT INTO contacts (address) VALUES ('{address}') ON CONFLICT DO NOTHING"))
                connection.execute(text(f"UPDATE contacts SET {end} WHERE address = '{address}'"))
    moving.result(60)
    stopped = plant.rows("SELECT address, reason FROM messages WHERE state = 'cancelled'")
    assert {row["address"]: row["reason"] for row in stopped} == dict(zip(queued, ends.values(), strict=False))
    assert len(plant.caught()) - before == len(MEMBERS) - len(ends)
    assert not {row["address"] for row in stopped} & {to for mail in plant.caught()[before:] for to in mail.to}
