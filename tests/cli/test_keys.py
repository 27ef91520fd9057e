"""``lifecycle keys``: made, listed, revoked, in this process and on a database of its own."""

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner

from orchestrator.cli.app import app
from orchestrator.core.errors import LifecycleError
from orchestrator.usecases import write_keys
from orchestrator.usecases.write_keys import RateError, SourceError, UnknownKeyError, hashed


@pytest.fixture(autouse=True)
def installation(database_url: str, valkey_socket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers of the tests' own, by the variables that a person would set."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("REDIS_URL", f"unix://{valkey_socket}?db=0")
    monkeypatch.setenv("COLUMNS", "200")


def said(*arguments: str) -> str:
    """What the command prints; its error is raised as it is."""
    result = CliRunner().invoke(app, ["keys", *arguments], catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def test_a_secret_is_the_last_line_and_shown_once(engine: Engine) -> None:
    """The last line of `keys create` is the secret; `keys list` shows how it begins, and its source and rate."""
    secret = said("create", "shop", "--rate", "100/second").splitlines()[-1]
    (key,) = write_keys.listed(engine)
    assert key.hash == hashed(secret)
    listed = said("list")
    assert all(word in listed for word in ("shop", "100/second", key.shown))
    assert secret not in listed


def test_a_revoked_key_is_listed_as_such(engine: Engine) -> None:
    """`keys revoke` takes a key back by its number, and the list says since when."""
    said("create", "shop")
    (key,) = write_keys.listed(engine)
    assert said("revoke", str(key.id)) == f"key {key.id} of shop is revoked\n"
    (revoked,) = write_keys.listed(engine)
    assert revoked.revoked_at is not None
    assert f"{revoked.revoked_at:%Y-%m-%d %H:%M}" in said("list")


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("create", "lifecycle"), SourceError),
        (("create", "shop", "--rate", "fast"), RateError),
        (("revoke", "999"), UnknownKeyError),
    ],
)
def test_what_cannot_be_is_refused_with_what_to_do(arguments: tuple[str, ...], error: type[LifecycleError]) -> None:
    """Our own name as a source, a rate that is none and a key that is not there are refused in a sentence."""
    with pytest.raises(error) as caught:
        said(*arguments)
    assert str(caught.value).endswith(".")
