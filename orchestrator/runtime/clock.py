"""The time: the only module that reads a clock.

``SystemClock`` is the machine's. ``HeldClock`` is one row of the table ``clock``: for every process of an installation
the time stands still until a conductor moves it, so that a month can pass in a minute. Leases, timeouts and pauses
stay on real time and use ``time.monotonic`` or the database's ``clock_timestamp()`` where they are.
"""

from datetime import UTC, datetime
from typing import Protocol, assert_never

from sqlalchemy import Connection, text

from orchestrator.runtime.settings import ClockKind, Settings

# The instant at which the installation lives.
_READ = text("SELECT now FROM clock WHERE id = 1")

# Move it forward; an earlier instant leaves it where it is, whoever moved it in between.
_MOVE = text(
    "INSERT INTO clock (id, now) VALUES (1, :instant) "
    "ON CONFLICT (id) DO UPDATE SET now = greatest(clock.now, excluded.now) RETURNING now"
)


class ClockNotSetError(RuntimeError):
    """The held clock has never been set: set it once (``HeldClock.set``), or use LIFECYCLE_CLOCK=system."""

    def __init__(self) -> None:
        """Say what to do."""
        super().__init__(self.__doc__)


class Clock(Protocol):
    """What tells the time to everything that decides."""

    def now(self, connection: Connection) -> datetime:
        """Return the present instant, aware and in UTC."""
        ...


class SystemClock:
    """The clock of the machine."""

    def now(self, connection: Connection) -> datetime:  # noqa: ARG002 - the port's signature
        """Return the machine's time; the connection is not used."""
        return self.instant()

    def instant(self) -> datetime:
        """Return the machine's time, which needs no connection."""
        return datetime.now(UTC)


class HeldClock:
    """The clock that stands in PostgreSQL until it is moved."""

    def now(self, connection: Connection) -> datetime:
        """Return the instant at which the clock stands.

        Raises:
            ClockNotSetError: it was never set.

        """
        instant = connection.execute(_READ).scalar_one_or_none()
        if instant is None:
            raise ClockNotSetError
        return _utc(instant)

    def set(self, connection: Connection, instant: datetime) -> datetime:
        """Move the clock to ``instant``, never backwards; return where it stands then. The caller commits.

        Raises:
            ValueError: ``instant`` has no time zone.

        """
        if instant.tzinfo is None:
            raise ValueError(f"expected an instant with a time zone, got {instant!r}")
        return _utc(connection.execute(_MOVE, {"instant": instant}).scalar_one())


def clock_from(settings: Settings) -> SystemClock | HeldClock:
    """Return the clock that the settings name."""
    match settings.clock:
        case ClockKind.SYSTEM:
            return SystemClock()
        case ClockKind.HELD:
            return HeldClock()
        case _ as never:
            assert_never(never)


def _utc(instant: datetime) -> datetime:
    """Return the same instant in UTC; the driver gives it in the zone of the session."""
    return instant.astimezone(UTC)
