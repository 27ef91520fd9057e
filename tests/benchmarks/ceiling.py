"""The ceiling: what broker and database give when nothing is decided. Two processes, each with half of the streams.

A batch of 500: XREADGROUP, one insert of keys and of the events that are new, one update that writes each account's row
anew, at its real size, XACK + XDEL. No identity, no load of accounts, no rules, no timers.
Run as ``python -m tests.benchmarks.ceiling SHARD…``; it says "ready", waits for a line, and drains until empty.
"""

import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from hashlib import blake2b
from typing import Any

import orjson
import psycopg
import redis

from orchestrator.intake.streams import GROUP, stream_key
from tests.benchmarks.stage import POLL_SECONDS, SHARDS, Stage
from tests.benchmarks.subject import Run, difference, process
from tests.benchmarks.workload import Call

PROCESSES = 2
BATCH = 500

INSERT = """
    WITH offered AS MATERIALIZED (
        SELECT * FROM jsonb_to_recordset(%s::jsonb)
            AS r (key uuid, account_id text, person_id text, message_id text, name text, at timestamptz,
                  properties jsonb)),
    admitted AS (
        INSERT INTO event_keys (generation, key, digest)
        SELECT (SELECT max(generation) FROM key_generations), key, key FROM offered ORDER BY key
            ON CONFLICT DO NOTHING RETURNING key)
    INSERT INTO events (received_at, account_id, person_id, source, message_id, kind, name, occurred_at, properties)
    SELECT at, account_id, person_id, 'segment', message_id, 'track', name, at, properties
      FROM offered JOIN admitted USING (key)
"""
UPDATE = """
    UPDATE accounts
       SET document = document, version = version + r.events, updated_at = now()
      FROM jsonb_to_recordset(%s::jsonb) AS r (id text, events int)
     WHERE accounts.id = r.id
"""


def drained_by_ceiling(stage: Stage, calls: Sequence[Call]) -> Run:
    """Load the streams, let two processes begin, stop the clock when the streams are empty."""
    stage.load(calls)
    log = stage.installation.settings.home / "ceiling.log"
    halves = [[str(shard) for shard in range(first, SHARDS, PROCESSES)] for first in range(PROCESSES)]
    with ExitStack() as running:
        drainers = [
            running.enter_context(process(("-m", __name__, *half), stage.environment(), log, answers=True))
            for half in halves
        ]
        for drainer in drainers:
            assert drainer.stdout is not None
            assert drainer.stdout.readline() == b"ready\n", f"a drainer did not start, see {log}"
        pids = [drainer.pid for drainer in drainers]
        before, began = stage.burned(*pids), time.monotonic()
        for drainer in drainers:
            assert drainer.stdin is not None
            drainer.stdin.write(b"go\n")
            drainer.stdin.flush()
        while any(stage.left()):
            time.sleep(POLL_SECONDS)
        seconds, after = time.monotonic() - began, stage.burned(*pids)
    assert stage.count("events") == len(calls)
    return Run(events=len(calls), seconds=seconds, burned=difference(after, before))


def _drain(shards: Sequence[int]) -> None:
    client = redis.Redis.from_url(os.environ["STREAM_URL"])
    address = os.environ["DATABASE_URL"].replace("postgresql+psycopg", "postgresql")
    with psycopg.connect(address) as connection:
        print("ready", flush=True)
        sys.stdin.readline()
        left = list(shards)
        while left:
            left = [shard for shard in left if _batch(client, connection, shard)]
        sys.stdin.readline()  # stay until the processor time is read


def _batch(client: redis.Redis, connection: psycopg.Connection[Any], shard: int) -> bool:
    found: Any = client.xreadgroup(GROUP, "ceiling", {stream_key(shard): ">"}, count=BATCH)
    if not found:
        return False
    ((_, entries),) = found.items() if isinstance(found, dict) else found
    rows = [_row(orjson.loads(fields[b"call"])) for _, fields in entries]
    touched = Counter(row["account_id"] for row in rows)
    with connection.transaction():
        connection.execute(INSERT, (orjson.dumps(rows).decode(),))
        accounts = [{"id": account, "events": number} for account, number in sorted(touched.items())]
        connection.execute(UPDATE, (orjson.dumps(accounts).decode(),))
    ids = [entry_id for entry_id, _ in entries]
    with client.pipeline(transaction=True) as pipeline:
        pipeline.xack(stream_key(shard), GROUP, *ids)
        pipeline.xdel(stream_key(shard), *ids)
        pipeline.execute()
    return True


def _row(call: dict[str, Any]) -> dict[str, Any]:
    return {
        "key": blake2b(call["messageId"].encode(), digest_size=16).hexdigest(),
        "account_id": call["context"]["groupId"],
        "person_id": call["userId"],
        "message_id": call["messageId"],
        "name": call["event"],
        "at": call["timestamp"],
        "properties": call["properties"],
    }


if __name__ == "__main__":
    _drain([int(shard) for shard in sys.argv[1:]])
