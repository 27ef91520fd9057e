"""What Prometheus is told of an installation, and what it costs."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import redis
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from orchestrator.insight.counting import count
from orchestrator.intake.streams import Streams
from orchestrator.runtime import exporter
from orchestrator.runtime.exporter import METRICS, Figures, collectors, read
from orchestrator.store.engine import create_engine
from orchestrator.usecases.prune import prune
from tests.usecases.company import DAY, HOUR, MONDAY, Company
from tests.usecases.playbooks import DIVIDED, tiny
from tests.usecases.world import World, counted


def told(world: World) -> dict[str, Any]:
    """Each figure by its name and labels, as Prometheus would read it."""
    registry = CollectorRegistry()
    for each in collectors(world.ports, most_waiting=1000):
        registry.register(each)
    page = generate_latest(registry).decode()
    return {
        " ".join((sample.name, *sample.labels.values())): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


def test_what_waits_in_a_shard_is_told(world: World) -> None:
    """Entries that wait, those that a drain holds, and how long and how often, are told by shard."""
    world.send(*Company().sign_up(), *Company(account="umbrella").sign_up())
    world.ports.streams.read(0, "drain", 2)
    figures = told(world)
    assert figures["lifecycle_shard_waiting_entries 0"] == 2
    assert figures["lifecycle_shard_pending_entries 0"] == 2
    assert figures["lifecycle_shard_oldest_pending_deliveries 0"] == 1
    assert 0 <= figures["lifecycle_shard_oldest_entry_age_seconds 0"] < 60
    assert figures["lifecycle_shard_limit_entries"] == 1000
    assert figures["lifecycle_streams_memory_bytes"] > 0
    assert figures["lifecycle_source_up streams"] == figures["lifecycle_source_up database"] == 1


def test_what_is_due_is_told_with_its_age(world: World) -> None:
    """Accounts that are due, outcomes that nobody folded, and mail that may leave are told with how long they wait."""
    world.drain(*Company().sign_up())
    world.at(MONDAY + 3 * HOUR)
    figures = told(world)
    assert figures["lifecycle_due_accounts"] + figures["lifecycle_messages_sendable"] >= 1
    world.at(MONDAY + HOUR)
    world.wake()
    world.at(MONDAY + 3 * HOUR)
    figures = told(world)
    assert figures["lifecycle_messages_sendable"] == figures["lifecycle_messages pending"] == 1
    assert figures["lifecycle_messages_sendable_oldest_age_seconds"] >= 7200
    world.deliver()
    figures = told(world)
    assert figures["lifecycle_outcomes_waiting"] == 1
    assert figures["lifecycle_messages_sendable"] == 0


def test_what_needs_a_human_is_told(world: World) -> None:
    """Hand-overs of unknown end, accounts that cannot be decided, and open work are told as they stand now."""
    world.publish(tiny(DIVIDED))
    ann = Company()
    world.drain(*ann.sign_up(), ann.track("Logged In", MONDAY, tickets=0))
    world.run("UPDATE messages SET state = 'unknown'")
    world.at(MONDAY + timedelta(seconds=30))
    figures = told(world)
    assert figures["lifecycle_parked_accounts"] == 1
    assert figures["lifecycle_parked_oldest_age_seconds"] == 30
    assert figures["lifecycle_messages unknown"] == world.one("SELECT count(*) FROM messages")


def test_whole_counts_come_from_the_last_census(world: World) -> None:
    """Accounts by stage, ended messages and rejected entries are told as counted, with the age of the count."""
    world.drain(*Company().sign_up(), b"poison")
    world.live()
    assert "lifecycle_accounts young" not in told(world)
    count(world.ports)
    figures = told(world)
    assert figures["lifecycle_accounts young"] == 1
    assert figures["lifecycle_messages sent"] == 1
    assert figures["lifecycle_rejected_events not_json"] == 1
    assert figures["lifecycle_parked_events"] == 0
    assert 0 <= figures["lifecycle_census_age_seconds accounts"] < 60


def test_months_ahead_and_rows_in_default_are_told(world: World) -> None:
    """Without a prune no month is there and rows go to DEFAULT; after it three months are, and that is told."""
    world.drain(*Company().sign_up())
    figures = told(world)
    assert figures["lifecycle_partition_months_ahead events"] == 0
    assert figures["lifecycle_partition_default_used events"] == 1
    prune(world.ports)
    figures = told(world)
    assert figures["lifecycle_partition_months_ahead messages"] == 3
    assert figures["lifecycle_partition_default_used journal"] == 0
    world.at(MONDAY + 95 * DAY)
    assert told(world)["lifecycle_partition_months_ahead messages"] == 0


def test_a_source_that_is_away_is_told_and_the_other_goes_on(world: World) -> None:
    """Without the database or without the streams a scrape answers, with the figures of the other."""
    nowhere = create_engine("postgresql://nobody@127.0.0.1:1/none")
    away = redis.Redis(port=1)
    for ports, gone, there in (
        (replace(world.ports, engine=nowhere), "database", "streams"),
        (replace(world.ports, streams=Streams(away, 1)), "streams", "database"),
    ):
        figures = {(name, labels): value for name, labels, value in read(ports)}
        assert figures["lifecycle_source_up", (gone,)] == 0
        assert figures["lifecycle_source_up", (there,)] == 1
        assert len(figures) > 5


def test_every_figure_is_in_the_table(world: World) -> None:
    """Nothing is told that the table of metrics does not name, with just its labels."""
    count(world.ports)
    for name, labels, _ in read(world.ports):
        assert len(labels) == len(METRICS[name].labels)


def test_scrapes_at_once_share_a_reading(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two scrapes within two seconds read the servers once; registering reads nothing."""
    with counted(world.engine) as statements:
        figures = Figures(world.ports)
        figures.describe()
        assert statements == []
        first = list(figures.collect())
        once = len(statements)
        assert [each.samples for each in figures.collect()] == [each.samples for each in first]
        assert len(statements) == once <= 25
        monkeypatch.setattr(exporter, "FRESH_SECONDS", 0.0)
        figures._good_until = 0.0
        list(figures.collect())
        assert len(statements) == 2 * once
