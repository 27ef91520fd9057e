from pathlib import Path

from orchestrator.messaging.outbox import Outbox
from orchestrator.messaging.transport import Accepted, Envelope
from tests.messaging.letters import numbered

ENVELOPE = Envelope(sender="hello@lumen.example", recipient="ann@northwind.example")


def test_a_mail_is_written_once(tmp_path: Path) -> None:
    """The same Message-ID handed over twice is one file, the first, and accepted both times."""
    outbox = Outbox(tmp_path)
    first, second = numbered(1), numbered(1)
    second.replace_header("Subject", "another")
    assert isinstance(outbox.send(first, ENVELOPE), Accepted)
    assert isinstance(outbox.send(second, ENVELOPE), Accepted)
    (file,) = tmp_path.iterdir()
    assert file.read_bytes() == first.as_bytes()
    assert file == outbox.path_of(str(first["Message-ID"]))


def test_nothing_half_written_is_left(tmp_path: Path) -> None:
    """Whatever becomes of a mail, no draft of it stays behind."""
    outbox = Outbox(tmp_path)
    outbox.send(numbered(1), ENVELOPE, lambda: False)
    assert list(tmp_path.iterdir()) == []
