"""`lifecycle up`: one command runs everything, keeps it running, and ends it."""

import os
import signal
from contextlib import suppress
from datetime import UTC, datetime
from urllib.request import urlopen

import orjson
import pytest

from orchestrator.messaging.catcher import read_index
from tests.acceptance.home import Home, home
from tests.acceptance.plant import processes_of, until

__all__ = ["home"]

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(180)]


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
    worker = int(home.until_said(r"flow: started \(process (\d+)\)")[1])
    os.killpg(worker, signal.SIGKILL)
    home.until_said(r"flow: ended with status -9")
    home.until_said(rf"flow: started \(process (?!{worker}\))\d+\)")
    welcomed(home, "second")
    up.send_signal(signal.SIGINT)
    assert up.wait(60) == 0
    assert processes_of(home.folder) == []


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
