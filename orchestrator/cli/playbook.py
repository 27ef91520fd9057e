"""``lifecycle playbook``: check a playbook before it runs."""

from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.console import out
from orchestrator.playbook.source import read_source
from orchestrator.runtime.composition import template_texts
from orchestrator.runtime.settings import Settings
from orchestrator.usecases.publish import checked

app = typer.Typer(help="Playbooks: what is decided by rule.", no_args_is_help=True)


@app.callback()
def playbooks() -> None:
    """Playbooks: what is decided by rule."""


@app.command()
def check(
    files: Annotated[list[Path], typer.Argument(help="Playbooks to check.", exists=True, dir_okay=False)],
) -> None:
    """Check playbooks and the templates that they use; refuse with file:line:col path: message."""
    templates = template_texts(Settings.load().templates)
    for file in files:
        playbook = checked(read_source(file, templates))
        plays = f"{len(playbook.plays)} plays, {len(playbook.stages)} stages, {len(playbook.milestones)} milestones"
        out.print(f"{file}: in order. {playbook.name} {playbook.version}: {plays}")
