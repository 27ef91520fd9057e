"""``lifecycle playbook``: check a playbook before it runs, and see what is in force."""

import json
from datetime import timedelta
from enum import StrEnum, unique
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from orchestrator.cli import scenarios
from orchestrator.cli.console import err, out
from orchestrator.core.playbook import Play, doing
from orchestrator.core.timing import told
from orchestrator.insight.comparison import programme_at_hand, refuse_unknown
from orchestrator.playbook.graph import graph as drawn_graph
from orchestrator.playbook.graph import mermaid, svg
from orchestrator.playbook.json_schema import json_schema
from orchestrator.playbook.lint import lint
from orchestrator.playbook.resolved import resolved
from orchestrator.playbook.source import PlaybookSource, read_source
from orchestrator.runtime.composition import install, template_texts
from orchestrator.runtime.servers import running
from orchestrator.runtime.settings import Settings
from orchestrator.store.observation import event_names
from orchestrator.usecases.publish import checked

LATELY = timedelta(days=31)  # what was seen before this is as good as never seen

app = typer.Typer(help="Playbooks: what is decided by rule.", no_args_is_help=True)
app.command("test")(scenarios.tried_on)


@app.callback()
def playbooks() -> None:
    """Playbooks: what is decided by rule."""


@app.command()
def check(
    files: Annotated[list[Path], typer.Argument(help="Playbooks to check.", exists=True, dir_okay=False)],
    *,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 when there is a warning.")] = False,
    seen: Annotated[
        bool, typer.Option("--seen", help="Look into the store: warn of events of which it saw none for 31 days.")
    ] = False,
) -> None:
    """Check playbooks and their templates: refuse with file:line:col path: message, warn of what is hardly meant."""
    settings = Settings.load()
    templates = template_texts(settings.templates)
    names = _names_in_store(settings) if seen else None
    warned = False
    for file in files:
        source = read_source(file, templates)
        playbook = checked(source)
        refuse_unknown(playbook, source, programme_at_hand(settings.templates))
        findings = lint(playbook, source, names)
        for finding in findings:
            typer.echo(finding)
        warned = warned or bool(findings)
        plays = f"{len(playbook.plays)} plays, {len(playbook.stages)} stages, {len(playbook.milestones)} milestones"
        warnings = f"{len(findings)} warning{'' if len(findings) == 1 else 's'}" if findings else "no warnings"
        out.print(f"{file}: in order, {warnings}. {playbook.name} {playbook.version}: {plays}")
    if strict and warned:
        raise typer.Exit(1)


def _names_in_store(settings: Settings) -> frozenset[str] | None:
    """The event names of the last 31 days; None where no database is set and none of ours runs."""
    addresses = running(settings)
    if addresses is None:
        err.print("--seen: no database is set and none of ours runs, so nobody looked which events were seen")
        return None
    installation = install(settings, addresses)
    try:
        with installation.ports.engine.connect() as connection:
            return event_names(connection, installation.ports.clock.now(connection) - LATELY)
    finally:
        installation.close()


@app.command()
def show(
    file: Annotated[
        Path | None, typer.Argument(help="A playbook. Left out: the configured one.", exists=True, dir_okay=False)
    ] = None,
    *,
    whole: Annotated[
        bool, typer.Option("--resolved", help="Every value in force, with the file and line that it comes from.")
    ] = False,
) -> None:
    """Show the plays of a playbook, or with --resolved all that is in force and where each value comes from."""
    source = _source(file)
    if whole:
        typer.echo(resolved(source), nl=False)
        return
    playbook = checked(source)
    table = Table("play", "what it is", "comes due", "only if", "does", "priority")
    for play in playbook.plays.values():
        table.add_row(
            play.name,
            play.label,
            _due(play, playbook.first_day),
            _condition(play),
            "\n".join(map(doing, play.actions)) if play.checkpoint is None else "checkpoint",
            str(play.policy.priority),
        )
    out.print(f"{playbook.name} {playbook.version}", table)


def _source(file: Path | None) -> PlaybookSource:
    settings = Settings.load()
    return read_source(file or settings.playbook, template_texts(settings.templates))


def _due(play: Play, first_day: int) -> str:
    at = "" if play.policy.at is None else f", at {play.policy.at:%H:%M}"
    return f"{told(play.trigger, first_day)}{at}"


def _condition(play: Play) -> str:
    goal = play.policy.only_while
    parts = [play.when.text if play.when.text != "True" else "", f"while {goal.text}" if goal else ""]
    return "\n".join(part for part in parts if part)


@app.command()
def schema() -> None:
    """Print the JSON Schema of the language, for an editor that completes and checks while you write."""
    typer.echo(json.dumps(json_schema(), indent=2))


@unique
class Picture(StrEnum):
    """A form of the picture."""

    SVG = "svg"
    MERMAID = "mermaid"


@app.command()
def graph(
    file: Annotated[
        Path | None, typer.Argument(help="A playbook. Left out: the configured one.", exists=True, dir_okay=False)
    ] = None,
    *,
    form: Annotated[
        Picture, typer.Option("--as", help="A picture, or text that pages like GitHub's draw.")
    ] = Picture.SVG,
) -> None:
    """Draw a playbook's stages and plays from the tables that the engine decides by."""
    found = drawn_graph(checked(_source(file)))
    typer.echo(svg(found) if form is Picture.SVG else mermaid(found), nl=False)
