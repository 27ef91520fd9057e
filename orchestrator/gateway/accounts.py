"""The routes of one account: what a CRM knows of it, and what humans say of it.

What is told becomes calls on the event stream under the key's source, as if a product had sent them, and the next drain
applies it. What humans say is written down in the database at once, as the command ``account log`` does.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, TypeVar
from zoneinfo import ZoneInfo

import orjson
from fastapi import APIRouter, Header, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.convertors import Convertor, register_url_convertor

from orchestrator.core.events import Json
from orchestrator.gateway import bodies
from orchestrator.gateway.answers import Refusal, documented, said
from orchestrator.gateway.door import Door
from orchestrator.intake.particulars.fields import UnusableError, moment
from orchestrator.intake.particulars.telling import Teller
from orchestrator.intake.streams import posted, shard_of, stamped
from orchestrator.usecases.log import GoalText, UnknownGoalError, UnknownWordError
from orchestrator.usecases.overrule import Aside, SaidOtherwiseError, UnknownAccountError
from orchestrator.usecases.tell import Told, standings, told
from orchestrator.usecases.words import Aimed, Ended, Happened, Judged, UnsayableError, Word, write_down

LONGEST_KEY = 255  # characters of an Idempotency-Key
KEYED: dict[str, Any] = {"security": [{"basic": []}, {"bearer": []}]}
LONGEST_TOLD = 1000  # characters of what is wrong with a body
APPLIED = "by the next drain"

Result = TypeVar("Result")


class AccountId(Convertor[str]):
    """An account's id in a path: slashes are part of it, but ``/log`` at its end is a way of its own."""

    regex = r"(?:(?!/log\Z)(?s:.))+"

    def convert(self, value: str) -> str:
        """The id."""
        return value

    def to_string(self, value: str) -> str:
        """The id as it stands in a path."""
        return value


register_url_convertor("account", AccountId())
router = APIRouter(tags=["accounts"])
Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        max_length=LONGEST_KEY,
        description="A name for this request: the same under it again is harmless, whenever it comes.",
    ),
]

_FIELDS: dict[str, Any] = {
    "name": {"type": ["string", "null"]},
    "arr": {"type": ["number", "string", "object", "null"], "examples": [120000, "€120,000"]},
    "currency": {"type": ["string", "null"], "examples": ["EUR"]},
    "contract_start": {"type": ["string", "null"], "examples": ["2026-01-01"]},
    "contract_end": {"type": ["string", "null"], "examples": ["2026-12-31"]},
    "renewal_at": {"type": ["string", "null"], "examples": ["2026-12-31"]},
    "term": {"type": ["string", "integer", "null"], "examples": ["annual", 12]},
    "departments": {"type": ["array", "integer", "string", "null"], "examples": [4]},
    "owner": {"type": ["object", "string", "null"], "examples": [{"name": "Mei Tan", "email": "mei@vendor.example"}]},
    "champion": {"type": ["object", "string", "null"], "examples": [{"id": "u-1", "email": "ann@acme.example"}]},
    "people": {
        "type": ["array", "null"],
        "items": {"type": "object"},
        "examples": [[{"email": "ann@acme.example", "consent": {"status": "withdrawn", "source": "CRM"}}]],
    },
    "as_of": {"type": ["string", "null"], "description": "When all this held. Unset: when it is received."},
}
_BODY = {"type": "object", "description": "Only what is given changes; null clears.", "properties": _FIELDS}
_ANSWER = {
    "type": "object",
    "required": ["success", "account", "accepted", "people", "notes", "applied"],
    "properties": {
        "success": {"const": True},
        "account": {"type": "string"},
        "accepted": {"type": "object", "description": "The traits as they will stand; null: cleared."},
        "people": {"type": "integer", "description": "Persons that were told of."},
        "notes": {"type": "array", "items": {"type": "string"}},
        "applied": {"type": "string"},
    },
}

_NOTED = {
    "type": "object",
    "required": ["success", "id"],
    "properties": {"success": {"const": True}, "id": {"type": "string", "description": "Of the event that it is."}},
}


def answered(schema: Mapping[str, Any], *statuses: int) -> dict[int | str, dict[str, Any]]:
    """The statuses of a route, and what its 200 says."""
    told_of = documented(200, *statuses)
    told_of[200]["content"] = {"application/json": {"schema": dict(schema)}}
    return told_of


@router.put(
    "/v1/accounts/{account:account}",
    operation_id="tell_account",
    summary="Tell what events do not carry of an account.",
    description="Contract, renewal, owner, champion, departments, consent, and any trait. A date without a time is "
    "midnight where the account is. Fields that nobody knows are kept as traits.",
    responses=answered(_ANSWER, 400, 401, 405, 408, 413, 429, 503),
    openapi_extra={**KEYED, "requestBody": {"required": True, "content": {"application/json": {"schema": _BODY}}}},
)
async def put_account(request: Request, account: str, idempotency_key: Key = None) -> Response:
    """Check a body, put it on the stream, and say what was understood."""
    door: Door = request.app.state.door
    key = await door.authenticated(request)
    body = object_in(await bodies.read(request))
    await door.admit(key, 1)
    (one,) = await tell(door, key.source, [(account, body)], idempotency_key)
    return said(summary(one))


def summary(one: Told) -> dict[str, Any]:
    """What was understood of one account."""
    return {
        "success": True,
        "account": one.account,
        "accepted": one.accepted,
        "people": one.people,
        "notes": one.notes,
        "applied": APPLIED,
    }


async def tell(
    door: Door, source: str, told_of: Sequence[tuple[str, Mapping[str, Json]]], key: str | None
) -> list[Told]:
    """Check bodies by the playbooks of their accounts and put them on the stream; all of them, or none.

    Raises:
        Refusal: 400 one of them cannot be used, 429 and 503 as ``Door.publish`` and ``Door.database``.
    """
    now = await door.now()
    teller = Teller(source=source, received_at=now, key=key or None)
    ids = {account for account, _ in told_of}
    known = await door.database(lambda connection: standings(connection, door.ports.library, ids))
    read = [told(account, body, teller, known[account]) for account, body in told_of]
    faults = [each for each in read if isinstance(each, UnusableError)]
    if faults:
        raise Refusal(400, "bad_field", "; ".join(map(str, faults)))
    good = [each for each in read if isinstance(each, Told)]
    stamp = stamped(source, now)
    commands = [
        (shard_of(each.account, door.shards), call) for each in good for call in each.calls
    ]  # of one account all on one shard, in their order
    await door.publish(
        [posted(shard, call, stamp) for shard, call in commands], Counter(shard for shard, _ in commands)
    )
    return good


def object_in(body: bytes) -> dict[str, Json]:
    """A body that must be a JSON object. Raises Refusal 400."""
    try:
        read = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Refusal(400, "bad_json", f"The body is no JSON: {error}.") from None
    if not isinstance(read, dict):
        raise Refusal(400, "bad_json", "The body is no JSON object.")
    return read


# --------------------------------------------------------------------------------------------------------------- words


class Said(BaseModel):
    """What a human says of an account: an event, a judgement, or a goal."""

    model_config = ConfigDict(extra="forbid")

    by: str = Field(description="Who says so.", min_length=1, examples=["mei"])
    at: str | None = Field(default=None, description="When it was. Unset: now.", examples=["2026-03-02T09:00:00Z"])
    person: str | None = Field(default=None, description="The id of the person there that it is about.")
    event: str | None = Field(default=None, description="An event of the account's playbook.", min_length=1)
    properties: dict[str, Any] = Field(default_factory=dict, description="Of the event.")
    judgement: str | None = Field(default=None, description="A judgement of the playbook.", min_length=1)
    ticked: bool = Field(default=True, description="Of the judgement; false takes it back.")
    evidence: str = Field(default="", description="What the judgement rests on.")
    goal: str | None = Field(default=None, description="A short name of a goal of theirs.", min_length=1)
    text: str | None = Field(default=None, description="The goal in their words: sets it.", min_length=1)
    measure: str | None = Field(default=None, description="The measure or event its figure is read from.")
    target: float = Field(default=1, description="What the figure has to reach.")
    met: bool | None = Field(default=None, description="True: the goal is met; false: it is dropped.")

    def word(self) -> Word:
        """What is said. Raises Refusal when it is not one thing."""
        match (self.event, self.judgement, self.goal, self.text, self.met):
            case (str() as event, None, None, None, None):
                return Happened(event=event, properties=self.properties)
            case (None, str() as judgement, None, None, None):
                return Judged(judgement=judgement, evidence=self.evidence, ticked=self.ticked)
            case (None, None, str() as goal, str() as text, None):
                return Aimed(goal=goal, said=GoalText(text=text, measure=self.measure, target=self.target))
            case (None, None, str() as goal, None, bool() as met):
                return Ended(goal=goal, met=met)
            case _:
                told_of = "Say one of event, judgement, goal with text, and goal with met."
                raise Refusal(400, "not_one_word", told_of)


@router.post(
    "/v1/accounts/{account:account}/log",
    operation_id="log_account",
    summary="Say what only humans know of an account.",
    description="The vocabulary of the account's playbook is the list of what may be said. It is written down at once.",
    responses=answered(
        _NOTED,
        *(400, 401, 404, 408, 409, 413, 429, 503),
    ),
    openapi_extra={
        **KEYED,
        "requestBody": {"required": True, "content": {"application/json": {"schema": Said.model_json_schema()}}},
    },
)
async def log_account(request: Request, account: str, idempotency_key: Key = None) -> Response:
    """Write down a human's word."""
    door: Door = request.app.state.door
    key = await door.authenticated(request)
    word = said_in(await bodies.read(request))
    await door.admit(key, 1)
    once = None if not idempotency_key else f"{key.source}/{idempotency_key}"
    aside = Aside(at=_at(word.at), person=word.person, once=once)
    number = await spoken(door, lambda: write_down(door.ports, account, word.word(), word.by, aside))
    return said({"success": True, "id": str(number)})


def said_in(body: bytes) -> Said:
    """What a body says. Raises Refusal 400, which names the field and repeats nothing of it."""
    try:
        return Said.model_validate(object_in(body))
    except ValidationError as error:
        told_of = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise Refusal(400, "bad_field", told_of[:LONGEST_TOLD]) from None


def _at(raw: str | None) -> datetime | None:
    try:
        return None if raw is None else moment("at", raw, ZoneInfo("UTC"))
    except UnusableError as error:
        raise Refusal(400, "bad_field", str(error)) from None


async def spoken(door: Door, work: Callable[[], Result]) -> Result:
    """Do what writes down a human's word; its errors are refusals."""
    try:
        return await door.aside(work)
    except UnknownAccountError as error:
        raise Refusal(404, "unknown_account", str(error)) from None
    except SaidOtherwiseError as error:
        raise Refusal(409, "said_otherwise", str(error)) from None
    except (UnknownWordError, UnknownGoalError, UnsayableError) as error:
        raise Refusal(400, "unsayable", str(error)) from None
