"""``lifecycle escalation``: the open work of humans, and what each of them is handed."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from orchestrator.cli.console import installed, out
from orchestrator.cli.link import DAYS, FORM, can_link, link_to
from orchestrator.core.errors import LifecycleError
from orchestrator.runtime.composition import Installation
from orchestrator.store import observation
from orchestrator.usecases.handouts import handout

app = typer.Typer(help="Escalations: work that was handed to a human.", no_args_is_help=True)


class NoOpenWorkError(LifecycleError):
    """No such work is open; ``lifecycle escalation list`` names what is."""


@app.command("list")
def listed(
    owner: Annotated[str | None, typer.Option("--owner", help="Only this role's, or this person's.")] = None,
) -> None:
    """List the open work of all accounts, the first due first."""
    with installed() as installation, installation.ports.engine.connect() as connection:
        now = installation.ports.clock.now(connection)
        table = Table("due", "severity", "owner", "account", "play", "what")
        for row in observation.open_escalations(connection, owner=owner):
            late = ", late" if row["due_at"] < now else ""
            table.add_row(
                f"{row['due_at']:%Y-%m-%d %H:%M} UTC{late}",
                *(escape(row[column]) for column in ("severity", "owner", "account_id", "play", "title")),
            )
    out.print(table)


@app.command()
def show(
    account_id: Annotated[str, typer.Argument(metavar="ACCOUNT", help="The account's id in the product.")],
    play: Annotated[str | None, typer.Argument(help="The work of one play only.")] = None,
) -> None:
    """Show what the owner of an account's open work is handed: why, what to do, agenda, checklist, draft mail."""
    with installed() as installation, installation.ports.engine.connect() as connection:
        rows: Sequence[Mapping[str, Any]] = observation.open_escalations(connection, account=account_id, play=play)
        if not rows:
            raise NoOpenWorkError
        for row in rows:
            note = handout(installation.ports, connection, row)
            told = (
                f"{row['severity']}, {row['owner']}, until {row['due_at']:%Y-%m-%d %H:%M} UTC, opened by {row['play']}"
            )
            out.print(f"\n{note.title}\n{told}\n\n{note.body}", markup=False, highlight=False, soft_wrap=True)
        _print_links(installation, sorted({row["account_id"] for row in rows}))


def _print_links(installation: Installation, account_ids: Sequence[str]) -> None:
    """Where what came of it can be said, if links can be minted here."""
    for account_id in account_ids if can_link(installation.settings) else ():
        address, ends = link_to(installation, account_id, FORM, DAYS)
        told = f"Say what came of it, until {ends:%Y-%m-%d}: {address}"
        out.print(f"\n{told}", markup=False, soft_wrap=True)
