"""Bringing the past, from the command line: imported, shown, taken live; what was refused is mended."""

import gzip
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import orjson
import pytest
import redis
from sqlalchemy import Engine
from typer.testing import CliRunner

from orchestrator.cli.app import app
from orchestrator.core.errors import LifecycleError
from tests.usecases.company import MONDAY
from tests.usecases.playbooks import tiny
from tests.usecases.world import Relay, World, ports_of

pytestmark = pytest.mark.timeout(180)

NOW = MONDAY


def call(number: int, days_ago: float, event: str | None, account: str = "acme") -> bytes:
    """Something that happened at an account."""
    said = {
        "type": "track",
        "messageId": f"{account}-{number}",
        "userId": f"u-{account}",
        "event": event,
        "timestamp": (NOW - timedelta(days=days_ago)).isoformat(),
        "context": {"groupId": account},
        "properties": {"note": "\x1b[31m [red]"},
    }
    return orjson.dumps({name: value for name, value in said.items() if value is not None})


@pytest.fixture
def world(
    engine: Engine, database_url: str, valkey_socket: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[World]:
    """An empty installation that the command finds by its settings, whose clock is held."""
    found = {"DATABASE_URL": database_url, "REDIS_URL": f"unix://{valkey_socket}", "LIFECYCLE_HOME": str(tmp_path)}
    for name, value in {
        **found,
        "LIFECYCLE_CLOCK": "held",
        "LIFECYCLE_SHARDS": "1",
    }.items():
        monkeypatch.setenv(name, value)
    with redis.Redis(unix_socket_path=valkey_socket) as client:
        client.flushall()
        relay = Relay()
        world = World(ports=ports_of(engine, client, relay), relay=relay, client=client)
        world.at(NOW)
        world.publish(tiny())
        yield world


def ran(*arguments: str, given: bytes | str | None = None, status: int = 0) -> str:
    """What a command says."""
    done = CliRunner().invoke(app, list(arguments), input=given)
    assert done.exit_code == status, (done.output, done.exception)
    return done.output


def refusal(*arguments: str) -> str:
    """Why a command does nothing."""
    done = CliRunner().invoke(app, list(arguments))
    assert isinstance(done.exception, LifecycleError), done.output
    return str(done.exception)


def test_the_past_of_a_customer_from_files_to_life(world: World, tmp_path: Path) -> None:
    """Imported from lines, rows and a pipe, an account is held, shown as such, planned, taken back and taken live."""
    first, second = tmp_path / "a [red].jsonl.gz", tmp_path / "b.csv"
    first.write_bytes(gzip.compress(call(1, 240, "Signed Up") + b"\n" + call(2, 1, None) + b"\n{\n"))
    second.write_text(f"org,did,when\nacme,Logged In,{NOW - timedelta(days=2):%Y-%m-%d}\n")
    assert "Say `--history`" in refusal("events", "import", str(first))
    assert "there is no file" in refusal("events", "import", str(tmp_path / "none"), "--history")
    told = ran("events", "import", str(first), "--history")
    assert "3 lines: 1 events are new, 0 were known, 2 refused" in told
    assert "a [red].jsonl.gz:2: missing_field: event" in told
    assert "a [red].jsonl.gz:3: not_json" in told
    words = [f"--map={each}" for each in ("account=org", "event=did", "time=when")]
    assert "1 events are new" in ran("events", "import", str(second), "--history", *words)
    assert "1 events are new" in ran("events", "import", "-", "--history", given=call(9, 9, "Signed Up", "other"))
    assert "it goes live when `lifecycle accounts go-live` says so" in ran("account", "show", "acme")
    plan = ran("accounts", "go-live", "--per-hour", "1", "--order", "oldest", given="n\n", status=1)
    for word in ("2 held accounts go live", "where they go live", "skipped as history", "what comes due then"):
        assert word in plan
    assert "2 accounts go live" in ran("accounts", "go-live", "--from", "2200-01-01", "--per-day", "24", "--yes")
    assert re.search(r"goes live on 2200-01-01 0[01]:00 UTC", ran("account", "why", "acme"))
    assert "no account that is meant is held" in ran("accounts", "go-live", "--yes")
    assert "1 accounts are held until further notice" in ran("accounts", "go-live", "acme", "--cancel", "--yes")
    assert "1 accounts go live" in ran("accounts", "go-live", "--at-once", "--yes", "--sample", "1")
    assert "say one pace" in refusal("accounts", "go-live", "--per-day", "1", "--at-once").lower()
    assert "expects a date" in refusal("accounts", "go-live", "--from", "soon")
    assert "one account a line" in refusal("accounts", "go-live", "--only", "none")


def test_what_was_refused_is_found_mended_and_dropped(world: World, tmp_path: Path) -> None:
    """Listed by reason, shown whole and harmless, put back with a corrected call, dropped by somebody."""
    file = tmp_path / "bad.jsonl"
    file.write_bytes(call(20, 3, None, "bad") + b"\n[1,\n" + call(21, 3, "Logged In", "bad"))
    ran("events", "import", str(file), "--history")
    clash = tmp_path / "clash.jsonl"
    clash.write_bytes(call(21, 4, "Logged In", "bad"))
    assert "clash.jsonl:1: conflict" in ran("events", "import", str(clash), "--history")
    listed = ran("rejected", "list")
    assert all(reason in listed for reason in ("missing_field", "not_json", "conflict"))
    number = found(world, "conflict")
    told = ran("rejected", "show", number)
    assert "the one that stands: track 'Logged In'" in told
    assert "messageId of its own" in told
    assert "\x1b" not in told
    assert "[red]" in told
    assert "their id is another event's" in ran("rejected", "retry", "--reason", "conflict")
    mended = tmp_path / "mended.json"
    mended.write_bytes(call(22, 4, "Logged In", "bad"))
    assert "1 put back" in ran("rejected", "retry", number, "--edit", str(mended), "--by", "mei")
    assert "retried at" in ran("rejected", "show", number)
    missing = found(world, "missing_field")
    assert "1 put back" in ran("rejected", "retry", missing, "--edit", "-", given=call(20, 3, "Logged In", "bad"))
    ran("rejected", "drop", "--all", "--why", "tests", given="n\n", status=1)
    assert "dropped" in ran("rejected", "drop", "--since", "1h", "--why", "tests", "--yes", "--by", "mei")
    assert "nothing that was rejected is open" in ran("rejected", "list")
    assert "none of them is open" in ran("rejected", "drop", "--all", "--why", "tests", "--yes")
    assert "older ones: --before" in ran("rejected", "list", "--all", "--most", "1")
    assert "Say which" in refusal("rejected", "retry")
    assert "did you mean" in refusal("rejected", "list", "--reason", "not_jsn")
    assert "expects a span" in refusal("rejected", "list", "--since", "lately")
    assert "one entry" in refusal("rejected", "retry", "1", "2", "--edit", str(mended))
    assert "no rejected entry" in refusal("rejected", "show", "999999")


def found(world: World, reason: str) -> str:
    """The number of the entry refused for this reason."""
    return str(world.one("SELECT id FROM rejected_events WHERE reason = :reason", reason=reason))
