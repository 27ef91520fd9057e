"""`lifecycle up`: one command runs everything, keeps it running, and ends it."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from urllib.request import urlopen

import orjson
import pytest

from orchestrator.messaging.catcher import read_index
from orchestrator.runtime import servers
from orchestrator.runtime.parts import LIFECYCLE, free_port
from orchestrator.runtime.settings import Settings
from tests.acceptance.plant import HOUSE, processes_of, until

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(180)]


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


def sign_up(account: str) -> bytes:
    """A file of calls: somebody has just signed up."""
    now = datetime.now(UTC).isoformat()
    person = {"userId": f"{account}-1", "timestamp": now, "context": {"groupId": account}}
    calls = [
        {"type": "group", "messageId": f"{account}-g", "groupId": account, "traits": {"name": "Example Ltd"}, **person},
        {
            "type": "identify",
            "messageId": f"{account}-i",
            "traits": {"email": f"ann@{account}.example", "name": "Ann"},
            **person,
        },
        {"type": "track", "messageId": f"{account}-t", "event": "Signed Up", **person},
    ]
    return b"".join(orjson.dumps(call) + b"\n" for call in calls)


def welcomed(home: Home, account: str) -> None:
    """Send a sign-up, and wait for its welcome in the catcher's folder."""
    file = home.folder / f"{account}.jsonl"
    file.write_bytes(sign_up(account))
    sent = home.command("events", "send", str(file))
    assert sent.returncode == 0, sent.stderr
    mails = home.folder / "var" / "mail"
    until(lambda: any(mail.account == account for mail in read_index(mails)), f"the welcome of {account}")
    (mail,) = (mail for mail in read_index(mails) if mail.account == account)
    assert mail.to == (f"ann@{account}.example",)


def test_up_runs_everything_and_ends_it(home: Home) -> None:
    """It starts, is healthy, welcomes who signs up, says and mends a killed worker; Ctrl-C leaves no process."""
    up = home.up()
    home.until_said(r"flower: ready")
    until(lambda: home.command("doctor").returncode == 0, "the doctor says healthy")
    welcomed(home, "first")
    until(lambda: _answers(home.flower_port), "Flower answers")
    as_the_readme_says(home)
    worker = int(home.until_said(r"flow: started \(process (\d+)\)")[1])
    os.killpg(worker, signal.SIGKILL)
    home.until_said(r"flow: ended with status -9")
    home.until_said(rf"flow: started \(process (?!{worker}\))\d+\)")
    welcomed(home, "second")
    up.send_signal(signal.SIGINT)
    assert up.wait(60) == 0
    assert processes_of(home.folder) == []


def as_the_readme_says(home: Home) -> None:
    """Type what the README says under "Send events"; the account that it shows has the events that were sent."""
    section = (HOUSE / "README.md").read_text(encoding="utf-8").partition("### Send events")[2]
    (typed,) = re.findall(r"```console\n(KEY=.*?)```", section, flags=re.DOTALL)
    here = typed.replace(".venv/bin/lifecycle", " ".join(LIFECYCLE)).replace(":8080", f":{home.gateway_port}")
    sent, _, show = here.rstrip().rpartition("\n")
    told = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", sent],
        capture_output=True,
        text=True,
        check=True,
        cwd=HOUSE,
        env=home.environment,
    )
    assert told.stdout.count('{"success":true}') == 2, told.stdout
    until(lambda: "Ann Okafor" in home.command(*show.split()[len(LIFECYCLE) :]).stdout, "the account has its person")


def _answers(port: int) -> bool:
    with suppress(OSError), urlopen(f"http://127.0.0.1:{port}/healthcheck", timeout=2) as answer:
        return bool(answer.status == 200)
    return False


def test_a_second_up_takes_over_what_a_killed_one_left(home: Home) -> None:
    """When `up` itself is killed its parts end by themselves, its servers survive, and the next one takes them over."""
    first = home.up("--no-flower")
    home.until_said(r"beat: ready")
    welcomed(home, "before")
    survivors = {name: home.server_pid(name) for name in ("postgres", "valkey")}
    first.kill()
    first.wait(30)
    until(
        lambda: not [told for told in processes_of(home.folder) if "-m workers" in told],
        "the end of the first one's parts",
    )
    second = home.up("--no-flower")
    home.until_said(r"beat: ready")
    assert {name: home.server_pid(name) for name in survivors} == survivors
    welcomed(home, "after")
    second.send_signal(signal.SIGINT)
    assert second.wait(60) == 0
    assert processes_of(home.folder) == []
