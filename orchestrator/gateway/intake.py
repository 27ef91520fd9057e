"""The routes of the dialects: a body is read, each of its items judged, and every item kept, also one that is refused.

A single call that is refused is answered 400, and a list or batch 200 whatever its items are: clients drop all hundred
events of a batch that is answered 400 or 413. What was refused is named in the answer item by item, goes to the stream
with the reason, and is found again in ``rejected_events``. What a path says is little: the readers go by content.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from orchestrator.gateway import bodies, shapes
from orchestrator.gateway.answers import Refusal, documented, said
from orchestrator.gateway.door import Door, shown
from orchestrator.intake.formats import Dialect, Item, read, redacted, secret_in
from orchestrator.intake.rejection import Rejection, RejectionReason
from orchestrator.intake.streams import posted, shard_of, stamped
from orchestrator.store.write_keys import WriteKey

LARGE = 256 * 1024  # bytes of a body whose reading takes tens of milliseconds
MOST_KEPT = 512 * 1024  # bytes of a body that cannot be read at all which are kept: what a batch may have
STATUSES = documented(200, 400, 401, 408, 413, 429, 503)

router = APIRouter(tags=["events"])


async def take(door: Door, request: Request, dialect: Dialect) -> Response:
    """Take what a request brings in a dialect; answers 200 once all of it is kept.

    Raises:
        Refusal: why not; 400 only when nothing of it is an event, and then it is kept all the same.
    """
    secret = shown(request.headers)
    key = None if secret is None else await door.key(secret)
    body = await bodies.read(request)
    if key is None:
        key = await door.key(secret_in(body))
    return await taken(door, key, dialect, body, request.headers)


async def taken(door: Door, key: WriteKey, dialect: Dialect, body: bytes, headers: Mapping[str, str]) -> Response:
    """Judge a body's items, keep all of them, and answer; raises Refusal as ``take`` does."""
    now = await door.now()
    try:
        items = await _judged(dialect, body, headers, now)
    except Rejection as rejection:
        kept = redacted(body)[:MOST_KEPT]
        items = [Item(call=kept, message_id=None, whose=None, refusal=rejection, is_alone=True)]
    await door.admit(key, len(items))
    stamp = stamped(key.source, now)
    shards = [0 if item.whose is None else shard_of(item.whose, door.shards) for item in items]
    commands = [posted(shard, item.call, stamp, item.refusal) for shard, item in zip(shards, items, strict=True)]
    await door.publish(commands, Counter(shards))
    return _answer(door, items)


async def _judged(dialect: Dialect, body: bytes, headers: Mapping[str, str], now: datetime) -> Sequence[Item]:
    """The items of a body; of a large one in a thread, so that who waits beside it has its turn."""
    if len(body) <= LARGE:
        return read(dialect, body, headers, received_at=now)
    return await asyncio.to_thread(read, dialect, body, headers, received_at=now)


def _answer(door: Door, items: Sequence[Item]) -> Response:
    refused = list(_refused(items))
    door.figures.accepted.inc(len(items) - len(refused))
    for _, _, refusal in refused:
        door.figures.refused.labels(reason=refusal.reason.value).inc()
    if not refused:
        return said(shapes.TAKEN)
    if items[0].is_alone:
        refusal = refused[0][2]
        status = 413 if refusal.reason is RejectionReason.TOO_MANY else 400
        raise Refusal(status, refusal.reason.value, _sentence(refusal))
    told = [_outcome(*each) for each in refused]
    return said({**shapes.TAKEN, "accepted": len(items) - len(refused), "refused": told})


def _refused(items: Sequence[Item]) -> Iterator[tuple[int, Item, Rejection]]:
    for index, item in enumerate(items):
        if item.refusal is not None:
            yield index, item, item.refusal


def _outcome(index: int, item: Item, refusal: Rejection) -> dict[str, Any]:
    return {
        "index": index,
        "messageId": item.message_id,
        "code": refusal.reason.value,
        "message": _sentence(refusal),
    }


def _sentence(refusal: Rejection) -> str:
    return f"{refusal.reason.sentence} ({refusal.detail})"


# --------------------------------------------------------------------------------------------------------- the paths


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A way in: where a dialect is spoken."""

    dialect: Dialect
    path: str  # the one that is documented
    aliases: tuple[str, ...] = ()  # what client libraries use as well
    summary: str
    shape: type[BaseModel]  # of a body, for the document alone: the readers judge


def _segment(dialect: Dialect, short: str, *more: str) -> Way:
    words = (dialect.value, short, *more)
    paths = [f"{root}/{word}{slash}" for word in words for root in ("/v1", "") for slash in ("", "/")]
    return Way(
        dialect=dialect,
        path=paths[0],
        aliases=tuple(paths[1:]),
        summary=f"Segment: {dialect.value}",
        shape=shapes.Batch if dialect is Dialect.BATCH else shapes.Call,
    )


WAYS: tuple[Way, ...] = (
    _segment(Dialect.TRACK, "t"),
    _segment(Dialect.IDENTIFY, "i"),
    _segment(Dialect.PAGE, "p"),
    _segment(Dialect.SCREEN, "s"),
    _segment(Dialect.GROUP, "g"),
    _segment(Dialect.ALIAS, "a"),
    _segment(Dialect.BATCH, "b", "import"),  # PostHog's /batch/ too: its items say what they are
    Way(
        dialect=Dialect.PLAIN,
        path="/v1/events",
        aliases=("/v1/events/",),
        summary="Plain: one event, or a list",
        shape=shapes.PlainEvents,
    ),
    Way(
        dialect=Dialect.CLOUDEVENTS,
        path="/v1/cloudevents",
        aliases=("/v1/cloudevents/",),
        summary="CloudEvents 1.0: binary, structured or a batch",
        shape=shapes.CloudEvents,
    ),
    Way(
        dialect=Dialect.POSTHOG,
        path="/i/v0/e/",
        aliases=("/i/v0/e", "/e/", "/e", "/capture/", "/capture"),
        summary="PostHog: one event, or a batch",
        shape=shapes.PostHog,
    ),
)
"""Every path that takes events."""


ALIASES: Mapping[str, str] = {alias: way.path for way in WAYS for alias in way.aliases}
"""What other paths stand for; looked up before the routes are tried, one after the other."""


def _open(way: Way) -> None:
    async def endpoint(request: Request) -> Response:
        return await take(request.app.state.door, request, way.dialect)

    router.add_api_route(
        way.path,
        endpoint,
        methods=["POST"],
        name=way.path,
        operation_id=f"take_{way.dialect.value}",
        summary=way.summary,
        responses={**STATUSES, 200: {"description": shapes.KEPT, "model": shapes.Taken}},
        openapi_extra=shapes.described(way.shape),
    )


for _way in WAYS:
    _open(_way)
