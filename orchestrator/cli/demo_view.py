"""What one sees while the demonstration runs: a live view in a terminal, a line every few days elsewhere."""

import os
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text
from sqlalchemy import Engine

from orchestrator.insight.touches import Happening, Touch, happened, product_events, touches
from orchestrator.store import observation

REDRAW_SECONDS = 0.25  # of real time, between two looks into the database
PLAIN_DAYS = 3  # between two lines where there is no terminal
HAPPENINGS = 7  # lines of what just happened
DAY = timedelta(days=1)

WORDS = {
    "sent": ("✉", "green"),
    "cancelled": ("✗", "yellow"),
    "failed": ("✗", "red"),
    "unknown": ("?", "red"),
    "escalated": ("▲", "red"),
    "closed": ("▽", "cyan"),
    "stage": ("→", "magenta"),
}  # kind of happening -> its sign and colour


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What the view shows at an instant."""

    now: datetime
    figures: Mapping[str, int]
    touches: Mapping[str, Touch]
    stages: Mapping[str, int]
    happened: Sequence[Happening]


@dataclass(slots=True, kw_only=True)
class View:
    """Follows the held clock from ``begin`` to ``end``."""

    console: Console
    engine: Engine
    plays: Sequence[str]  # in the order in which they are shown
    begin: datetime
    end: datetime
    _live: Live | None = None
    _looked: float = 0.0
    _told: datetime | None = None
    _notices: list[str] = field(default_factory=list)

    def shown(self) -> AbstractContextManager[object]:
        """Show it for the length of a block."""
        if self.console.is_terminal and not self.console.is_dumb_terminal and not os.environ.get("CI"):
            self._live = Live(
                Text("The workers are starting …"), console=self.console, refresh_per_second=4, transient=True
            )
            return self._live
        return nullcontext()

    def moved(self, now: datetime) -> None:
        """The clock has moved, and all is at rest."""
        if self._live is not None:
            self._redraw(self._live, now)
        elif self._told is None or now - self._told >= PLAIN_DAYS * DAY or now >= self.end:
            self._told = now
            self.console.print(plain(self._look(now), self.begin), markup=False, soft_wrap=True)

    def notice(self, line: str) -> None:
        """Say something that is not part of the picture, such as that a worker has died."""
        self.console.print(line, markup=False, soft_wrap=True)

    def _redraw(self, live: Live, now: datetime) -> None:
        if time.monotonic() - self._looked >= REDRAW_SECONDS or now >= self.end:
            live.update(drawn(self._look(now), self.begin, self.end))
            self._looked = time.monotonic()

    def _look(self, now: datetime) -> Picture:
        with self.engine.connect() as connection:
            return Picture(
                now=now,
                figures=observation.figures(connection) | {"events": product_events(connection)},
                touches=touches(connection, self.plays),
                stages=observation.stages(connection),
                happened=happened(connection, HAPPENINGS),
            )


def plain(picture: Picture, begin: datetime) -> str:
    """The picture in a line."""
    counts = picture.figures
    stages = ", ".join(f"{name} {number}" for name, number in picture.stages.items())
    return (
        f"day {(picture.now - begin) // DAY:2}  {picture.now:%Y-%m-%d %H:%M} UTC  {counts['events']} events, "
        f"{counts['sent']} mails, {counts['escalations']} escalations ({_open(picture)} open); {stages}"
    )


def drawn(picture: Picture, begin: datetime, end: datetime) -> RenderableType:
    """The picture for a terminal."""
    return Panel(
        Group(
            _head(picture, begin, end),
            Text(),
            *(_line(each) for each in picture.happened),
            Text(),
            Columns([_mails(picture.touches), _signals(picture.touches), _stages(picture)], padding=(0, 4)),
        ),
        title="lifecycle demo",
        title_align="left",
        padding=(1, 2),
    )


def _head(picture: Picture, begin: datetime, end: datetime) -> RenderableType:
    days, passed = (end - begin) / DAY, (picture.now - begin) / DAY
    grid = Table.grid(padding=(0, 3))
    figures = picture.figures
    grid.add_row(
        ProgressBar(total=days, completed=passed, width=30),
        f"day [bold]{int(passed)}[/] of {days:.0f}",
        f"{picture.now:%a %d %b %Y %H:%M} UTC",
        f"[bold]{figures['accounts']}[/] accounts",
        f"[bold]{figures['events']}[/] events",
        f"[bold green]{figures['sent']}[/] mails",
        f"[bold red]{figures['escalations']}[/] escalations ({_open(picture)} open)",
    )
    return grid


def _open(picture: Picture) -> int:
    return sum(touch.open for touch in picture.touches.values())


def _mails(counted: Mapping[str, Touch]) -> Table:
    table = Table("mails by touch", "sent", "skipped", box=None, header_style="dim", padding=(0, 1))
    for touch in counted.values():
        if touch.play.startswith("day_"):
            table.add_row(touch.play, _number(touch.sent, "green"), _number(touch.skipped.total(), "yellow"))
    return table


def _signals(counted: Mapping[str, Touch]) -> Table:
    table = Table("signals", "mails", "handed over", box=None, header_style="dim", padding=(0, 1))
    for touch in counted.values():
        if not touch.play.startswith("day_") and (touch.sent or touch.opened):
            handed = f"{touch.opened} ({touch.open} open)" if touch.opened else ""
            table.add_row(touch.play, _number(touch.sent, "green"), Text(handed, "red"))
    return table


def _stages(picture: Picture) -> Table:
    table = Table("stages", "", box=None, header_style="dim", padding=(0, 1))
    for name, number in picture.stages.items():
        table.add_row(name, f"{number:2} [magenta]{'▇' * min(number, 30)}[/]")
    return table


def _number(number: int, colour: str) -> Text:
    return Text(str(number) if number else "·", colour if number else "dim", justify="right")


def _line(each: Happening) -> Text:
    sign, colour = WORDS[each.kind]
    line = Text(f"{each.at:%d %b %H:%M}  ", "dim")
    return line.append(f"{sign} {each.kind:9} ", colour).append(f"{each.account}  ").append(each.what, "bold")
