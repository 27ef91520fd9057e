"""A year of many accounts as one file of Segment calls, by time: what ``lifecycle simulate`` lives through.

Every account signs up in the first weeks, says who its two people are, and then lives by the names of ``workload``, an
event now and then on most days. The same seed gives the same bytes.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from tests.benchmarks.lives import PEOPLE
from tests.benchmarks.workload import EVERYDAY, OWN, SEED, SELDOM, SELDOM_SHARE, account_name, body

BEGIN = datetime(2025, 1, 6, tzinfo=UTC)  # a Monday
DAYS = 365
EVENTS = 500  # an account
ARRIVING = 42  # days over which the accounts sign up
_OPENING = 4  # calls that an account begins with
_BLOCK = 10_000  # lines written at once


def write_year(path: Path, accounts: int) -> int:
    """Write the calls of so many accounts; how many they are."""
    rng, lines = Random(SEED), 0
    with path.open("wb", buffering=1 << 20) as out:
        for day in range(DAYS):
            calls = sorted(_day(day, accounts, rng))
            out.writelines(call + b"\n" for _, call in calls)
            lines += len(calls)
    return lines


def _day(day: int, accounts: int, rng: Random) -> Iterator[tuple[datetime, bytes]]:
    """What happens on a day, in any order."""
    at = BEGIN + timedelta(days=day)
    here = min(accounts, accounts * (day + 1) // ARRIVING)  # accounts by the end of the day
    for number in range(min(accounts, accounts * day // ARRIVING), here):
        yield from _opening(number, at + timedelta(minutes=rng.randint(420, 1000)), rng)
    living = max(here, 1)
    share = (EVENTS - _OPENING) * accounts / (DAYS - ARRIVING / 2)  # a day on which all are there
    for _ in range(round(share * here / max(accounts, 1))):
        when = at + timedelta(seconds=rng.randint(17 * 3600, 86_399))
        yield when, body(account_name(rng.randrange(living)), _name(rng), rng.getrandbits(48), rng, when)


def _name(rng: Random) -> str:
    return rng.choice(SELDOM[1:]) if rng.random() < SELDOM_SHARE / 5 else rng.choice((*EVERYDAY, *OWN))


def _opening(number: int, at: datetime, rng: Random) -> Iterator[tuple[datetime, bytes]]:
    """Who they are."""
    account = account_name(number)
    told = at.isoformat(timespec="milliseconds")
    yield (
        at,
        f'{{"type":"group","messageId":"g-{account}","userId":"{account}-{PEOPLE[0]}","groupId":"{account}",'
        f'"timestamp":"{told}","traits":{{"name":"Company {account}","plan":"team","seats":12}}}}'.encode(),
    )
    for role in PEOPLE:
        said = "champion" if role == PEOPLE[0] else ""
        yield (
            at + timedelta(seconds=1),
            f'{{"type":"identify","messageId":"i-{account}-{role}","userId":"{account}-{role}","timestamp":"{told}",'
            f'"context":{{"groupId":"{account}"}},"traits":{{"email":"{account}-{role}@example.com",'
            f'"firstName":"Ann","role":"{said}","timezone":"Europe/Dublin"}}}}'.encode(),
        )
    yield at + timedelta(seconds=2), body(account, "Signed Up", rng.getrandbits(48), rng, at + timedelta(seconds=2))
