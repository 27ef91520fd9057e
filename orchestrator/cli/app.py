"""The table of commands. Each is a thin face of a use case; ``--help`` is held equal to the README by a test."""

import logging
import sys

import typer
from redis.exceptions import RedisError
from rich.markup import escape

from orchestrator.cli import (
    account,
    accounts,
    audit,
    doctor,
    escalation,
    events,
    keys,
    message,
    metrics,
    plan,
    playbook,
    processes,
    rejected,
    simulate,
    up,
)
from orchestrator.cli.console import err
from orchestrator.core.errors import LifecycleError
from orchestrator.runtime.servers import ServerError
from orchestrator.runtime.settings import SettingsError
from orchestrator.store.failures import Fault, fault

app = typer.Typer(
    name="lifecycle",
    help="Takes every customer account through its life, and can say why.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command("up")(up.up)
app.command("demo")(up.demo)
app.command("migrate")(processes.migrate)
app.command("worker")(processes.worker)
app.command("beat")(processes.beat)
app.command("gateway")(processes.gateway)
app.command("flower")(processes.flower)
app.command("catcher")(processes.catcher)
app.command("doctor")(doctor.doctor)
app.command("simulate")(simulate.simulate)
app.command("metrics")(metrics.metrics)
app.command("audit")(audit.audit)
app.add_typer(playbook.app, name="playbook")
app.add_typer(events.app, name="events")
app.add_typer(keys.app, name="keys")
app.add_typer(account.app, name="account")
app.add_typer(accounts.app, name="accounts")
app.add_typer(message.app, name="message")
app.add_typer(plan.app, name="plan")
app.add_typer(escalation.app, name="escalation")
app.add_typer(rejected.app, name="rejected")

USAGE = 2  # exit status: what was asked for is not in order
UNAVAILABLE = 3  # exit status: the world is not in order


def main() -> None:
    """Run a command; an error of ours or of the world is one clear text, not a trace."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        app()
    except (LifecycleError, SettingsError, ServerError) as error:
        err.print(f"[bold red]lifecycle:[/] {escape(str(error))}", markup=True, soft_wrap=True)
        sys.exit(USAGE)
    except Exception as error:
        if not isinstance(error, RedisError) and fault(error) not in {Fault.WORLD, Fault.RETRY}:
            raise
        err.print(f"lifecycle: {type(error).__name__}: {error}".splitlines()[0], markup=False, soft_wrap=True)
        sys.exit(UNAVAILABLE)
