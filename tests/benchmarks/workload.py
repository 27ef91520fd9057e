"""The workload of DESIGN.md: who is busy, what happens, how the calls look. The same seed gives the same bytes.

60 event names, of which the shipped playbook knows 17: 12 of every day, each as frequent as each of the product's own
43, and 5 that happen seldom in a customer's life (together 0.5 %). 2 % of the events complete a milestone; any other
event of such a name goes to an account that has it already. So a rule watches a little over a fifth of all events.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import accumulate
from random import Random

from orchestrator.intake.streams import shard_of
from tests.benchmarks.lives import NOW, PEOPLE, SETUP, Life

SEED = 20_260_415
MILESTONES = 0.02  # of all events
SELDOM_SHARE = 0.005  # of all events
EVERYDAY = (
    *("Logged In", "Report Created", "Feature Used", "Value Delivered", "Integration Connected", "Data Imported"),
    *("Invite Sent", "Invite Accepted", "Ticket Created", "Ticket Resolved", "NPS Answered", "CSAT Answered"),
)
SELDOM = ("Signed Up", "Setup Completed", "Subscription Started", "Subscription Cancelled", "Renewal Signed")
OBJECTS = ("Page", "Report", "Filter", "Export", "Dashboard", "Comment", "File", "Search", "Alert", "Widget", "Folder")
VERBS = ("Viewed", "Opened", "Changed", "Shared")
OWN = tuple(f"{thing} {verb}" for thing in OBJECTS for verb in VERBS)[:43]
NAMES = (*EVERYDAY, *SELDOM, *OWN)
_STRIDE = 7919  # a prime: the busiest accounts are not neighbours in the table
_PLACES = 997  # different stretches of properties


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """Which accounts there are, and how busy each is."""

    name: str
    size: int
    exponent: float  # of Zipf's law; 0: all alike
    silent: int = 0  # accounts of which nothing is heard

    def weights(self) -> list[float]:
        """Cumulated weights by rank, of those that are heard of."""
        return list(accumulate((rank + 1) ** -self.exponent for rank in range(self.size - self.silent)))

    def number(self, rank: int) -> int:
        """The number of the account of a rank, 0 the busiest."""
        return rank * _STRIDE % self.size


def account_name(number: int) -> str:
    """The id of an account."""
    return f"acct-{number:07d}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One Segment call, and where it goes."""

    shard: int
    body: bytes


@dataclass(slots=True)
class Traffic:
    """The events of a population, on and on."""

    population: Population
    lives: list[Life]
    shards: int
    rng: Random = field(default_factory=lambda: Random(SEED))
    progress: dict[int, int] = field(default_factory=dict)  # account -> milestones that this traffic completed
    sent: int = 0

    def take(self, number: int) -> list[Call]:
        """The next so many calls."""
        weights = self.population.weights()
        ranks = self.rng.choices(range(len(weights)), cum_weights=weights, k=number)
        fresh = self._completions(weights)
        drawn = (next(fresh, None) if self.rng.random() < MILESTONES else None for _ in ranks)
        return [
            self._call(*(done or self._usual(self.population.number(rank))))
            for rank, done in zip(ranks, drawn, strict=True)
        ]

    def _completions(self, weights: list[float]) -> Iterator[tuple[int, str]]:
        """Accounts that reach a milestone now, the busy ones first to be drawn; none once few have one left."""
        found = True
        while found:
            found = False
            for rank in self.rng.choices(range(len(weights)), cum_weights=weights, k=1000):
                number = self.population.number(rank)
                if todo := self._todo(number):
                    found = True
                    self.progress[number] = self.progress.get(number, 0) + 1
                    yield number, todo[0]

    def _todo(self, number: int) -> tuple[str, ...]:
        return self.lives[number % len(self.lives)].todo[self.progress.get(number, 0) :]

    def _usual(self, number: int) -> tuple[int, str]:
        name = self.rng.choice(SELDOM) if self.rng.random() < SELDOM_SHARE else self.rng.choice((*EVERYDAY, *OWN))
        return number, "Logged In" if name in (*SETUP, "Setup Completed") and self._todo(number) else name

    def _call(self, number: int, name: str) -> Call:
        self.sent += 1
        account = account_name(number)
        at = NOW - timedelta(milliseconds=self.rng.randint(1, 600_000))
        return Call(shard=shard_of(account, self.shards), body=body(account, name, self.sent, self.rng, at))


def body(account: str, name: str, serial: int, rng: Random, at: datetime) -> bytes:
    """A call of one of an account's people."""
    person = f"{account}-{rng.choice(PEOPLE)}"
    said = _said(name, person, rng)
    return (
        f'{{"type":"track","messageId":"ajs-{SEED:x}-{serial:012d}","userId":"{person}","event":"{name}",'
        f'"timestamp":"{at.isoformat(timespec="milliseconds")}",'
        f'"properties":{{{said}"path":"/workspace/{rng.randint(1, _PLACES)}","plan":"team","device":"desktop"}},'
        f'"context":{{"groupId":"{account}","library":{{"name":"analytics.js","version":"2.11.1"}},'
        f'"locale":"en-IE"}}}}'
    ).encode()


def _said(name: str, person: str, rng: Random) -> str:
    match name:
        case "Report Created":
            return f'"count":1,"user_id":"{person}",'
        case "Feature Used":
            return f'"feature":"feature-{rng.randint(1, 9)}",'
        case "Value Delivered":
            return f'"hours_saved":{rng.randint(1, 8)},'
        case "NPS Answered" | "CSAT Answered":
            return f'"score":{rng.randint(9, 10)},'
        case _:
            return ""
