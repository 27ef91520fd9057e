"""PostgreSQL and Valkey of our own, for an installation that names none: real servers under one data folder.

Nothing listens on a network; both ask for a password; fsync is on. Neither is a child that dies with us: they survive
Ctrl-C and a killed supervisor, and whoever comes next takes them over. Servers are shared: every process that uses them
holds a lock, and the last one to leave stops them.

Reading order: ``locks``, ``processes`` (as whom they run), ``ground`` (where they live), ``binaries``, ``state``,
``server`` (the life of either), ``postgres``, ``valkey``, and this file.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from orchestrator.runtime import addresses
from orchestrator.runtime.addresses import Addresses
from orchestrator.runtime.servers import locks
from orchestrator.runtime.servers.errors import ServerError
from orchestrator.runtime.servers.ground import Ground, found_ground, label, make_home, run_folder
from orchestrator.runtime.servers.postgres import Postgres
from orchestrator.runtime.servers.processes import chosen_owner
from orchestrator.runtime.servers.server import Pulse, Server
from orchestrator.runtime.servers.state import State
from orchestrator.runtime.servers.valkey import Valkey
from orchestrator.runtime.settings import Settings

__all__ = ["Addresses", "ServerError", "Servers", "running", "serving", "start", "stop"]


class Servers:
    """The servers of one installation, in use by this process until it leaves (or dies)."""

    def __init__(
        self,
        *,
        addresses: Addresses,
        servers: tuple[Server, ...],
        started: tuple[str, ...],
        home: Path,
        use: int | None,
    ) -> None:
        """Hold what ``start`` found or started; ``use`` is the descriptor of the shared lock."""
        self.addresses = addresses  # where everything answers
        self.started = started  # names of the servers that were started; the others were found alive
        self._servers = {server.name: server for server in servers}
        self._home = home
        self._use = use

    @property
    def names(self) -> tuple[str, ...]:
        """The servers of our own: some of ``postgres``, ``valkey``."""
        return tuple(self._servers)

    @property
    def note(self) -> str:
        """Why the data is elsewhere than in the data folder, in a sentence; else empty."""
        return next((server.ground.note for server in self._servers.values()), "")

    def ensure(self, name: str) -> bool:
        """Make sure that a server of our own answers; say whether it had to be started again.

        One that is not ours (its address is set) is left alone.

        Raises:
            ServerError: it does not come up.

        """
        server = self._servers.get(name)
        if server is None or server.pulse() is Pulse.ANSWERS:
            return False
        with _turn(self._home):
            return server.ensure()

    def ensure_postgres(self) -> bool:
        """Make sure that PostgreSQL answers; say whether it had to be started again."""
        return self.ensure(Postgres.name)

    def ensure_valkey(self) -> bool:
        """Make sure that Valkey answers; say whether it had to be started again."""
        return self.ensure(Valkey.name)

    def stop(self) -> None:
        """Stop the servers of our own in order, Valkey first, whoever else uses them.

        Raises:
            ServerError: one does not end.

        """
        if not self._servers:
            return
        with _turn(self._home):
            self._release()
            _stop_in_order(self._servers.values())

    def leave(self) -> bool:
        """Give up using them, and stop them if nobody else does; say whether they were stopped."""
        if self._use is None:
            return False
        with _turn(self._home):
            self._release()
            if not locks.is_free(_users(self._home)):
                return False
            _stop_in_order(self._servers.values())
            return True

    def _release(self) -> None:
        if self._use is not None:
            os.close(self._use)
            self._use = None


def start(settings: Settings) -> Servers:
    """Start the servers that the settings do not name, or take over those that answer.

    They live on when this process ends without ``leave`` or ``stop``.

    Raises:
        ServerError: one cannot be found or started.

    """
    if settings.database_url and settings.redis_url:
        return Servers(addresses=_addresses(settings, ()), servers=(), started=(), home=settings.home, use=None)
    make_home(settings.home)
    with _turn(settings.home):
        servers = _build(settings, *_settled(settings.home))
        use = locks.shared(_users(settings.home))
        try:
            started = _ensure_all(servers)
        except BaseException:
            if use is not None:
                os.close(use)
            raise
        found = _addresses(settings, servers)
        return Servers(addresses=found, servers=servers, started=started, home=settings.home, use=use)


def running(settings: Settings) -> Addresses | None:
    """Return the addresses if every server of our own answers to its saved password, else None. Starts nothing."""
    if settings.database_url and settings.redis_url:
        return _addresses(settings, ())
    servers = _remembered(settings)
    if not servers or any(server.pulse() is not Pulse.ANSWERS for server in servers):
        return None
    return _addresses(settings, servers)


def stop(settings: Settings) -> bool:
    """Stop the servers of a data folder in order, whoever uses them; say whether there were any to stop.

    Raises:
        ServerError: one does not end.

    """
    servers = _remembered(settings)
    if not servers:
        return False
    with _turn(settings.home):
        were_alive = not all(locks.is_free(server.alive) for server in servers)
        _stop_in_order(servers)
        return were_alive


@contextmanager
def serving(settings: Settings) -> Iterator[Addresses]:
    """Yield the addresses, with servers behind them; afterwards stop those of our own unless others use them.

    Raises:
        ServerError: one cannot be found, started or stopped.

    """
    servers = start(settings)
    try:
        yield servers.addresses
    finally:
        servers.leave()


def _turn(home: Path) -> AbstractContextManager[None]:
    """Hold the lock of starting and stopping."""
    return locks.alone(run_folder(home) / "servers.lock")


def _users(home: Path) -> Path:
    return run_folder(home) / "users.lock"


def _settled(home: Path) -> tuple[Ground, State]:
    """Find where the servers live, and write it down with their passwords before either is started."""
    state = State.load(home) or State()
    ground = found_ground(
        home,
        remembered_folder=Path(state.folder) if state.folder else None,
        remembered_sockets=Path(state.sockets) if state.sockets else None,
    )
    state = state.on(ground)
    postgres, valkey = Postgres(ground, state), Valkey(ground, state, appendfsync="everysec")
    state = replace(state, database_url=postgres.address, redis_url=valkey.address)
    state.save(home)
    return ground, state


def _remembered(settings: Settings) -> tuple[Server, ...]:
    """Return the servers as the state file tells of them, or none; makes nothing."""
    state = State.load(settings.home)
    if state is None or not Path(state.sockets).name.endswith(label(settings.home)):
        return ()
    folder = Path(state.folder)
    owner = chosen_owner(folder / "postgres")
    ground = Ground(home=settings.home, folder=folder, sockets=Path(state.sockets), owner=owner)
    return _build(settings, ground, state)


def _build(settings: Settings, ground: Ground, state: State) -> tuple[Server, ...]:
    """Return the servers that the settings do not name, in the order of their start."""
    postgres = () if settings.database_url else (Postgres(ground, state),)
    valkey = () if settings.redis_url else (Valkey(ground, state, appendfsync=settings.appendfsync),)
    return (*postgres, *valkey)


def _ensure_all(servers: tuple[Server, ...]) -> tuple[str, ...]:
    """Start what does not answer; if one fails, those that were started for it are stopped again."""
    started: list[Server] = []
    try:
        for server in servers:
            if server.ensure():
                started.append(server)  # noqa: PERF401 - what was started must be known if the next one fails
    except BaseException:
        _stop_in_order(started)
        raise
    return tuple(server.name for server in started)


def _stop_in_order(servers: Iterable[Server]) -> None:
    for server in reversed(tuple(servers)):
        server.stop()
        with suppress(OSError):  # the other's socket is still in it, or it is gone already
            server.ground.sockets.rmdir()


def _addresses(settings: Settings, servers: tuple[Server, ...]) -> Addresses:
    """Return the addresses of the settings, and of our own servers where the settings name none."""
    found = {server.name: server.address for server in servers}
    database = settings.database_url.get_secret_value() if settings.database_url else found[Postgres.name]
    broker = settings.redis_url.get_secret_value() if settings.redis_url else found[Valkey.name]
    stream = settings.stream_url.get_secret_value() if settings.stream_url else broker
    return Addresses(
        database_url=database, redis_url=broker, broker_url=addresses.broker_url(broker), stream_url=stream
    )
