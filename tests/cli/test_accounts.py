"""``lifecycle accounts import``, and commands on accounts with odd names: on an installation of its own."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import redis
from sqlalchemy import Engine
from typer.testing import CliRunner

from orchestrator.cli.app import app
from tests.usecases.company import HOUR, MONDAY, Company
from tests.usecases.playbooks import tiny
from tests.usecases.world import Relay, World, ports_of

ODD = "[/red]"  # the terminal's markup: nothing to close
CALL = """\
  no_login:
    after: 1h since signed_up
    only_while: not login
    escalate: {template: no_login, severity: low, category: adoption, owner: csm, due: 8h}
    valid_for: 7d
"""


@pytest.fixture
def world(
    engine: Engine, database_url: str, valkey_socket: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[World]:
    """An installation that the command finds by its settings, with one account, whose clock is held."""
    found = {"DATABASE_URL": database_url, "REDIS_URL": f"unix://{valkey_socket}", "LIFECYCLE_HOME": str(tmp_path)}
    for name, value in {**found, "LIFECYCLE_CLOCK": "held", "LIFECYCLE_SHARDS": "1", "COLUMNS": "200"}.items():
        monkeypatch.setenv(name, value)
    with redis.Redis(unix_socket_path=valkey_socket) as client:
        client.flushall()
        relay = Relay()
        world = World(ports=ports_of(engine, client, relay), relay=relay, client=client)
        world.at(MONDAY)
        world.publish(tiny(CALL).replace("  measures:", "  traits: {arr: number}\n  measures:"))
        world.drain(*Company().sign_up())
        yield world


def lifecycle(*arguments: str, status: int = 0) -> str:
    """What the command says."""
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == status, (done.output, done.exception)
    return done.output


def test_a_dry_run_shows_what_would_change_and_changes_nothing(world: World, tmp_path: Path) -> None:
    """Each account with what is other than now; a bad row is named, and nothing is on the streams."""
    file = tmp_path / "a.csv"
    file.write_text("Account ID;Annual Revenue;champion.email\nacme;120,000;ann@acme.example\nbolt;much;\n")
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text("account: Account ID\n")
    named = ("--mapping", str(mapping), "--map", "arr=Annual Revenue")
    told = lifecycle("accounts", "import", str(file), *named, "--dry-run", status=1)
    assert "line 2, acme: arr (not known) → 120000; champion (not known) → ann; 1 people" in told
    assert "line 3, column Annual Revenue: arr: expected a number such as 120000, got 'much'" in told
    assert "1 of 2 rows could go in; 1 refused" in told
    assert world.pending() == 0


def test_a_file_goes_in_and_again_changes_nothing(world: World, tmp_path: Path) -> None:
    """What is imported is a fact after the next drain; the same file again is known."""
    file = tmp_path / "a.csv"
    file.write_text("account,arr\nacme,120000\n[/red],5\n")
    for _ in range(2):
        assert "2 of 2 rows are on the streams" in lifecycle("accounts", "import", str(file), "--at", "2026-03-01")
        world.drain()
    assert world.facts()["traits"]["arr"][0] == 120000
    assert world.one("SELECT count(*) FROM events WHERE kind = 'group'") == 2
    assert "nothing new" in lifecycle("accounts", "import", str(file), "--dry-run")


@pytest.mark.parametrize(
    ("mapping", "told"), [("- a", "an object of fields"), ("a: 1", "an object of fields"), ("a: [", "mapping.yaml")]
)
def test_a_mapping_that_cannot_be_used_is_refused(
    world: World, tmp_path: Path, mapping: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A mapping file that is no mapping is told by its name."""
    file = tmp_path / "mapping.yaml"
    file.write_text(mapping)
    done = CliRunner().invoke(app, ["accounts", "import", str(file), "--mapping", str(file)])
    assert told in str(done.exception)


def test_an_account_whose_id_is_markup_is_shown(world: World) -> None:
    """``account show`` and ``escalation list`` print an id that looks like the terminal's markup as it is."""
    world.drain(*Company(account=ODD, person="[bold]").sign_up())
    world.at(MONDAY + HOUR + timedelta(minutes=1))
    world.live()
    assert ODD in lifecycle("account", "show", ODD)
    assert "[bold]" in lifecycle("account", "show", ODD)
    assert ODD in lifecycle("escalation", "list")
    assert ODD in lifecycle("account", "merge", ODD, "acme")


def test_what_a_human_knows_is_logged(world: World) -> None:
    """Any event of the playbook can be said, with its properties; the list of words is at hand."""
    assert "login" in lifecycle("account", "log", "words", "acme")
    told = ("--by", "mei", "--with", "tickets=3", "--with", "note=a=b", "--at", "2026-03-01", "--person", "ann")
    assert "noted" in lifecycle("account", "log", "event", "acme", "Logged In", *told)
    world.live()
    row = world.rows("SELECT * FROM events WHERE name = 'login'")[0]
    assert row["properties"] == {"tickets": 3, "note": "a=b", "by": "mei"}


@pytest.mark.parametrize(
    ("arguments", "event"),
    [
        (("kickoff", "acme"), "kickoff_completed"),
        (("sentiment", "acme", "concerned"), "sentiment_recorded"),
        (("champion-left", "acme"), "champion_left"),
        (("scope", "acme", "--what", "two more teams"), "scope_changed"),
    ],
)
def test_the_usual_words_have_commands_of_their_own(world: World, arguments: tuple[str, ...], event: str) -> None:
    """A short command says what the long one says; here the playbook does not know the word, and it is refused."""
    done = CliRunner().invoke(app, ["account", "log", *arguments, "--by", "mei"])
    assert f"no event `{event}`" in str(done.exception)
