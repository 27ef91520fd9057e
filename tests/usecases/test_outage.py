"""Late is not wrong: after days without workers, or without a broker, what is due is done and nothing stale leaves."""

from dataclasses import replace

import redis

from orchestrator.intake.streams import Streams
from orchestrator.usecases.wake import wake
from tests.usecases.company import DAY, HOUR, MONDAY, Company, cohort
from tests.usecases.playbooks import CALLED, HELLO, WEEKLY, tiny
from tests.usecases.world import SHIPPED, World


def test_after_ten_days_nothing_stale_is_sent(bare: World) -> None:
    """Touches of the days between are skipped as stale, in the order of due; what is still valid leaves, late."""
    bare.publish((SHIPPED / "b2b-saas.yaml").read_text(encoding="utf-8"))
    company = Company()  # whose risks are a human's work: no mail about them goes before the touches
    said = [company.group(arr=150_000), company.track("Report Created"), company.track("Setup Completed")]
    bare.drain(*company.sign_up(), *said)
    assert bare.message("day_0_welcome")["state"] == "pending"
    bare.at(MONDAY + 10 * DAY)
    bare.live()
    rows = bare.rows("SELECT play, reason, due_at FROM decisions WHERE play LIKE 'day_%' ORDER BY due_at, play")
    assert [(row["play"], row["reason"]) for row in rows] == [
        ("day_0_welcome", "due"),
        ("day_1_core_feature", "stale"),
        ("day_3_setup", "stale"),
        ("day_5_value", "stale"),
        ("day_7_feature", "due"),
    ]
    assert (bare.message("day_0_welcome")["state"], bare.message("day_0_welcome")["reason"]) == ("cancelled", "expired")
    assert bare.message("day_7_feature")["state"] == "sent"
    assert len(bare.relay.taken) == 1


def test_a_backlog_is_decided_in_the_order_in_which_it_was_due(bare: World) -> None:
    """Of accounts that have waited, the one whose instant came first is woken first."""
    bare.publish(tiny(CALLED))
    companies = cohort(6)
    for number, company in enumerate(companies):
        bare.drain(*company.sign_up(MONDAY - number * HOUR / 10))
    bare.at(MONDAY + DAY)
    wake(replace(bare.ports, batch=2), seconds=0.0001)
    decided = {account for account, _, _ in bare.decisions()}
    assert decided <= {"account-0004", "account-0005"}
    bare.wake()
    assert len(bare.decisions()) == 6


def test_events_that_waited_in_the_stream_are_told_from_new_ones_by_when_they_occurred(bare: World) -> None:
    """What happened ten days ago and is read today counts, and makes nothing due that is no longer valid."""
    bare.publish(tiny(HELLO, CALLED))
    bare.send(*Company().sign_up())
    bare.at(MONDAY + 10 * DAY)
    bare.live()
    assert bare.count_of("signed_up") == 1
    assert bare.decisions() == [("acme", "called", "stale"), ("acme", "hello", "stale")]
    assert bare.relay.taken == []


def test_a_flushed_broker_loses_nothing_that_is_due(bare: World) -> None:
    """Streams, groups and leases gone: what PostgreSQL knows is done in time and once, and intake goes on by itself."""
    bare.publish(tiny(HELLO, CALLED))
    company = Company()
    bare.drain(*company.sign_up())
    bare.client.flushall()
    bare.live()
    bare.at(MONDAY + HOUR)
    bare.client.flushall()
    bare.live()
    assert bare.decisions() == [("acme", "called", "due"), ("acme", "hello", "due")]
    assert len(bare.relay.taken) == 1
    assert bare.drain(company.track("Logged In")).events == 1
    assert bare.pending() == 0


def test_a_flush_while_a_batch_is_decided_repeats_nothing(bare: World) -> None:
    """The stream is flushed between the read and the acknowledgement: the batch is committed, the next one is read."""
    bare.publish(tiny())
    bare.drain()
    company = Company()
    real = bare.ports.streams.ack

    class Flushing(Streams):
        def ack(self, shard: int, ids: object) -> None:
            self.client.flushall()
            real(shard, ids)  # type: ignore[arg-type] # passed on as it came

    flushing = World(ports=replace(bare.ports, streams=Flushing(bare.client, 1)), relay=bare.relay, client=bare.client)
    assert flushing.drain(*company.sign_up()).events == 2
    assert bare.drain(company.track("Logged In", MONDAY)).events == 1
    assert bare.count_of("login") == 1


def test_without_a_broker_time_goes_on(bare: World) -> None:
    """Who is due is decided and written to although no stream can be read."""
    bare.publish(tiny(HELLO, WEEKLY))
    company = Company()
    bare.drain(*company.sign_up(), company.track("Logged In", MONDAY + HOUR / 60))
    nowhere = redis.Redis(unix_socket_path="/nonexistent/valkey.sock")
    alone = World(ports=replace(bare.ports, streams=Streams(nowhere, 1)), relay=bare.relay, client=nowhere)
    alone.at(MONDAY + 7 * DAY)
    assert alone.wake().messages == 1
    assert alone.deliver().sent == 1
