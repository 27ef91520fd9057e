"""Every setting of the program, in one documented table: name, default, help.

A setting comes from the environment and nowhere else. A bad value is refused at the start, with the name of its
variable; an empty one counts as unset. ``DATABASE_URL`` and ``REDIS_URL`` decide whether servers of our own
are started.
"""

import difflib
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parseaddr
from enum import StrEnum, unique
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, PydanticUndefined
from pydantic_settings import BaseSettings, SettingsConfigDict

from orchestrator.runtime import addresses

_PACKAGE = Path(__file__).resolve().parent.parent
_ADDRESS = re.compile(r"[^@\s<>,;]+@[^@\s<>,;]+")
SHORTEST_SECRET = 32  # characters of what signs links
_SMTP_SCHEMES = ("smtp", "smtp+starttls", "smtps")


class SettingsError(ValueError):
    """A setting has a value that cannot be used; each line names the variable and says what was expected."""


@unique
class ClockKind(StrEnum):
    """Which clock the program lives by."""

    SYSTEM = "system"
    HELD = "held"


@unique
class Durability(StrEnum):
    """What the gateway's 200 promises of an event."""

    DISK = "disk"  # the server said that it is on its disk (WAITAOF)
    MEMORY = "memory"  # the server has it; a power cut may take what it has not written yet


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One line of the table of settings, as the documentation shows it."""

    name: str  # the environment variable
    default: str  # as it would be written in the environment; empty for unset
    help: str  # one or two sentences


def _secret(check: Callable[[str], str]) -> AfterValidator:
    """Apply a check of text to a value whose text must not be shown."""
    return AfterValidator(lambda value: SecretStr(check(value.get_secret_value())))


def _smtp_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in _SMTP_SCHEMES and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ValueError("expected smtp://[user:password@]host:port, smtp+starttls://… or smtps://…")
    return url


def _basic_auth(value: str) -> str:
    user, colon, password = value.partition(":")
    if not (user and colon and password):
        raise ValueError("expected user:password")
    return value


def _link_secrets(value: str) -> str:
    if not value.split() or any(len(each) < SHORTEST_SECRET for each in value.split()):
        raise ValueError(f"expected {SHORTEST_SECRET} characters or more, such as `openssl rand -hex 32` prints")
    return value


def _named_secrets(value: str) -> str:
    pairs = [each.partition("=") for each in value.split()]
    if not all(re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,63}", name) and secret for name, _, secret in pairs):
        raise ValueError("expected source=secret, with spaces between; a source in small letters, digits, - and _")
    return value


def _one_line(value: str) -> str:
    if any(ord(character) < ord(" ") for character in value):
        raise ValueError("expected one line without control characters")
    return value.strip()


def _address(value: str) -> str:
    if not _ADDRESS.fullmatch(value):
        raise ValueError("expected one e-mail address, such as hello@example.com")
    return value


def _mailbox(value: str) -> str:
    _address(parseaddr(_one_line(value))[1])
    return value


def _domain(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?", value):
        raise ValueError("expected a domain, such as mail.example.com")
    return value


def _web_url(value: str) -> str:
    if not re.fullmatch(r"https?://[^\s/]+\S*", value):
        raise ValueError("expected an address that begins with https:// or http://")
    return value.rstrip("/")


Folder = Annotated[Path, AfterValidator(lambda path: path.expanduser().resolve())]
Line = Annotated[str, AfterValidator(_one_line)]
Address = Annotated[str, AfterValidator(_one_line), AfterValidator(_address)]
Mailbox = Annotated[str, AfterValidator(_mailbox)]


class Settings(BaseSettings):
    """The settings of one installation; frozen, and its repr shows no secret."""

    # By its variable's name only: by its field's, `home` would be taken from the HOME that every shell sets.
    model_config = SettingsConfigDict(frozen=True, extra="forbid", env_ignore_empty=True, case_sensitive=True)
    PREFIX: ClassVar[str] = "LIFECYCLE_"

    database_url: Annotated[SecretStr, _secret(addresses.database_url)] | None = Field(
        default=None,
        validation_alias="DATABASE_URL",
        description="PostgreSQL, as postgresql://user:password@host/database. Unset: one of our own is started.",
    )
    redis_url: Annotated[SecretStr, _secret(addresses.redis_url)] | None = Field(
        default=None,
        validation_alias="REDIS_URL",
        description="The broker, Redis or Valkey, as redis://, rediss:// or unix://. Unset: one of our own is started.",
    )
    stream_url: Annotated[SecretStr, _secret(addresses.redis_url)] | None = Field(
        default=None,
        validation_alias="STREAM_URL",
        description="The server of the event streams, which hold personal data. Unset: the one of REDIS_URL.",
    )
    smtp_url: Annotated[SecretStr, _secret(_smtp_url)] | None = Field(
        default=None,
        validation_alias="SMTP_URL",
        description="The mail relay: smtp://[user:password@]host:port, smtp+starttls:// or smtps://. "
        "Unset: mail is caught in the data folder and leaves for nobody.",
    )
    smtp_connections: int = Field(
        default=4,
        ge=1,
        le=64,
        validation_alias="SMTP_CONNECTIONS",
        description="How many mails each delivery process hands over at the same time, each over a connection of its "
        "own (1 to 64): no more than the relay allows; as many may be in doubt when it is killed.",
    )
    home: Folder = Field(
        default=Path("var"),
        validate_default=True,
        validation_alias="LIFECYCLE_HOME",
        description="The data folder: servers of our own, logs, caught mail.",
    )
    templates: Folder = Field(
        default=_PACKAGE.parent / "templates",
        validation_alias="LIFECYCLE_TEMPLATES",
        description="The folder of playbooks and copy. Unset: templates/ beside the program.",
    )
    playbook: Folder = Field(
        default_factory=lambda earlier: earlier["templates"] / "playbooks" / "b2b-saas.yaml",
        validation_alias="LIFECYCLE_PLAYBOOK",
        description="The playbook file. Unset: playbooks/b2b-saas.yaml in the folder of templates.",
    )
    shards: int = Field(
        default=4,
        ge=1,
        le=1024,
        validation_alias="LIFECYCLE_SHARDS",
        description="How many event streams the accounts are spread over (1 to 1024).",
    )
    clock: ClockKind = Field(
        default=ClockKind.SYSTEM,
        validation_alias="LIFECYCLE_CLOCK",
        description="system, or held: time stands in the database until it is moved (demonstrations, tests).",
    )
    batch: int = Field(
        default=8000,
        ge=1,
        le=10_000,
        validation_alias="LIFECYCLE_BATCH",
        description="How many events one transaction takes at most (1 to 10000).",
    )
    lease_seconds: int = Field(
        default=60,
        ge=1,
        le=86_400,
        validation_alias="LIFECYCLE_LEASE_SECONDS",
        description="For how long a deliverer may hold a batch of messages, in seconds of real time.",
    )
    workers: int = Field(
        default_factory=lambda: max(2, os.cpu_count() or 1),
        ge=1,
        le=256,
        validation_alias="LIFECYCLE_WORKERS",
        description="How many processes decide. Unset: one a core, at least 2.",
    )
    keep_days: int = Field(
        default=800,
        ge=92,  # longer than any message waits, and than the horizon within which an event counts once
        le=36_500,
        validation_alias="LIFECYCLE_KEEP_DAYS",
        description="For how many days events, decisions, the journal and messages are kept (at least 92).",
    )
    keep_rejected_days: int = Field(
        default=400,
        ge=7,
        le=36_500,
        validation_alias="LIFECYCLE_KEEP_REJECTED_DAYS",
        description="For how many days entries that could not be folded are kept (at least 7).",
    )
    keep_parked_days: int = Field(
        default=120,
        ge=7,
        le=36_500,
        validation_alias="LIFECYCLE_KEEP_PARKED_DAYS",
        description="For how many days events wait for the account of their person (at least 7).",
    )
    appendfsync: Literal["everysec", "always"] = Field(
        default="always",
        validation_alias="LIFECYCLE_APPENDFSYNC",
        description="How often our own Valkey writes to disk: always (an event is confirmed in a millisecond), or "
        "everysec (in 100 to 200).",
    )
    durability: Durability = Field(
        default=Durability.DISK,
        validation_alias="LIFECYCLE_DURABILITY",
        description="What the gateway's 200 promises: disk (the stream server confirmed that the event is on its "
        "disk), or memory (it has it; a power cut may cost what is not written yet).",
    )
    most_waiting: int = Field(
        default=250_000,
        ge=1,
        validation_alias="LIFECYCLE_MOST_WAITING",
        description="How many entries a shard's stream may hold before the gateway refuses with 429; each takes about "
        "a kilobyte of the stream server's memory.",
    )
    gateway_host: Line = Field(
        default="127.0.0.1",
        validation_alias="GATEWAY_HOST",
        description="The address that the gateway listens on, for events and for /metrics alike.",
    )
    gateway_port: int = Field(
        default=8080, ge=1, le=65_535, validation_alias="GATEWAY_PORT", description="The port that takes events."
    )
    gateway_ops_port: int = Field(
        default=8081,
        ge=1,
        le=65_535,
        validation_alias="GATEWAY_OPS_PORT",
        description="The gateway's port for /healthz, /readyz and /metrics; keep it from the outside.",
    )
    public_url: Annotated[str, AfterValidator(_web_url)] | None = Field(
        default=None,
        validation_alias="PUBLIC_URL",
        description="Where the gateway is reached from outside, without a slash at the end; "
        "links to forms begin with it.",
    )
    link_secret: Annotated[SecretStr, _secret(_link_secrets)] | None = Field(
        default=None,
        validation_alias="LINK_SECRET",
        description="Signs links to forms: 32 characters or more. Several, with spaces between: the first signs, "
        "each is accepted. Unset: there are no links.",
    )
    crm_secrets: Annotated[SecretStr, _secret(_named_secrets)] | None = Field(
        default=None,
        validation_alias="CRM_SECRETS",
        description="The secrets that CRM webhooks are signed with: source=secret, with spaces between; a source may "
        "have several. Unset: none is taken.",
    )
    mail_from: Mailbox = Field(
        default="Acme <hello@acme.example>",
        validation_alias="MAIL_FROM",
        description="The sender: an address, or Name <address>.",
    )
    mail_reply_to: Mailbox | None = Field(
        default=None, validation_alias="MAIL_REPLY_TO", description="Where answers go. Unset: to the sender."
    )
    mail_domain: Annotated[str, AfterValidator(_domain)] = Field(
        default_factory=lambda earlier: parseaddr(earlier["mail_from"])[1].rpartition("@")[2],
        validation_alias="MAIL_DOMAIN",
        description="The right side of Message-IDs. Unset: the domain of the sender.",
    )
    mail_postal_address: Line = Field(
        default="",
        validation_alias="MAIL_POSTAL_ADDRESS",
        description="The postal address in the footer; many countries ask for one in promotional mail.",
    )
    mail_unsubscribe: Address = Field(
        default_factory=lambda earlier: f"unsubscribe@{earlier['mail_domain']}",
        validation_alias="MAIL_UNSUBSCRIBE",
        description="The address that takes unsubscriptions by mail. Unset: unsubscribe@ the mail domain.",
    )
    product_name: Line = Field(
        default="Acme", validation_alias="PRODUCT_NAME", description="The name of the product, in the copy."
    )
    product_url: Annotated[str, AfterValidator(_web_url)] = Field(
        default="https://app.acme.example",
        validation_alias="PRODUCT_URL",
        description="Where the product is, without a slash at the end.",
    )
    redirect_to: Address | None = Field(
        default=None,
        validation_alias="REDIRECT_TO",
        description="The one address that gets everything of a playbook or play in mode redirect.",
    )
    flower_port: int = Field(
        default=5555, ge=1, le=65_535, validation_alias="FLOWER_PORT", description="The port of Flower."
    )
    flower_basic_auth: Annotated[SecretStr, _secret(_basic_auth)] | None = Field(
        default=None,
        validation_alias="FLOWER_BASIC_AUTH",
        description="user:password for Flower. Unset: Flower is open to whoever reaches its port.",
    )

    @property
    def link_secrets(self) -> tuple[str, ...]:
        """What links are signed with: the first signs, each is accepted."""
        return () if self.link_secret is None else tuple(self.link_secret.get_secret_value().split())

    def crm_secrets_of(self, source: str) -> tuple[str, ...]:
        """The secrets of one CRM; empty when it has none."""
        listed = "" if self.crm_secrets is None else self.crm_secrets.get_secret_value()
        pairs = [each.partition("=") for each in listed.split()]
        return tuple(secret for name, _, secret in pairs if name == source)

    @classmethod
    def load(cls, **overrides: Any) -> Self:  # noqa: ANN401 - pydantic checks each value at run time
        """Read the environment; a keyword (by field name) goes before its variable.

        Raises:
            SettingsError: a value cannot be used; the message has one line a variable, and repeats no secret.

        """
        try:
            return cls(**{_named(cls.model_fields, name): value for name, value in overrides.items()})
        except ValidationError as error:
            # from None: the cause repeats what was said here, in pydantic's words
            raise SettingsError("\n".join(_told(error, cls.model_fields))) from None

    @classmethod
    def table(cls) -> tuple[Setting, ...]:
        """Return the documented table, in the order of the fields."""
        return tuple(
            Setting(name=_variable(field), default=_shown(field), help=field.description or "")
            for field in cls.model_fields.values()
        )

    @classmethod
    def misspelt(cls, environment: Mapping[str, str]) -> dict[str, str | None]:
        """Return the variables that begin like ours and are none, each with the name that was perhaps meant."""
        known = [_variable(field) for field in cls.model_fields.values()]
        strange = (name for name in sorted(environment) if name.startswith(cls.PREFIX) and name not in known)
        return {name: next(iter(difflib.get_close_matches(name, known, n=1)), None) for name in strange}


def _named(fields: Mapping[str, FieldInfo], name: str) -> str:
    """Return the variable of a field; a name that is none stays, and is refused as such."""
    return _variable(fields[name]) if name in fields else name


def _variable(field: FieldInfo) -> str:
    """Return the name of a setting in the environment."""
    return str(field.validation_alias)


def _shown(field: FieldInfo) -> str:
    """Return a default as the environment would spell it; a computed one is told by the help text."""
    if field.default is PydanticUndefined or field.default is None or field.default == _PACKAGE.parent / "templates":
        return ""
    return str(field.default)


def _told(error: ValidationError, fields: Mapping[str, FieldInfo]) -> list[str]:
    """Return a line for each refused variable: its name, what was wrong, and the value if it is no secret."""
    by_name = {key: field for name, field in fields.items() for key in (name, _variable(field))}
    details = [detail for detail in error.errors() if detail["type"] != "default_factory_not_called"]
    return [_line(detail, by_name.get(str(detail["loc"][0]))) for detail in details]


def _line(detail: ErrorDetails, field: FieldInfo | None) -> str:
    """Return one refusal. A secret's value is not repeated."""
    if field is None:
        return f"{detail['loc'][0]}: there is no such setting"
    wrong = detail["msg"].removeprefix("Value error, ")
    value = "" if "SecretStr" in str(field.annotation) else f" (got {detail['input']!r})"
    return f"{_variable(field)}: {wrong[:1].lower()}{wrong[1:]}{value}"
