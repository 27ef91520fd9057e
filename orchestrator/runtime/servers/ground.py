"""Where the servers live: the data folder, or as root a folder that their unprivileged user can reach.

Nothing above our own folders is ever given another mode or owner. Whether the servers' user can reach a folder is found
out by trying it as that user. The rules, in order:

1. Data that exists stays where it is, and if it is out of reach, that is an error: a fresh database is never begun
   beside an old one.
2. Otherwise the data folder (``LIFECYCLE_HOME``), if the servers' user can write in it.
3. Otherwise, as root, ``/var/lib/lifecycle-orchestrator/<hash of the data folder>``, marked with whose it is.

Sockets need a short path, so they have a folder of their own in the temporary folder: 0700, ours, or it is refused.
"""

import os
import re
import stat
import tempfile
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from orchestrator.runtime.servers.errors import ServerError
from orchestrator.runtime.servers.processes import Owner, chosen_owner, run

SYSTEM_FOLDER = Path("/var/lib/lifecycle-orchestrator")
_SOCKET_NAME = len("/.s.PGSQL.5432.lock")
_SOCKET_LIMIT = 103  # bytes of a socket's path: macOS allows 103, Linux 107
_PLAIN = re.compile(r"[A-Za-z0-9/._-]+")  # what needs no quoting in a server's configuration


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Where one installation's servers live, and as whom."""

    home: Path  # the data folder of the settings
    folder: Path  # where postgres/ and valkey/ are: the data folder, or the one of rule 3
    sockets: Path  # the short folder of the sockets
    owner: Owner  # whom they run as

    @property
    def note(self) -> str:
        """Say in a sentence where the data is if it is not in the data folder; else empty."""
        if self.folder == self.home:
            return ""
        return f"{self.owner.name} cannot reach {self.home}, so the servers' data is in {self.folder}"


def run_folder(home: Path) -> Path:
    """Return the folder of locks and state."""
    return home / "run"


def log_folder(home: Path) -> Path:
    """Return the folder of logs."""
    return home / "log"


def label(home: Path) -> str:
    """Return the short name of a data folder."""
    return blake2b(os.fsencode(home.resolve()), digest_size=5).hexdigest()


def make_home(home: Path) -> None:
    """Make the data folder with its run and log folders.

    Raises:
        ServerError: it cannot be made or written.

    """
    try:
        home.mkdir(parents=True, exist_ok=True)
        for folder in (run_folder(home), log_folder(home)):
            folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        reason = f"the data folder {home} cannot be used ({error.strerror})"
        raise ServerError(f"{reason}: set LIFECYCLE_HOME to one that can") from error
    for folder in (run_folder(home), log_folder(home)):
        _refuse_foreign(folder)


def _refuse_foreign(folder: Path) -> None:
    """Refuse a folder of state that somebody else made: it decides what we run and whom we give files to."""
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
        raise ServerError(f"{folder} belongs to another user: run as that user, or set LIFECYCLE_HOME to a new folder")


def found_ground(home: Path, *, remembered_folder: Path | None, remembered_sockets: Path | None) -> Ground:
    """Return where the servers of ``home`` live, making the folders that are missing.

    Raises:
        ServerError: existing data is out of reach or another installation's, or a folder of ours is a stranger's.

    """
    folder, owner = _data_folder(home, remembered_folder)
    sockets = _socket_folder(home, owner, remembered_sockets)
    return Ground(home=home, folder=folder, sockets=sockets, owner=owner)


def _data_folder(home: Path, remembered: Path | None) -> tuple[Path, Owner]:
    elsewhere = (remembered,) if remembered is not None and remembered.parent == SYSTEM_FOLDER else ()
    for folder in (home, *elsewhere, SYSTEM_FOLDER / label(home)):
        if _holds_data(folder):
            return folder, _existing(home, folder)
    owner = chosen_owner(home / "postgres")
    if _reaches(owner, home):
        return home, owner
    if not owner.switch:
        raise ServerError(f"the data folder {home} cannot be written: set LIFECYCLE_HOME to one that can")
    return _system_folder(home, owner), owner


def _holds_data(folder: Path) -> bool:
    """Say whether a server has been set up here."""
    try:
        return (folder / "postgres" / "data").is_dir() or (folder / "valkey" / "valkey.conf").is_file()
    except PermissionError:
        raise ServerError(
            f"the servers' data in {folder} belongs to another user: run as that user, or as root"
        ) from None


def _existing(home: Path, folder: Path) -> Owner:
    """Return the owner of existing data, after rule 1 and the mark of rule 3."""
    kept = "postgres" if (folder / "postgres").is_dir() else "valkey"
    owner = chosen_owner(folder / kept)
    if folder != home:
        _mark(home, folder)
    if not _reaches(owner, folder):
        raise ServerError(
            f"the servers' data is in {folder}, and {owner.name}, whom they run as, cannot reach it any more:"
            " give back search permission (x) to the folders above it"
        )
    return owner


def _reaches(owner: Owner, folder: Path) -> bool:
    """Try to write in the servers' folders as their owner; what was made for a trial that fails is removed."""
    made: list[Path] = []
    try:
        made.extend(path for name in ("postgres", "valkey") if own_folder(path := folder / name, owner))
    except PermissionError:
        reached = False
    else:
        reached = _writes(owner, folder / "postgres")
    if not reached:
        for path in made:
            path.rmdir()
    return reached


def _writes(owner: Owner, folder: Path) -> bool:
    """Write a file in a folder as the owner."""
    script = 'cd "$1" && : > .trial && rm .trial'
    return run(["/bin/sh", "-c", script, "sh", str(folder)], owner=owner).returncode == 0


def _system_folder(home: Path, owner: Owner) -> Path:
    folder = system_folder(label(home))
    _mark(home, folder)
    if not _reaches(owner, folder):
        raise ServerError(
            f"{owner.name} can reach neither {home} nor {folder}: set LIFECYCLE_HOME to a folder that it can"
        )
    return folder


def system_folder(name: str) -> Path:
    """Make a folder under ``SYSTEM_FOLDER`` that everybody may enter and only root may change (root only)."""
    for folder in (SYSTEM_FOLDER, SYSTEM_FOLDER / name):
        folder.mkdir(parents=True, exist_ok=True)
        if folder.is_symlink() or folder.stat().st_uid != 0:
            raise ServerError(
                f"{folder} is not root's: remove it, or set LIFECYCLE_HOME to a folder that the servers can reach"
            )
        folder.chmod(0o755)
    return SYSTEM_FOLDER / name


def _mark(home: Path, folder: Path) -> None:
    """Write whose data this is; a copy of a data folder must not share the original's servers."""
    mark = folder / "home"
    if mark.exists() and (written := Path(mark.read_text())) != home and (written / "run" / "servers.json").exists():
        raise ServerError(
            f"{folder} holds the data of {written}: {home} is a copy of it; remove {run_folder(home)} to begin anew"
        )
    mark.write_text(str(home))


def _socket_folder(home: Path, owner: Owner, remembered: Path | None) -> Path:
    name = f"lc-{owner.uid}-{label(home)}"
    if remembered is not None and remembered.name == name and remembered.is_dir():
        own_folder(remembered, owner)
        return remembered
    temporary = (Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp"))  # noqa: S108 - ownership is verified
    for parent in dict.fromkeys((*temporary, run_folder(home))):
        if _takes_sockets(folder := parent / name, owner):
            return folder
    raise ServerError(f"{owner.name} can reach no temporary folder with a short name: set TMPDIR to one")


def _takes_sockets(folder: Path, owner: Owner) -> bool:
    """Say whether sockets can be made here: a short plain path that the owner reaches."""
    if len(os.fsencode(folder)) + _SOCKET_NAME > _SOCKET_LIMIT or not _PLAIN.fullmatch(str(folder)):
        return False
    try:
        made = own_folder(folder, owner)
    except (PermissionError, FileNotFoundError):
        return False
    if _writes(owner, folder):
        return True
    if made:
        folder.rmdir()
    return False


def own_folder(path: Path, owner: Owner) -> bool:
    """Make a folder that only the owner may enter, or verify the one that is there; say whether it was made.

    Raises:
        ServerError: it is a link, no folder, or somebody else's.

    """
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        _verify(path, owner)
        return False
    owner.takes(path)
    return True


def _verify(path: Path, owner: Owner) -> None:
    status = path.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid not in (owner.uid, os.geteuid()):
        raise ServerError(f"{path} is not a folder of {owner.name}: somebody else made it; remove it and start again")
    if status.st_uid != owner.uid:
        owner.takes(path)
    if stat.S_IMODE(status.st_mode) != 0o700:  # noqa: PLR2004 - rwx for the owner alone
        path.chmod(0o700)
