"""Signatures of webhooks: checked over the raw bytes, before anything is parsed.

Two kinds: Standard Webhooks (headers ``webhook-id``, ``webhook-timestamp``, ``webhook-signature``), and HMAC-SHA256 in
a header of the sender's, over the body or over parts of the request. Where a timestamp is signed, it may be five
minutes off at most; a repeat within them is harmless, because what it tells has an id.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from standardwebhooks import Webhook, WebhookVerificationError

from orchestrator.core.errors import LifecycleError

TOLERANCE = timedelta(seconds=300)  # between a signature's time and ours: what providers agree on


class SignatureError(LifecycleError):
    """The signature is missing, wrong, or too old."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hmac:
    """HMAC-SHA256 in a header."""

    header: str  # which holds the signature
    encoding: Literal["hex", "base64"]  # how it is written there
    prefix: str = ""  # what stands before it, as ``sha256=``
    over: Sequence[str] = ("body",)  # method, url, body, timestamp, or any other text as it is
    timestamp: str | None = None  # the header of the time; None: it has none
    unit: Literal["s", "ms"] = "s"  # what that time is counted in, since 1970


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A request, as far as a signature covers it."""

    method: str
    url: str  # as the sender wrote it
    headers: Mapping[str, str]  # by names in small letters
    body: bytes  # as it came


def check_standard(secrets: Sequence[str], signed: Signed) -> str:
    """The id of a delivery that is signed as Standard Webhooks ask.

    Raises:
        SignatureError: none of the secrets made it.
    """
    for secret in secrets:
        try:
            Webhook(secret).verify(signed.body, dict(signed.headers), json_parse=False)
        except (WebhookVerificationError, ValueError):  # also of base64 that is none, and of bodies that are no UTF-8
            continue
        return signed.headers["webhook-id"]
    raise SignatureError


def check_hmac(how: Hmac, secrets: Sequence[str], signed: Signed, now: datetime) -> None:
    """Check a signature in a header; ``now`` is real time.

    Raises:
        SignatureError: none of the secrets made it, or it is too old.
    """
    told = signed.headers.get(how.header.lower(), "")
    if how.timestamp is not None and abs(_at(how, signed) - now) > TOLERANCE:
        raise SignatureError
    given = _decoded(how, told)
    message = b"".join(_part(part, how, signed) for part in how.over)
    made = [hmac.new(secret.encode(), message, hashlib.sha256).digest() for secret in secrets]
    if not any(hmac.compare_digest(each, given) for each in made):
        raise SignatureError


def _at(how: Hmac, signed: Signed) -> datetime:
    raw = signed.headers.get((how.timestamp or "").lower(), "")
    if not (raw.isascii() and raw.isdecimal() and len(raw) <= 13):  # noqa: PLR2004 -- digits of milliseconds since 1970
        raise SignatureError
    return datetime.fromtimestamp(int(raw) / (1000 if how.unit == "ms" else 1), UTC)


def _decoded(how: Hmac, told: str) -> bytes:
    if not told.startswith(how.prefix):
        raise SignatureError
    text = told.removeprefix(how.prefix).strip()
    try:
        return bytes.fromhex(text) if how.encoding == "hex" else base64.b64decode(text, validate=True)
    except ValueError:
        raise SignatureError from None


def _part(part: str, how: Hmac, signed: Signed) -> bytes:
    match part:
        case "body":
            return signed.body
        case "method":
            return signed.method.encode()
        case "url":
            return signed.url.encode()
        case "timestamp":
            return signed.headers.get((how.timestamp or "").lower(), "").encode()
        case _:
            return part.encode()
