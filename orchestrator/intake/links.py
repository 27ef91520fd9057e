"""Links: a signed permission to say something of one account through one form, until it expires.

What is in the address can be read by whoever has it, and changed by nobody: the account's id, the form's name, the end,
and a number of the link. No person is named. Whoever has the link may use it: send it to whom you would ask.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from itsdangerous import BadData, URLSafeSerializer

from orchestrator.core.decisions import key
from orchestrator.core.errors import LifecycleError

SALT = "lifecycle form link"  # so that nothing else signed with the same secret is one
LONGEST = 2048  # characters of a token: the longest account id, in base64, several times over


class NoLinkError(LifecycleError):
    """The link is none of ours, or it was changed on its way."""


class ExpiredLinkError(LifecycleError):
    """Ask whoever sent the link for a new one: this one has expired."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """What a link permits."""

    account: str
    form: str  # the form's name
    ends: datetime  # aware UTC
    number: str  # tells two links of one account from each other


def mint(secrets: Sequence[str], account: str, form: str, now: datetime, ends: datetime) -> str:
    """The token of a new link, signed with the first secret."""
    number = str(key("link", account, form, now.isoformat()))[:8]
    return _serializer(secrets).dumps([account, form, int(ends.timestamp()), number])


def opened(secrets: Sequence[str], token: str, now: datetime) -> Link:
    """What a token permits; each of the secrets may have signed it.

    Raises:
        NoLinkError: it is none of ours.
        ExpiredLinkError: its time is over.
    """
    if not secrets or len(token) > LONGEST:
        raise NoLinkError
    try:
        account, form, ends, number = _serializer(secrets).loads(token)
        link = Link(account=account, form=form, ends=datetime.fromtimestamp(ends, UTC), number=number)
    except (BadData, ValueError, TypeError, OverflowError, UnicodeError):
        raise NoLinkError from None
    if now >= link.ends:
        raise ExpiredLinkError
    return link


def _serializer(secrets: Sequence[str]) -> URLSafeSerializer:
    kind = {"digest_method": sha256, "key_derivation": "hmac"}
    return URLSafeSerializer(list(reversed(secrets)), salt=SALT, signer_kwargs=kind)  # it signs with the last
