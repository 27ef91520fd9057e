"""``lifecycle doctor``: what is configured, reachable, lagging, parked; the exit status says healthy or not."""

import os
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from enum import StrEnum, unique
from typing import Annotated

import typer
from rich.table import Table
from sqlalchemy import text

from orchestrator.cli.console import out
from orchestrator.insight import checkup
from orchestrator.insight.checkup import LATE, Finding
from orchestrator.runtime import broker
from orchestrator.runtime.addresses import Addresses, masked
from orchestrator.runtime.composition import Installation, install
from orchestrator.runtime.engine import LANGUAGE
from orchestrator.runtime.servers import running
from orchestrator.runtime.settings import Settings
from orchestrator.store import accounts, figures, observation, playbooks
from orchestrator.store.migrate import is_current

ILL = 1  # exit status
PING_SECONDS = 2.0  # for workers to answer


@unique
class PartName(StrEnum):
    """A part of the installation that may be asked alone."""

    ALL = "all"
    WORKER = "worker"
    BEAT = "beat"


def doctor(
    part: Annotated[
        PartName, typer.Option(help="Only what this part needs to be well (for container health checks).")
    ] = PartName.ALL,
) -> None:
    """Say what is configured, reachable, lagging and parked; exit 0 when healthy, 1 when not."""
    settings = Settings.load()
    findings = list(_examine(settings, part))
    table = Table("", "what", "finding")
    for finding in findings:
        table.add_row("[green]✓[/]" if finding.well else "[red]✗[/]", finding.what, finding.detail)
    out.print(table)
    if not all(finding.well for finding in findings):
        raise typer.Exit(ILL)


def _examine(settings: Settings, part: PartName) -> Iterator[Finding]:
    for name, meant in Settings.misspelt(os.environ).items():
        hint = f"did you mean {meant}?" if meant else "there is no such setting"
        yield Finding(what=name, well=False, detail=hint)
    if part is PartName.ALL:
        yield Finding(what="engine", well=True, detail=f"in {LANGUAGE}")
    addresses = running(settings)
    if addresses is None:
        yield Finding(what="servers", well=False, detail="none set and none of our own running: lifecycle up")
        return
    installation = install(settings, addresses)
    try:
        yield from _examine_installed(installation, addresses, part)
    finally:
        installation.close()


def _examine_installed(installation: Installation, addresses: Addresses, part: PartName) -> Iterator[Finding]:
    database = _tried("database", lambda: _database(installation, addresses))
    streams = _tried_all("streams", lambda: _streams(installation, addresses))
    yield database
    yield from streams
    if part is PartName.BEAT or not (database.well and streams[0].well):
        return
    yield _tried("workers", lambda: _workers(addresses))
    if part is PartName.ALL:
        yield _mail(installation)
        yield from _backlog(installation)
        yield _months(installation)


def _streams(installation: Installation, addresses: Addresses) -> Iterator[Finding]:
    streams = installation.ports.streams
    yield from checkup.shards(streams, masked(addresses.stream_url), installation.settings.most_waiting)
    yield from checkup.server(streams)


def _months(installation: Installation) -> Finding:
    with installation.ports.engine.connect() as connection:
        return checkup.months(connection, installation.ports.clock.now(connection))


def _tried(what: str, examine: Callable[[], Finding]) -> Finding:
    (found,) = _tried_all(what, lambda: [examine()])
    return found


def _tried_all(what: str, examine: Callable[[], Iterable[Finding]]) -> list[Finding]:
    try:
        return list(examine())
    except Exception as error:  # noqa: BLE001 -- whatever it is, the doctor says it and goes on
        return [Finding(what=what, well=False, detail=f"{type(error).__name__}: {str(error).splitlines()[0]}")]


def _database(installation: Installation, addresses: Addresses) -> Finding:
    with installation.ports.engine.connect() as connection:
        version = connection.scalars(text("SHOW server_version")).one()
        if not is_current(addresses.database_url):
            return Finding(what="database", well=False, detail="not migrated: lifecycle migrate")
        current = playbooks.current_version(connection)
    detail = (
        f"PostgreSQL {version} at {masked(addresses.database_url)}, playbook {current or 'none: lifecycle migrate'}"
    )
    return Finding(what="database", well=current is not None, detail=detail)


def _workers(addresses: Addresses) -> Finding:
    inspected = broker.client(addresses.broker_url).control.inspect(timeout=PING_SECONDS).active_queues() or {}
    if not inspected:
        return Finding(what="workers", well=False, detail="none answers: lifecycle worker")
    idle = set(broker.QUEUE_OF.values()) - {queue["name"] for queues in inspected.values() for queue in queues}
    told = f"; nobody works on {', '.join(sorted(idle))}: lifecycle worker" if idle else ""
    return Finding(what="workers", well=not idle, detail=", ".join(sorted(inspected)) + told)


def _mail(installation: Installation) -> Finding:
    settings = installation.settings
    if settings.smtp_url is None:
        return Finding(what="mail", well=True, detail="no SMTP_URL: mail is caught in the data folder, none leaves")
    return Finding(what="mail", well=True, detail=f"relay {masked(settings.smtp_url.get_secret_value())}")


def _backlog(installation: Installation) -> Iterator[Finding]:
    with installation.ports.engine.connect() as connection:
        now = installation.ports.clock.now(connection)
        left = observation.backlog(connection, now)
        parked = observation.parked(connection)
        held, planned = accounts.count_held(connection)
    late = left.oldest_due is not None and now - left.oldest_due > LATE
    yield Finding(what="due", well=not late, detail=f"{left.due} accounts due{_since(left.oldest_due)}")
    stuck = left.oldest_sendable is not None and now - left.oldest_sendable > LATE
    detail = f"{left.sendable} may leave{_since(left.oldest_sendable)}, {left.in_hand} in hand"
    yield Finding(what="messages", well=not stuck, detail=detail)
    if left.untaken:
        told = f"{left.untaken} wait for a channel that nothing delivers here, and expire after their time"
        yield Finding(what="channels", well=True, detail=told)
    yield Finding(
        what="unknown", well=left.unknown == 0, detail=f"{left.unknown} hand-overs to be settled: lifecycle message"
    )
    told = "; ".join(f"{row['account_id']}: {row['error']}" for row in parked[:3])
    yield Finding(what="parked", well=left.parked == 0, detail=f"{left.parked} accounts parked {told}")
    if held:
        told = f"{held} accounts wait to go live, {planned} of them by plan: lifecycle accounts go-live"
        yield Finding(what="history", well=True, detail=told)
    yield from _alerts(installation)
    detail = (
        f"{left.rejected} entries kept in rejected_events, {left.waiting_persons} events wait for a person's account"
    )
    yield Finding(what="rejected", well=True, detail=detail)


def _alerts(installation: Installation) -> Iterator[Finding]:
    """Alerts on all accounts together: they are the business's, so the installation is well with them."""
    with installation.ports.engine.connect() as connection:
        on = figures.alerts(connection)
    for alert in on:
        call = alert.call
        told = f"{call.severity}, {call.owner} since {alert.opened_at:%Y-%m-%d}: {call.action}"
        yield Finding(what=f"alert {call.metric}", well=True, detail=told)


def _since(oldest: datetime | None) -> str:
    return "" if oldest is None else f" (the oldest since {oldest:%Y-%m-%d %H:%M} UTC)"
