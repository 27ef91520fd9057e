"""The door under load, while things behind it and itself are killed: what was answered 200 is kept, all counts once."""

import random
from collections.abc import Callable, Iterator

import pytest

from orchestrator.runtime.settings import Durability
from orchestrator.store.documents import unpacked
from tests.acceptance.doorway import Doorway, opened
from tests.chaos.load import Load, loaded
from tests.chaos.strikes import part, server

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(240)]

BEFORE, AFTER = 150, 150  # calls that are answered before a blow, and after it
SEEDS = 3  # of kills at random, at each level


@pytest.fixture(scope="module")
def doorway() -> Iterator[Doorway]:
    with opened() as doorway:
        yield doorway


def one(doorway: Doorway, name: str) -> None:
    (server if name in doorway.servers.names else part)(name)(doorway)


def kept(doorway: Doorway, name: str, strike: Callable[[Load], None]) -> None:
    """Load the door, strike, and hold what came of it against what was promised; from memory a kill may take some."""
    with loaded(doorway.url, doorway.key(name), name) as load:
        load.until_more(BEFORE)
        strike(load)
        load.until_more(AFTER)
    doorway.until_well()
    doorway.until_drained()
    lost = load.answered - set(doorway.ids(name))
    assert not lost or doorway.settings.durability is Durability.MEMORY, f"answered 200 and lost: {sorted(lost)[:20]}"
    load.resend()
    doorway.until_drained()
    assert sorted(doorway.ids(name)) == sorted(load.sent - lost)
    assert doorway.rows("SELECT * FROM rejected_events") == []
    found = doorway.rows("SELECT document FROM accounts WHERE starts_with(id, :name)", name=f"{name}-")
    assert sum(unpacked(row["document"])["facts"]["events"]["login"][0] for row in found) == len(load.sent - lost)
    assert set(load.statuses) <= {200, 0, 503, 429}, load.statuses


def test_kills_under_load_cost_no_promise(doorway: Doorway) -> None:
    """Gateway, broker and workers die under load in turn: what was answered 200 is kept, all counts once."""

    def strike(load: Load) -> None:
        for name in ("gateway", "valkey", "flow"):
            one(doorway, name)
            load.until_more(AFTER)

    kept(doorway, "kills", strike)


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("level", Durability)
@pytest.mark.parametrize("fsync", ["always", "everysec"])
def test_kills_at_random_cost_no_promise(level: Durability, fsync: str) -> None:
    """Over many seeds, at each level of durability, kills at any moment, two at a time, lose and double nothing."""
    with opened(durability=level, appendfsync=fsync) as doorway:
        for seed in range(SEEDS):
            kept(doorway, f"seed-{seed}", lambda load, seed=seed: _struck(doorway, load, random.Random(seed)))  # type: ignore[misc]  # mypy cannot type a lambda's default


def _struck(doorway: Doorway, load: Load, chance: random.Random) -> None:
    for _ in range(3):
        load.until_more(chance.randrange(1, 200))
        for name in chance.sample(["gateway", "valkey", "postgres", "flow"], 2):
            one(doorway, name)
    load.until_more(AFTER)
