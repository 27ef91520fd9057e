"""Server processes: under whom they run, how they are launched, and which of those alive are really ours."""

import os
import pwd
import signal
import subprocess
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from orchestrator.runtime.servers.errors import ServerError

UNPRIVILEGED = ("postgres", "nobody")  # as root: who runs the servers, the first that exists
LOG_LIMIT = 20_000_000  # bytes: a longer log is set aside when its process is started
_PROC = Path("/proc")
_launched: list[subprocess.Popen[bytes]] = []  # ours to reap; kept, because a server may outlive its Server


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Whom the servers run as: ourselves, or as root an unprivileged user (PostgreSQL refuses root)."""

    uid: int  # numeric user id
    gid: int  # numeric group id
    name: str  # for messages
    switch: bool  # whether a child must be started under another user than ours

    def takes(self, path: Path) -> None:
        """Make a file or folder of ours the owner's; nothing to do when we are the owner."""
        if self.switch:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)


def chosen_owner(cluster: Path) -> Owner:
    """Return whom to run as: ourselves; as root the owner of an existing folder, else ``postgres``, else ``nobody``.

    Raises:
        ServerError: we are root and there is no unprivileged user.

    """
    if os.geteuid() != 0:
        return Owner(uid=os.geteuid(), gid=os.getegid(), name=_name(os.geteuid()), switch=False)
    if cluster.is_dir() and (status := cluster.stat()).st_uid != 0:
        return Owner(uid=status.st_uid, gid=status.st_gid, name=_name(status.st_uid), switch=True)
    return _unprivileged()


def _unprivileged() -> Owner:
    names = {entry.pw_name: entry for entry in pwd.getpwall() if entry.pw_uid != 0}
    for name in UNPRIVILEGED:
        if entry := names.get(name):
            return Owner(uid=entry.pw_uid, gid=entry.pw_gid, name=name, switch=True)
    raise ServerError(
        "running as root needs a user for the servers: create `postgres` or `nobody`, or set DATABASE_URL"
    )


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def launch(
    argv: Sequence[str], *, owner: Owner, folder: Path, output: IO[bytes], keep: Collection[int] = ()
) -> subprocess.Popen[bytes]:
    """Start a server in a session of its own, so that the terminal's Ctrl-C does not reach it.

    ``keep`` are descriptors that it inherits (the lock that says it is alive). Its environment is small on purpose.
    """
    process = subprocess.Popen(  # noqa: S603 - our own argv, no shell
        argv,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        cwd=folder,
        env=_environment(folder),
        start_new_session=True,
        pass_fds=tuple(keep),
        umask=0o077,
        user=owner.uid if owner.switch else None,
        group=owner.gid if owner.switch else None,
        extra_groups=[] if owner.switch else None,
    )
    _launched.append(process)
    return process


def reap() -> None:
    """Look at the servers that this process launched, so that none that has ended stays behind as a zombie."""
    _launched[:] = [process for process in _launched if process.poll() is None]


def run(
    argv: Sequence[str], *, owner: Owner, folder: Path = Path("/"), told: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a tool to its end under the owner; ``told`` is written to its standard input.

    Raises:
        OSError: it cannot be executed by the owner, or the owner cannot enter ``folder``.

    """
    return subprocess.run(  # noqa: S603 - our own argv, no shell
        argv,
        input=told,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        cwd=folder,
        env=_environment(folder),
        umask=0o077,
        user=owner.uid if owner.switch else None,
        group=owner.gid if owner.switch else None,
        extra_groups=[] if owner.switch else None,
    )


def _environment(folder: Path) -> dict[str, str]:
    return {"PATH": os.defpath, "HOME": str(folder), "LC_ALL": "C", "TZ": "UTC"}


def open_log(path: Path) -> IO[bytes]:
    """Open a log for appending, readable by us alone; a long one is first set aside as ``<name>.1``."""
    if path.exists() and path.stat().st_size > LOG_LIMIT:
        path.replace(path.with_name(path.name + ".1"))
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600), "ab")


def last_lines(path: Path, count: int = 8) -> str:
    """Return the end of a log, for an error message."""
    if not path.exists():
        return "(no log)"
    with path.open("rb") as log:
        log.seek(max(0, path.stat().st_size - 4096))
        return "\n".join(log.read().decode(errors="replace").splitlines()[-count:])


def belongs(pid: int, folder: Path, programs: Collection[str]) -> bool:
    """Say whether a process is one of ``programs`` at work in ``folder``: a process id alone may be recycled.

    Both servers make their data folder their working directory. Without /proc (macOS) the command line decides.
    """
    try:
        if not _PROC.joinpath("self").exists():
            return _listed(pid, folder, programs)
        program = _PROC.joinpath(str(pid), "exe").readlink().name.removesuffix(" (deleted)")
        return program in programs and _PROC.joinpath(str(pid), "cwd").readlink() == folder.resolve()
    except OSError:
        return False


def _listed(pid: int, folder: Path, programs: Collection[str]) -> bool:
    listing = subprocess.run(  # noqa: S603 - our own argv, no shell
        ["/bin/ps", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return str(folder) in listing.stdout and any(program in listing.stdout for program in programs)


def all_of(folder: Path, programs: Collection[str]) -> Iterator[int]:
    """Yield every process of ``programs`` at work in ``folder``: orphans of a killed server too (Linux only)."""
    numbers = (int(entry.name) for entry in _PROC.glob("[0-9]*"))
    return (pid for pid in numbers if belongs(pid, folder, programs))


def signalled(pid: int, number: signal.Signals) -> bool:
    """Send a signal; say whether there was somebody to get it."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True
