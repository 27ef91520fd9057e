"""``lifecycle simulate``: a file of events lived through in memory, under any playbook; nothing is started or sent.

It is what ``lifecycle demo --events`` would do with real servers: the same core, the same door, calls that arrive
seconds after what they tell of. Two runs give the same bytes.
"""

import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import orjson
import typer

from orchestrator.cli.console import err, out
from orchestrator.core.errors import LifecycleError
from orchestrator.core.facts import instant
from orchestrator.playbook.source import read_source
from orchestrator.runtime.composition import template_texts
from orchestrator.runtime.settings import Settings
from orchestrator.runtime.simulation import Course, Lived, Sum, lived_through, opened, shares
from orchestrator.usecases.chronicle import words
from orchestrator.usecases.publish import checked

AFTER = timedelta(days=35)  # that a file of events goes on after its last event, unless it is said until when


class NoInstantError(LifecycleError):
    """``--until`` expects a date or an instant: 2026-03-31, or 2026-03-31T09:00:00Z (UTC where no zone is given)."""


def simulate(
    events: Annotated[Path, typer.Option(help="Segment calls, one JSON object a line.", exists=True, dir_okay=False)],
    playbook: Annotated[Path | None, typer.Option(help="The playbook; the configured one without it.")] = None,
    until: Annotated[
        str | None, typer.Option(help="A date or an instant (ISO 8601); 35 days after the last event without it.")
    ] = None,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="One JSON object a line instead of a table.")] = False,
    processes: Annotated[
        int | None,
        typer.Option(min=1, help="Work in so many processes; by the size of the file, up to the cores, without it."),
    ] = None,
) -> None:
    """Live through a file of events in memory: what would be decided, sent and handed to a human, and why."""
    settings = Settings.load()
    compiled = checked(read_source(playbook or settings.playbook, template_texts(settings.templates)))
    course = Course(playbook=compiled, until=AFTER if until is None else _end(until), counted=not jsonl)
    with opened(events) as content, lived_through(content, course, processes or shares(content)) as lived:
        if jsonl:
            sys.stdout.buffer.writelines(lived.lines)
        else:
            for told in _table(lived):
                out.print(told, markup=False, soft_wrap=True)
        for told in _left_out(lived.sum):
            err.print(told, markup=False, soft_wrap=True)


def _end(text: str) -> datetime:
    at = instant(text)
    if at is None:
        raise NoInstantError
    return at


def _table(lived: Lived) -> Iterator[str]:
    """A line a happening; a message that is only decided is told when it leaves."""
    for told in map(orjson.loads, lived.lines):
        if told.get("state") != "pending":
            verb, subject = words(told)
            at = told["at"][:19].replace("T", " ")
            yield f"{at}  {told['account']:{lived.sum.widest}}  {verb:9}  {subject}"
    counts = f"{lived.sum.happenings} happenings of {lived.sum.accounts} accounts at {len(lived.sum.instants)} instants"
    yield f"{counts}; times are UTC"


def _left_out(lived: Sum) -> Iterator[str]:
    """What of the file came to nothing."""
    if lived.rejected:
        yield f"{lived.rejected} calls could not be read"
    if lived.waiting:
        yield f"{lived.waiting} calls are of persons whose account no call names"
    for account, error in sorted(lived.parked.items()):
        yield f"{account} cannot be decided: {error}"
