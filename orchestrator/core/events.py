"""Events: something that happened, once, at a time."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum, unique
from typing import TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

OWN_SOURCE = "lifecycle"  # what our own delivery, surveys and people do are events too, under this source


@unique
class EventKind(StrEnum):
    """The shape of the call that an event came in (Segment spec)."""

    TRACK = "track"
    IDENTIFY = "identify"  # properties are the person's traits; with both ids, ``previous_id`` is the anonymous one
    GROUP = "group"  # properties are the account's traits
    PAGE = "page"
    SCREEN = "screen"
    ALIAS = "alias"  # properties hold ``previous_id``


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened at an account; all instants are aware UTC."""

    source: str  # who says so; with message_id the identity of the event
    message_id: str  # the producer's id, kept across resends
    account: str | None  # the account it names; None until identity is resolved
    person: str | None  # the acting person's id
    kind: EventKind  # the shape of the call
    name: str  # as the product says it, for TRACK; else the kind's word
    occurred_at: datetime  # when it happened
    received_at: datetime  # when it reached us
    properties: Mapping[str, Json]  # what the call carried

    @property
    def stamp(self) -> tuple[datetime, str, str]:
        """The order in which the last writer wins: (occurred_at, source, message_id)."""
        return (self.occurred_at, self.source, self.message_id)


OWN_EVENTS = (
    "message_sent",
    "message_unknown",
    "message_failed",
    "message_cancelled",
    "account_paused",
    "account_resumed",
    "judgement_ticked",
    "goal_set",
    "goal_met",
    "goal_dropped",
    "escalation_acknowledged",  # somebody looks after an open signal (property ``signal``)
    "escalation_resolved",  # somebody has settled it
    "health_overridden",
)  # names under OWN_SOURCE that every vocabulary knows


def distinct(events: Iterable[Event]) -> list[Event]:
    """Each event once, by (source, message_id), in order of occurrence."""
    unique_events = {(event.source, event.message_id): event for event in events}
    if len(unique_events) == 1:  # as most batches have of an account
        return list(unique_events.values())
    return sorted(unique_events.values(), key=lambda event: event.stamp)
