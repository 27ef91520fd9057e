"""The README's commands, typed word for word against an installation that `lifecycle up` runs.

Only what the README leaves to the reader is put in: the gateway's port, the files that it names, and the number of an
entry that was really refused. A command that is not in SAYS fails the test: whoever documents one says what it tells.
"""

import gzip
import re
import shlex
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import orjson
import pytest
import redis
import requests

from orchestrator.runtime import servers
from orchestrator.runtime.parts import LIFECYCLE
from orchestrator.runtime.settings import Settings
from tests.acceptance.home import Home, home
from tests.acceptance.plant import HOUSE, until

__all__ = ["home"]
pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(300)]

README = (HOUSE / "README.md").read_text(encoding="utf-8")
WALKED = README.partition("### Send events")[2].partition("## What is promised")[0]
BLOCKS = re.findall(r"```console\n(.*?)```", WALKED, flags=re.DOTALL)
ELSEWHERE = "LIFECYCLE_PLAYBOOK="  # a second installation; `up` is what this one runs by
CURL, XADD, DONE = "curl -u", "redis-cli XADD", '{"success":true'
SAYS: Mapping[str, str] = {  # how a command begins -> what it tells
    f'{CURL} "$KEY:" http': DONE,
    f'{CURL} "$KEY:" -X PUT': '"accepted":{"arr":120000,',
    "lifecycle account show": "Ann Okafor",
    "lifecycle events send": "3 events on the streams",
    "lifecycle accounts import": "2 of 2 rows could go in",
    "lifecycle events import 2024": "2025.jsonl.gz: 20 lines: 20 events are new, 0 were known, 0 refused",
    "lifecycle events import export": "export.csv: 5 lines: 5 events are new, 0 were known, 0 refused",
    "lifecycle accounts go-live": "25 held accounts go live",
    "lifecycle rejected list": "A field that the call needs is missing",
    "lifecycle rejected show": "The text is not JSON",
    "lifecycle rejected retry --reason": "1 put back",
    "lifecycle rejected retry 17": "1 put back",
    "lifecycle rejected drop": "1 dropped",
    "lifecycle account log words": "champion_strong",
    "lifecycle account log event": "noted",
    "lifecycle account log judgement": "noted",
    "lifecycle account link": "http://127.0.0.1:",
    "lifecycle doctor": "WAITAOF confirms each write",
    "lifecycle account why": "day_0_welcome",
    "lifecycle escalation list": "",
    "lifecycle metrics #": "this playbook promises nothing of many accounts",
    "lifecycle message unknown": "Message-ID",
    "lifecycle playbook check": "in order, no warnings",
    "lifecycle playbook test": "0 failed",
    "lifecycle simulate": "day_0_welcome",
    "lifecycle metrics --events": "7-day activation",
    "lifecycle audit": "Current onboarding health score",
    "lifecycle plan staffing": "specialists",
}


def commands() -> Iterator[str]:
    """The README's commands, without the folder of the virtual environment."""
    for block in BLOCKS:
        for line in block.splitlines():
            told = line.replace(".venv/bin/lifecycle", "lifecycle")
            if told.startswith(("lifecycle", CURL, XADD)):
                yield told
            else:
                assert told.startswith(("KEY=", ELSEWHERE)) or block.startswith("playbook.yaml:"), told


@pytest.fixture
def files(tmp_path: Path) -> Mapping[str, Path]:
    """The files that the README names."""
    (calls,) = re.findall(r"```json\n(\{\"type\": \"group\".*?)```", README, flags=re.DOTALL)
    rows = (f"csv-{number},person-{number},Logged In,2025-03-1{number} 10:00:00" for number in range(5))
    texts = {
        "events.jsonl": calls,
        "accounts.csv": 'Account ID,Annual Revenue,renewal_at\nacme,"€120,000",2026-12-31\nbeta,900,2027-01-31\n',
        "export.csv": "\n".join(["org_id,user_id,action,created_at", *rows]),
        "fixed.json": '{"type": "track", "messageId": "mended", "userId": "u-1", "event": "Logged In"}',
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    for year in ("2024", "2025"):
        with gzip.open(tmp_path / f"{year}.jsonl.gz", "wb") as file:
            file.writelines(orjson.dumps(past(year, number)) + b"\n" for number in range(20))
    return {path.name: path for path in tmp_path.iterdir()}


def past(year: str, number: int) -> dict[str, object]:
    """Something that happened in that year, at one of twenty accounts."""
    person = {"userId": f"old-{number}-1", "context": {"groupId": f"old-{number}"}}
    at = f"{year}-02-{number + 1:02}T10:00:00Z"
    return {"type": "track", "messageId": f"{year}-{number}", "event": "Logged In", "timestamp": at, **person}


class Reader:
    """Somebody who types what the README says."""

    def __init__(self, home: Home, files: Mapping[str, Path]) -> None:
        self.home = home
        self.files = files
        self.number = 0  # of an entry that was refused
        self.key = home.command("keys", "create", "my-product").stdout.split()[-1]
        self.gate = f"http://127.0.0.1:{home.gateway_port}"

    def refused(self) -> None:
        """Three calls that are refused: one without a name, two that are no JSON."""
        for body in (b'{"messageId": "nameless", "userId": "u-1"}', b"GET /admin", b"GET /login"):
            assert requests.post(f"{self.gate}/v1/track", data=body, auth=(self.key, ""), timeout=30).status_code == 400
        until(lambda: self.home.command("rejected", "list").stdout.count("not_json") == 3, "the refused calls are kept")
        listed = self.home.command("rejected", "list").stdout
        self.number = min(map(int, re.findall(r"^(\d+) .* not_json ", listed, flags=re.MULTILINE)))

    def typed(self, command: str) -> subprocess.CompletedProcess[str]:
        """What a shell makes of it; whoever is asked says yes."""
        line = re.sub(r"^lifecycle", " ".join(LIFECYCLE), command).replace(":8080", f":{self.home.gateway_port}")
        line = re.sub(r"(rejected \w+) 17\b", rf"\1 {self.number}", line)
        for name, path in self.files.items():
            line = re.sub(rf"(?<= ){re.escape(name)}\b", str(path), line)
        return subprocess.run(
            ["bash", "-c", line],
            input="y\n",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            cwd=HOUSE,
            env={**self.home.environment, "KEY": self.key},
            timeout=120,
        )

    def says(self, command: str) -> None:
        """Type it, and hear what it should tell."""
        (beginning,) = [each for each in SAYS if re.sub(r" +#", " #", command).startswith(each)] or [command]
        told = self.typed(command)
        assert told.returncode == 0, f"{command}\n{told.stdout}"
        assert SAYS[beginning] in told.stdout, f"{command}\n{told.stdout}"

    def adds(self, command: str) -> None:
        """Put an entry on the stream, as ``redis-cli`` does, on the broker that is embedded."""
        addresses = servers.running(Settings.load(home=self.home.folder / "var", shards=4))
        assert addresses is not None
        with redis.Redis.from_url(addresses.stream_url) as client:
            assert client.execute_command(*shlex.split(command)[1:])


def test_every_command_of_the_readme_does_what_it_says(home: Home, files: Mapping[str, Path]) -> None:
    """Each is typed in the README's order, ends well and tells what it should; in between, accounts come to be."""
    home.environment |= {"LINK_SECRET": "0123456789abcdef" * 2, "PUBLIC_URL": f"http://127.0.0.1:{home.gateway_port}"}
    home.up("--no-flower")
    home.until_said(r"gateway: ready")
    reader = Reader(home, files)
    first: dict[str, Callable[[], None]] = {
        "lifecycle account show": lambda: until(lambda: "Ann" in _shown(home), "the account has its person"),
        "lifecycle rejected list": reader.refused,
    }  # what has to be so before a command
    for command in commands():
        for before in [each for each in first if command.startswith(each)]:
            first.pop(before)()
        (reader.adds if command.startswith(XADD) else reader.says)(command)
    assert first == {}
    until(lambda: "0 entries in" in home.command("doctor").stdout, "all is decided")
    open_still = home.command("rejected", "list").stdout
    assert ("missing_field" in open_still, "not_json" in open_still) == (True, False)  # it names nothing, as before


def _shown(home: Home) -> str:
    return home.command("account", "show", "acme").stdout
