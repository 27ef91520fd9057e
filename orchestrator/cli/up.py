"""``lifecycle up``: everything on one machine; and ``lifecycle demo``: a month of it in a minute."""

from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.console import err, out
from orchestrator.runtime import parts as table
from orchestrator.runtime.composition import install, publish_configured
from orchestrator.runtime.servers import Servers, start
from orchestrator.runtime.settings import Settings
from orchestrator.runtime.supervisor import (
    Ended,
    Late,
    Notice,
    Ready,
    Restarting,
    Revived,
    Started,
    Stopped,
    Stopping,
    Supervisor,
    Unwell,
)
from orchestrator.store.migrate import upgrade
from orchestrator.usecases.prune import prune


def up(
    flower: Annotated[bool, typer.Option(help="Run Flower as well.")] = True,
) -> None:
    """Run everything on one machine, with a mail catcher if no SMTP_URL is set; one Ctrl-C stops all."""
    settings = Settings.load()
    servers = start(settings)
    try:
        raise typer.Exit(_run(settings, servers, flower=flower))
    finally:
        servers.leave()


def _run(settings: Settings, servers: Servers, *, flower: bool) -> int:
    planned = table.plan(settings, servers.addresses)
    _prepare(settings, servers)
    if servers.note:
        err.print(servers.note)
    out.print(f"data and logs in {settings.home}")
    if planned.catcher_port is not None:
        out.print(f"no SMTP_URL: mail is caught in {planned.mail_folder}, none leaves")
    host = table.reached(settings.gateway_host)
    out.print(f"events: http://{host}:{settings.gateway_port}, with a key from `lifecycle keys create SOURCE`")
    if flower:
        out.print(f"Flower: http://127.0.0.1:{settings.flower_port}")
    supervisor = Supervisor(
        table.parts(planned, flower=flower), logs=settings.home / "log", tell=say, watches=table.watches(servers)
    )
    return supervisor.run()


def _prepare(settings: Settings, servers: Servers) -> None:
    upgrade(servers.addresses.database_url)
    installation = install(settings, servers.addresses)
    try:
        prune(installation.ports)
        publish_configured(installation, out.print)
    finally:
        installation.close()


def say(notice: Notice) -> None:
    """Tell a person what happened to a part."""
    out.print(_told(notice), markup=False, soft_wrap=True)


def _told(notice: Notice) -> str:
    match notice:
        case Started(part=part, pid=pid):
            return f"{part}: started (process {pid})"
        case Ready(part=part, seconds=seconds):
            return f"{part}: ready after {seconds:.1f} s"
        case Late(part=part, log=log):
            return f"{part}: not ready yet, see {log}"
        case Ended(part=part, status=status, log=log):
            return f"{part}: ended with status {status}, see {log}"
        case Restarting(part=part, pause=pause):
            return f"{part}: started again in {pause:.1f} s"
        case Stopping(part=part):
            return f"{part}: stopping"
        case Stopped(part=part, killed=killed):
            return f"{part}: {'killed' if killed else 'stopped'}"
        case Revived(watch=watch):
            return f"{watch}: had died and answers again"
        case Unwell(watch=watch, error=error):
            return f"{watch}: does not answer: {error}"


def demo(
    events: Annotated[
        Path | None, typer.Option(help="A file of Segment calls to live through instead of the cohort.", exists=True)
    ] = None,
    playbook: Annotated[
        Path | None, typer.Option(help="The playbook to use. [default: the configured one]", exists=True)
    ] = None,
) -> None:
    """Show the main job: a cohort lives through 35 days in about a minute, with real workers, database and mail."""
    from orchestrator.cli.demo import run

    raise typer.Exit(run(events, playbook))
