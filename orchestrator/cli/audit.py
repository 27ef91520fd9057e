"""``lifecycle audit``: how good the onboarding programme is, where it loses most, and what to do about it first."""

from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.console import out
from orchestrator.insight.audit import audit as audited
from orchestrator.insight.audit import told
from orchestrator.insight.figures import Given, figures_from, figures_of, units
from orchestrator.insight.tables import Benchmarks, read_benchmarks
from orchestrator.playbook.source import read_source
from orchestrator.runtime.composition import template_texts
from orchestrator.runtime.settings import Settings
from orchestrator.usecases.publish import checked


def audit(
    figures: Annotated[
        Path | None, typer.Option(help="A YAML file of figures: `activation: 62%`.", exists=True, dir_okay=False)
    ] = None,
    figure: Annotated[
        list[str] | None, typer.Option(metavar="NAME=NUMBER", help="One figure; may be given again and again.")
    ] = None,
) -> None:
    """Audit the onboarding programme: its score, gaps by stage, three quick improvements, a roadmap and the ROI."""
    settings = Settings.load()
    tables = read_benchmarks(settings.templates)
    known = _given(figures, figure or [], tables)
    playbook = checked(read_source(settings.playbook, template_texts(settings.templates)))
    for line in told(audited(known, frozenset(playbook.plays), tables), tables):
        out.print(line, markup=False, soft_wrap=True)


def _given(file: Path | None, options: list[str], tables: Benchmarks) -> dict[str, Given]:
    """What is given; an option goes before the file."""
    names = units(tables.programme, tables.audit)
    text = "" if file is None else file.read_text(encoding="utf-8")
    written = {} if file is None else figures_from(text, str(file), names)
    said = figures_of(options, names)
    return {name: Given(value=value, source=f"from {file}") for name, value in written.items()} | {
        name: Given(value=value, source="given") for name, value in said.items()
    }
