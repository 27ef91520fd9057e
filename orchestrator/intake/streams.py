"""The event streams: what is not decided yet, sharded by account, read as bytes, deleted only once it is committed.

Redis keys, all owned by this file (N = number of shards, the same for producers and drainers):

| key                       | type   | what                                                                          |
|---------------------------|--------|-------------------------------------------------------------------------------|
| lifecycle:events:{0..N-1} | stream | entries with the fields of ``entries``; one group, ``lifecycle``, begins at 0 |
| lifecycle:lease:{0..N-1}  | string | the owner of the shard's drain lease, with a time to live; for speed only     |

How nothing is lost, and nothing stands still:

1. A stream is never trimmed, by length or otherwise: trimming drops pending entries silently. An entry goes when it
   is acknowledged, after the commit: XACK and XDEL in one MULTI.
2. ``read`` looks in this order: what a dead consumer left (XAUTOCLAIM; idle for ``reclaim_after``, which must exceed
   the longest batch three times over), what this consumer was given and did not acknowledge (a failed batch, a
   restart, an answer that was lost on the way), what is new. It never blocks.
3. An entry that somebody deleted while it was pending is reported in ``Batch.lost``: it is the only way to lose one.
4. After FLUSHALL or a failover the group may be gone (NOGROUP): it is made again at id 0, and the command is
   repeated.
5. Two consumers may hold one entry (a zombie wakes up): harmless, as the database counts an event once.

Errors of the connection and of the server (full memory, read-only replica) pass through as redis-py raises them. A
producer that sees one sends the same calls again: whatever arrived twice has the same messageId. Names of consumers
must be stable for a worker's slot; a name left behind is removed by ``forget_idle``.
"""

import re
import time
from binascii import crc32
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum, unique
from functools import cached_property
from itertools import islice
from typing import Any, TypeAlias, TypeVar

import redis
from redis.exceptions import ResponseError

from orchestrator.core.errors import LifecycleError
from orchestrator.core.facts import instant
from orchestrator.intake.entries import CALL, DEFAULT_SOURCE, RECEIVED_AT, REFUSED, SOURCE, refused
from orchestrator.intake.formats import belongs_to
from orchestrator.intake.rejection import Rejection
from orchestrator.intake.segment import OLDEST

GROUP = "lifecycle"  # the one consumer group
BATCH = 500  # entries a pipeline; more gains nothing (measured)
RECLAIM_AFTER = timedelta(seconds=60)  # idle so long, an entry's consumer is taken for dead

OLDEST_MS = round(OLDEST.timestamp() * 1000)  # an id that says less is a count, no instant
_END = b"0-0"  # XAUTOCLAIM: where a sweep begins and ends

_RUN_ID = re.compile(rb"^run_id:(\w+)", re.MULTILINE)  # in the answer to INFO

_RENEW = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""

_RELEASE = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
"""

# One step, because between looking and deleting a consumer could be given entries, and DELCONSUMER would drop them.
_FORGET = """
local gone = {}
for _, flat in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  local consumer = {}
  for at = 1, #flat, 2 do consumer[flat[at]] = flat[at + 1] end
  if consumer['pending'] == 0 and consumer['idle'] >= tonumber(ARGV[2]) then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], consumer['name'])
    gone[#gone + 1] = consumer['name']
  end
end
return gone
"""

T = TypeVar("T")
RawEntry: TypeAlias = tuple[str, list[bytes]]  # its id; field, value, field, value … as they came, doubles too


class NotDurableError(LifecycleError):
    """The server took the entries and did not confirm in time that they are on disk; send them again."""


class CannotWaitError(LifecycleError):
    """The server cannot confirm that entries are on disk: it needs an append-only file and WAITAOF (Redis 7.2)."""


class DecodingClientError(LifecycleError):
    """The Redis client decodes its answers, so one entry that is not UTF-8 fails a read; switch that off."""


@unique
class Origin(StrEnum):
    """Where a batch comes from."""

    RECLAIMED = "reclaimed"  # a consumer was given it and did not come back
    OWN = "own"  # this consumer was given it before and did not acknowledge it
    NEW = "new"  # nobody was given it before


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one read gave."""

    origin: Origin  # anything but NEW was tried before, perhaps by a process that it killed
    entries: tuple[RawEntry, ...] = ()  # to be decided, in the stream's order
    lost: tuple[str, ...] = ()  # ids that were pending and had been deleted by somebody: report them

    @property
    def ids(self) -> tuple[str, ...]:
        """What to acknowledge after the commit: the entries, and the lost ones, which would else come back."""
        return (*(entry_id for entry_id, _ in self.entries), *self.lost)

    def __bool__(self) -> bool:
        return bool(self.entries or self.lost)


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What became of calls that were put on the streams."""

    entry_ids: tuple[str, ...]  # one a call, in the calls' order
    durable: bool  # whether the server confirmed within the time asked for that all of it is fsynced


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """How far a shard's drain is behind."""

    length: int  # entries in the stream: pending and not yet given to anybody
    pending: int  # given to a consumer and not acknowledged
    oldest_idle_ms: int  # milliseconds since the oldest pending entry was last given to somebody; 0 when none is
    oldest_deliveries: int  # how often it was given: a number that grows is a batch that does not get through
    oldest_age_ms: int | None = 0  # milliseconds since the first entry was added; None: its id and fields do not tell

    @property
    def waiting(self) -> int:
        """Entries that nobody was given yet."""
        return max(self.length - self.pending, 0)


@dataclass(slots=True)
class _Sweep:
    """One pass over a shard's pending entries, batch by batch."""

    cursor: bytes = _END  # where XAUTOCLAIM goes on
    due_at: float = 0.0  # time.monotonic from which the next pass may begin; real time, as idleness is

    @property
    def is_due(self) -> bool:
        return self.cursor != _END or time.monotonic() >= self.due_at

    def move(self, cursor: bytes, pause: timedelta) -> bool:
        """Note where the pass goes on; says whether it does."""
        self.cursor = cursor
        if cursor == _END:
            self.due_at = time.monotonic() + pause.total_seconds()
        return cursor != _END


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """What the entries of a request have in common, ready to be sent."""

    words: int  # fields and values, counted together
    packed: bytes  # as the protocol spells them


@dataclass(frozen=True, slots=True)
class _Added:
    """The answers to one pipeline of XADDs."""

    entry_ids: list[str]
    run_id: str | None  # the run of the server that took them
    is_fsynced: bool  # what WAITAOF at its end said


def shard_of(account_or_person: str, shards: int) -> int:
    """The shard, 0 to shards - 1, that an account's (else a person's) events go to; crc32, so the same everywhere."""
    return crc32(account_or_person.encode("utf-8", "surrogatepass")) % shards


def stream_key(shard: int) -> str:
    """The key of a shard's stream."""
    return f"lifecycle:events:{shard}"


def lease_key(shard: int) -> str:
    """The key of a shard's lease."""
    return f"lifecycle:lease:{shard}"


class Streams:
    """The shards' streams on one server. Not to be shared by threads that read the same shard, nor across a fork."""

    def __init__(
        self,
        client: redis.Redis,
        shards: int,
        group: str = GROUP,
        *,
        reclaim_after: timedelta = RECLAIM_AFTER,
    ) -> None:
        """Take a client that answers in bytes, else raises DecodingClientError; nothing is sent yet."""
        if client.get_connection_kwargs().get("decode_responses"):
            raise DecodingClientError
        self.client = client
        self.shards = shards
        self.group = group
        self.reclaim_after = reclaim_after
        self._sweeps: dict[int, _Sweep] = defaultdict(_Sweep)  # a shard's sweep for what dead consumers left
        self._held: dict[tuple[int, str], set[str]] = {}  # given and not acknowledged; no item: not known

    # ------------------------------------------------------------------------------------------------------- publish

    def publish(
        self,
        calls: Iterable[bytes],
        *,
        source: str = DEFAULT_SOURCE,
        received_at: datetime | None = None,
        durable_ms: int | None = None,
    ) -> Published:
        """Put calls on the streams of their accounts, in pipelines of BATCH; what cannot be read goes to shard 0.

        There it will be rejected, visibly. ``received_at`` (aware UTC) stamps the entries. With ``durable_ms`` the
        server is asked to confirm within so many milliseconds that everything is fsynced (WAITAOF: Valkey, Redis 7.2
        and later); ``durable`` is False when it does not, cannot, or was restarted between two pipelines. Stay below
        the client's ``socket_timeout``. Raises redis-py's errors; what was sent before may have arrived.
        """
        stamp = stamped(source, received_at)
        commands = (posted(self._shard_for(call), call, stamp) for call in calls)
        return self._published(commands, durable_ms)

    def put_back(self, entries: Iterable[Sequence[bytes]], *, durable_ms: int) -> Published:
        """Put whole entries (field, value, field, value …) on the streams again; else as ``publish``."""
        return self._published(map(self._whole, entries), durable_ms)

    def _published(self, commands: Iterable[bytes], durable_ms: int | None) -> Published:
        wait_ms = durable_ms if durable_ms is not None and self.can_wait else None
        added = [self._append(chunk, wait_ms, is_last=is_last) for chunk, is_last in _chunked(commands, BATCH)]
        return Published(
            entry_ids=tuple(entry_id for each in added for entry_id in each.entry_ids),
            durable=wait_ms is not None and _is_durable(added),
        )

    def _whole(self, fields: Sequence[bytes]) -> bytes:
        call = dict(zip(fields[::2], fields[1::2], strict=True)).get(CALL, b"")
        return _command(b"XADD", stream_key(self._shard_for(call)).encode(), b"*", *fields)

    @cached_property
    def can_wait(self) -> bool:
        """Whether the server knows WAITAOF; whether its append-only file is on shows only in the answer to it."""
        with suppress(ResponseError):
            (known,) = self._send("COMMAND INFO", "WAITAOF")
            return known is not None
        return False

    def _append(self, commands: list[bytes], wait_ms: int | None, *, is_last: bool) -> _Added:
        asked = [] if wait_ms is None else [_command(b"INFO", b"server")]
        if wait_ms is not None and is_last:
            asked.append(_waitaof(wait_ms))
        return _added(len(commands), self._exchange([*commands, *asked]))

    def put(self, commands: Sequence[bytes], *, durable_ms: int | None = None) -> list[bytes | ResponseError]:
        """Send commands of ``posted`` in one pipeline; gives an entry's id, or the server's refusal, for each.

        With ``durable_ms`` the server confirms within so many milliseconds that all of them are fsynced. It is asked
        on the connection that wrote, in the same pipeline, so its word holds for one run of the server; a pipeline
        that is cut anywhere raises. Raises NotDurableError, and redis-py's errors of the connection: then nothing is
        known of any of them, and whoever sent them has to send them again.
        """
        asked = [] if durable_ms is None else [_waitaof(durable_ms)]
        answers = self._exchange([*commands, *asked])
        if durable_ms is not None:
            _insist(answers.pop())
        return answers

    def lengths(self) -> list[int]:
        """How many entries stand in each shard's stream, pending ones too."""
        answers = self._exchange([_command(b"XLEN", stream_key(shard).encode()) for shard in range(self.shards)])
        _raise_first(answers)
        return answers

    def check(self, *, confirm: bool) -> None:
        """Ask whether the server is there, and whether it could confirm that entries are on disk; else raises."""
        self.client.ping()
        if confirm:
            _insist(self._exchange([_waitaof(1)])[0])

    def _exchange(self, commands: list[bytes]) -> list[Any]:
        """Send packed commands and read an answer to each; errors of the server are answers, those of the way raise.

        redis-py's own pipeline takes three times as long: it packs each command word by word (measured: 8 us to 3 us).
        """
        pool = self.client.connection_pool
        connection: Any = pool.get_connection()
        try:
            connection.send_packed_command([b"".join(commands)])
            return [_answer(connection) for _ in commands]
        except BaseException:
            connection.disconnect()  # what it would read next are answers to nobody's questions
            raise
        finally:
            pool.release(connection)

    def shard_for(self, whose: str | None) -> int:
        """The shard of an account, or a person, or of nobody (0)."""
        return 0 if whose is None else shard_of(whose, self.shards)

    def _shard_for(self, call: bytes) -> int:
        return self.shard_for(belongs_to(call))

    # ---------------------------------------------------------------------------------------------------------- read

    def read(self, shard: int, consumer: str, count: int = BATCH) -> Batch:
        """Take up to ``count`` entries for a consumer, never waiting: reclaimed, else its own again, else new ones.

        What it gives is pending until ``ack``. An empty batch says that nothing is left for now.
        """
        held = self._held.pop((shard, consumer), None)  # so it is not known, should anything below fail or find more
        batch = self._reclaimed(shard, consumer, count)
        if not batch and held != set():
            batch = self._read_group(shard, consumer, count, "0", Origin.OWN)
        if not batch:
            batch = self._read_group(shard, consumer, count, ">", Origin.NEW)
            self._held[shard, consumer] = set(batch.ids)
        return batch

    def _reclaimed(self, shard: int, consumer: str, count: int) -> Batch:
        """Go on with the sweep over what is pending; the next begins ``reclaim_after`` after the last one's end."""
        sweep, batch, idle = self._sweeps[shard], Batch(origin=Origin.RECLAIMED), self.reclaim_after
        going = sweep.is_due
        while going and not batch:  # one step looks at ten times ``count`` entries, and may find none that is idle
            command = f"XAUTOCLAIM {stream_key(shard)}"
            cursor, found, *deleted = self._in_group(
                shard, command, self.group, consumer, _ms(idle), sweep.cursor, "COUNT", count
            )
            batch = _batch(Origin.RECLAIMED, found, *deleted)
            going = sweep.move(cursor, idle)
        return batch

    def _read_group(self, shard: int, consumer: str, count: int, after: str, origin: Origin) -> Batch:
        key = stream_key(shard)
        found = self._in_group(shard, "XREADGROUP GROUP", self.group, consumer, "COUNT", count, "STREAMS", key, after)
        if not found:
            return Batch(origin=origin)
        ((_, entries),) = found.items() if isinstance(found, dict) else found  # RESP 3 answers with a map
        return _batch(origin, entries)

    def _in_group(self, shard: int, command: str, *arguments: bytes | str | int) -> Any:  # noqa: ANN401 -- as the server says it
        """Send a command in two words, to which redis-py leaves the answer as it is: it would drop doubled fields."""
        try:
            return self._send(command, *arguments)
        except ResponseError as error:
            if not _is_no_group(error):
                raise
        self.create_group(shard)
        return self._send(command, *arguments)

    def _send(self, *words: bytes | str | int) -> Any:  # noqa: ANN401 -- as the server says it
        return self.client.execute_command(*words)  # type: ignore[no-untyped-call] # redis-py gives it no types

    def create_group(self, shard: int) -> None:
        """Make the shard's stream and group where they are missing; the group begins with the first entry there is."""
        try:
            self.client.xgroup_create(stream_key(shard), self.group, id="0", mkstream=True)
        except ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise

    def ack(self, shard: int, ids: Collection[str]) -> None:
        """Acknowledge and delete entries in one step; only after the commit of what was decided from them."""
        if not ids:
            return
        with self.client.pipeline(transaction=True) as pipeline:
            pipeline.xack(stream_key(shard), self.group, *ids)
            pipeline.xdel(stream_key(shard), *ids)
            pipeline.execute()
        for (held_shard, _), held in self._held.items():
            if held_shard == shard:
                held.difference_update(ids)

    # --------------------------------------------------------------------------------------------------------- lease

    def lease(self, shard: int, owner: str, ttl: timedelta) -> bool:
        """Take or renew the shard's lease; False when it is another's. For speed only: two drainers do no harm."""
        if not self.client.set(lease_key(shard), owner, nx=True, px=_ms(ttl)):
            return self.renew(shard, owner, ttl)
        for key in [key for key in self._held if key[0] == shard]:
            del self._held[key]  # somebody else may have read meanwhile, and died: look again at what is pending
        return True

    def renew(self, shard: int, owner: str, ttl: timedelta) -> bool:
        """Prolong the lease to ``ttl`` from now; False when it is no longer this owner's."""
        return bool(self.client.eval(_RENEW, 1, lease_key(shard), owner, str(_ms(ttl))))

    def release(self, shard: int, owner: str) -> bool:
        """Give the lease back; False, and nothing done, when it is no longer this owner's."""
        return bool(self.client.eval(_RELEASE, 1, lease_key(shard), owner))

    # --------------------------------------------------------------------------------------------------- observation

    def lag(self, shard: int) -> Lag:
        """How far the shard is behind; a stream or group that does not exist yet has nothing pending."""
        pipeline: Any = self.client.pipeline(transaction=False)
        pipeline.xlen(stream_key(shard))
        pipeline.xpending(stream_key(shard), self.group)
        pipeline.xpending_range(stream_key(shard), self.group, min="-", max="+", count=1)
        pipeline.xrange(stream_key(shard), count=1)
        pipeline.time()
        length, pending, oldest, head, now = pipeline.execute(raise_on_error=False)
        if isinstance(pending, ResponseError) and _is_no_group(pending):
            pending, oldest = {"pending": 0}, []
        _raise_first((length, pending, oldest, head, now))
        first = oldest[0] if oldest else {"time_since_delivered": 0, "times_delivered": 0}
        seconds, micros = now
        return Lag(
            length=length,
            pending=pending["pending"],
            oldest_idle_ms=first["time_since_delivered"],
            oldest_deliveries=first["times_delivered"],
            oldest_age_ms=_age_ms(head[0], seconds * 1000 + micros // 1000) if head else 0,
        )

    def head(self, shard: int, count: int = BATCH) -> tuple[bytes, ...]:
        """The calls of the shard's first entries, the oldest first, pending ones too; what has none is left out."""
        entries: Any = self.client.xrange(stream_key(shard), count=count)
        return tuple(fields[CALL] for _, fields in entries if fields and CALL in fields)

    def forget_idle(self, shard: int, idle: timedelta) -> tuple[str, ...]:
        """Remove the names of consumers that hold nothing and were not heard of for ``idle``; says which."""
        try:
            gone: Any = self.client.eval(_FORGET, 1, stream_key(shard), self.group, str(_ms(idle)))
        except ResponseError as error:
            if "NOGROUP" in str(error) or "no such key" in str(error):
                return ()
            raise
        return tuple(name.decode("utf-8", "backslashreplace") for name in gone)


def stamped(source: str, received_at: datetime | None = None) -> Stamp:
    """The fields that entries of one source and reception share, packed: made once for all of them."""
    words = [SOURCE, source.encode("utf-8", "surrogatepass")]
    if received_at is not None:
        words += [RECEIVED_AT, received_at.isoformat().encode()]
    return Stamp(words=len(words), packed=_words(words))


def posted(shard: int, call: bytes, stamp: Stamp, refusal: Rejection | None = None) -> bytes:
    """The command, packed, that puts a call on a shard's stream; with why the door refused it, if it did."""
    key = stream_key(shard).encode()
    more = b"" if refusal is None else _words([REFUSED, refused(refusal)])
    return b"*%d\r\n$4\r\nXADD\r\n$%d\r\n%b\r\n$1\r\n*\r\n$4\r\ncall\r\n$%d\r\n%b\r\n%b%b" % (
        5 + stamp.words + (2 if more else 0), len(key), key, len(call), call, stamp.packed, more,
    )  # fmt: skip


def _command(*words: bytes) -> bytes:
    return b"*%d\r\n%b" % (len(words), _words(words))


def _words(words: Iterable[bytes]) -> bytes:
    return b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)


def _waitaof(wait_ms: int) -> bytes:
    return _command(b"WAITAOF", b"1", b"0", b"%d" % wait_ms)


def _answer(connection: Any) -> Any:  # noqa: ANN401 -- redis-py's connection, and as the server says it
    try:
        return connection.read_response()
    except ResponseError as error:
        return error


def _insist(answer: object) -> None:
    """What WAITAOF said, or what kept it from saying it."""
    if isinstance(answer, ResponseError):
        raise CannotWaitError(f"{CannotWaitError.__doc__} It said: {answer}")
    if not (isinstance(answer, list) and answer[0] >= 1):
        raise NotDurableError


def _added(calls: int, answers: list[Any]) -> _Added:
    ids, (info, waited) = answers[:calls], (*answers[calls:], None, None)[:2]
    _raise_first(ids)
    run = _RUN_ID.search(info) if isinstance(info, bytes) else None
    return _Added(
        entry_ids=[entry_id.decode() for entry_id in ids],
        run_id=run[1].decode() if run else None,
        is_fsynced=isinstance(waited, list) and waited[0] >= 1,
    )


def _is_durable(added: list[_Added]) -> bool:
    """All of it went to one run of the server, which confirmed it at the end; nothing at all is not lost either."""
    if not added:
        return True
    runs = {each.run_id for each in added}
    return added[-1].is_fsynced and len(runs) == 1 and None not in runs


def _raise_first(answers: Iterable[object]) -> None:
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer


def _chunked(items: Iterable[T], size: int) -> Iterator[tuple[list[T], bool]]:
    """The items in lists of ``size``, each with whether it is the last."""
    rest = iter(items)
    chunk = list(islice(rest, size))
    while chunk:
        following = list(islice(rest, size))
        yield chunk, not following
        chunk = following


def _batch(origin: Origin, found: Iterable[tuple[bytes, list[bytes] | None]], deleted: Iterable[bytes] = ()) -> Batch:
    """Entries that come without fields were deleted while they were pending (before Redis 7, or read again)."""
    named = [(entry_id.decode(), fields) for entry_id, fields in found]
    return Batch(
        origin=origin,
        entries=tuple((entry_id, fields) for entry_id, fields in named if fields is not None),
        lost=(
            *(entry_id for entry_id, fields in named if fields is None),
            *(entry_id.decode() for entry_id in deleted),
        ),
    )


def _age_ms(entry: tuple[bytes, Mapping[bytes, bytes] | None], now_ms: int) -> int | None:
    """Since when an entry waits, by the server's clock alone: what its id says, which the server wrote at XADD.

    That is no event's time. A producer may write ids of its own: one that lies ahead, or counts from nought, is not
    believed, and ``received_at`` is asked instead.
    """
    entry_id, fields = entry
    said = int(entry_id.partition(b"-")[0])
    if OLDEST_MS <= said <= now_ms:
        return now_ms - said
    stamp = instant((fields or {}).get(RECEIVED_AT, b"").decode("ascii", "replace"))
    return None if stamp is None else max(now_ms - round(stamp.timestamp() * 1000), 0)


def _is_no_group(error: ResponseError) -> bool:
    return str(error).startswith("NOGROUP")


def _ms(duration: timedelta) -> int:
    return duration // timedelta(milliseconds=1)
