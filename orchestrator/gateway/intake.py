"""The routes of the dialects: a body is read, each of its items judged, and every item kept, also one that is refused.

A single call that is refused is answered 400, and a batch 200 whatever its items are: clients drop all hundred events
of a batch that is answered 400 or 413. What was refused is named in the answer item by item, goes to the stream with
the reason, and is found again in ``rejected_events``.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter, Request, Response

from orchestrator.gateway import bodies
from orchestrator.gateway.answers import Refusal, documented, said
from orchestrator.gateway.door import Door, shown
from orchestrator.gateway.reading import Dialect, Item, read, secret_in
from orchestrator.intake.segment import Rejection
from orchestrator.intake.streams import posted, shard_of, stamped
from orchestrator.store.write_keys import WriteKey

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
        items: Sequence[Item] = read(dialect, body, headers, received_at=now)
    except Rejection as rejection:
        items = [Item(call=body[:MOST_KEPT], message_id=None, whose=None, refusal=rejection)]
        dialect = Dialect.TRACK if dialect is Dialect.BATCH else dialect  # all of it is one that is refused
    await door.admit(key, len(items))
    stamp = stamped(key.source, now)
    shards = [0 if item.whose is None else shard_of(item.whose, door.shards) for item in items]
    commands = [posted(shard, item.call, stamp, item.refusal) for shard, item in zip(shards, items, strict=True)]
    await door.publish(commands, Counter(shards))
    return _answer(door, dialect, items)


def _answer(door: Door, dialect: Dialect, items: Sequence[Item]) -> Response:
    refused = [(index, item, item.refusal) for index, item in enumerate(items) if item.refusal is not None]
    door.figures.accepted.inc(len(items) - len(refused))
    for _, _, refusal in refused:
        door.figures.refused.labels(reason=refusal.reason.value).inc()
    if refused and not dialect.is_batch:
        refusal = refused[0][2]
        raise Refusal(400, refusal.reason.value, f"{refusal.reason.sentence} {refusal.detail}")
    if not refused:
        return said({"success": True})
    return said(
        {"success": True, "accepted": len(items) - len(refused), "refused": [_outcome(*each) for each in refused]}
    )


def _outcome(index: int, item: Item, refusal: Rejection) -> dict[str, Any]:
    return {
        "index": index,
        "messageId": item.message_id,
        "code": refusal.reason.value,
        "message": f"{refusal.reason.sentence} {refusal.detail}",
    }


SPELT: Mapping[Dialect, tuple[str, ...]] = {
    Dialect.TRACK: ("track", "t"),
    Dialect.IDENTIFY: ("identify", "i"),
    Dialect.PAGE: ("page", "p"),
    Dialect.SCREEN: ("screen", "s"),
    Dialect.GROUP: ("group", "g"),
    Dialect.ALIAS: ("alias", "a"),
    Dialect.BATCH: ("batch", "b", "import"),
}
"""The words that a dialect goes by in a path, after ``/v1/`` and without it; the first is the documented one."""

_CALL = {"type": "object", "description": "One call, as the Segment specification has it."}
_BATCH = {
    "type": "object",
    "description": "Calls, each with its type.",
    "required": ["batch"],
    "properties": {"batch": {"type": "array", "items": _CALL}},
}


def _add(dialect: Dialect, path: str, *, documented_here: bool) -> None:
    async def endpoint(request: Request) -> Response:
        door: Door = request.app.state.door
        return await take(door, request, dialect)

    schema = _BATCH if dialect.is_batch else _CALL
    router.add_api_route(
        path,
        endpoint,
        methods=["POST"],
        name=path,
        operation_id=f"segment_{dialect.value}",
        summary=f"Segment: {dialect.value}.",
        responses=STATUSES,
        include_in_schema=documented_here,
        openapi_extra={"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}},
    )


for _dialect, _words in SPELT.items():
    for _number, _word in enumerate(_words):
        _add(_dialect, f"/v1/{_word}", documented_here=_number == 0)
        _add(_dialect, f"/{_word}", documented_here=False)
