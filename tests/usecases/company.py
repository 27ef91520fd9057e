"""What a product says of its customers: Segment calls of one company, each with a message id of its own."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

import orjson

from orchestrator.core.events import Json

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)  # when most of these lives begin
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Company:
    """One customer account with one person, as the product speaks of it."""

    account: str = "acme"
    person: str = "ann"
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def email(self) -> str:
        return f"{self.person}@{self.account}.example"

    def call(self, at: datetime, **fields: Json) -> bytes:
        """Any call; a field set to None is left out."""
        named: dict[str, Json] = {
            "type": "track",
            "messageId": f"{self.account}-{self.person}-{next(self.numbers)}",
            "userId": self.person,
            "timestamp": at.isoformat(),
            "context": {"groupId": self.account},
        }
        return orjson.dumps({name: value for name, value in (named | fields).items() if value is not None})

    def track(self, event: str, at: datetime = MONDAY, **properties: Json) -> bytes:
        """Something happened at the account."""
        return self.call(at, event=event, properties=properties)

    def lone(self, event: str, at: datetime = MONDAY, **properties: Json) -> bytes:
        """The person did something; the call does not say at which account."""
        return self.call(at, event=event, properties=properties, context=None)

    def identify(self, at: datetime = MONDAY, **traits: Json) -> bytes:
        """Who the person is."""
        return self.call(at, type="identify", traits={"email": self.email, "name": "Ann Okafor", **traits})

    def group(self, at: datetime = MONDAY, **traits: Json) -> bytes:
        """What the account is."""
        return self.call(at, type="group", groupId=self.account, traits={**traits})

    def alias(self, previous: str, at: datetime = MONDAY) -> bytes:
        """The person was known under another id until now."""
        return self.call(at, type="alias", previousId=previous, context=None)

    def sign_up(self, at: datetime = MONDAY) -> list[bytes]:
        """The first calls of a life: who, then that they signed up."""
        return [self.identify(at), self.track("Signed Up", at)]


def cohort(size: int) -> list[Company]:
    """So many companies, in the order of their ids."""
    return [Company(f"account-{number:04}", f"person-{number:04}") for number in range(size)]
