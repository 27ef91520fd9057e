"""What ``advance`` and ``release`` answer: values only, each with its deterministic key."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum, unique
from uuid import UUID

from orchestrator.core.account import Account, Outcome
from orchestrator.core.conditions import Clause
from orchestrator.core.events import Event, Json
from orchestrator.core.playbook import Channel, Escalate, Letter, Mode
from orchestrator.core.reasons import DecisionReason, MessageReason, PostponementReason


def key(*parts: str) -> UUID:
    """The deterministic key of these parts (BLAKE2b of 128 bits; parts may hold any text)."""
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        raw = part.encode("utf-8", "surrogatepass")
        digest.update(len(raw).to_bytes(4, "big") + raw)
    return UUID(bytes=digest.digest())


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What became of one play for one episode, with its explanation."""

    account: str
    play: str
    episode: str
    due_at: datetime
    decided_at: datetime
    outcome: Outcome
    reason: DecisionReason
    playbook_version: str
    trigger: str  # why it came due, as a sentence
    clauses: tuple[Clause, ...]  # the condition, clause by clause
    zone: str  # the time zone that local times were read in
    zone_from: str  # who named it: person, account or playbook
    repeats: int = 1  # equal skips in a row that this record stands for
    first_decided_at: datetime | None = None  # set when it continues a run: the record to be updated
    first_episode: str | None = None  # the same: that record's episode


@dataclass(frozen=True, slots=True, kw_only=True)
class Postponement:
    """A deferral on the way to a decision."""

    account: str
    play: str
    episode: str
    at: datetime
    until: datetime | None
    reason: PostponementReason
    by: str | None = None  # the play that went first, or whose message used up the account's share


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One mail, note or call to one recipient, decided and not yet sent."""

    id: UUID  # the deterministic key of (account, play, episode, person, action)
    account: str
    play: str
    episode: str
    person: str  # empty: it goes to no person of the account
    address: str  # as the person gave it; a role, chat channel or system; empty in the product
    action: Letter
    due_at: datetime
    not_before: datetime
    not_after: datetime
    priority: int
    mode: Mode
    exempt: bool  # transactional: no cap
    playbook_version: str
    draft: bool = False  # a person must approve it before it may leave
    context: Mapping[str, Json]  # all that the template may read of the account

    @property
    def channel(self) -> Channel:
        """How it reaches its reader."""
        return self.action.channel

    @property
    def urgency(self) -> tuple[int, datetime, datetime, str, UUID]:
        """Whose turn it is at the door: by priority, then by when it may leave, then as the plays came due."""
        return (self.priority, self.not_before, self.due_at, self.play, self.id)

    @property
    def told(self) -> dict[str, Json]:
        """What an event about its end says of it; the channel only of what is no mail."""
        named: dict[str, Json] = {"play": self.play, "episode": self.episode}
        return named if self.channel is Channel.EMAIL else {**named, "channel": self.channel.value}


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """One piece of work handed from the machine to a person."""

    id: UUID  # the deterministic key of (account, play, episode)
    account: str
    play: str  # the cause: one open for one cause
    episode: str
    title: str  # what it is about, in a line
    action: Escalate
    opened_at: datetime
    due_at: datetime
    playbook_version: str
    mode: Mode
    context: Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """What a play did no longer stands: its unsent messages are cancelled, its open escalation is closed."""

    play: str
    episode: str
    reason: MessageReason


@unique
class NoteKind(StrEnum):
    """What a line of an account's journal tells."""

    STAGE = "stage"
    PHASE = "phase"
    MILESTONE = "milestone"
    ANCHOR = "anchor"
    POSTPONED = "postponed"
    PARKED = "parked"
    MERGED = "merged"
    RENAMED = "renamed"
    DRAFT = "draft"  # a person approved or discarded one
    SIGNAL = "signal"
    HEALTH = "health"
    LIVE = "live"  # its past had been read in, and from now on it is decided


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A line of an account's journal: what changed that is no decision of a play."""

    kind: NoteKind
    at: datetime  # when it was noted
    detail: Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """The answer of ``advance``."""

    account: Account
    decisions: tuple[Decision, ...] = ()
    postponements: tuple[Postponement, ...] = ()
    messages: tuple[Message, ...] = ()
    escalations: tuple[Escalation, ...] = ()
    withdrawals: tuple[Withdrawal, ...] = ()
    notes: tuple[Note, ...] = ()
    events: tuple[Event, ...] = ()  # of our own, folded already: what was set

    @property
    def wake_at(self) -> datetime | None:
        """When something may next become due by time alone."""
        return self.account.wake_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """The message may be handed over now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """The message must wait."""

    until: datetime
    reason: PostponementReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """The message must not be sent any more."""

    reason: MessageReason


Release = Send | Wait | Cancel
