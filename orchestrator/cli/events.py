"""``lifecycle events``: put events on the streams."""

from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli import past
from orchestrator.cli.console import installed, out
from orchestrator.core.errors import LifecycleError

app = typer.Typer(help="Events: what happened in the product.", no_args_is_help=True)

app.command("import")(past.import_)

DURABLE_MS = 5000  # how long to wait for the broker's word that all of it is on disk


class NotDurableError(LifecycleError):
    """The broker did not confirm that the events are on disk; send the file again: what arrived twice counts once."""


@app.callback()
def events() -> None:
    """Events: what happened in the product."""


@app.command()
def send(
    file: Annotated[Path, typer.Argument(help="Segment calls, one JSON object a line.", exists=True, dir_okay=False)],
    source: Annotated[str, typer.Option(help="Who says it; with messageId the identity of an event.")] = "segment",
) -> None:
    """Put a file of Segment calls on the event streams. Sending it again is harmless."""
    with installed() as installation, file.open("rb") as lines:
        calls = (line for line in (raw.strip() for raw in lines) if line)
        published = installation.ports.streams.publish(calls, source=source, durable_ms=DURABLE_MS)
        if not published.durable and installation.ports.streams.can_wait:
            raise NotDurableError
        out.print(f"{len(published.entry_ids)} events on the streams")
