"""What the server of the streams promises about what it was given: kept over a restart, on disk, and never evicted.

A look at INFO, which every server answers, and at CONFIG, which hosted ones refuse; what is refused is not known.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import redis
from redis.exceptions import ResponseError


@dataclass(frozen=True, slots=True, kw_only=True)
class Durability:
    """What a server says of itself."""

    version: str  # "valkey 9.0.1"
    append_only: bool  # whether an append-only file is written: without it a restart loses what was accepted
    last_write_ok: bool  # of the append-only file: False when the disk is full
    fsync: str | None  # appendfsync: always, everysec or no; None: the server does not tell
    eviction: str  # maxmemory-policy; only noeviction keeps what was accepted
    memory: int  # bytes in use
    most_memory: int  # bytes; 0: no bound
    can_wait: bool  # whether it knows WAITAOF, which confirms that a write is on disk


def durability(client: redis.Redis, *, can_wait: bool) -> Durability:
    """Ask the server; raises redis-py's errors when it does not answer."""
    said: dict[str, Any] = client.info()
    configured: Mapping[Any, Any] = {}
    with suppress(ResponseError):  # hosted servers refuse CONFIG, and some rename it
        configured = client.config_get("appendfsync")
    fsync = configured.get(b"appendfsync", configured.get("appendfsync"))
    return Durability(
        version=f"{said.get('server_name', 'redis')} {said.get('valkey_version', said.get('redis_version', '?'))}",
        append_only=bool(said.get("aof_enabled")),
        last_write_ok=said.get("aof_last_write_status", "ok") == "ok",
        fsync=fsync.decode() if isinstance(fsync, bytes) else fsync,
        eviction=str(said.get("maxmemory_policy", "noeviction")),
        memory=int(said.get("used_memory", 0)),
        most_memory=int(said.get("maxmemory", 0)),
        can_wait=can_wait,
    )


def dangers(found: Durability) -> Iterator[str]:
    """What may lose an event that was accepted, each with what to set; nothing when all is well."""
    if not found.append_only:
        yield "appendonly is off: a restart loses every event that waits; set appendonly yes"
    elif found.fsync == "no":
        yield "appendfsync is no: a power cut loses what the system has not written; set everysec or always"
    if not found.last_write_ok:
        yield "the append-only file could not be written: is the disk full?"
    if found.eviction != "noeviction":
        yield f"maxmemory-policy is {found.eviction}: a full server drops events; set noeviction"
    if found.most_memory and found.memory > NEARLY_FULL * found.most_memory:
        yield f"{found.memory / found.most_memory:.0%} of maxmemory is used: beyond it every event is refused"


NEARLY_FULL = 0.9  # of maxmemory


def told(found: Durability) -> str:
    """What holds, in a line."""
    if not found.append_only:
        return f"{found.version}, nothing on disk"
    waits = "WAITAOF confirms each write" if found.can_wait else "no WAITAOF: nothing confirms that a write is on disk"
    return f"{found.version}, append-only file, appendfsync {found.fsync or 'not told'}, {found.eviction}; {waits}"
