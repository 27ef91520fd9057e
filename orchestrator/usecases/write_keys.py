"""``keys``: a producer's key is made, listed, taken back. Its secret is told once and kept nowhere."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from limits import RateLimitItem, parse_many
from sqlalchemy import Engine

from orchestrator.core.errors import LifecycleError
from orchestrator.core.events import OWN_SOURCE
from orchestrator.intake.segment import MOST_ID
from orchestrator.store import write_keys
from orchestrator.store.write_keys import WriteKey

PREFIX = "lwk_"  # so that a secret that leaks is recognised (by people, and by scanners of repositories)
SECRET_BYTES = 32  # random bytes of a secret: no guessing, so a plain SHA-256 of it is kept
SHOWN = 10  # characters of a secret that are kept in the clear, its prefix among them
RATE = "10000/second"  # of a key that names none: above what one producer brings, below what one gateway takes


class SourceError(LifecycleError):
    """A source is a name of 1 to 255 characters, printable, not blank, and not ``lifecycle``, which is our own."""


class RateError(LifecycleError):
    """A rate is a number of events in a time, as in ``100/second`` or ``5000/minute``."""


class UnknownKeyError(LifecycleError):
    """There is no such key; ``lifecycle keys list`` names them by their number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """A new key, and the only sight of its secret."""

    key: WriteKey  # as it is kept
    secret: str  # what the producer shows


def create(engine: Engine, *, source: str, now: datetime, rate: str = RATE) -> Created:
    """Make a key for a source.

    Raises:
        SourceError: the name cannot be a source's.
        RateError: the rate cannot be read.
    """
    said = source.strip()
    if not said or len(said) > MOST_ID or not said.isprintable() or said.casefold() == OWN_SOURCE:
        raise SourceError
    parsed_rate(rate)
    secret = PREFIX + secrets.token_urlsafe(SECRET_BYTES)
    with engine.begin() as connection:
        key = write_keys.add(
            connection, source=said, hashed=hashed(secret), shown=secret[:SHOWN], rate=rate.strip(), now=now
        )
    return Created(key=key, secret=secret)


def parsed_rate(rate: str) -> RateLimitItem:
    """The rate as the limiter reads it; raises RateError."""
    try:
        items = parse_many(rate)
    except ValueError:
        raise RateError from None
    if len(items) != 1 or items[0].amount < 1:
        raise RateError
    return items[0]


def hashed(secret: str) -> bytes:
    """What is kept of a secret."""
    return sha256(secret.encode("utf-8", "surrogatepass")).digest()


def listed(engine: Engine) -> list[WriteKey]:
    """Every key, the oldest first."""
    with engine.connect() as connection:
        return write_keys.all_keys(connection)


def revoke(engine: Engine, key_id: int, now: datetime) -> WriteKey:
    """Take a key back: gateways that run refuse it within seconds.

    Raises:
        UnknownKeyError: there is no such key.
    """
    with engine.begin() as connection:
        key = write_keys.revoke(connection, key_id, now)
    if key is None:
        raise UnknownKeyError
    return key
