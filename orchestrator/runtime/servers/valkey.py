"""Valkey 9 of our own (or the Redis on PATH): on a socket only, with a password, append-only, nothing evicted."""

import signal
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from orchestrator.runtime import addresses
from orchestrator.runtime.servers.binaries import valkey_program
from orchestrator.runtime.servers.ground import Ground
from orchestrator.runtime.servers.server import Pulse, Server
from orchestrator.runtime.servers.state import State


class Valkey(Server):
    """The broker; its folder holds the configuration and the append-only file."""

    name: ClassVar[str] = "valkey"
    programs: ClassVar[frozenset[str]] = frozenset({"valkey-server", "redis-server"})

    def __init__(self, ground: Ground, state: State, *, appendfsync: str) -> None:
        """Know where it lives, its password, and how often it writes to disk."""
        super().__init__(ground, state)
        self._appendfsync = appendfsync

    @property
    def workplace(self) -> Path:
        """Its folder."""
        return self.ground.folder / "valkey"

    @property
    def socket(self) -> Path:
        """Where it listens."""
        return self.ground.sockets / "valkey.sock"

    @property
    def address(self) -> str:
        """Its address for redis-py."""
        return addresses.socket_redis_url(password=self.state.valkey_password, socket=self.socket)

    def pulse(self) -> Pulse:
        """Send a PING with the saved password."""
        try:
            with self._client() as client:
                client.ping()
        except redis.AuthenticationError:
            return Pulse.REFUSES
        except redis.BusyLoadingError:
            return Pulse.BUSY
        except (redis.ConnectionError, redis.TimeoutError):
            return Pulse.SILENT
        except redis.ResponseError:
            return Pulse.ANSWERS  # busy with a script, or full: alive, and it took the password
        return Pulse.ANSWERS

    def _client(self, timeout: float = 3.0) -> redis.Redis:
        return redis.Redis(
            unix_socket_path=str(self.socket),
            password=self.state.valkey_password,
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            retry=Retry(NoBackoff(), 0),
        )

    def prepare(self) -> list[str]:
        """Write its configuration anew (0600: it holds the password)."""
        path = self.workplace / "valkey.conf"
        draft = self.workplace / "valkey.conf.new"
        draft.unlink(missing_ok=True)
        draft.touch(mode=0o600, exist_ok=False)
        draft.write_text(self._configuration())
        self.ground.owner.takes(draft)
        draft.rename(path)
        self.socket.unlink(missing_ok=True)
        return [str(valkey_program(self.ground.owner)), str(path)]

    def _configuration(self) -> str:
        lines = {
            "port": "0",
            "unixsocket": _quoted(self.socket),
            "unixsocketperm": "700",
            "requirepass": self.state.valkey_password,
            "dir": _quoted(self.workplace),
            "pidfile": _quoted(self._pid_file),
            "daemonize": "no",
            "set-proc-title": "no",  # the command line names the folder, where there is no /proc
            "appendonly": "yes",
            "appendfsync": self._appendfsync,
            "save": '""',  # the append-only file is the one truth
            "maxmemory-policy": "noeviction",
        }
        return "".join(f"{name} {value}\n" for name, value in lines.items())

    @property
    def _pid_file(self) -> Path:
        return self.workplace / "valkey.pid"

    def furnish(self) -> None:
        """Need nothing: its configuration says all."""

    def leader(self) -> int | None:
        """Return the process id that it wrote down."""
        try:
            written = self._pid_file.read_text().strip()
        except FileNotFoundError:
            return None
        return int(written) if written.isdecimal() else 0

    def farewells(self) -> tuple[tuple[Callable[[], None], float], ...]:
        """SHUTDOWN writes the append-only file to disk first; SIGTERM does the same and needs no password."""
        return ((self._shut_down, 60.0), (lambda: self.signal(signal.SIGTERM), 20.0))

    def _shut_down(self) -> None:
        try:
            with self._client(timeout=30.0) as client:
                client.ping()  # shutdown() takes a refused password for success
                client.shutdown()
        except redis.RedisError:  # another password, or no answer
            self.signal(signal.SIGTERM)


def _quoted(path: Path) -> str:
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
