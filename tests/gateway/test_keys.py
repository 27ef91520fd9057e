"""Who is it: how a key is shown, what a wrong one is told, what a rate allows; and the ring of keys by itself."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine

from orchestrator.core.events import Json
from orchestrator.gateway import keyring
from orchestrator.gateway.keyring import KeyRing, KeysAwayError
from orchestrator.store.write_keys import WriteKey
from orchestrator.usecases import write_keys
from orchestrator.usecases.write_keys import RateError, SourceError, UnknownKeyError, hashed
from tests.gateway.live import NOW, Gateway, basic

LOGIN: dict[str, Json] = {"userId": "u-1", "event": "Signed In", "context": {"groupId": "acme"}}


# ------------------------------------------------------------------------------------------------------------- shown


def test_a_key_is_shown_in_any_of_four_ways(gateway: Gateway) -> None:
    """Basic with the key as user, Bearer, writeKey in the body and api_key in the body all open; none is kept."""
    secret = gateway.secret
    ways: list[tuple[dict[str, str], dict[str, Json]]] = [
        (basic(secret), {}),
        ({"Authorization": f"Bearer {secret}"}, {}),
        ({}, {"writeKey": secret}),
        ({}, {"api_key": secret}),
    ]
    answers = [gateway.post("/v1/track", {**LOGIN, **more}, headers) for headers, more in ways]
    assert [answer.status for answer in answers] == [200] * 4
    assert {entry[b"source"] for entry in gateway.entries()} == {b"shop"}
    assert all(secret.encode() not in entry[b"call"] for entry in gateway.entries())


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "no_key"),
        (basic("lwk_nobody"), "unknown_key"),
        ({"Authorization": "Bearer lwk_nobody"}, "unknown_key"),
        ({"Authorization": "Basic ::::"}, "bad_credentials"),
        ({"Authorization": "Digest x"}, "bad_credentials"),
        (basic(""), "no_key"),
    ],
)
def test_who_shows_no_good_key_is_told_so(gateway: Gateway, headers: dict[str, str], code: str) -> None:
    """Without a good key the answer is 401 with a code, and nothing is kept."""
    answer = gateway.post("/v1/track", LOGIN, headers)
    assert (answer.status, answer["code"]) == (401, code)
    assert answer.headers["WWW-Authenticate"].startswith("Basic")
    assert gateway.entries() == []


def test_a_key_brings_what_its_rate_allows(gateway: Gateway) -> None:
    """Beyond the rate the answer is 429 with Retry-After; a batch larger than the rate takes all of it and passes."""
    few = basic(gateway.key("few", rate="3/minute"))
    batch: Json = {"batch": [{**LOGIN, "type": "track"}] * 10}
    assert gateway.post("/v1/batch", batch, few).status == 200
    answer = gateway.post("/v1/track", LOGIN, few)
    assert (answer.status, answer["code"]) == (429, "rate")
    assert 1 <= int(answer.headers["Retry-After"]) <= 120
    assert gateway.post("/v1/track", LOGIN).status == 200  # another key's rate is its own


def test_a_large_batch_is_not_held_off_by_single_events(gateway: Gateway) -> None:
    """While anything is left of a rate a batch gets in, and takes all that is left."""
    few = basic(gateway.key("mixed", rate="5/minute"))
    batch: Json = {"batch": [{**LOGIN, "type": "track"}] * 10}
    statuses = [gateway.post("/v1/track", LOGIN, few).status, gateway.post("/v1/batch", batch, few).status]
    assert statuses == [200, 200]
    assert gateway.post("/v1/track", LOGIN, few).status == 429


# ------------------------------------------------------------------------------------------------------------ the ring


def key(secret: str, revoked_at: datetime | None = None) -> WriteKey:
    return WriteKey(
        id=1, source="shop", hash=hashed(secret), shown="", rate="1/second", created_at=NOW, revoked_at=revoked_at
    )


class Table:
    """The database's keys, which may be away."""

    def __init__(self, *keys: WriteKey) -> None:
        self.keys = list(keys)
        self.away = False
        self.readings = 0

    def __call__(self) -> list[WriteKey]:
        self.readings += 1
        if self.away:
            raise OSError
        return self.keys


def in_loop(table: Table, work: Callable[[KeyRing], Awaitable[None]]) -> None:
    async def run() -> None:
        await work(KeyRing(table))

    asyncio.run(run())


def test_a_revoked_key_opens_until_the_next_reading() -> None:
    """A key that is revoked opens no longer than until the keys are read again, which is every few seconds."""
    table = Table(key("a"))

    async def work(ring: KeyRing) -> None:
        assert await ring.find("a") is not None
        table.keys = [key("a", revoked_at=NOW)]
        await ring.refresh()
        assert await ring.find("a") is None

    in_loop(table, work)
    assert keyring.KEY_SECONDS <= 10


def test_known_keys_work_while_the_database_is_away() -> None:
    """While the database is away a key that was read opens on, and of others it is said that nobody knows."""
    table = Table(key("a"))

    async def work(ring: KeyRing) -> None:
        await ring.refresh()
        table.away = True
        assert await ring.find("a") is not None
        with pytest.raises(KeysAwayError):
            await ring.find("b")
        await ring.refresh()
        assert await ring.find("a") is not None
        assert not ring.is_fresh

    in_loop(table, work)


def test_a_new_key_opens_at_once() -> None:
    """A key that was made a moment ago opens without waiting for the next regular reading."""
    table = Table()

    async def work(ring: KeyRing) -> None:
        await ring.refresh()
        table.keys = [key("new")]
        assert await ring.find("new") is not None

    in_loop(table, work)


def test_a_flood_of_wrong_keys_is_no_flood_of_queries() -> None:
    """A hundred strangers at once cause one reading, or two."""
    table = Table(key("a"))

    async def work(ring: KeyRing) -> None:
        await ring.refresh()
        found = await asyncio.gather(*(ring.find(f"wrong-{number}") for number in range(100)))
        assert found == [None] * 100

    in_loop(table, work)
    assert table.readings <= 3


# ------------------------------------------------------------------------------------------------------------ the keys


def test_a_secret_is_kept_nowhere(engine: Engine) -> None:
    """Of a secret only its hash and its first characters are kept."""
    created = write_keys.create(engine, source=" shop ", now=NOW)
    (kept,) = write_keys.listed(engine)
    assert kept == created.key
    assert kept.source == "shop"
    assert created.secret.startswith(kept.shown)
    assert len(kept.shown) < len(created.secret) / 3
    assert kept.hash == hashed(created.secret)


def test_a_key_is_revoked_once(engine: Engine) -> None:
    """A second revocation leaves the first one's instant; of a key that does not exist it is said so."""
    created = write_keys.create(engine, source="shop", now=NOW)
    first = write_keys.revoke(engine, created.key.id, NOW)
    later = write_keys.revoke(engine, created.key.id, datetime(2027, 1, 1, tzinfo=UTC))
    assert first.revoked_at == later.revoked_at == NOW
    with pytest.raises(UnknownKeyError):
        write_keys.revoke(engine, 999_999, NOW)


@pytest.mark.parametrize("source", ["", "  ", "lifecycle", " LifeCycle ", "a\nb", "x" * 256])
def test_a_source_is_a_name_and_not_ours(engine: Engine, source: str) -> None:
    """No key is made for a name that is blank, too long, unprintable or our own."""
    with pytest.raises(SourceError):
        write_keys.create(engine, source=source, now=NOW)


@pytest.mark.parametrize("rate", ["", "fast", "0/second", "-1/second", "10", "5/second;1/minute"])
def test_a_rate_is_a_number_in_a_time(engine: Engine, rate: str) -> None:
    """No key is made for a rate that cannot be read, or that lets nothing through."""
    with pytest.raises(RateError):
        write_keys.create(engine, source="shop", now=NOW, rate=rate)
