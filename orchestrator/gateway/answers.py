"""What the gateway says: JSON always; a refusal has a code for machines and a message for people.

Client libraries crash on an error body without ``code`` or ``message`` and then repeat what must not be repeated, and
several take nothing but exactly 200 for success (both reproduced with the libraries themselves).
"""

from collections.abc import Mapping
from typing import Any

import orjson
from pydantic import BaseModel, Field
from starlette.responses import Response

from orchestrator.core.errors import LifecycleError

MEANING: Mapping[int, str] = {
    200: "Kept, to the level that LIFECYCLE_DURABILITY names.",
    400: "The request cannot be understood; what it held was kept among the rejected events.",
    401: "No write key, or one that does not exist or was revoked.",
    403: "Not with this key or this signature.",
    404: "There is no such thing.",
    405: "Not with this method.",
    408: "The body did not come in time.",
    409: "It contradicts what is there.",
    410: "It has expired.",
    413: "The body is larger than the gateway reads.",
    415: "The content type is not one that is read here.",
    429: "Too much at once: come again after Retry-After seconds.",
    500: "Our own fault; it is in the gateway's log.",
    503: "The broker or the database is away: nothing is promised, send it again after Retry-After seconds.",
}


class ErrorBody(BaseModel):
    """What every answer but 200 says."""

    code: str = Field(description="One word, for machines.", examples=["unknown_key"])
    message: str = Field(description="A sentence, for people.", examples=["There is no such write key."])


class Refusal(LifecycleError):  # noqa: N818 -- the glossary's word: what the door says no with
    """The request is refused; the answer says why, and when to come again."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        retry_after: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Take the HTTP status, the two texts, and after how many seconds trying again may help."""
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        again = {} if retry_after is None else {"Retry-After": str(max(1, retry_after))}
        self.headers = {**(headers or {}), **again}

    def response(self) -> Response:
        """The answer."""
        return problem(self.status, self.code, self.message, self.headers)


def problem(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """An answer that is no success."""
    return said({"code": code, "message": message}, status=status, headers=headers)


def said(body: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:  # noqa: ANN401 -- any JSON
    """An answer in JSON."""
    return Response(
        orjson.dumps(body), status, None if headers is None else dict(headers), media_type="application/json"
    )


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The statuses of a route as its OpenAPI document tells them; 500 is always among them."""
    told: dict[int | str, dict[str, Any]] = {}
    for status in sorted({*statuses, 500}):
        told[status] = {"description": MEANING[status]}
        if status >= 400:  # noqa: PLR2004 -- where errors begin, in HTTP
            told[status]["model"] = ErrorBody
        if status in {429, 503}:
            told[status]["headers"] = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}
    return told
