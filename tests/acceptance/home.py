"""A data folder in which `lifecycle up` runs, on ports of its own, and what it said."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from orchestrator.runtime import servers
from orchestrator.runtime.parts import LIFECYCLE, free_port
from orchestrator.runtime.settings import Settings
from tests.acceptance.plant import HOUSE, processes_of, until


class Home:
    """A data folder, and what runs in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.flower_port = free_port()
        self.gateway_port = free_port()
        self.environment = {
            **os.environ,
            "LIFECYCLE_HOME": str(folder / "var"),
            "FLOWER_PORT": str(self.flower_port),
            "GATEWAY_PORT": str(self.gateway_port),
            "GATEWAY_OPS_PORT": str(free_port()),
            "COLUMNS": "300",
        }
        self.said = folder / "said"
        self.ups: list[subprocess.Popen[bytes]] = []

    def up(self, *arguments: str) -> subprocess.Popen[bytes]:
        self.said.unlink(missing_ok=True)
        with self.said.open("wb") as output:
            process = subprocess.Popen(
                [*LIFECYCLE, "up", *arguments],
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                cwd=HOUSE,
                env=self.environment,
                start_new_session=True,
            )
        self.ups.append(process)
        return process

    def command(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*LIFECYCLE, *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd=HOUSE,
            env=self.environment,
            timeout=60,
        )

    def until_said(self, pattern: str) -> re.Match[str]:
        until(lambda: re.search(pattern, self.said.read_text()), f"`lifecycle up` says {pattern!r}")
        match = re.search(pattern, self.said.read_text())
        assert match is not None
        return match

    def server_pid(self, name: str) -> int:
        file = {"postgres": "postgres/data/postmaster.pid", "valkey": "valkey/valkey.pid"}[name]
        return int((self.folder / "var" / file).read_text().splitlines()[0])


@contextmanager
def made() -> Iterator[Home]:
    folder = Path(tempfile.mkdtemp(prefix="lc-up-", dir="/tmp"))
    folder.chmod(0o755)
    home = Home(folder)
    try:
        yield home
    finally:
        for process in home.ups:
            with suppress(ProcessLookupError):
                process.kill()
            process.wait(30)
        until(
            lambda: not [told for told in processes_of(folder) if "orchestrator" in told or "-m workers" in told],
            "the end of all parts",
        )
        servers.stop(Settings.load(home=folder / "var"))
        shutil.rmtree(folder)


@pytest.fixture
def home(request: pytest.FixtureRequest) -> Iterator[Home]:
    with made() as home:
        yield home
        report = home.said.read_text() if home.said.exists() else ""
        request.node.add_report_section("teardown", "lifecycle up", report[-4000:])
