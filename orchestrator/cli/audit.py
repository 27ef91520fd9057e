"""``lifecycle audit``: how good the onboarding programme is, where it loses most, and what to do about it first."""

from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.console import err, out
from orchestrator.insight.audit import audit as audited
from orchestrator.insight.audit import told
from orchestrator.insight.figures import Given, figures_from, figures_of, units
from orchestrator.insight.readings import Measures, crowd, everyone, measured, measures
from orchestrator.insight.tables import Benchmarks, read_benchmarks
from orchestrator.playbook.source import read_source
from orchestrator.runtime.composition import install, template_texts
from orchestrator.runtime.servers import running
from orchestrator.runtime.settings import Settings
from orchestrator.usecases.publish import checked

NO_DATABASE = "no database is set and none of ours runs: only the figures that are given are known"


def audit(
    figures: Annotated[
        Path | None, typer.Option(help="A YAML file of figures: `activation: 62%`.", exists=True, dir_okay=False)
    ] = None,
    figure: Annotated[
        list[str] | None, typer.Option(metavar="NAME=NUMBER", help="One figure; may be given again and again.")
    ] = None,
    *,
    database: Annotated[bool, typer.Option(help="Read what is not given from the accounts of the database.")] = True,
) -> None:
    """Audit the onboarding programme: its score, gaps by stage, three quick improvements, a roadmap and the ROI."""
    settings = Settings.load()
    tables = read_benchmarks(settings.templates)
    given = _given(figures, figure or [], tables)
    templates = template_texts(settings.templates)
    source = read_source(settings.playbook, templates)
    playbook = checked(source)
    read = _read(settings, measures(source, templates)) if database else {}
    for line in told(audited(read | given, frozenset(playbook.plays), tables), tables):
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


def _read(settings: Settings, by: Measures) -> dict[str, Given]:
    """What the accounts say; nothing where no database runs, which is said."""
    for name in by.wordless:
        err.print(f"the playbook has no words for {name}: give it with --figure", markup=False, soft_wrap=True)
    addresses = running(settings)
    if addresses is None:
        err.print(NO_DATABASE, markup=False, soft_wrap=True)
        return {}
    installation = install(settings, addresses)
    try:
        with installation.ports.engine.connect() as connection:
            now = installation.ports.clock.now(connection)
            return measured(everyone(connection), by, now) | crowd(connection, now)
    finally:
        installation.close()
