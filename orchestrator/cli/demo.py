"""``lifecycle demo``: the main job, shown. Real workers, beat, broker, database and mail live through days in seconds.

It has a data folder of its own (``demo`` in the data folder), emptied at the start, and servers of its own; if others
are set, those must be empty. The clock is held and moved by the conductor; mail goes to a catcher, whatever SMTP_URL
says. At the end it checks what came of it, sums it up, stops everything, and says where to look.
"""

import os
import shlex
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from types import FrameType

import redis
from sqlalchemy import text

from orchestrator.cli import demo_checks as checks
from orchestrator.cli.console import err, out
from orchestrator.cli.demo_view import View
from orchestrator.core.errors import LifecycleError
from orchestrator.core.playbook import Playbook
from orchestrator.insight.touches import Found, Touch, as_found, found, product_events, touches
from orchestrator.messaging.gallery import write_gallery
from orchestrator.playbook.source import read_source
from orchestrator.runtime import parts as table
from orchestrator.runtime import servers as own
from orchestrator.runtime.addresses import Addresses
from orchestrator.runtime.broker import Nudger, client
from orchestrator.runtime.clock import HeldClock
from orchestrator.runtime.cohort import Cohort, read_cohort, read_events
from orchestrator.runtime.composition import Installation, install, template_texts
from orchestrator.runtime.conductor import Conductor, StuckError
from orchestrator.runtime.servers import Servers, locks
from orchestrator.runtime.servers.ground import SYSTEM_FOLDER
from orchestrator.runtime.servers.state import State
from orchestrator.runtime.settings import ClockKind, Settings
from orchestrator.runtime.supervisor import Ended, Late, Notice, Supervisor, Unwell
from orchestrator.store import observation
from orchestrator.store.engine import create_engine
from orchestrator.store.migrate import upgrade
from orchestrator.store.observation import Backlog
from orchestrator.usecases.prune import prune
from orchestrator.usecases.publish import publish
from orchestrator.usecases.simulate import Arrival, Simulated, simulate

FAILED = 1  # exit status: a check failed
MARK = "made by lifecycle demo"  # a file in the folder: only a folder that has it is emptied
AFTER = timedelta(days=35)  # that a file of events goes on after its last event
HOUSEKEEPING = timedelta(days=10)  # of the held clock, between two prunes; beat's are on real time
POSTAL_ADDRESS = "1 Example Street, Example City"  # in the footer of the mails, unless yours is set
INTERRUPTED = 130  # exit status, as a shell says it


class NotEmptyError(LifecycleError):
    """The demonstration touches nobody's data: unset DATABASE_URL and REDIS_URL, or name empty ones."""


class AnotherDemoError(LifecycleError):
    """Another demonstration runs in this data folder; wait for it, or set LIFECYCLE_HOME to another folder."""


class StrangeFolderError(LifecycleError):
    """The folder ``demo`` in the data folder was not made by a demonstration; move it away, or set LIFECYCLE_HOME."""


@dataclass(slots=True)
class Interruption:
    """A handler of signals that is not forgotten: an exception raised by one may be lost (in a finaliser, say)."""

    asked: bool = False

    def __call__(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 -- a handler's signature
        """Somebody wants it to end."""
        self.asked = True
        raise KeyboardInterrupt

    def heed(self) -> None:
        """End, if that was asked for."""
        if self.asked:
            raise KeyboardInterrupt


@dataclass(frozen=True, slots=True, kw_only=True)
class Lived:
    """What there is to be checked and told, once all days are over."""

    found: Found
    letters: Sequence[checks.Letter]
    backlog: Backlog
    waiting: int  # entries on the streams
    events: int  # of the product, in the database
    simulated: Simulated


def run(events: Path | None, playbook: Path | None) -> int:
    """Live through the cohort, or a file of events; the exit status says whether all checks passed."""
    base, interruption = Settings.load(), Interruption()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interruption)
    with _alone(base.home):
        settings = _settings(base, playbook)
        cohort = _cohort(settings, events, own_playbook=playbook is not None)
        _clear(settings)
        try:
            return _demonstrate(settings, cohort, interruption, lines=None if events is None else len(cohort.cues))
        except KeyboardInterrupt:
            err.print("interrupted; everything is stopped")
            return INTERRUPTED


def _settings(base: Settings, playbook: Path | None) -> Settings:
    """The same settings in a folder of its own, on the held clock, with no relay."""
    chosen = playbook or base.templates / "playbooks" / "b2b-saas.yaml"
    return Settings.load(home=base.home / "demo", clock=ClockKind.HELD, smtp_url=None, playbook=chosen.resolve())


def _cohort(settings: Settings, events: Path | None, *, own_playbook: bool) -> Cohort:
    if events is not None:
        lines = [line for line in (raw.strip() for raw in events.read_bytes().splitlines()) if line]
        return read_events(lines, AFTER)
    cohort = read_cohort(settings.templates / "demo" / "cohort.yaml")
    if own_playbook:  # what the cohort expects was worked out from the shipped playbook
        return replace(cohort, members={})
    return cohort


# ------------------------------------------------------------------------------------------------------- the ground


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    home.mkdir(parents=True, exist_ok=True)
    descriptor = locks.taken(home / "demo.lock")
    if descriptor is None:
        raise AnotherDemoError
    try:
        yield
    finally:
        os.close(descriptor)


def _clear(settings: Settings) -> None:
    """Stop what a crashed demonstration left running, and empty its folder."""
    home = settings.home
    if home.exists() and any(home.iterdir()) and not (home / MARK).exists():
        raise StrangeFolderError
    own.stop(settings.model_copy(update={"database_url": None, "redis_url": None}))
    state = State.load(home)
    elsewhere = Path(state.folder) if state and state.folder else home
    if elsewhere.parent == SYSTEM_FOLDER and (elsewhere / "home").read_text() == str(home):
        shutil.rmtree(elsewhere)
    if home.exists():
        shutil.rmtree(home)
    home.mkdir()
    (home / MARK).write_text("The next demonstration empties this folder.\n")


def _check_empty(settings: Settings, addresses: Addresses) -> None:
    """Refuse servers of somebody else's that hold anything of ours or, in the database, anything at all."""
    if settings.database_url is not None:
        engine = create_engine(addresses.database_url)
        with engine.connect() as connection:
            schemas = "('pg_catalog', 'information_schema', 'pg_toast')"
            taken = connection.scalar(text(f"SELECT EXISTS (SELECT FROM pg_tables WHERE schemaname NOT IN {schemas})"))  # noqa: S608 -- a constant
        engine.dispose()
        if taken:
            raise NotEmptyError
    if settings.redis_url is not None or settings.stream_url is not None:
        for url in {addresses.redis_url, addresses.stream_url}:
            with redis.Redis.from_url(url) as broker:
                if next(broker.scan_iter(match="lifecycle:*", count=1000), None) is not None:
                    raise NotEmptyError


# --------------------------------------------------------------------------------------------------------- the show


def _demonstrate(settings: Settings, cohort: Cohort, interruption: Interruption, *, lines: int | None) -> int:
    began = time.monotonic()
    out.print(f"data, logs and mail in {settings.home}", soft_wrap=True)
    servers = own.start(settings)
    try:
        _check_empty(settings, servers.addresses)
        upgrade(servers.addresses.database_url)
        installation = install(settings, servers.addresses)
        try:
            lived, playbook = _play(installation, servers, cohort, interruption)
            problems = list(_problems(installation, lived, cohort, lines))
            _summarise(installation, playbook, lived, began)
            return _verdict(problems, cohort)
        except StuckError as error:
            err.print(f"[bold red]failed[/] {error}", soft_wrap=True)
            err.print(f"logs: {installation.settings.home / 'log'}", soft_wrap=True)
            return FAILED
        finally:
            installation.close()
    finally:
        servers.leave()


def _play(
    installation: Installation, servers: Servers, cohort: Cohort, interruption: Interruption
) -> tuple[Lived, Playbook]:
    """All the days; raises StuckError when the clock does not move any more."""
    playbook = _prepare(installation, cohort.begin)
    view = View(
        console=out, engine=installation.ports.engine, plays=list(playbook.plays), begin=cohort.begin, end=cohort.end
    )
    out.print(
        f"{len(cohort.cues)} calls, from {cohort.begin:%Y-%m-%d} to {cohort.end:%Y-%m-%d}, playbook {playbook.name}"
    )
    with _workers(installation.settings, servers, lambda notice: _tell(view, notice)), view.shown():
        _conduct(installation, servers.addresses, cohort, view, interruption)
    interruption.heed()
    return _lived(installation, cohort, playbook), playbook


def _prepare(installation: Installation, begin: datetime) -> Playbook:
    ports, settings = installation.ports, installation.settings
    with ports.engine.begin() as connection:
        HeldClock().set(connection, begin)
    prune(ports)
    return publish(ports, read_source(settings.playbook, template_texts(settings.templates)))


@contextmanager
def _workers(settings: Settings, servers: Servers, tell: Callable[[Notice], None]) -> Iterator[None]:
    """The same parts as ``lifecycle up`` runs, but Flower; supervised in a thread, as the conductor has this one."""
    environment = {
        "LIFECYCLE_HOME": str(settings.home),
        "LIFECYCLE_CLOCK": str(ClockKind.HELD),
        "MAIL_POSTAL_ADDRESS": settings.mail_postal_address or POSTAL_ADDRESS,
    }
    parts = table.parts(table.plan(settings, servers.addresses, environment), flower=False, gateway=False)
    supervisor = Supervisor(parts, logs=settings.home / "log", tell=tell, watches=table.watches(servers))
    thread = threading.Thread(target=supervisor.run, name="supervisor")
    thread.start()
    try:
        yield
    finally:
        supervisor.stop()
        thread.join()


def _tell(view: View, notice: Notice) -> None:
    """Only what should not happen is told."""
    match notice:
        case Ended(part=part, status=status, log=log):
            view.notice(f"{part} ended with status {status} and is started again, see {log}")
        case Late(part=part, log=log):
            view.notice(f"{part} is not ready yet, see {log}")
        case Unwell(watch=watch, error=error):
            view.notice(f"{watch} does not answer: {error}")
        case _:
            pass


def _conduct(
    installation: Installation, addresses: Addresses, cohort: Cohort, view: View, interruption: Interruption
) -> None:
    pruned = cohort.begin

    def moved(now: datetime) -> None:
        nonlocal pruned
        interruption.heed()
        if now - pruned >= HOUSEKEEPING:
            prune(installation.ports)
            pruned = now
        view.moved(now)

    nudger = Nudger(client(addresses.broker_url))
    conductor = Conductor(ports=installation.ports, clock=HeldClock(), nudger=nudger, on_move=moved)
    conductor.play(cohort.cues, cohort.begin, cohort.end)


# ------------------------------------------------------------------------------------------------ checks and summary


def _lived(installation: Installation, cohort: Cohort, playbook: Playbook) -> Lived:
    ports = installation.ports
    with ports.engine.connect() as connection:
        return Lived(
            found=found(connection),
            letters=checks.letters(installation.settings.home / "mail"),
            backlog=observation.backlog(connection, cohort.end),
            waiting=sum(ports.streams.lag(shard).length for shard in range(ports.streams.shards)),
            events=product_events(connection),
            simulated=simulate((Arrival(at=cue.at, call=cue.call) for cue in cohort.cues), playbook, cohort.end),
        )


def _problems(installation: Installation, lived: Lived, cohort: Cohort, lines: int | None) -> Iterator[str]:
    yield from checks.mails_are_whole(lived.found, lived.letters, installation.ports.mailing.sender.domain)
    yield from checks.all_at_rest(lived.backlog, lived.waiting)
    if cohort.members:
        yield from checks.fates_are_as_expected(lived.found, lived.letters, cohort)
    if lines is None:
        yield from checks.nothing_was_refused(lived.backlog)
    else:
        yield from checks.lines_are_accounted_for(lines, lived.events, lived.backlog, lived.simulated.repeated)
    yield from checks.as_simulated(lived.found, as_found(lived.simulated))


def _summarise(installation: Installation, playbook: Playbook, lived: Lived, began: float) -> None:
    with installation.ports.engine.connect() as connection:
        counted = touches(connection, list(playbook.plays))
        stages = observation.stages(connection)
    out.print()
    for line in _table(counted.values()):
        out.print(line, markup=False, soft_wrap=True)
    out.print()
    out.print("stages: " + ", ".join(f"{name} {number}" for name, number in stages.items()))
    backlog, found_ = lived.backlog, lived.found
    out.print(
        f"{lived.events} events of {len(found_.accounts)} accounts at {len(lived.simulated.instants)} instants; "
        f"{len(found_.decisions)} decisions, {len(lived.letters)} mails, {len(found_.escalations)} escalations; "
        f"{backlog.rejected} rejected, {backlog.waiting_persons} waiting for an account, {backlog.parked} parked, "
        f"{backlog.unknown} unknown; {time.monotonic() - began:.0f} s",
        soft_wrap=True,
    )
    _say_where(installation.settings, next(iter(sorted(found_.accounts)), "ACCOUNT"))


def _table(counted: Collection[Touch]) -> Iterator[str]:
    """A line a play; a line that is too long for the terminal is wrapped there and whole in a file."""
    yield f"{'play':25} {'sent':>4}  {'to a human':11}  skipped, and why (✗ decided, and did not leave)"
    for touch in counted:
        handed = f"{touch.opened} ({touch.open} open)" if touch.opened else "·"
        held_back = [f"✗ {_told(touch.cancelled)}"] if touch.cancelled else []
        whys = "; ".join([_told(touch.skipped)] * bool(touch.skipped) + held_back)
        yield f"{touch.play:25} {touch.sent or '·':>4}  {handed:11}  {whys or '·'}"


def _told(reasons: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {reason}" for reason, number in sorted(reasons.items()))


def _say_where(settings: Settings, account: str) -> None:
    mail = settings.home / "mail"
    lifecycle = sys.argv[0] if Path(sys.argv[0]).name == "lifecycle" else "lifecycle"
    told = f"LIFECYCLE_HOME={shlex.quote(str(settings.home))} LIFECYCLE_CLOCK=held {lifecycle}"
    out.print(f"all mails on a page: {write_gallery(mail)}", soft_wrap=True)
    out.print(f"each as a file:      {mail}/*.eml", soft_wrap=True)
    out.print(f"and why:             {told} account why {shlex.quote(account)}", soft_wrap=True)
    out.print(f"                     {told} account show {shlex.quote(account)}", soft_wrap=True)


def _verdict(problems: Sequence[str], cohort: Cohort) -> int:
    for problem in problems:
        out.print(f"[bold red]failed[/] {problem.replace('[', '(').replace(']', ')')}", soft_wrap=True)
    if problems:
        out.print(f"[bold red]{len(problems)} checks failed.[/]")
        return FAILED
    fates = f"each of {len(cohort.members)} accounts met its fate, " if cohort.members else ""
    out.print(
        f"[bold green]All checks passed:[/] {fates}each mail arrived once, and all is as simulated.", soft_wrap=True
    )
    return 0
