"""The metrics are documented, named as Prometheus asks, and the alerts that the README proposes can fire."""

import re

import yaml

from orchestrator.gateway.figures import figures
from orchestrator.runtime.exporter import METRICS, SOURCES
from tests.house.source import HOUSE

GATEWAY = "lifecycle_gateway_"
README = (HOUSE / "README.md").read_text(encoding="utf-8")


def told() -> list[tuple[str, tuple[str, ...], str]]:
    """The rows of the README's tables of metrics: name, labels, help."""
    rows = re.findall(r"^\| `(lifecycle_[a-z_]+)` \| ([^|]*) \| (.+) \|$", README, flags=re.MULTILINE)
    return [(name, tuple(re.findall(r"`(\w+)`", labels)), help_text) for name, labels, help_text in rows]


def counted() -> list[tuple[str, str]]:
    """What a gateway counts: name as Prometheus reads it, and help."""
    families = figures().registry.collect()
    return [(f"{each.name}_total" if each.type == "counter" else each.name, each.documentation) for each in families]


def test_every_metric_is_in_the_readme() -> None:
    """The README's table of metrics is the exporter's, in its order, and that of a gateway is the gateway's."""
    ours = [row for row in told() if not row[0].startswith(GATEWAY)]
    assert ours == [(metric.name, metric.labels, metric.help) for metric in METRICS.values()]
    assert [(name, help_text) for name, _, help_text in told() if name.startswith(GATEWAY)] == counted()


def test_metrics_are_named_by_the_conventions() -> None:
    """A name is ours, in lower case, says its base unit last where it has one, and claims no counter."""
    for metric in METRICS.values():
        assert re.fullmatch(r"lifecycle(_[a-z]+)+", metric.name)
        assert not metric.name.endswith(("_total", "_milliseconds", "_minutes", "_count"))
        assert ("how long" in metric.help.casefold()) <= metric.name.endswith("_seconds"), metric.name
        assert metric.help.endswith(".")


def test_no_label_is_unbounded() -> None:
    """Labels are shards, sources, tables and closed lists of words: never an account, a person or a message."""
    labels = {label for metric in METRICS.values() for label in metric.labels}
    assert labels == {"source", "shard", "state", "stage", "reason", "table", "severity"}
    assert set(SOURCES) == {"streams", "database"}


def test_the_alerts_of_the_readme_ask_for_metrics_that_exist() -> None:
    """Each alert rule has an expression over our metrics and a sentence that says what to look at."""
    (block,) = (block for block in re.findall(r"```yaml\n(.*?)```", README, flags=re.DOTALL) if "alert:" in block)
    (group,) = yaml.safe_load(block)["groups"]
    assert len({rule["alert"] for rule in group["rules"]}) == len(group["rules"]) > 5
    for rule in group["rules"]:
        named = re.findall(r"lifecycle_\w+", rule["expr"])
        assert named
        assert set(named) <= set(METRICS), rule["alert"]
        assert rule["annotations"]["summary"]
