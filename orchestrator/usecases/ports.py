"""What the use cases need of the world, given to them by the composition root (``orchestrator.runtime``)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import Connection, Engine

from orchestrator.intake.streams import Streams
from orchestrator.messaging.compose import Sender
from orchestrator.messaging.transport import Transport
from orchestrator.usecases.library import Library


class Clock(Protocol):
    """Tells the instant at which everything is decided."""

    def now(self, connection: Connection) -> datetime:
        """The instant, aware UTC."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Nudges:
    """Hints to other workers that there is something to do; each may be lost, the next tick repairs it."""

    wake: Callable[[], None]
    deliver: Callable[[], None]


def silent() -> Nudges:
    """Nudges that nudge nobody."""
    return Nudges(wake=lambda: None, deliver=lambda: None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailing:
    """How mail leaves."""

    transports: tuple[Transport, ...]  # as many mails are handed over at the same time, one over each
    sender: Sender
    redirect_to: str | None  # where mode ``redirect`` sends
    lease_seconds: float = 60.0  # a claimed message is ours for so long, in real time


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """For how long what grows without end is kept; after it, whole months of it go."""

    history: timedelta = timedelta(days=800)  # events, decisions, journal and messages: two years and a half quarter
    rejected: timedelta = timedelta(days=400)  # entries that could not be folded, to be looked at and put back
    parked: timedelta = timedelta(days=120)  # events of persons whose account never became known


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """The world, as far as a use case may touch it."""

    engine: Engine
    clock: Clock
    library: Library
    streams: Streams
    mailing: Mailing
    nudges: Nudges
    batch: int = 2000  # events in one transaction, at most
    retention: Retention = field(default_factory=Retention)
