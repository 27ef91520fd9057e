"""Two hundred accounts with different fates, the same ones on every run; nothing of it looks at the running system.

Calls come at a few instants only, so that a month has some hundreds of them: sign-ups at two hours, everything else
once a day, at a minute that is that day's number. So what comes due whole days after a call never meets the next
call: which of the two is first would else be chance.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import orjson

from orchestrator.core.events import Json
from orchestrator.runtime.conductor import Cue

BEGIN = datetime(2026, 3, 2, tzinfo=UTC)  # a Monday; New York changes its clocks on the 8th
DAYS = 35
END = BEGIN + timedelta(days=DAYS)
ZONES = ("Europe/London", "Asia/Kuala_Lumpur", "America/New_York")
SIGN_UP_HOURS = (7, 15)  # UTC; nobody's nine o'clock
CALL_HOUR = 10  # UTC, of everything that is no sign-up


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One account and everything that its product will say of it."""

    account: str
    fate: str
    signed_up: datetime
    cues: tuple[Cue, ...]  # in order of time

    @property
    def address(self) -> str:
        return f"champion@{self.account}.example"


@dataclass(slots=True)
class _Diary:
    """Writes an account's calls; days are counted from its sign-up."""

    account: str
    signed_up: datetime
    begin: datetime
    names_account: bool = True  # False: its people's calls name only themselves, once they are linked
    cues: list[Cue] = field(default_factory=list)

    def call(self, at: datetime, kind: str, *, linked: bool = True, **body: Json) -> None:
        message_id = f"{self.account}-{len(self.cues)}"
        person = f"{self.account}-champion"
        said = {"type": kind, "messageId": message_id, "timestamp": at.isoformat(), "userId": person, **body}
        if kind == "group" or self.names_account or not linked:
            said["context"] = {"groupId": self.account}
        self.cues.append(Cue(at=at, call=orjson.dumps(said), account=self.account if "context" in said else person))

    def sign_up(self, **traits: Json) -> None:
        at, account = self.signed_up, self.account
        champion: Json = {"email": f"champion@{account}.example", "name": "Chris Champion", "role": "champion"}
        self.call(at, "group", groupId=account, traits={"name": account.title(), **traits})
        self.call(at, "identify", linked=False, traits=champion)
        self.call(at, "track", linked=False, event="Signed Up")

    def say(self, day: int, *events: str, **properties: Json) -> None:
        """The events of a day, all at that day's instant."""
        date = (self.signed_up + timedelta(days=day)).replace(hour=0, minute=0)
        at = date + timedelta(hours=CALL_HOUR, minutes=(date - self.begin).days + 1)
        for event in events if at > self.signed_up else ():
            self.call(at, "track", event=event, properties=properties)


def _steady(diary: _Diary) -> None:
    diary.say(0, "Logged In")
    diary.say(1, "Logged In", "Integration Connected", "Core Action", hours_saved=2)
    diary.say(2, "Data Imported", "Invite Sent", "Logged In")
    diary.say(4, "Invite Accepted", "Core Action", "Value Event", hours_saved=3)
    for day in range(6, 34, 3):
        diary.say(day, "Logged In", "Core Action", "Feature Used", feature=f"feature {day % 8}")


def _absent(diary: _Diary) -> None:
    """Signed up and never came."""


def _quiet(diary: _Diary) -> None:
    diary.say(1, "Logged In")
    diary.say(2, "Logged In", "Core Action")
    diary.say(16, "Logged In")


def _half_set_up(diary: _Diary) -> None:
    diary.say(1, "Logged In", "Integration Connected")
    for day in (4, 8, 12, 18, 24):
        diary.say(day, "Logged In", "Core Action")


def _in_trouble(diary: _Diary) -> None:
    diary.say(1, "Logged In", "Ticket Created")
    diary.say(6, "Ticket Resolved", "Logged In", "Core Action")
    diary.say(9, "Setup Completed", "Logged In")
    diary.say(20, "Core Action", "Logged In")


def _alone(diary: _Diary) -> None:
    diary.say(1, "Logged In", "Core Action", "Data Imported", "Integration Connected")
    diary.say(2, "Invite Sent", "Logged In")
    diary.say(11, "Invite Accepted", "Core Action", "Logged In")


def _falling(diary: _Diary) -> None:
    diary.say(1, "Logged In", "Setup Completed")
    for day in (1, 2, 3, 4, 5, 6, 8, 9, 11, 15):
        diary.say(day, "Core Action", "Logged In")


def _unhappy(diary: _Diary) -> None:
    diary.say(1, "Logged In", "Setup Completed", "Core Action")
    diary.say(8, "Logged In", "Core Action")
    diary.say(15, "NPS Answered", score=3)
    diary.say(23, "Logged In", "Core Action", "NPS Answered", score=9)


def _leaving(diary: _Diary) -> None:
    diary.say(1, "Logged In", "Subscription Started", "Core Action")
    diary.say(12, "Subscription Cancelled")


def _late(diary: _Diary) -> None:
    diary.say(5, "Logged In")
    diary.say(10, "Core Action", "Setup Completed", "Logged In")
    for day in (13, 16, 19, 22, 25, 28):
        diary.say(day, "Core Action", "Logged In", "Value Event", hours_saved=1)


FATES: dict[str, Callable[[_Diary], None]] = {
    "steady": _steady,
    "absent": _absent,
    "quiet": _quiet,
    "half_set_up": _half_set_up,
    "in_trouble": _in_trouble,
    "alone": _alone,
    "falling": _falling,
    "unhappy": _unhappy,
    "leaving": _leaving,
    "late": _late,
}
_REVENUES = (1_200, 150_000, 1_200, 40_000, 12_000)  # a year: self-serve, enterprise, self-serve, mid-market, SMB
_TERMS = ("monthly", "annual", None)


def cohort(size: int = 200, *, prefix: str = "acct", begin: datetime = BEGIN, sign_up_days: int = 7) -> list[Member]:
    """So many accounts, signing up over the first days; ``begin`` is a midnight in UTC."""
    return [_member(number, f"{prefix}-{number:03d}", begin, sign_up_days) for number in range(size)]


def _member(number: int, account: str, begin: datetime, sign_up_days: int) -> Member:
    fate = list(FATES)[number % len(FATES)]
    turn = number // len(FATES)  # so that each fate meets each day, zone and touch
    hour = SIGN_UP_HOURS[turn % len(SIGN_UP_HOURS)]
    signed_up = begin + timedelta(days=(turn + number) % sign_up_days, hours=hour)
    diary = _Diary(account=account, signed_up=signed_up, begin=begin, names_account=turn % 4 != 3)
    traits: dict[str, Json] = {"timezone": ZONES[turn % len(ZONES)], "arr": _REVENUES[(turn + number) % len(_REVENUES)]}
    term = _TERMS[turn % len(_TERMS)]
    diary.sign_up(**traits, **({"term": term} if term else {}))
    FATES[fate](diary)
    last = begin + timedelta(days=DAYS)
    return Member(account=account, fate=fate, signed_up=signed_up, cues=tuple(c for c in diary.cues if c.at < last))


def alike(size: int, fate: str, *, prefix: str = "acct", begin: datetime = BEGIN) -> list[Member]:
    """So many accounts of one fate in one zone, where people look after them, that sign up at the same instant."""
    return [_alike(f"{prefix}-{number:03d}", fate, begin) for number in range(size)]


def _alike(account: str, fate: str, begin: datetime) -> Member:
    signed_up = begin + timedelta(hours=SIGN_UP_HOURS[0])
    diary = _Diary(account=account, signed_up=signed_up, begin=begin)
    diary.sign_up(timezone=ZONES[0], arr=150_000)
    FATES[fate](diary)
    return Member(account=account, fate=fate, signed_up=signed_up, cues=tuple(diary.cues))


def cues_of(members: Iterable[Member]) -> list[Cue]:
    """All calls of these accounts, in order of time."""
    return sorted((cue for member in members for cue in member.cues), key=lambda cue: cue.at)


def between(cues: Iterable[Cue], begin: datetime, end: datetime) -> list[Cue]:
    """The calls that arrive after ``begin`` and by ``end``."""
    return [cue for cue in cues if begin < cue.at <= end]


def until(members: Iterable[Member], end: datetime) -> list[Member]:
    """The same accounts without the calls that arrive after ``end``."""
    kept = [replace(member, cues=tuple(cue for cue in member.cues if cue.at <= end)) for member in members]
    return [member for member in kept if member.cues]
