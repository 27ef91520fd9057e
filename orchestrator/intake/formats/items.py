"""Items: what the reader of a body gives, one for each event that somebody meant to send."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum, unique

from orchestrator.core.events import EventKind
from orchestrator.intake.rejection import Rejection

MOST_ITEMS = 2_500  # of a batch; Segment's HTTP API: "2,500 events"
MOST_BATCH_BYTES = 500 * 1024  # of a batch; Segment's HTTP API: "500 KB per request"
MOST_LISTED = 10_000  # items of a body that are looked at one by one: a body of 4 MiB may have two million, of nothing
MOST_BODY = 4 * 1024 * 1024  # bytes of a body that are looked at: so that the items beyond a batch's bounds are kept


@unique
class Dialect(StrEnum):
    """What a path says of the bodies that it takes; of an item, its content says more."""

    TRACK = "track"
    IDENTIFY = "identify"
    PAGE = "page"
    SCREEN = "screen"
    GROUP = "group"
    ALIAS = "alias"
    BATCH = "batch"  # of Segment, RudderStack or PostHog: calls that each say what they are
    CLOUDEVENTS = "cloudevents"  # binary, structured or a batch
    POSTHOG = "posthog"  # one or a batch, as JSON or as a form
    PLAIN = "plain"  # one or a list, of our own words
    ANY = "any"  # what stands in an entry of a stream

    @property
    def kind(self) -> str | None:
        """The type of a call that says none, where the path does."""
        return self.value if self.value in _KINDS else None

    @property
    def is_batch(self) -> bool:
        """Whether the path is for many calls only: one of them that is bad is no reason to refuse the others."""
        return self is Dialect.BATCH


_KINDS = {kind.value for kind in EventKind}


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One event of a body, or what was meant to be one."""

    call: bytes  # what goes on the stream: a Segment call as JSON; of what cannot be read, its own bytes
    message_id: str | None  # its id, or one made of its content; None: the drain makes one of the place in the stream
    whose: str | None  # its account, else its person: what it is routed by
    refusal: Rejection | None  # why it will not become an event
    is_alone: bool = False  # whether it was the whole body: no list, no batch


@dataclass(frozen=True, slots=True, kw_only=True)
class Reception:
    """When a body reached us."""

    at: datetime  # aware UTC
    stamped: bool  # whether it was taken then; else it is only the time of reading, which corrects no clock

    @property
    def known(self) -> datetime | None:
        """The reception, None when only the time of reading is known."""
        return self.at if self.stamped else None
