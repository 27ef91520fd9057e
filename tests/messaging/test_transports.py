"""One conformance suite for every transport."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest

from orchestrator.messaging.outbox import Outbox
from orchestrator.messaging.smtp import SmtpTransport
from orchestrator.messaging.transport import Abandoned, Accepted, Deferred, Envelope, Transport
from tests.messaging.letters import numbered
from tests.messaging.relays import Manners, Rogue, running, to

ENVELOPE = Envelope(sender="hello@lumen.example", recipient="ann@northwind.example")


class Setting(Protocol):
    """A transport with the other side in view."""

    transport: Transport

    def arrived(self) -> list[bytes]: ...

    def break_down(self) -> None: ...


@dataclass
class BySmtp:
    rogue: Rogue
    transport: Transport

    def arrived(self) -> list[bytes]:
        return self.rogue.mails

    def break_down(self) -> None:
        self.rogue.manners.hangs_up = "connect"
        self.transport.close()


@dataclass
class ByFile:
    folder: Path
    transport: Transport

    def arrived(self) -> list[bytes]:
        return [
            path.read_bytes() for path in sorted(self.folder.glob("*.eml"), key=lambda path: path.stat().st_mtime_ns)
        ]

    def break_down(self) -> None:
        self.folder.parent.joinpath("blocked").write_text("a file where the folder should be")
        assert isinstance(self.transport, Outbox)
        self.transport.folder = self.folder.parent / "blocked" / "outbox"


@pytest.fixture(params=["smtp", "outbox"])
def setting(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Setting]:
    if request.param == "outbox":
        yield ByFile(tmp_path / "out", Outbox(tmp_path / "out"))
        return
    with running(Manners()) as rogue:
        transport = SmtpTransport(to(rogue))
        yield BySmtp(rogue, transport)
        transport.close()


def test_what_arrives_is_what_was_composed(setting: Setting) -> None:
    """A mail arrives octet for octet as it was composed."""
    mail = numbered(1)
    assert isinstance(setting.transport.send(mail, ENVELOPE), Accepted)
    assert setting.arrived() == [mail.as_bytes()]


def test_many_mails_go_one_after_the_other(setting: Setting) -> None:
    """A transport hands over any number of mails, in order."""
    mails = [numbered(number) for number in range(5)]
    for mail in mails:
        setting.transport.send(mail, ENVELOPE)
    assert sorted(setting.arrived()) == sorted(mail.as_bytes() for mail in mails)


def test_a_mail_can_be_abandoned(setting: Setting) -> None:
    """When before_data says no, nothing is handed over, and the next mail goes through."""
    assert setting.transport.send(numbered(1), ENVELOPE, lambda: False) == Abandoned()
    assert setting.arrived() == []
    assert isinstance(setting.transport.send(numbered(2), ENVELOPE), Accepted)
    assert setting.arrived() == [numbered(2).as_bytes()]


def test_before_data_is_asked_once_before_anything_is_handed_over(setting: Setting) -> None:
    """before_data is called exactly once, while nothing has been handed over yet."""
    seen: list[int] = []

    def asked() -> bool:
        seen.append(len(setting.arrived()))
        return True

    setting.transport.send(numbered(1), ENVELOPE, asked)
    assert seen == [0]


@pytest.mark.parametrize("error", [RuntimeError, OSError, KeyboardInterrupt])
def test_an_error_of_the_lease_abandons_the_mail(setting: Setting, error: type[BaseException]) -> None:
    """An exception from before_data is passed on, nothing is handed over, and the next mail goes through."""

    def failing() -> bool:
        raise error

    with pytest.raises(error):
        setting.transport.send(numbered(1), ENVELOPE, failing)
    assert setting.arrived() == []
    assert isinstance(setting.transport.send(numbered(2), ENVELOPE), Accepted)


def test_out_of_reach_is_deferred(setting: Setting) -> None:
    """When the other side cannot be reached, the mail is deferred and before_data is never asked."""
    setting.break_down()
    receipt = setting.transport.send(numbered(1), ENVELOPE, lambda: pytest.fail("nothing to hand over to"))
    assert isinstance(receipt, Deferred)
    assert receipt.text


def test_closing_is_for_now(setting: Setting) -> None:
    """A closed transport opens again by itself, and closing twice is no error."""
    setting.transport.send(numbered(1), ENVELOPE)
    setting.transport.close()
    setting.transport.close()
    assert isinstance(setting.transport.send(numbered(2), ENVELOPE), Accepted)
