import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path

import pytest

from orchestrator.messaging.catcher import INDEX, CatcherFolder, Listening, duplicates, read_index, run_catcher
from orchestrator.messaging.compose import compose
from orchestrator.messaging.gallery import write_gallery
from orchestrator.messaging.smtp import Relay, SmtpTransport
from orchestrator.messaging.transport import Accepted, Deferred, Envelope
from tests.messaging.letters import SENDER, SHIPPED, letter, numbered
from tests.messaging.test_markdown import Reader

ENVELOPE = Envelope(sender="hello@lumen.example", recipient="ann@northwind.example")


@contextmanager
def catching(folder: Path) -> Iterator[SmtpTransport]:
    """A catcher while the block lasts, and a transport to it."""
    ready, place = threading.Event(), list[Listening]()

    def listening(where: Listening) -> None:
        place.append(where)
        ready.set()

    thread = threading.Thread(target=run_catcher, args=("127.0.0.1", 0, folder, listening))
    thread.start()
    assert ready.wait(10)
    transport = SmtpTransport(Relay.from_url(f"smtp://127.0.0.1:{place[0].port}"))
    try:
        yield transport
    finally:
        transport.close()
        place[0].stop()
        thread.join(10)
        place[0].stop()


def test_a_mail_is_kept_as_it_came(tmp_path: Path) -> None:
    """Each mail is one file with its own octets, and one line of the index."""
    mail = compose(letter(labels={"Account": "acct_1", "Day": "1"}), SHIPPED, SENDER)
    with catching(tmp_path) as transport:
        assert isinstance(transport.send(mail, ENVELOPE), Accepted)
        (caught,) = read_index(tmp_path)
    assert (tmp_path / caught.file).read_bytes() == mail.as_bytes()
    assert caught.file == "000001-have-you-tried-shared-dashboards-yet.eml"
    assert (caught.message_id, caught.to) == (mail["Message-ID"], ("ann@northwind.example",))
    assert (caught.account, caught.day, caught.template, caught.copy) == ("acct_1", "1", "day_1_core_feature", 1)


def test_a_second_copy_is_kept_and_counted(tmp_path: Path) -> None:
    """A Message-ID that comes twice is there twice, and named as a duplicate, also by a catcher started anew."""
    with catching(tmp_path) as transport:
        transport.send(numbered(1), ENVELOPE)
        transport.send(numbered(2), ENVELOPE)
    with catching(tmp_path) as transport:
        transport.send(numbered(1), ENVELOPE)
    assert duplicates(tmp_path) == {str(numbered(1)["Message-ID"]): 2}
    assert [(caught.received, caught.copy) for caught in read_index(tmp_path)] == [(1, 1), (2, 1), (3, 2)]


def test_a_killed_catcher_loses_nothing(tmp_path: Path) -> None:
    """A mail written but not listed, and a line cut off, are put right when the catcher starts again."""
    kept = CatcherFolder(tmp_path)
    kept.keep(numbered(1).as_bytes(), "a@x.example", ["b@x.example"])
    kept.keep(numbered(2).as_bytes(), "a@x.example", ["b@x.example"])
    index = tmp_path / INDEX
    index.write_bytes(index.read_bytes()[:-20])
    CatcherFolder(tmp_path).keep(numbered(3).as_bytes(), "a@x.example", ["b@x.example"])
    assert [caught.message_id for caught in read_index(tmp_path)] == [str(numbered(n)["Message-ID"]) for n in (1, 2, 3)]
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix != ".eml") == [INDEX]


def test_a_full_disk_defers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mail that cannot be kept is not taken."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with catching(tmp_path) as transport:
        monkeypatch.setattr("orchestrator.messaging.catcher._write", full)
        receipt = transport.send(numbered(1), ENVELOPE)
    assert isinstance(receipt, Deferred)
    assert "No space left" in receipt.text


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe\x00",
        b"Subject: =?utf-8?b?!!!?=\r\nMessage-ID: <<<\r\nDate: x\r\n\r\n",
        b"Content-Type: text/html; charset=nope\r\n\r\nx",
    ],
)
def test_strange_mail_is_kept_too(tmp_path: Path, content: bytes) -> None:
    """What no mail program can read is kept and shown all the same."""
    CatcherFolder(tmp_path).keep(content, "", ["b@x.example"])
    (caught,) = read_index(tmp_path)
    assert (tmp_path / caught.file).read_bytes() == content
    assert "1 mail caught" in write_gallery(tmp_path).read_text()


def test_the_gallery_shows_every_mail(tmp_path: Path) -> None:
    """The page has every mail in a sandboxed frame under its account, and nothing of a mail gets out of its frame."""
    kept = CatcherFolder(tmp_path)
    for number, account in enumerate(("acct_1", "acct_2", "acct_1")):
        mail = compose(letter(labels={"Account": account, "Day": str(number)}), SHIPPED, SENDER)
        kept.keep(mail.as_bytes(), "a@x.example", ["b@x.example"])
    evil = EmailMessage()
    evil["Subject"] = "</summary><script>alert(1)</script>"
    evil.set_content('"></iframe><script>alert(1)</script>', subtype="html")
    kept.keep(evil.as_bytes(), "a@x.example", ["b@x.example"])
    page = write_gallery(tmp_path)
    reader = Reader(page.read_text())
    assert reader.tags.count("iframe") == 4
    assert reader.tags.count("section") == 3
    assert "script" not in reader.tags
    assert "2 arrived more than once" in " ".join(reader.text.split())


def test_an_empty_gallery_is_a_page(tmp_path: Path) -> None:
    """A catcher that caught nothing has a page that says so."""
    assert "0 mails caught" in write_gallery(tmp_path).read_text()
