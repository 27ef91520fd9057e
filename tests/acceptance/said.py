"""What a product says of its customers, apart from any client's way to say it: the same for all who send it.

A tale is a seeded list of deeds in the order in which they are said, which is not the order in which they happened.
The oracle for what should be known after it is the fold of ``as_call`` of each, put on the stream by hand, in order.
"""

import random
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum, unique
from pathlib import Path
from typing import Self
from uuid import UUID

import orjson

from orchestrator.core.events import Json

BEGAN = datetime(2026, 3, 2, 9, tzinfo=UTC)  # long ago: what is said late decides nothing any more
DAYS = 40  # over which it happened
EVENTS = ("Signed Up", "Logged In", "Report Made", "Left", "Came Back")


@unique
class Kind(StrEnum):
    """What kind of thing is said."""

    TRACK = "track"
    IDENTIFY = "identify"
    GROUP = "group"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """One thing that happened."""

    id: str  # a UUID, as every client can carry one
    kind: Kind
    account: str
    person: str
    name: str  # of a track; else empty
    at: datetime  # when it happened, whole milliseconds: what every client can carry
    values: dict[str, Json]  # properties of a track, traits of the others

    def as_call(self) -> bytes:
        """The plainest Segment call that says it."""
        said: dict[str, Json] = {
            "type": self.kind.value,
            "messageId": self.id,
            "userId": self.person,
            "timestamp": self.at.isoformat(),
            "context": {"groupId": self.account},
        }
        if self.kind is Kind.TRACK:
            return orjson.dumps(said | {"event": self.name, "properties": self.values})
        if self.kind is Kind.GROUP:
            return orjson.dumps(said | {"groupId": self.account, "traits": self.values})
        return orjson.dumps(said | {"traits": self.values})

    @classmethod
    def read(cls, fields: dict[str, Json]) -> Self:
        """Build it again from what ``write`` wrote."""
        kind, at = Kind(str(fields["kind"])), datetime.fromisoformat(str(fields["at"]))
        return cls(**{**fields, "kind": kind, "at": at})  # type: ignore[arg-type]  # as write wrote them


def tale(seed: int, prefix: str, size: int = 240, accounts: int = 6) -> list[Deed]:
    """So many deeds of some accounts, told in no order."""
    chance = random.Random(seed)
    told = [_deed(chance, prefix, chance.randrange(accounts)) for _ in range(size)]
    chance.shuffle(told)
    return told


def _deed(chance: random.Random, prefix: str, number: int) -> Deed:
    kind = chance.choices(list(Kind), weights=(8, 1, 1))[0]
    who = chance.randrange(3)
    account, person = f"{prefix}-company-{number}", f"{prefix}-person-{number}-{who}"
    return Deed(
        id=str(UUID(int=chance.getrandbits(128), version=4)),
        kind=kind,
        account=account,
        person=person,
        name=chance.choice(EVENTS) if kind is Kind.TRACK else "",
        at=BEGAN + timedelta(milliseconds=chance.randrange(DAYS * 24 * 3600 * 1000)),
        values=_values(chance, kind, person),
    )


def _values(chance: random.Random, kind: Kind, person: str) -> dict[str, Json]:
    if kind is Kind.GROUP:
        return {"name": chance.choice(["Åcme", "Acme Ltd", "アクメ"]), "seats": chance.randrange(100)}
    if kind is Kind.IDENTIFY:
        return {"email": f"{chance.choice('abc')}@example.com", "title": chance.choice(["CEO", "CTO", "Größe 🚀"])}
    return {"tickets": chance.randrange(5), "note": chance.choice(["plain", "naïve", "🙂", 'a \\ and a " in it'])}


def write(path: Path, deeds: list[Deed]) -> None:
    """One deed a line."""
    path.write_bytes(b"\n".join(orjson.dumps(asdict(deed)) for deed in deeds))


def read(path: Path) -> Iterator[Deed]:
    """What ``write`` wrote."""
    return (Deed.read(orjson.loads(line)) for line in path.read_bytes().splitlines())
