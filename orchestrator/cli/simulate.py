"""``lifecycle simulate``: a file of events lived through in memory, under any playbook; nothing is started or sent.

It is what ``lifecycle demo --events`` would do with real servers: the same core, the same door, calls that arrive
seconds after what they tell of. Two runs give the same bytes.
"""

import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.console import err, out
from orchestrator.core.errors import LifecycleError
from orchestrator.core.facts import instant
from orchestrator.playbook.source import read_source
from orchestrator.runtime.cohort import dated
from orchestrator.runtime.composition import template_texts
from orchestrator.runtime.settings import Settings
from orchestrator.usecases.chronicle import line, row, words
from orchestrator.usecases.publish import checked
from orchestrator.usecases.simulate import Arrival, Simulated
from orchestrator.usecases.simulate import simulate as lived_through

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
) -> None:
    """Live through a file of events in memory: what would be decided, sent and handed to a human, and why."""
    settings = Settings.load()
    compiled = checked(read_source(playbook or settings.playbook, template_texts(settings.templates)))
    lines = [each for each in (raw.strip() for raw in events.read_bytes().splitlines()) if each]
    calls = dated(lines)
    end = calls[-1][0] + AFTER if until is None else _end(until)
    lived = lived_through((Arrival(at=at, call=call) for at, call in calls), compiled, end)
    if jsonl:
        sys.stdout.buffer.writelines(line(each) for each in lived.happened)
    else:
        for told in _table(lived):
            out.print(told, markup=False, soft_wrap=True)
    for told in _left_out(lived):
        err.print(told, markup=False, soft_wrap=True)


def _end(text: str) -> datetime:
    at = instant(text)
    if at is None:
        raise NoInstantError
    return at


def _table(lived: Simulated) -> Iterator[str]:
    """A line a happening; a message that is only decided is told when it leaves."""
    rows = [row(each) for each in lived.happened]
    width = max((len(str(each["account"])) for each in rows), default=0)
    for happening, told in zip(lived.happened, rows, strict=True):
        if told.get("state") != "pending":
            verb, subject = words(told)
            yield f"{happening.at:%Y-%m-%d %H:%M:%S}  {told['account']:{width}}  {verb:9}  {subject}"
    yield f"{len(rows)} happenings of {len(lived.accounts)} accounts at {lived.instants} instants; times are UTC"


def _left_out(lived: Simulated) -> Iterator[str]:
    """What of the file came to nothing."""
    if lived.rejected:
        yield f"{lived.rejected} calls could not be read"
    if lived.waiting:
        yield f"{lived.waiting} calls are of persons whose account no call names"
    for account, error in sorted(lived.parked.items()):
        yield f"{account} cannot be decided: {error}"
