"""One gateway for the tests that leave it whole, on a database and a broker of its own; the streams are emptied."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.playbook.source import PlaybookSource
from orchestrator.usecases.drain import drain
from orchestrator.usecases.publish import publish
from tests.broker import running_valkey
from tests.database import fresh_database
from tests.gateway.live import Gateway, live
from tests.usecases.company import Company
from tests.usecases.playbooks import tiny
from tests.usecases.world import FILES


@pytest.fixture(scope="session")
def standing(postgres_url: str, database_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("door")
    with (
        fresh_database(postgres_url, database_template) as url,
        running_valkey(folder) as socket,
        live(url, f"unix://{socket}?db=0", home=folder) as gateway,
    ):
        yield gateway


@pytest.fixture
def gateway(standing: Gateway) -> Gateway:
    """The standing gateway, with nothing on its streams."""
    standing.broker.flushall()
    return standing


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


LINKS = "a-secret-that-signs-links-in-tests-only"
CRM = "a-secret-of-a-crm"
STANDARD = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # the specification's own example
HEARD = "    kickoff_completed: [Kickoff Completed]\n    sentiment_recorded: []\n"
KEPT = "accounts, persons, identities, events, outcomes, contacts, consents, wakes, event_keys"  # of the last test
PLAYBOOK = (
    tiny()
    .replace(
        "    left: [Left]\n",
        "    left: [Left]\n    kickoff_completed: [Kickoff Completed]\n    sentiment_recorded: []\n",
    )
    .replace("  measures:", "  traits: {arr: number}\n  measures:")
    .replace("milestones:", "judgements: {champion_strong: Somebody there speaks for us}\nmilestones:")
)


@pytest.fixture(scope="session")
def informed(postgres_url: str, database_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway whose installation has a small playbook and signs links; its CRMs are those of the templates."""
    folder = tmp_path_factory.mktemp("told")
    secrets = f"hubspot={CRM} salesforce={STANDARD}"
    settings: dict[str, Any] = {"link_secret": LINKS, "crm_secrets": secrets, "shards": 1}
    with (
        fresh_database(postgres_url, database_template) as url,
        running_valkey(folder) as socket,
        live(url, f"unix://{socket}?db=0", home=folder, public_url="https://in.vendor.example", **settings) as gateway,
    ):
        publish(gateway.door.ports, PlaybookSource(file="test.yaml", text=PLAYBOOK, templates=FILES))
        yield gateway


@pytest.fixture
def told(informed: Gateway) -> Gateway:
    """That gateway with one fresh account, and nothing on its streams."""
    informed.broker.flushall()
    with informed.door.ports.engine.begin() as connection:
        connection.exec_driver_sql(
            "TRUNCATE accounts, persons, identities, events, outcomes, contacts, consents, wakes, event_keys"
        )
        now = informed.door.ports.clock.now(connection)
    informed.door.ports.streams.publish(Company().sign_up(now))
    drain(informed.door.ports, 0, "test")
    informed.broker.flushall()
    return informed
