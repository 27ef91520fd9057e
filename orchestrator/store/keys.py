"""Event keys: an event counts once within the horizon, whatever timestamp a resend carries.

Keys live in *generations*, one partition each. A drain admits keys into the current generation and looks into the older
ones; a rotation begins the next generation and drops those that ended longer ago than the horizon. So a key is kept for
at least the horizon and at most the horizon plus the length of a generation, and pruning never deletes a row.

Why two drains cannot both admit one key:

1. Whoever admits holds the advisory lock KEYS, shared, until the end of the transaction; a rotation holds it alone. So
   all transactions in flight agree on the current generation, and none of them writes into an older one.
2. Within the current generation its unique index decides: the second insert waits for the first transaction's end.
3. Whatever older generations hold was committed before the rotation got the lock, so it is visible to every statement
   that starts after our lock was granted. That is why the generation is read in a *new* statement (READ COMMITTED
   takes its snapshot when a statement starts, not when its wait is over).

Many keys are looked up and then copied in, at two thirds of the price of ADMIT and without its confirming each row in
the log. A key that another drain admits between look and copy breaks the copy; it is undone, and ADMIT has the word.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, unique
from hashlib import blake2b
from itertools import pairwise
from typing import Any

import orjson
import psycopg
from sqlalchemy import Connection, func, insert, select, text, update

from orchestrator.store.engine import AdvisoryLock
from orchestrator.store.tables import key_generations

MANY = 200
"""Keys from which on COPY is cheaper than ADMIT: it takes a few more statements."""

JOIN = text("SELECT pg_advisory_xact_lock_shared(:lock)").bindparams(lock=AdvisoryLock.KEYS.value)
"""Join those who admit; waits while a rotation is under way."""

ALONE = text("SELECT set_config('lock_timeout', :patience, true), pg_advisory_xact_lock(:lock)").bindparams(
    lock=AdvisoryLock.KEYS.value
)
"""Wait until nobody admits any more, and keep everybody out until the end of the transaction."""

ADMIT = text("""
    -- admit: put the keys that no older generation holds into the current one, in the order of keys
    WITH offered AS MATERIALIZED (
        SELECT key, digest FROM jsonb_to_recordset(CAST(:offered AS jsonb)) AS offer (key uuid, digest uuid)
    )
    INSERT INTO event_keys (generation, key, digest)
    SELECT (SELECT max(generation) FROM key_generations), offered.key, offered.digest
      FROM offered
     WHERE NOT EXISTS (
               SELECT FROM event_keys AS older
                WHERE older.key = offered.key
                  AND older.generation < (SELECT max(generation) FROM key_generations))
     ORDER BY offered.key
        ON CONFLICT DO NOTHING
    RETURNING encode(uuid_send(key), 'hex')
""")

STORED = text("""
    -- stored: the bodies that known keys were admitted with; a new statement, so that it sees what ADMIT waited for
    SELECT encode(uuid_send(key), 'hex') AS key, encode(uuid_send(digest), 'hex') AS digest
      FROM event_keys WHERE key = ANY(CAST(:keys AS uuid[]))
""")


COPY = "COPY event_keys (generation, key, digest) FROM STDIN"


@unique
class Verdict(Enum):
    """What became of one offered event."""

    NEW = "new"
    """Counted for the first time: fold it."""
    DUPLICATE = "duplicate"
    """The same event again: drop it."""
    CONFLICT = "conflict"
    """Another body under an id that is taken: keep it aside, do not fold it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """What became of the events that were offered."""

    # One verdict for each offered pair, in the order in which they were offered.
    verdicts: tuple[Verdict, ...]
    # Keys that were admitted: their first offered body is to be folded.
    new: frozenset[str]
    # Keys under which another body came than the one that is kept; a key may be new and in conflict in one call.
    conflicts: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """What a rotation did."""

    # The generation that keys are admitted into from now on.
    current: int
    # Whether this call began it.
    began: bool
    # Generations that were dropped, oldest first.
    dropped: tuple[int, ...]


def event_key(source: str, message_id: str) -> str:
    """Return the key of an event: blake2b-128 over source NUL message_id, in UTF-8; 32 hexadecimal digits."""
    return body_digest(f"{source}\0{message_id}".encode())


def body_digest(body: bytes) -> str:
    """Return the blake2b-128 of an event's body, as a key is; equal bodies must be given in equal bytes."""
    return blake2b(body, digest_size=16).hexdigest()


def admit(connection: Connection, keys: Sequence[tuple[str, str]]) -> Admission:
    """Admit events by (key, digest of the body) and say which are new; needs a READ COMMITTED transaction.

    Of several pairs with one key the first counts. What is admitted is so once the caller commits; until then another
    transaction that offers the same key waits. Raises ``sqlalchemy.exc.DBAPIError`` (see ``failures``).
    """
    offered: dict[str, str] = {}
    for key, digest in keys:
        offered.setdefault(key, digest)
    new = _joined(connection, offered) if offered else frozenset()
    if len(new) == len(keys):  # as it mostly is
        return Admission(verdicts=(Verdict.NEW,) * len(keys), new=new, conflicts=frozenset())
    kept = offered if len(new) == len(offered) else offered | _stored(connection, offered.keys() - new)
    return _admission(keys, new, kept)


def rotate(
    connection: Connection,
    now: datetime,
    every: timedelta,
    horizon: timedelta,
    patience: timedelta = timedelta(seconds=5),
) -> Rotation:
    """Begin the next generation when the current one is ``every`` old; drop those that ended ``horizon`` ago.

    Call it in a transaction of its own, which has admitted nothing. When nothing is to be done it takes no lock. While
    it waits for the drains in flight, new drains wait behind it: for ``patience`` at most, then it raises
    (SQLSTATE 55P03, a fault of the world) and the next tick tries again. Raises ``ValueError`` when a span is not
    positive.
    """
    if min(every, horizon) <= timedelta(0):
        raise ValueError(f"expected every and horizon to be positive, got {every} and {horizon}")
    if not _is_idle(_generations(connection), now, every, horizon):
        connection.execute(ALONE, {"patience": f"{max(1, round(patience.total_seconds() * 1000))}ms"})
    # Read in a new statement: somebody else may have rotated while we waited.
    generations = _generations(connection)
    if _is_idle(generations, now, every, horizon):
        return Rotation(current=max(generations), began=False, dropped=())
    return _rotate(connection, generations, now, every, horizon)


def _joined(connection: Connection, offered: Mapping[str, str]) -> frozenset[str]:
    """Put in those of the keys that nobody has; they are returned."""
    connection.execute(JOIN)
    if len(offered) < MANY:
        return _insert(connection, offered)
    try:
        with connection.begin_nested():
            return _copy(connection, offered)
    except psycopg.errors.UniqueViolation:
        return _insert(connection, offered)


def _insert(connection: Connection, offered: Mapping[str, str]) -> frozenset[str]:
    rows = [{"key": key, "digest": digest} for key, digest in offered.items()]  # ADMIT sorts them
    return frozenset(connection.scalars(ADMIT, {"offered": orjson.dumps(rows).decode()}))


def _copy(connection: Connection, offered: Mapping[str, str]) -> frozenset[str]:
    """Copy in the keys that were not there when we looked, in the order of keys, as ADMIT does: nobody deadlocks."""
    new = offered.keys() - _stored(connection, offered.keys())
    generation = connection.scalar(select(func.max(key_generations.c.generation)))
    driver: Any = connection.connection.driver_connection  # SQLAlchemy has no COPY of its own
    with driver.cursor() as cursor, cursor.copy(COPY) as copy:
        copy.write("".join([f"{generation}\t{key}\t{offered[key]}\n" for key in sorted(new)]))
    return frozenset(new)


def _stored(connection: Connection, known: Collection[str]) -> dict[str, str]:
    listed = f"{{{','.join(sorted(known))}}}"  # as one word: a list costs the driver more than the server
    return {row.key: row.digest for row in connection.execute(STORED, {"keys": listed})}


def _admission(keys: Sequence[tuple[str, str]], new: frozenset[str], kept: Mapping[str, str]) -> Admission:
    fresh = set(new)
    verdicts = []
    for key, digest in keys:
        if kept[key] != digest:
            verdicts.append(Verdict.CONFLICT)
        elif key in fresh:
            fresh.remove(key)
            verdicts.append(Verdict.NEW)
        else:
            verdicts.append(Verdict.DUPLICATE)
    conflicts = frozenset(key for (key, _), verdict in zip(keys, verdicts, strict=True) if verdict is Verdict.CONFLICT)
    return Admission(verdicts=tuple(verdicts), new=new, conflicts=conflicts)


def _generations(connection: Connection) -> dict[int, datetime | None]:
    """Return the generations that are kept and when each began, oldest first."""
    rows = connection.execute(select(key_generations).order_by(key_generations.c.generation))
    return {row.generation: row.began_at for row in rows}


def _is_idle(generations: Mapping[int, datetime | None], now: datetime, every: timedelta, horizon: timedelta) -> bool:
    began = generations[max(generations)]
    return began is not None and not _is_over(began, now, every) and not _expired(generations, now, horizon)


def _is_over(began: datetime | None, now: datetime, every: timedelta) -> bool:
    return began is not None and began + every <= now


def _expired(generations: Mapping[int, datetime | None], now: datetime, horizon: timedelta) -> tuple[int, ...]:
    """Return the generations that ended, that is whose successor began, at least the horizon ago."""
    return tuple(older for older, newer in pairwise(sorted(generations)) if _is_over(generations[newer], now, horizon))


def _rotate(
    connection: Connection,
    generations: Mapping[int, datetime | None],
    now: datetime,
    every: timedelta,
    horizon: timedelta,
) -> Rotation:
    current = max(generations)
    if began := _is_over(generations[current], now, every):
        current += 1
        _begin(connection, current, now)
    elif generations[current] is None:
        connection.execute(update(key_generations).where(key_generations.c.generation == current).values(began_at=now))
    dropped = _expired(generations, now, horizon)
    for generation in dropped:
        _drop(connection, generation)
    return Rotation(current=current, began=began, dropped=dropped)


def _begin(connection: Connection, generation: int, now: datetime) -> None:
    unique = f"CONSTRAINT uq_event_keys_{generation} UNIQUE (key)"
    connection.execute(
        text(f"CREATE TABLE event_keys_{generation} PARTITION OF event_keys ({unique}) FOR VALUES IN ({generation})")
    )
    connection.execute(insert(key_generations).values(generation=generation, began_at=now))


def _drop(connection: Connection, generation: int) -> None:
    connection.execute(text(f"DROP TABLE event_keys_{generation}"))
    connection.execute(key_generations.delete().where(key_generations.c.generation == generation))
