"""``lifecycle message``: hand-overs whose end nobody knows, and what became of them."""

from typing import Annotated
from uuid import UUID

import typer
from rich.table import Table

from orchestrator.cli.console import installed, out
from orchestrator.messaging.compose import mail_id
from orchestrator.store import observation
from orchestrator.usecases.reconcile import reconcile

app = typer.Typer(help="Messages: what is said to whom.", no_args_is_help=True)


@app.command()
def unknown() -> None:
    """List the messages whose hand-over is uncertain, with the Message-ID to look for in the relay's log."""
    with installed() as installation, installation.ports.engine.connect() as connection:
        table = Table("message", "account", "play", "handed over at", "Message-ID")
        for row in observation.unknown(connection):
            header = mail_id(row["id"], installation.ports.mailing.sender.domain)
            table.add_row(str(row["id"]), row["account_id"], row["play"], str(row["sending_at"]), header)
    out.print(table)


@app.command()
def settle(
    message_id: Annotated[UUID, typer.Argument(help="The message.")],
    arrived: Annotated[bool, typer.Option("--arrived/--lost", help="What the relay's log says of its Message-ID.")],
) -> None:
    """Settle an uncertain message: it arrived, or it is lost and goes again while it is still valid."""
    with installed() as installation:
        reconcile(installation.ports, message_id, arrived=arrived)
    out.print("sent" if arrived else "pending again")
