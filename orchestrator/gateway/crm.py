"""The route of CRM webhooks: the signature first, over the bytes as they came; then each record on its own.

A record that cannot be used is kept among the rejected events and named in the answer, and the others go in: a CRM
repeats what is answered otherwise for hours. What has no mapping or no secret is not there.
"""

from collections import Counter
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response

from orchestrator.gateway import bodies
from orchestrator.gateway.accounts import answered
from orchestrator.gateway.answers import Refusal, said
from orchestrator.gateway.door import Door
from orchestrator.intake import crm
from orchestrator.intake.crm import CrmMapping, Record, UnknownCrmError
from orchestrator.intake.particulars.fields import UnusableError
from orchestrator.intake.particulars.telling import Teller
from orchestrator.intake.segment import Rejection, RejectionReason
from orchestrator.intake.signatures import SignatureError, Signed, check_hmac, check_standard
from orchestrator.intake.streams import posted, shard_of, stamped
from orchestrator.runtime.clock import SystemClock
from orchestrator.usecases.tell import standings, told

_ANSWER: dict[str, Any] = {
    "type": "object",
    "required": ["success", "accepted", "refused"],
    "properties": {
        "success": {"const": True},
        "accepted": {"type": "integer", "description": "Records that were understood."},
        "refused": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["index", "code", "message"],
                "properties": {
                    "index": {"type": "integer"},
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                },
            },
        },
    },
}

router = APIRouter(tags=["crm"])


@router.post(
    "/v1/webhooks/crm/{source}",
    operation_id="crm_webhook",
    summary="What a CRM tells of accounts, signed.",
    description="Signed as Standard Webhooks ask, or by HMAC-SHA256 in a header; templates/crm says how, and which "
    "field is what.",
    responses=answered(_ANSWER, 400, 401, 404, 408, 413, 429, 503),
    openapi_extra={"requestBody": {"required": True, "content": {"application/json": {"schema": {}}}}},
)
async def crm_webhook(request: Request, source: str) -> Response:
    """Check the signature, then put each record on the stream."""
    door: Door = request.app.state.door
    mapping, secrets = _known(door, source)
    body = await bodies.read(request)
    delivery = _checked(door, request, body, mapping, secrets)
    try:
        listed = crm.records(mapping, orjson.loads(body), delivery)
    except orjson.JSONDecodeError as error:
        raise Refusal(400, "bad_json", f"The body is no JSON: {error}.") from None
    if listed is None:
        raise Refusal(400, "bad_body", f"Expected a record or a list of at most {crm.MOST_RECORDS}.")
    return said(await _taken(door, f"crm:{source}", listed))


def _known(door: Door, source: str) -> tuple[CrmMapping, tuple[str, ...]]:
    """How a CRM's JSON is read, and what it is signed with. Raises Refusal 404."""
    secrets = door.settings.crm_secrets_of(source)
    try:
        if secrets:
            return crm.load(door.settings.templates, source), secrets
    except UnknownCrmError:
        pass
    raise Refusal(404, "unknown_crm", "There is no CRM of this name with a mapping and a secret.")


def _checked(door: Door, request: Request, body: bytes, mapping: CrmMapping, secrets: tuple[str, ...]) -> str | None:
    """The id of the delivery, if it has one. Raises Refusal 401."""
    at = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    outside = door.settings.public_url or f"{request.url.scheme}://{request.url.netloc}"
    signed = Signed(method=request.method, url=outside + at, headers=request.headers, body=body)
    try:
        scheme = crm.how(mapping)
        if scheme is None:
            return check_standard(secrets, signed)
        check_hmac(scheme, secrets, signed, SystemClock().instant())  # the sender lives in real time
    except SignatureError as error:
        raise Refusal(401, "bad_signature", str(error)) from None
    return None


async def _taken(door: Door, source: str, listed: list[Record]) -> dict[str, Any]:
    """Put what can be used on the stream, and what cannot be used too, with why: it is kept as rejected."""
    now = await door.now()
    ids = {each.account for each in listed}
    known = await door.database(lambda connection: standings(connection, door.ports.library, ids))
    stamp = stamped(source, now)
    commands: list[tuple[int, bytes]] = []
    refused: list[dict[str, Any]] = []
    for index, each in enumerate(listed):
        teller = Teller(source=source, received_at=now, key=each.key)
        one = told(each.account, each.body, teller, known[each.account])
        shard = shard_of(each.account, door.shards)
        if isinstance(one, UnusableError):
            rejection = Rejection(RejectionReason.BAD_FIELD, str(one))
            refused.append({"index": index, "code": rejection.reason.value, "message": str(one)})
            commands.append((shard, posted(shard, each.raw, stamp, rejection)))
        else:
            commands += [(shard, posted(shard, call, stamp)) for call in one.calls]
    await door.publish([command for _, command in commands], Counter(shard for shard, _ in commands))
    return {"success": True, "accepted": len(listed) - len(refused), "refused": refused}
