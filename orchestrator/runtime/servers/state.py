"""What is remembered between two runs: ``run/servers.json``, readable by us alone.

It holds the passwords, so it stays when the servers stop. If it is lost, new passwords are made and the servers are
told (``postgres`` sets its superuser's in single-user mode, ``valkey`` reads its own from a new configuration).
"""

import json
import os
import secrets
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Self

from orchestrator.runtime.servers.errors import ServerError
from orchestrator.runtime.servers.ground import Ground, run_folder

FILE = "servers.json"


def _password() -> str:
    """Return a password that needs no quoting in an address, a configuration or SQL."""
    return secrets.token_hex(24)


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The contents of the file."""

    folder: str = ""  # where postgres/ and valkey/ are
    sockets: str = ""  # the folder of the sockets
    note: str = ""  # why the data is elsewhere than in the data folder; else empty
    database_url: str = field(default="", repr=False)  # for people and tools that look
    redis_url: str = field(default="", repr=False)  # likewise
    superuser_password: str = field(default_factory=_password, repr=False)  # of the PostgreSQL role postgres
    database_password: str = field(default_factory=_password, repr=False)  # of the role lifecycle
    valkey_password: str = field(default_factory=_password, repr=False)  # of Valkey's default user

    @classmethod
    def load(cls, home: Path) -> Self | None:
        """Return what is remembered for a data folder, or None if there is nothing.

        Raises:
            ServerError: the file is there and cannot be read.

        """
        path = run_folder(home) / FILE
        try:
            return cls(**json.loads(path.read_text()))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError) as error:
            raise ServerError(
                f"{path} cannot be read ({type(error).__name__}): remove it, and new passwords are set"
            ) from error

    def on(self, ground: Ground) -> Self:
        """Return the same state for this ground."""
        return replace(self, folder=str(ground.folder), sockets=str(ground.sockets), note=ground.note)

    def save(self, home: Path) -> None:
        """Write the file in one step, mode 0600, durably: a lost password is a nuisance."""
        path = run_folder(home) / FILE
        draft = path.with_suffix(".new")
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(asdict(self), file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
