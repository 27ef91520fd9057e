"""``lifecycle message``: drafts that wait for a person, and hand-overs whose end nobody knows."""

from typing import Annotated
from uuid import UUID

import typer
from rich.markup import escape
from rich.table import Table

from orchestrator.cli.console import installed, out
from orchestrator.messaging.compose import mail_id
from orchestrator.store import observation
from orchestrator.usecases import drafts as waiting_drafts
from orchestrator.usecases.reconcile import reconcile

app = typer.Typer(help="Messages: what is said to whom.", no_args_is_help=True)


@app.command()
def unknown() -> None:
    """List the messages whose hand-over is uncertain, with the Message-ID to look for in the relay's log."""
    with installed() as installation, installation.ports.engine.connect() as connection:
        table = Table("message", "account", "play", "handed over at", "Message-ID")
        for row in observation.unknown(connection):
            header = mail_id(row["id"], installation.ports.mailing.sender.domain)
            table.add_row(str(row["id"]), escape(row["account_id"]), row["play"], str(row["sending_at"]), header)
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


Draft = Annotated[UUID, typer.Argument(metavar="MESSAGE", help="The draft, as `lifecycle message drafts` lists it.")]
By = Annotated[str, typer.Option("--by", help="Who says so: kept in the account's journal.")]


@app.command()
def drafts(
    account: Annotated[str | None, typer.Option("--account", help="Only this account's.")] = None,
    read: Annotated[bool, typer.Option("--read", help="The whole text of each, as it would leave.")] = False,
) -> None:
    """List the drafts that wait for a person to approve them, and until when that is possible."""
    with installed() as installation:
        listed = list(waiting_drafts.waiting(installation.ports, account))
    table = Table("message", "account", "play", "to", "subject", "until")
    for message, text in listed:
        until = f"{message.not_after:%Y-%m-%d %H:%M} UTC"
        told = map(escape, (message.account, message.play, message.person, text.splitlines()[0]))
        table.add_row(str(message.id), *told, until)
    out.print(table)
    for message, text in listed if read else ():
        out.print(f"\n{message.id}\n{text}", markup=False)


@app.command()
def approve(message_id: Draft, by: By) -> None:
    """Approve a draft: it leaves as soon as the window and the caps allow, while it is still valid."""
    with installed() as installation:
        waiting_drafts.approve(installation.ports, message_id, by)
    out.print("approved")


@app.command()
def discard(message_id: Draft, by: By) -> None:
    """Discard a draft: it will not be sent."""
    with installed() as installation:
        waiting_drafts.discard(installation.ports, message_id, by)
    out.print("discarded")
