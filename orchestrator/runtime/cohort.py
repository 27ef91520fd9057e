"""Cohorts: a file of fates becomes the calls of a product, each at the instant of its arrival, and what is expected.

A call arrives a few seconds after what it tells of, as in life, and on no two neighbouring days after equally many: so
no arrival falls on an instant that was derived from an earlier one (a day after it, a week after it), and what the
workers do at one instant does not depend on which of them is first.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from operator import itemgetter
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import orjson
import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from orchestrator.core.calendars import at_local
from orchestrator.core.errors import LifecycleError
from orchestrator.core.events import Json
from orchestrator.core.facts import instant
from orchestrator.core.reasons import DecisionReason, MessageReason, PostponementReason
from orchestrator.intake.formats import belongs_to
from orchestrator.runtime.conductor import Cue

_WHEN = ("timestamp", "originalTimestamp", "time", "at")  # where calls of any format say when
_SATURDAY = 5
_LONGEST_WAY = 29  # seconds from the product to us; a prime, so that a week later it is another figure


class CohortError(LifecycleError):
    """The file cannot be lived through; the message says where."""


class _Line(BaseModel):
    """Any part of the file: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Clock = Annotated[time, BeforeValidator(lambda raw: time.fromisoformat(raw) if isinstance(raw, str) else raw)]


class _Moment(_Line):
    day: int = Field(ge=0)
    at: Clock


class _Happening(_Line):
    """Something that happens on one day, or on each of some days."""

    at: Clock
    day: int | None = Field(default=None, ge=0)
    days: str | None = Field(default=None, pattern=r"^\d+-\d+$")
    weekdays: bool = False  # of those days only Monday to Friday
    events: tuple[str | dict[str, dict[str, Any]], ...] = ()
    every_time: dict[str, str] = Field(default_factory=dict)  # an event, and its property that is another each time


class _Company(_Line):
    name: str
    person: str
    timezone: str


class Expected(_Line):
    """What must come of a fate, worked out by hand."""

    sent: tuple[str, ...] = ()  # plays whose mail arrives
    skipped: Mapping[str, DecisionReason] = Field(default_factory=dict)
    cancelled: Mapping[str, MessageReason] = Field(default_factory=dict)
    escalated: Mapping[str, Literal["open"] | MessageReason] = Field(default_factory=dict)  # or why it was closed
    waiting: Mapping[str, PostponementReason] = Field(default_factory=dict)  # at the end
    stage: str  # at the end


class _Fate(_Line):
    fate: str
    story: str
    companies: tuple[_Company, ...]
    signs_up: datetime  # local
    introduced: _Moment | Literal["never"] | None = None  # when a call says who they are; None: with the sign-up
    traits: dict[str, Any] = Field(default_factory=dict)
    life: tuple[_Happening, ...] = ()
    expected: Expected


class _File(_Line):
    days: int
    fates: tuple[_Fate, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One account of a cohort."""

    account: str
    fate: str
    story: str
    signed_up: datetime
    known: datetime | None  # since when somebody there has an address; None: never
    expected: Expected


@dataclass(frozen=True, slots=True, kw_only=True)
class Cohort:
    """Calls to be played, and what must come of them."""

    cues: Sequence[Cue]  # in the order of their arrival
    begin: datetime
    end: datetime
    members: Mapping[str, Member] = field(default_factory=dict)  # by account; none for a file of events


def arrival(happened: datetime) -> datetime:
    """When a call reaches us: one to 29 seconds later, another figure each day."""
    return happened + timedelta(seconds=1 + happened.toordinal() % _LONGEST_WAY)


def read_cohort(path: Path) -> Cohort:
    """The cohort of a file of fates.

    Raises:
        CohortError: the file does not fit; each line names the place.
    """
    try:
        file = _File.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        places = (f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise CohortError("\n".join((str(path), *places))) from None
    lives = [_Life(fate, company) for fate in file.fates for company in fate.companies]
    cues = sorted((cue for life in lives for cue in life.cues()), key=lambda cue: cue.at)
    return Cohort(
        cues=cues,
        begin=cues[0].at,
        end=cues[0].at + timedelta(days=file.days),
        members={life.account: life.member() for life in lives},
    )


def read_events(lines: Iterable[bytes], after: timedelta) -> Cohort:
    """The calls of a file, by their arrival, and the time ``after`` the last of them.

    Raises:
        CohortError: there is no call with a timestamp.
    """
    cues = [Cue(at=at, call=line, account=belongs_to(line) or "") for at, line in dated(lines)]
    return Cohort(cues=cues, begin=cues[0].at, end=cues[-1].at + after)


def dated(lines: Iterable[bytes]) -> list[tuple[datetime, bytes]]:
    """The calls of a file, each with the instant of its arrival by its timestamp, in that order.

    A call without a readable timestamp arrives with the one before it.

    Raises:
        CohortError: there is no call with a timestamp.
    """
    stamped = [(_timestamp(line), line) for line in lines]
    at = next((at for at, _ in stamped if at is not None), None)
    if at is None:
        raise CohortError("the file holds no call with a timestamp")
    calls = []
    for said, line in stamped:
        at = said or at
        calls.append((arrival(at), line))
    return sorted(calls, key=itemgetter(0))


def _timestamp(line: bytes) -> datetime | None:
    try:
        return said_when(orjson.loads(line))
    except orjson.JSONDecodeError:
        return None


def said_when(call: Json) -> datetime | None:
    """When a call of any format says that it happened; None when it says nothing that can be read."""
    if isinstance(call, dict):
        for word in _WHEN:
            if said := call.get(word):
                return instant(said)
    return None


class _Life:
    """One company living through its fate."""

    def __init__(self, fate: _Fate, company: _Company) -> None:
        self.fate = fate
        self.company = company
        self.account = re.sub(r"[^a-z0-9]+", "-", company.name.lower().replace("é", "e")).strip("-")
        self.person = f"{self.account}/{company.person.split()[0].lower()}"
        self.zone = ZoneInfo(company.timezone)
        self.number = 0

    def member(self) -> Member:
        known = self.known()
        return Member(
            account=self.account,
            fate=self.fate.fate,
            story=self.fate.story,
            signed_up=self.on(0, self.fate.signs_up.time()),
            known=arrival(known) if known else None,
            expected=self.fate.expected,
        )

    def known(self) -> datetime | None:
        match self.fate.introduced:
            case _Moment() as moment:
                return self.on(moment.day, moment.at)
            case None:
                return self.on(0, self.fate.signs_up.time())
            case _:
                return None

    def on(self, day: int, wall: time) -> datetime:
        return at_local(self.fate.signs_up.date() + timedelta(days=day), wall, self.zone)

    def cues(self) -> Iterator[Cue]:
        known, signed_up = self.known(), self.on(0, self.fate.signs_up.time())
        if known is not None:
            yield self.cue(known, "identify", traits=self.introduction())
        traits = {"name": self.company.name, "timezone": self.company.timezone, "seats": 5 + len(self.account)}
        yield self.cue(signed_up, "group", groupId=self.account, traits={**traits, **self.fate.traits})
        yield self.track(signed_up, "Signed Up", {})
        for happening in self.fate.life:
            for at in self.instants(happening):
                yield from self.happen(happening, at)

    def introduction(self) -> dict[str, str]:
        first = self.company.person.split()[0].lower()
        email = f"{first}@{self.account}.example"
        return {"email": email, "name": self.company.person, "role": "owner", "timezone": self.company.timezone}

    def instants(self, happening: _Happening) -> Iterator[datetime]:
        first, last = (int(day) for day in (happening.days or f"{happening.day}-{happening.day}").split("-"))
        for day in range(first, last + 1):
            date = self.fate.signs_up.date() + timedelta(days=day)
            if not (happening.weekdays and date.weekday() >= _SATURDAY):
                yield self.on(day, happening.at)

    def happen(self, happening: _Happening, at: datetime) -> Iterator[Cue]:
        for event in happening.events:
            named = {event: dict[str, Any]()} if isinstance(event, str) else event
            for name, properties in named.items():
                yield self.track(at, name, properties)
        for name, key in happening.every_time.items():
            yield self.track(at, name, {key: f"{key}_{at:%m%d}"})

    def track(self, at: datetime, name: str, properties: Mapping[str, Any]) -> Cue:
        return self.cue(at, "track", event=name, properties={"user_id": self.person, **properties})

    def cue(self, at: datetime, kind: str, **body: object) -> Cue:
        self.number += 1
        call = {
            "type": kind,
            "messageId": f"{self.account}-{self.number}",
            "timestamp": at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            "userId": self.person,
            "context": {"groupId": self.account},
            **body,
        }
        return Cue(at=arrival(at), call=orjson.dumps(call), account=self.account)
