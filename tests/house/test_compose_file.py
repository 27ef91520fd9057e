"""docker-compose.yml without an engine: the published schema, commands that exist, nothing secret by default."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from typer.core import TyperGroup
from typer.main import get_command

from orchestrator.cli.app import app
from orchestrator.runtime.servers.postgres import TUNABLE, shared_megabytes
from orchestrator.runtime.settings import Settings
from tests.house.source import HOUSE

COMPOSE = HOUSE / "docker-compose.yml"
SCHEMA = HOUSE / "tests" / "inputs" / "compose-spec" / "compose-spec.json"
EXAMPLE = HOUSE / ".env.example"
VARIABLE = re.compile(r"(?<!\$)\$\{(?P<name>\w+)(?P<otherwise>[^}]*)\}")
SECRET = re.compile(r"PASSWORD|SECRET|TOKEN|KEY|_USER$|SMTP_URL|DATABASE_URL|REDIS_URL|STREAM_URL")
# What somebody might write into .env.
FILLED_IN = {
    "POSTGRES_PASSWORD": "d41d8cd98f00",
    "REDIS_PASSWORD": "b204e9800998",
    "SMTP_URL": "smtp://catcher:1025",
    "MAIL_FROM": "Ada at Example <ada@example.com>",
    "MAIL_DOMAIN": "example.com",
    "MAIL_POSTAL_ADDRESS": "1 Example Street, Exampleton",
    "MAIL_UNSUBSCRIBE": "unsubscribe@example.com",
    "PRODUCT_NAME": "Example",
    "PRODUCT_URL": "https://app.example.com",
    "FLOWER_USER": "watcher",
    "FLOWER_PASSWORD": "ecf8427e",
}

Service = dict[str, Any]


def compose() -> dict[str, Any]:
    """The file with its anchors resolved and its variables as they are written."""
    loaded: dict[str, Any] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
    return loaded


def services() -> dict[str, Service]:
    """The services by name."""
    found: dict[str, Service] = compose()["services"]
    return found


def ours() -> dict[str, Service]:
    """The services that run our image."""
    return {name: each for name, each in services().items() if "lifecycle-orchestrator" in each["image"]}


def lifecycle_commands() -> Iterator[tuple[str, list[str]]]:
    """Every `lifecycle …` that the file runs, as a service or as its health check, by the service's name."""
    for name, service in services().items():
        for argv in (service.get("command", []), service.get("healthcheck", {}).get("test", [])[1:]):
            if argv[:1] == ["lifecycle"]:
                yield name, [VARIABLE.sub("2", word) for word in argv[1:]]


def filled_in(text: str) -> str:
    """A value as it is once .env is filled in."""
    return VARIABLE.sub(lambda found: FILLED_IN.get(found["name"], found["otherwise"].removeprefix(":-")), text)


def uncommented() -> list[str]:
    """The file's lines without its comments, where a variable would only be spoken of."""
    return [line for line in COMPOSE.read_text(encoding="utf-8").splitlines() if not line.lstrip().startswith("#")]


def variables() -> list[tuple[str, str]]:
    """Every use of a variable: its name, and what stands for it when it is not set."""
    return [(found["name"], found["otherwise"]) for line in uncommented() for found in VARIABLE.finditer(line)]


def example() -> list[tuple[str, str, str]]:
    """The lines of .env.example: the line above, the name, the value."""
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    pairs = zip(["", *lines], lines, strict=False)
    return [(above, *line.split("=", 1)) for above, line in pairs if "=" in line and not line.startswith("#")]  # type: ignore[misc]  # split gives two


def test_it_is_what_the_schema_asks() -> None:
    """The file is valid under the published schema of the Compose Specification."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    faults = [
        f"{list(fault.absolute_path)}: {fault.message}" for fault in Draft202012Validator(schema).iter_errors(compose())
    ]
    assert not faults, faults


def test_the_schema_finds_what_is_wrong() -> None:
    """A misspelt key is found, so that the test above can fail."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    broken = compose()
    broken["services"]["worker"]["comand"] = "lifecycle worker"
    assert not Draft202012Validator(schema).is_valid(broken)


@pytest.mark.parametrize(("service", "argv"), list(lifecycle_commands()))
def test_every_command_exists(service: str, argv: list[str]) -> None:
    """What a service runs is a command of the CLI, with options and values that it takes."""
    group = get_command(app)
    assert isinstance(group, TyperGroup)
    root = group.make_context("lifecycle", ["--help"], resilient_parsing=True)
    command = group.get_command(root, argv[0])
    assert command is not None, f"{service}: `lifecycle {argv[0]}` does not exist"
    assert command.make_context(argv[0], argv[1:], parent=root).command is command


def test_postgresql_is_set_as_our_own() -> None:
    """PostgreSQL is set as one of our own on a machine of 4 GiB; nothing of its durability is touched."""
    settings = {"shared_buffers": f"{shared_megabytes(4 * 2**30)}MB"}
    settings |= {name: TUNABLE[name] for name in ("max_wal_size", "checkpoint_timeout")}
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    assert services()["postgres"]["command"] == ["postgres", *options]


def test_every_part_is_there() -> None:
    """The file runs broker, database, migration, workers, beat, gateway, Flower behind its door, and the catcher."""
    assert set(services()) == {
        "redis", "postgres", "migrate", "worker", "beat", "gateway", "flower", "flower-door", "catcher",
    }  # fmt: skip


@pytest.mark.parametrize("name", sorted(services()))
def test_what_runs_on_is_watched_and_restarted(name: str) -> None:
    """Each service that runs on has a health check and a restart policy; the migration ends, and others wait for it."""
    service = services()[name]
    assert service["restart"]
    assert ("healthcheck" in service) is (name != "migrate")


@pytest.mark.parametrize("name", ["worker", "beat", "gateway"])
def test_nothing_decides_before_the_tables_are_right(name: str) -> None:
    """Workers, beat and gateway wait for a healthy broker and database and for the finished migration."""
    waits = {other: each["condition"] for other, each in services()[name]["depends_on"].items()}
    assert waits == {
        "postgres": "service_healthy",
        "redis": "service_healthy",
        "migrate": "service_completed_successfully",
    }


@pytest.mark.parametrize("name", sorted(ours()))
def test_the_settings_are_ones_that_exist(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a service of ours is told by its environment is a setting, in the form that the settings take."""
    told = {key: filled_in(value) for key, value in services()[name]["environment"].items()}
    assert set(told) <= {setting.name for setting in Settings.table()}
    for key, value in told.items():
        monkeypatch.setenv(key, value)
    assert isinstance(Settings.load(), Settings)


def test_workers_can_be_many() -> None:
    """A worker has no name and no port of its own, so that `--scale worker=3` works."""
    assert not {"container_name", "ports", "hostname"} & set(services()["worker"])


def test_only_the_doors_are_open() -> None:
    """Two services publish a port, on this host's own address by default: not Flower, and not the gateway's figures."""
    published = {name: each["ports"] for name, each in services().items() if "ports" in each}
    assert published == {
        "flower-door": ["${FLOWER_BIND:-127.0.0.1}:${FLOWER_PORT:-5555}:8080"],
        "gateway": ["${GATEWAY_BIND:-127.0.0.1}:${GATEWAY_PORT:-8080}:8080"],
    }


def test_flower_is_shut_from_all_sides() -> None:
    """Flower asks for a password, and the door before it asks for it on every path, /metrics and /healthcheck too."""
    assert "FLOWER_BASIC_AUTH" in services()["flower"]["environment"]
    door = compose()["configs"]["flower-door"]["content"]
    outside, location, _ = door.partition("location")
    assert location
    assert "auth_basic_user_file" in outside
    assert "auth_basic off" not in door
    assert door.count("location") == 1


def test_the_broker_keeps_what_it_accepts() -> None:
    """The broker writes an append-only file, evicts nothing, and asks for a password."""
    settings = dict(line.split(" ", 1) for line in compose()["configs"]["redis"]["content"].splitlines())
    assert settings["appendonly"] == "yes"
    assert settings["appendfsync"] == "always"
    assert settings["maxmemory-policy"] == "noeviction"
    assert settings["requirepass"].startswith("${REDIS_PASSWORD:?")


def test_data_outlives_its_container() -> None:
    """Broker and database keep their data in volumes; that of PostgreSQL 18 is the parent of its data folder."""
    assert services()["redis"]["volumes"] == ["redis-data:/data"]
    assert services()["postgres"]["volumes"] == ["postgres-data:/var/lib/postgresql"]


def test_the_catcher_is_for_development() -> None:
    """Only a development installation catches mail; every other one must say where mail goes."""
    assert [name for name, each in services().items() if each.get("profiles") == ["dev"]] == ["catcher"]


SWITCHED_OFF = {("LINK_SECRET", ":-"), ("CRM_SECRETS", ":-")}  # without them there are no links and no CRM's webhooks


def test_nothing_secret_has_a_default() -> None:
    """Passwords, users and addresses that hold them must be set, wherever they are read."""
    lax = [
        name + otherwise
        for name, otherwise in variables()
        if SECRET.search(name) and not otherwise.startswith(":?") and (name, otherwise) not in SWITCHED_OFF
    ]
    assert not lax, lax


def test_no_service_has_a_secret_written_in() -> None:
    """No environment holds a password or an address with one other than by variable."""
    written = [
        (name, key)
        for name, service in services().items()
        for key, value in service.get("environment", {}).items()
        if SECRET.search(key) and key != "POSTGRES_USER" and "${" not in value
    ]
    assert not written, written


@pytest.mark.parametrize("name", sorted(ours()))
def test_our_services_have_no_rights_to_spare(name: str) -> None:
    """What runs our image has no capabilities and cannot gain any."""
    assert services()[name]["cap_drop"] == ["ALL"]
    assert services()[name]["security_opt"] == ["no-new-privileges:true"]


def test_the_example_lists_what_is_read() -> None:
    """.env.example has each variable of the compose file, once, and no other."""
    listed = [name for _, name, _ in example()]
    assert sorted(listed) == sorted({name for name, _ in variables()})


def test_the_example_explains_each_line() -> None:
    """Each variable of .env.example stands under a comment."""
    assert not [name for above, name, _ in example() if not (above.startswith("# ") or above == "")]


def test_the_example_starts_nothing() -> None:
    """What must be set is empty in .env.example; what has a default shows that default."""
    values = {name: value for _, name, value in example()}
    expected = {
        name: otherwise.removeprefix(":-") if otherwise.startswith(":-") else "" for name, otherwise in variables()
    }
    assert values == expected
