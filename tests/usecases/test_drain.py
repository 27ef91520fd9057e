"""Events in: each counts once, in whatever order, however often, and whatever dies in between."""

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import orjson
import pytest
import redis

from orchestrator.intake.streams import Batch, Origin, lease_key
from orchestrator.usecases.drain import Drained, drain, size_after
from orchestrator.usecases.ports import Ports
from tests.usecases.company import DAY, HOUR, MONDAY, Company
from tests.usecases.world import World, another, begun, counted, holding

ACME = "SELECT FROM accounts WHERE id = 'acme' FOR NO KEY UPDATE"


def test_a_new_event_is_folded_kept_and_acknowledged(world: World) -> None:
    """A call on the stream becomes a fact of its account, a row of its history, and leaves the stream."""
    done = world.drain(*Company().sign_up())
    assert (done.entries, done.events, done.rejected, done.messages) == (2, 2, 0, 1)
    assert world.count_of("signed_up") == 1
    assert world.one("SELECT count(*) FROM events") == 2
    assert world.pending() == 0


def test_a_resend_counts_once(world: World) -> None:
    """The same message id a second time changes nothing, within a batch and across batches."""
    login = Company().track("Logged In")
    world.drain(login, login)
    assert world.drain(login).events == 0
    assert world.count_of("login") == 1
    assert world.rejected() == []


def test_a_resend_may_carry_other_times_of_transport(world: World) -> None:
    """What a client stamps anew on each try does not make it another event, nor does the reception."""
    first = orjson.loads(Company().track("Logged In"))
    again = first | {"sentAt": (MONDAY + DAY).isoformat(), "receivedAt": (MONDAY + DAY).isoformat()}
    world.send(orjson.dumps(first), received_at=MONDAY)
    world.at(MONDAY + 9 * DAY)
    world.send(orjson.dumps(again), received_at=MONDAY + 9 * DAY)
    world.drain()
    assert world.count_of("login") == 1
    assert world.rejected() == []


def test_a_resend_with_another_timestamp_counts_once(world: World) -> None:
    """A client that dates its resend anew is caught by the id: the first stands, the second is kept as a conflict."""
    company = Company()
    login = orjson.loads(company.track("Logged In"))
    world.drain(orjson.dumps(login), orjson.dumps(login | {"timestamp": (MONDAY - 40 * DAY).isoformat()}))
    assert world.count_of("login") == 1
    assert world.rejected() == ["conflict"]


def test_another_body_under_one_id_is_a_conflict(world: World) -> None:
    """Same source and message id, another body: the first stands, the other is kept aside, whole."""
    login = orjson.loads(Company().track("Logged In"))
    other = orjson.dumps(login | {"event": "Left"})
    world.drain(orjson.dumps(login))
    world.drain(other)
    assert (world.count_of("login"), world.count_of("left")) == (1, 0)
    (row,) = world.rows("SELECT * FROM rejected_events")
    assert (row["reason"], row["message_id"], row["source"]) == ("conflict", login["messageId"], "segment")
    assert other in bytes(row["raw"])


def test_two_sources_may_use_one_id(world: World) -> None:
    """A message id belongs to its source."""
    login = Company().track("Logged In")
    world.send(login, source="web")
    world.send(login, source="ios")
    world.drain()
    assert world.count_of("login") == 2


@pytest.mark.parametrize("crossed", [False, True], ids=["the same order", "crosswise"])
def test_two_drains_of_the_same_events_count_them_once(world: World, pool: ThreadPoolExecutor, crossed: bool) -> None:
    """While one drain holds the keys of events, a second one of the same events waits, and then finds them counted."""
    company = Company()
    world.drain(*company.sign_up())
    calls = [company.track("Logged In", MONDAY + number * HOUR) for number in range(20)]
    for shard, ordered in ((0, calls), (1, calls[::-1] if crossed else calls)):
        for call in ordered:
            world.put(shard, call)
    with another(world) as second:
        with holding(world, ACME):
            left = begun(pool, world, lambda: drain(world.ports, 0, "left", 20), 1)
            right = begun(pool, world, lambda: drain(second.ports, 1, "right", 20), 2)
        both: Drained = left.result() + right.result()
    assert both.events == 20
    assert world.count_of("login") == 20
    assert world.rejected() == []


def test_a_drainer_without_its_lease_does_no_harm(world: World, pool: ThreadPoolExecutor) -> None:
    """Two drainers of one shard, because the lease ran out: the same entries, counted once, and none is left."""
    company = Company()
    world.drain(*company.sign_up())
    world.send(*(company.track("Logged In", MONDAY + number * HOUR) for number in range(20)))
    with another(world) as second:
        with holding(world, ACME):
            slow = begun(pool, world, lambda: drain(world.ports, 0, "slow", 20), 1)
            assert drain(second.ports, 0, "quick") == Drained()
            world.client.delete(lease_key(0))
            quick = begun(pool, world, lambda: drain(second.ports, 0, "quick", 20), 2)
        assert (slow.result() + quick.result()).events == 20
    assert world.count_of("login") == 20
    assert world.pending() == 0


def test_a_crash_between_commit_and_acknowledgement_counts_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was committed and not acknowledged is read again, found counted, and acknowledged."""
    world.drain()

    def crash(_shard: int, _ids: Collection[str]) -> None:
        raise redis.ConnectionError

    login = orjson.loads(Company().track("Logged In"))
    world.send(orjson.dumps(login), orjson.dumps(login | {"event": "Left"}), b"no json")
    with monkeypatch.context() as patch:
        patch.setattr(world.ports.streams, "ack", crash)
        with pytest.raises(redis.ConnectionError):
            world.drain()
    assert (world.count_of("login"), world.pending()) == (1, 3)
    world.at(MONDAY + HOUR)
    assert world.drain().events == 0
    assert (world.count_of("login"), world.pending()) == (1, 0)
    assert sorted(world.rejected()) == ["conflict", "not_json"]


def test_a_bounded_run_leaves_the_rest_for_the_next(world: World) -> None:
    """A run that is out of time ends between two batches."""
    company = Company()
    short = replace(world.ports, batch=2)
    world.send(*(company.track("Logged In", MONDAY + timedelta(minutes=number)) for number in range(6)))
    assert drain(short, 0, "test", seconds=0).entries == 0
    assert drain(short, 0, "test", seconds=20).entries == 6


def _statements(world: World, ports: Ports, calls: list[bytes]) -> list[str]:
    world.send(*calls)
    with counted(world.engine) as statements:
        drain(ports, 0, "test", seconds=20)
    return [statement.split("\n")[0 if "\n" not in statement else 1] for statement in statements]


def test_no_statement_is_sent_per_event_or_account(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch of 400 events of 200 new accounts, a tenth of them poison, takes as many statements as one of ten."""
    monkeypatch.setattr("orchestrator.store.keys.MANY", 1)  # so that both take the same way in
    world.drain(*Company("warm").sign_up())

    def batch(companies: list[Company]) -> list[bytes]:
        good = [call for each in companies for call in each.sign_up()]
        lone = [Company(each.account, f"{each.person}-alone").lone("Logged In") for each in companies[::2]]
        clash = [orjson.dumps(orjson.loads(call) | {"context": {}}) for call in good[::10]]
        return [*good, *lone, *(b"no json %d" % number for number in range(len(companies) // 5)), *clash]

    few = _statements(world, world.ports, batch([Company(f"few-{number}", f"f-{number}") for number in range(5)]))
    many = _statements(world, world.ports, batch([Company(f"many-{number}", f"m-{number}") for number in range(150)]))
    assert many == few


def entries(number: int, size: int) -> Batch:
    """What a read gave: so many entries, of so many bytes each."""
    return Batch(
        origin=Origin.NEW, entries=tuple((f"{each}-0", [b"call", b"x" * (size - 4)]) for each in range(number))
    )


@pytest.mark.parametrize(
    ("number", "size", "expected"),
    [(1000, 500, 4000), (4000, 500, 8000), (3, 500, 1000), (1000, 128 * 1024, 512), (2, 128 * 1024 * 1024, 1)],
    ids=["more wait", "no more than may be", "few wait", "large ones", "huge ones"],
)
def test_batches_grow_while_entries_wait_and_shrink_where_they_are_large(number: int, size: int, expected: int) -> None:
    """The next batch is four times this one, within the setting and what may be held at once."""
    assert size_after(entries(number, size), 8000) == expected


def test_a_batch_of_which_nothing_is_left_is_followed_by_a_small_one() -> None:
    """Entries that somebody deleted say nothing of the size of the others."""
    assert size_after(Batch(origin=Origin.OWN, lost=("1-0",)), 8000) == 1000
