"""``lifecycle keys``: who may bring events to the gateway."""

from typing import Annotated

import typer
from rich.table import Column, Table

from orchestrator.cli.console import installed, out
from orchestrator.usecases import write_keys

app = typer.Typer(help="Keys: who may bring events to the gateway, and under which source.", no_args_is_help=True)


@app.callback()
def keys() -> None:
    """Keys: who may bring events to the gateway, and under which source."""


@app.command()
def create(
    source: Annotated[str, typer.Argument(help="Under what name everything counts that comes with the key.")],
    rate: Annotated[
        str, typer.Option(help="How many events it may bring, as 100/second or 5000/minute.")
    ] = write_keys.RATE,
) -> None:
    """Make a write key for a source; its secret is the last line, shown once and kept nowhere."""
    with installed() as installation:
        engine = installation.ports.engine
        with engine.connect() as connection:
            now = installation.ports.clock.now(connection)
        created = write_keys.create(engine, source=source, rate=rate, now=now)
    out.print(f"key {created.key.id} for {created.key.source}, {created.key.rate}", markup=False)
    out.print(created.secret, markup=False, soft_wrap=True)


@app.command("list")
def list_() -> None:
    """List the write keys: number, source, how the secret begins, rate, since when, until when."""
    with installed() as installation:
        found = write_keys.listed(installation.ports.engine)
    table = Table("key", "source", "begins", "rate", Column("created", no_wrap=True), Column("revoked", no_wrap=True))
    for key in found:
        revoked = "" if key.revoked_at is None else f"{key.revoked_at:%Y-%m-%d %H:%M}"
        table.add_row(str(key.id), key.source, key.shown, key.rate, f"{key.created_at:%Y-%m-%d %H:%M}", revoked)
    out.print(table, markup=False)


@app.command()
def revoke(key: Annotated[int, typer.Argument(help="Its number, from `lifecycle keys list`.")]) -> None:
    """Revoke a write key: gateways that run refuse it within seconds."""
    with installed() as installation:
        engine = installation.ports.engine
        with engine.connect() as connection:
            now = installation.ports.clock.now(connection)
        revoked = write_keys.revoke(engine, key, now)
    out.print(f"key {revoked.id} of {revoked.source} is revoked", markup=False)
