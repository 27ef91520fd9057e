"""The shapes of bodies and answers, for the OpenAPI document: bodies are judged by ``intake.formats``, item by item.

So a body that fits is taken, and one that does not gets the readers' own words; nothing here validates.
"""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel

TAKEN: Mapping[str, Any] = {"success": True}
KEPT = "All of it is kept: what was refused too, item by item, among the rejected events."
_ID = Field(default=None, max_length=255)


class Call(BaseModel):
    """A call as the Segment specification has it; of userId, anonymousId and a group one is needed."""

    model_config = ConfigDict(extra="allow")

    messageId: str | None = Field(default=None, max_length=255, description="Its id: what comes again counts once.")  # noqa: N815 -- Segment's word
    userId: str | None = _ID  # noqa: N815 -- Segment's word
    anonymousId: str | None = _ID  # noqa: N815 -- Segment's word
    event: str | None = Field(default=None, max_length=255, description="What happened, of a track.")
    groupId: str | None = Field(default=None, max_length=255, description="The account, of a group call.")  # noqa: N815 -- Segment's word
    previousId: str | None = Field(default=None, max_length=255, description="Who it was before, of an alias.")  # noqa: N815 -- Segment's word
    timestamp: str | None = Field(default=None, description="When it happened, ISO 8601.")
    properties: dict[str, Any] | None = None
    traits: dict[str, Any] | None = None
    context: dict[str, Any] | None = Field(default=None, description="groupId in it names the account.")
    writeKey: str | None = Field(default=None, description="The key, where no head shows it.")  # noqa: N815 -- Segment's word


class TypedCall(Call):
    """A call that says which one it is."""

    type: Literal["track", "identify", "group", "page", "screen", "alias"]


class Batch(BaseModel):
    """Calls of Segment's, RudderStack's or PostHog's libraries."""

    model_config = ConfigDict(extra="allow")

    batch: list[TypedCall] = Field(max_length=2_500)
    sentAt: str | None = Field(default=None, description="By the sender's clock: a wrong one is corrected by it.")  # noqa: N815 -- Segment's word
    context: dict[str, Any] | None = Field(default=None, description="Of all calls that do not say otherwise.")
    writeKey: str | None = None  # noqa: N815 -- Segment's word


class PlainEvent(BaseModel):
    """What happened, in plain words; of account and person one is needed."""

    model_config = ConfigDict(extra="forbid")

    id: str | None = Field(default=None, max_length=255, description="What comes again under it counts once.")
    event: str | None = Field(default=None, max_length=255, description="What happened.", examples=["report_shared"])
    account: str | None = Field(default=None, max_length=255, description="At which customer.", examples=["acme"])
    person: str | None = Field(default=None, max_length=255, description="By whom.", examples=["u-1"])
    at: str | None = Field(default=None, description="When, ISO 8601. Without it: when it is received.")
    properties: dict[str, Any] | None = None
    traits: dict[str, Any] | None = Field(default=None, description="Without `event`: what the person or account is.")


class PlainEvents(RootModel[PlainEvent | list[PlainEvent]]):
    """One event, or several."""


class CloudEvent(BaseModel):
    """A CloudEvent in structured mode; in binary mode its attributes are headers, and the body is its data."""

    model_config = ConfigDict(extra="allow")

    specversion: Literal["1.0"]
    id: str = Field(min_length=1)
    source: str = Field(min_length=1)
    type: str = Field(min_length=1)
    subject: str | None = None
    time: str | None = None
    data: Any = None


class CloudEvents(RootModel[CloudEvent | list[CloudEvent]]):
    """One CloudEvent, or a batch."""


class PostHog(BaseModel):
    """An event as PostHog's libraries send it."""

    model_config = ConfigDict(extra="allow")

    api_key: str | None = Field(default=None, description="The key, where no head shows it.")
    event: str | None = None
    distinct_id: str | None = None
    properties: dict[str, Any] | None = None
    timestamp: str | None = None
    batch: list[dict[str, Any]] | None = None


class RefusedItem(BaseModel):
    """An item that is no event, kept among the rejected ones."""

    index: int = Field(description="Its place in the body, from 0.")
    messageId: str | None  # noqa: N815 -- Segment's word
    code: str
    message: str


class Taken(BaseModel):
    """What a 200 says."""

    success: Literal[True]
    accepted: int | None = Field(default=None, description="How many were taken, when some were not.")
    refused: list[RefusedItem] | None = Field(default=None, description="Those that were not.")


def described(shape: type[BaseModel]) -> dict[str, Any]:
    """What a route adds to the document: its body, and how a key is shown."""
    schema = shape.model_json_schema(ref_template="#/components/schemas/{model}")
    schema.pop("$defs", None)
    return {
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
        "security": [{"basic": []}, {"bearer": []}, {}],
    }


def components() -> dict[str, Any]:
    """The shapes that others refer to."""
    found: dict[str, Any] = {}
    for shape in (Batch, PlainEvents, CloudEvents):
        found |= shape.model_json_schema(ref_template="#/components/schemas/{model}").get("$defs", {})
    return found
