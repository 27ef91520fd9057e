"""Where PostgreSQL and the broker answer, in the spelling that each client library wants."""

from dataclasses import dataclass, fields
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, quote, urlencode, urlsplit, urlunsplit

_POSTGRES_SCHEMES = ("postgresql+psycopg", "postgresql", "postgres")
_REDIS_SCHEMES = {
    "redis": "redis",
    "rediss": "rediss",
    "valkey": "redis",
    "valkeys": "rediss",
    "unix": "unix",
    "redis+socket": "unix",
}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Addresses:
    """The four addresses that the program needs; they hold passwords, so its repr masks them."""

    database_url: str  # for SQLAlchemy: postgresql+psycopg://…
    redis_url: str  # for redis-py: redis://…, rediss://… or unix://:password@/path?db=0
    broker_url: str  # the same server for kombu, which spells a socket redis+socket://…?virtual_host=0
    stream_url: str  # for redis-py: the server of the event streams (they hold personal data)

    def environment(self) -> dict[str, str]:
        """Return the variables that make a child process use these addresses and start nothing of its own."""
        return {"DATABASE_URL": self.database_url, "REDIS_URL": self.redis_url, "STREAM_URL": self.stream_url}

    def __repr__(self) -> str:
        """Show the addresses without their passwords."""
        shown = (f"{field.name}={masked(getattr(self, field.name))!r}" for field in fields(self))
        return f"Addresses({', '.join(shown)})"


def masked(url: str) -> str:
    """Return the address with its password replaced by ``***``; what cannot be parsed is hidden whole."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "***"
    credentials, at, host = parts.netloc.rpartition("@")
    if not at:
        return url
    user = credentials.partition(":")[0]
    return parts.scheme + "://" + user + ":***@" + host + _tail(parts)


def database_url(url: str) -> str:
    """Return a PostgreSQL address as SQLAlchemy wants it, whichever common spelling was given.

    Raises:
        ValueError: it is no PostgreSQL address. The message never repeats the address (it may hold a password).

    """
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in _POSTGRES_SCHEMES:
        raise ValueError("expected postgresql://user:password@host/database")
    _split(url)
    return "postgresql+psycopg://" + rest


def redis_url(url: str) -> str:
    """Return a Redis or Valkey address as redis-py wants it: ``redis://``, ``rediss://`` or ``unix://``.

    Raises:
        ValueError: it is no such address.

    """
    scheme, separator, rest = url.partition("://")
    plain = _REDIS_SCHEMES.get(scheme)
    if not separator or plain is None:
        raise ValueError("expected redis://, rediss:// or unix:// (a socket: unix://:password@/path?db=0)")
    parts = _split(f"{plain}://{rest}")
    if plain == "unix":
        return _socket_url(parts, scheme="unix", number="db")
    if not parts.hostname:
        raise ValueError(f"expected {plain}://host:port/0, got no host")
    return urlunsplit(parts)


def broker_url(url: str) -> str:
    """Return the same server as kombu wants it: a socket becomes ``redis+socket://…?virtual_host=0``.

    ``?db=3`` of a TCP address, which kombu does not read, becomes the path ``/3``.
    """
    parts = urlsplit(redis_url(url))
    if parts.scheme == "unix":
        return _socket_url(parts, scheme="redis+socket", number="virtual_host")
    query = dict(parse_qsl(parts.query))
    number = query.pop("db", None)
    if number is None:
        return urlunsplit(parts)
    return urlunsplit(parts._replace(path=f"/{number}", query=urlencode(query)))


def socket_database_url(*, user: str, password: str, database: str, folder: Path) -> str:
    """Return the address of a PostgreSQL that listens on a socket in ``folder``."""
    return f"postgresql+psycopg://{quote(user)}:{quote(password)}@/{quote(database)}?host={quote(str(folder), safe='')}"


def socket_redis_url(*, password: str, socket: Path) -> str:
    """Return the address of a Valkey that listens on ``socket``, for redis-py."""
    return f"unix://:{quote(password)}@{quote(str(socket))}?db=0"


def _socket_url(parts: SplitResult, *, scheme: str, number: str) -> str:
    """Spell a socket's address; the number of the database goes by ``db`` or by ``virtual_host``."""
    if not parts.path.strip("/"):
        raise ValueError("expected the path of a socket: unix://:password@/path?db=0")
    query = dict(parse_qsl(parts.query))
    database = query.pop("db", query.pop("virtual_host", "0"))
    return f"{scheme}://{parts.netloc}{parts.path}?{urlencode({number: database, **query})}"


def _split(url: str) -> SplitResult:
    """Take an address apart, reading its port too, so that a bad one is refused here and not in a driver."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - reading it is what checks it
    except ValueError:
        raise ValueError("is not an address: the port or the brackets of the host are wrong") from None
    return parts


def _tail(parts: SplitResult) -> str:
    """Return what follows the host."""
    query = "".join(f"?{parts.query}" if parts.query else "")
    return parts.path + query
