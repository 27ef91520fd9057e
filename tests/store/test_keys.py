"""An event counts once within the horizon: by two drains at once, across rotations, whatever its timestamp."""

import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import OperationalError

from orchestrator.store.failures import Fault, fault
from orchestrator.store.keys import STORED, Admission, Rotation, Verdict, admit, body_digest, event_key, rotate
from orchestrator.store.tables import event_keys, key_generations
from tests.database import in_background, until, until_blocked

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
EVERY, HORIZON = 7 * DAY, 30 * DAY

ONE, TWO = event_key("segment", "one"), event_key("segment", "two")
BODY, OTHER_BODY = body_digest(b"{}"), body_digest(b'{"other": 1}')


@pytest.fixture(params=["copied", "inserted"])
def _either_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every claim holds for many keys, which are copied in, and for few, which are inserted."""
    monkeypatch.setattr("orchestrator.store.keys.MANY", 1 if request.param == "copied" else sys.maxsize)


def _admit(engine: Engine, *keys: tuple[str, str]) -> Admission:
    with engine.begin() as connection:
        return admit(connection, keys)


def _rotate(engine: Engine, now: datetime) -> Rotation:
    with engine.begin() as connection:
        return rotate(connection, now, EVERY, HORIZON)


def _partitions(engine: Engine) -> set[str]:
    query = "SELECT relid::text FROM pg_partition_tree('event_keys') WHERE isleaf"
    with engine.connect() as connection:
        return set(connection.scalars(text(query)))


def test_a_key_names_source_and_id() -> None:
    """A key is a fixed function of source and id, in which neither can pass for the other."""
    assert event_key("segment", "one") == "ef767252feb9fc9907dcea0afc905368"
    assert event_key("ab", "c") != event_key("a", "bc")


@pytest.mark.usefixtures("_either_way")
def test_a_new_event_is_admitted_once(engine: Engine) -> None:
    """The first offer is new, every later one a duplicate."""
    assert _admit(engine, (ONE, BODY)) == Admission(
        verdicts=(Verdict.NEW,), new=frozenset({ONE}), conflicts=frozenset()
    )
    assert _admit(engine, (ONE, BODY), (TWO, BODY)) == Admission(
        verdicts=(Verdict.DUPLICATE, Verdict.NEW), new=frozenset({TWO}), conflicts=frozenset()
    )


def test_another_body_under_a_taken_id_is_a_conflict(engine: Engine) -> None:
    """The same id with another body is in conflict, and the body that is kept stays."""
    _admit(engine, (ONE, BODY))
    assert _admit(engine, (ONE, OTHER_BODY)).conflicts == {ONE}
    assert _admit(engine, (ONE, BODY)).verdicts == (Verdict.DUPLICATE,)


@pytest.mark.usefixtures("_either_way")
def test_within_one_call_the_first_body_counts(engine: Engine) -> None:
    """Offered twice in one call, a key is new once; a second body is in conflict with the first."""
    admission = _admit(engine, (ONE, BODY), (ONE, OTHER_BODY), (ONE, BODY), (TWO, BODY))
    assert admission.verdicts == (Verdict.NEW, Verdict.CONFLICT, Verdict.DUPLICATE, Verdict.NEW)
    assert admission.new == {ONE, TWO}
    assert admission.conflicts == {ONE}


def test_an_empty_offer_asks_nothing(engine: Engine) -> None:
    """Nothing offered, nothing admitted."""
    assert _admit(engine) == Admission(verdicts=(), new=frozenset(), conflicts=frozenset())


def test_a_rolled_back_drain_admitted_nothing(engine: Engine) -> None:
    """What a drain admitted is new again once it has rolled back."""
    with engine.connect() as connection:
        assert admit(connection, [(ONE, BODY)]).new == {ONE}
        connection.rollback()
    assert _admit(engine, (ONE, BODY)).new == {ONE}


@pytest.mark.usefixtures("_either_way")
@pytest.mark.parametrize(("commits", "verdict"), [(True, Verdict.DUPLICATE), (False, Verdict.NEW)])
def test_two_drains_at_once(engine: Engine, commits: bool, verdict: Verdict) -> None:
    """The second drain waits for the first one's end; one of them admits the key, never both."""
    with ThreadPoolExecutor(1) as pool, engine.connect() as first:
        assert admit(first, [(ONE, BODY)]).new == {ONE}
        second, pid = in_background(pool, engine, lambda connection: admit(connection, [(TWO, BODY), (ONE, BODY)]))
        until_blocked(engine, pid)
        first.commit() if commits else first.rollback()
        assert second.result(30).verdicts == (Verdict.NEW, verdict)


@pytest.mark.usefixtures("_either_way")
def test_two_drains_at_once_with_different_bodies(engine: Engine) -> None:
    """The drain that waited sees the body that won, and names its own a conflict."""
    with ThreadPoolExecutor(1) as pool, engine.connect() as first:
        admit(first, [(ONE, BODY)])
        second, pid = in_background(pool, engine, lambda connection: admit(connection, [(ONE, OTHER_BODY)]))
        until_blocked(engine, pid)
        first.commit()
        assert second.result(30).conflicts == {ONE}


@pytest.mark.usefixtures("_either_way")
def test_many_drains_in_any_order(engine: Engine) -> None:
    """Drains that offer the same keys in different orders never deadlock and admit each key once."""
    keys = [event_key("segment", str(number)) for number in range(300)]

    def drain(seed: int) -> list[str]:
        order = Random(seed).sample(keys, len(keys))
        batches = [[(key, BODY) for key in order[start : start + 50]] for start in range(0, len(order), 50)]
        return [key for batch in batches for key in _admit(engine, *batch).new]

    with ThreadPoolExecutor(4) as pool:
        admitted = [key for drained in pool.map(drain, range(4)) for key in drained]
    assert sorted(admitted) == sorted(keys)


def test_the_first_look_starts_the_count(engine: Engine) -> None:
    """The first generation counts from the first look at it, on whatever clock that is, and not from the migration."""
    assert _rotate(engine, NOW) == Rotation(current=0, began=False, dropped=())
    assert _rotate(engine, NOW + EVERY - timedelta(microseconds=1)).began is False
    assert _rotate(engine, NOW + EVERY) == Rotation(current=1, began=True, dropped=())
    assert _rotate(engine, NOW + EVERY).began is False
    with engine.connect() as connection:
        assert connection.execute(select(key_generations).order_by("generation")).all() == [(0, NOW), (1, NOW + EVERY)]


@pytest.mark.usefixtures("_either_way")
def test_an_event_counts_once_across_rotations(engine: Engine) -> None:
    """A resend after rotations is a duplicate, and another body a conflict, as long as the key is kept."""
    _admit(engine, (ONE, BODY))
    for turn in range(4):
        _rotate(engine, NOW + turn * EVERY)
        assert _admit(engine, (ONE, BODY)).verdicts == (Verdict.DUPLICATE,)
        assert _admit(engine, (ONE, OTHER_BODY)).verdicts == (Verdict.CONFLICT,)
    with engine.connect() as connection:
        assert connection.execute(select(event_keys.c.generation, event_keys.c.key)).all() == [(0, UUID(ONE))]


def test_every_generation_refuses_a_key_twice(engine: Engine) -> None:
    """Each generation, the first one and one that a rotation began, has a unique index of its own over its keys."""
    _rotate(engine, NOW)
    _rotate(engine, NOW + EVERY)
    query = """SELECT i.indrelid::regclass::text FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid
                WHERE i.indisunique AND a.attname = 'key' AND i.indkey::text = a.attnum::text"""
    with engine.connect() as connection:
        assert set(connection.scalars(text(query))) == _partitions(engine) == {"event_keys_0", "event_keys_1"}


def test_a_key_is_looked_up_in_what_nobody_analysed(engine: Engine) -> None:
    """A large generation that autovacuum has not been to is asked by its index, not read whole."""
    _rotate(engine, NOW)
    with engine.begin() as connection:
        admit(connection, [(event_key("segment", str(number)), BODY) for number in range(20_000)])
    keys = [event_key("segment", str(number)) for number in range(500)]
    with engine.connect() as connection:
        assert connection.scalar(
            text("SELECT last_analyze IS NULL FROM pg_stat_user_tables WHERE relname = :name"), {"name": "event_keys_0"}
        )
        plan = connection.scalars(text(f"EXPLAIN {STORED.text}"), {"keys": f"{{{','.join(keys)}}}"}).all()
    assert any("Index" in line for line in plan)
    assert not any("Seq Scan" in line for line in plan)


def test_a_key_is_kept_for_the_horizon(engine: Engine) -> None:
    """A generation goes when the horizon has passed since its end, not earlier; its keys are then new again."""
    _rotate(engine, NOW)
    _admit(engine, (ONE, BODY))
    _rotate(engine, NOW + EVERY)
    _admit(engine, (TWO, BODY))
    assert _rotate(engine, NOW + EVERY + HORIZON - timedelta(microseconds=1)).dropped == ()
    assert _rotate(engine, NOW + EVERY + HORIZON) == Rotation(current=2, began=False, dropped=(0,))
    assert _partitions(engine) == {"event_keys_1", "event_keys_2"}
    assert _admit(engine, (ONE, BODY), (TWO, BODY)).verdicts == (Verdict.NEW, Verdict.DUPLICATE)


@pytest.mark.usefixtures("_either_way")
def test_a_rotation_waits_for_drains_in_flight(engine: Engine) -> None:
    """A rotation waits for a drain that has its keys; a drain behind it waits too, and sees what was admitted."""
    _rotate(engine, NOW)
    with ThreadPoolExecutor(2) as pool, engine.connect() as first:
        admit(first, [(ONE, BODY)])
        rotation, rotating = in_background(pool, engine, lambda c: rotate(c, NOW + EVERY, EVERY, HORIZON))
        until_blocked(engine, rotating)
        until(engine, f"SELECT wait_event = 'advisory' FROM pg_stat_activity WHERE pid = {rotating}")  # not by its DDL
        second, drains = in_background(pool, engine, lambda c: admit(c, [(ONE, BODY), (TWO, BODY)]))
        until_blocked(engine, drains)
        assert admit(first, [(TWO, BODY)]).new == {TWO}  # who is in goes on
        first.commit()
        assert rotation.result(30) == Rotation(current=1, began=True, dropped=())
        assert second.result(30).verdicts == (Verdict.DUPLICATE, Verdict.DUPLICATE)


@pytest.mark.usefixtures("_either_way")
def test_a_drain_waits_for_a_rotation_in_flight(engine: Engine) -> None:
    """A drain that meets a rotation waits for it, reads the generation anew, and writes into the new one."""
    _rotate(engine, NOW)
    with ThreadPoolExecutor(1) as pool, engine.connect() as rotating:
        rotate(rotating, NOW + EVERY, EVERY, HORIZON)
        drain, pid = in_background(pool, engine, lambda c: admit(c, [(ONE, BODY)]))
        until_blocked(engine, pid)
        rotating.commit()
        assert drain.result(30).new == {ONE}
    with engine.connect() as connection:
        assert connection.scalars(select(event_keys.c.generation)).all() == [1]


def test_two_rotations_at_once(engine: Engine) -> None:
    """Of two rotations at once one begins the next generation, and the other finds it begun."""
    _rotate(engine, NOW)
    with ThreadPoolExecutor(1) as pool, engine.connect() as first:
        assert rotate(first, NOW + EVERY, EVERY, HORIZON).began
        second, pid = in_background(pool, engine, lambda c: rotate(c, NOW + EVERY, EVERY, HORIZON))
        until_blocked(engine, pid)
        first.commit()
        assert second.result(30) == Rotation(current=1, began=False, dropped=())


def test_an_impatient_rotation_gives_up(engine: Engine) -> None:
    """A rotation that does not get its turn fails as the world's fault, and drains go on."""
    with engine.connect() as drain:
        admit(drain, [(ONE, BODY)])
        with engine.connect() as connection, pytest.raises(OperationalError) as caught:
            rotate(connection, NOW, EVERY, HORIZON, patience=timedelta(milliseconds=20))
        assert fault(caught.value) is Fault.WORLD
        assert _admit(engine, (TWO, BODY)).new == {TWO}
        drain.commit()


def test_an_idle_rotation_takes_no_lock(engine: Engine) -> None:
    """With nothing to rotate, a tick passes a drain in flight without waiting."""
    _rotate(engine, NOW)
    with engine.connect() as drain:
        admit(drain, [(ONE, BODY)])
        assert _rotate(engine, NOW + DAY) == Rotation(current=0, began=False, dropped=())


@pytest.mark.parametrize(("every", "horizon"), [(timedelta(0), HORIZON), (EVERY, -DAY)])
def test_spans_must_be_positive(engine: Engine, every: timedelta, horizon: timedelta) -> None:
    """A rotation without a span is refused."""
    with engine.begin() as connection, pytest.raises(ValueError, match="expected every and horizon to be positive"):
        rotate(connection, NOW, every, horizon)


@pytest.mark.usefixtures("_either_way")
def test_rotations_and_drains_by_chance(engine: Engine) -> None:
    """Four drains offer the same keys again and again while generations turn: each key is new once."""
    keys = [event_key("segment", str(number)) for number in range(200)]
    _rotate(engine, NOW)

    def drain(seed: int) -> list[str]:
        chance = Random(seed)
        batches = [[(key, BODY) for key in chance.sample(keys, 40)] for _ in range(25)]
        return [key for batch in batches for key in _admit(engine, *batch).new]

    def turn() -> int:
        return [_rotate(engine, NOW + number * EVERY).current for number in range(1, 4)][-1]

    with ThreadPoolExecutor(5) as pool:
        drains = [pool.submit(drain, seed) for seed in range(4)]
        assert pool.submit(turn).result(30) == 3
        admitted = [key for each in drains for key in each.result(30)]
    assert len(admitted) == len(set(admitted))
    with engine.connect() as connection:
        assert sorted(key.hex for key in connection.scalars(select(event_keys.c.key))) == sorted(admitted)
