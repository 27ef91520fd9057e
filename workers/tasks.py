"""The tasks: one call of a use case each, with ids as arguments. Their names are what Flower shows."""

from orchestrator.insight.counting import count
from orchestrator.insight.measuring import measure
from orchestrator.usecases.deliver import deliver
from orchestrator.usecases.drain import drain
from orchestrator.usecases.prune import prune
from orchestrator.usecases.rescue import rescue
from orchestrator.usecases.wake import wake
from workers.app import app, installation, worker_name


@app.task(name="lifecycle.drain")
def drain_shard(shard: int) -> None:
    """Decide the events that wait in a shard."""
    drain(installation().ports, shard, worker_name())


@app.task(name="lifecycle.wake")
def wake_accounts() -> None:
    """Decide the accounts whose time has come."""
    wake(installation().ports)


@app.task(name="lifecycle.deliver")
def deliver_messages() -> None:
    """Hand over the messages that may leave."""
    deliver(installation().ports, worker_name())


@app.task(name="lifecycle.rescue")
def rescue_messages() -> None:
    """Take back what a lost process held."""
    rescue(installation().ports)


@app.task(name="lifecycle.prune")
def prune_tables() -> None:
    """Make partitions ahead, drop old ones, rotate event keys."""
    prune(installation().ports)


@app.task(name="lifecycle.measure")
def measure_figures() -> None:
    """Keep the figures of the day, open and close alerts on all accounts together."""
    measure(installation().ports)


@app.task(name="lifecycle.count")
def count_tables() -> None:
    """Count whole tables for the metrics, as often as that is cheap."""
    count(installation().ports)
