"""Single processes: what docker-compose, systemd and ``lifecycle up`` run."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.console import installed, out
from orchestrator.runtime.settings import Settings

CELERY = (sys.executable, "-m", "workers")
MOST_TASKS = 20_000  # that Flower remembers: three quarters of an hour of ticks; its own 100,000 take 300 MB
GATEWAY = (sys.executable, "-m", "orchestrator.gateway")


def migrate() -> None:
    """Bring the database to this version, make partitions ahead, publish the configured playbook."""
    from orchestrator.runtime.composition import publish_configured
    from orchestrator.usecases.prune import prune

    with installed(migrate=True) as installation:
        prune(installation.ports)
        publish_configured(installation, out.print)


def worker(
    queues: Annotated[
        str, typer.Option(help="Queues to work on: flow (decide) and delivery (send).")
    ] = "flow,delivery",
    concurrency: Annotated[int, typer.Option(min=1, help="Processes; each decides, or sends over a connection.")] = 2,
) -> None:
    """Run a Celery worker."""
    name = f"{queues.replace(',', '-')}-{os.getpid()}@%h"
    _become(
        "worker", "-Q", queues, "-c", str(concurrency), "-n", name, "-l", "INFO", "--without-gossip", "--without-mingle"
    )


def beat() -> None:
    """Run Celery beat: the ticks. Several do no harm."""
    schedule = Settings.load().home / "run" / f"beat-{os.getpid()}"
    schedule.parent.mkdir(parents=True, exist_ok=True)
    _clear_schedules(schedule.parent)
    _become("beat", "-l", "INFO", "--pidfile", "", "-s", str(schedule))


def _clear_schedules(folder: Path) -> None:
    """Remove what beats that are gone left behind: each has a file of its own, so that several do no harm."""
    for path in folder.glob("beat-*"):
        pid = path.name.removeprefix("beat-").partition(".")[0]
        if not (pid.isdecimal() and _is_alive(int(pid))):
            path.unlink(missing_ok=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def gateway() -> None:
    """Run the gateway: events in over HTTP; /healthz, /readyz and /metrics on a port of their own."""
    sys.stdout.flush()
    os.execv(GATEWAY[0], GATEWAY)  # noqa: S606 -- our own interpreter, no shell


def flower(
    address: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 5555,
) -> None:
    """Run Flower, read-only. FLOWER_BASIC_AUTH guards it, but for /metrics and /healthcheck: mind who reaches it."""
    bound = f"--max-tasks={MOST_TASKS}"
    _become("flower", f"--address={address}", f"--port={port}", "--read-only", "--logging=warning", bound)


def catcher(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 1025,
    folder: Annotated[
        Path | None, typer.Option(help="Where mails are kept. [default: mail in the data folder]")
    ] = None,
) -> None:
    """Catch mail for development: an SMTP server that keeps every mail as a file and delivers none."""
    from orchestrator.messaging.catcher import run_catcher

    kept = folder or Settings.load().home / "mail"
    run_catcher(host, port, kept, lambda at: out.print(f"catching mail on {at.host}:{at.port} into {kept}"))


def _become(*arguments: str) -> None:
    """Become Celery: the process id stays, so that a supervisor's signals reach it."""
    settings = Settings.load()
    if settings.flower_basic_auth is not None:
        os.environ["FLOWER_BASIC_AUTH"] = settings.flower_basic_auth.get_secret_value()
    sys.stdout.flush()
    os.execv(CELERY[0], [*CELERY, *arguments])  # noqa: S606 -- our own interpreter, no shell
