import shutil
import socket
import ssl
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from orchestrator.messaging.smtp import Relay, RelayUrlError, Security, SmtpTransport
from orchestrator.messaging.transport import Accepted, Deferred, Envelope, Receipt, Refused, Uncertain
from tests.messaging.letters import numbered
from tests.messaging.relays import Manners, running, to

ENVELOPE = Envelope(sender="hello@lumen.example", recipient="ann@northwind.example")


either = pytest.mark.parametrize("ahead", [False, True], ids=["in turn", "ahead"])  # whether it offers PIPELINING


def outcome(**manners: object) -> tuple[Receipt, list[bytes]]:
    """What becomes of one mail, and what the relay has got."""
    with running(Manners(**manners)) as rogue:  # type: ignore[arg-type]  # a mixture on purpose
        quick = {"timeout": 0.3, "answer_timeout": 0.3} if rogue.manners.stays_silent else {}
        transport = SmtpTransport(to(rogue, **quick))
        receipt = transport.send(numbered(1), ENVELOPE)
        transport.close()
        return receipt, rogue.mails


@either
@pytest.mark.parametrize("step", ["connect", "MAIL", "RCPT", "DATA"])
def test_a_relay_that_hangs_up_before_the_mail_defers(step: str, ahead: bool) -> None:
    """A connection lost before the mail was handed over is safe to try again."""
    receipt, mails = outcome(hangs_up=step, ahead=ahead)
    assert isinstance(receipt, Deferred)
    assert mails == []


@pytest.mark.parametrize("manners", [{"hangs_up": "END"}, {"stays_silent": "END"}, {"at_end": "gibberish"}])
def test_no_answer_to_the_whole_mail_is_uncertain(manners: dict[str, str]) -> None:
    """A connection lost, silence or gibberish after the mail's end leaves it uncertain."""
    receipt, _ = outcome(**manners)
    assert isinstance(receipt, Uncertain)


@either
def test_silence_before_the_mail_defers(ahead: bool) -> None:
    """A relay that does not answer in time before the mail was handed over defers it."""
    receipt, mails = outcome(stays_silent="RCPT", ahead=ahead)
    assert isinstance(receipt, Deferred)
    assert mails == []


@either
@pytest.mark.parametrize("step", ["at_mail", "at_rcpt", "at_data", "at_end"])
def test_a_no_for_now_defers(step: str, ahead: bool) -> None:
    """A 4xx at any step defers, with its code and words."""
    assert outcome(**{step: "451 4.7.1 greylisted"}, ahead=ahead)[0] == Deferred(code=451, text="4.7.1 greylisted")


@either
@pytest.mark.parametrize("step", ["at_mail", "at_rcpt", "at_data", "at_end"])
def test_a_no_for_good_refuses(step: str, ahead: bool) -> None:
    """A 5xx at any step refuses, with its code and words."""
    assert outcome(**{step: "554 5.7.1 no"}, ahead=ahead)[0] == Refused(code=554, text="5.7.1 no", address_dead=False)


@either
@pytest.mark.parametrize("step", ["at_mail", "at_rcpt", "at_data", "at_end"])
def test_a_relay_that_closes_defers(step: str, ahead: bool) -> None:
    """A 421 at any step defers."""
    assert outcome(**{step: "421 4.3.2 closing"}, ahead=ahead)[0] == Deferred(code=421, text="4.3.2 closing")


@pytest.mark.parametrize(
    ("answer", "dead"),
    [
        ("550 5.1.1 no such user", True),
        ("550 5.1.10 null MX", True),
        ("550 5.2.1 mailbox disabled", True),
        ("550 no such user here", True),
        ("553 mailbox name not allowed", True),
        ("550 5.7.1 blocked", False),
        ("552 5.2.2 mailbox full", False),
        ("500 5.3.0 Error: command failed", False),
        ("550 relaying denied", False),
        ("550 listed at a DNSBL", False),
        ("554 transaction failed", False),
    ],
)
def test_only_an_address_that_is_nobodys_is_dead(answer: str, dead: bool) -> None:
    """A refused recipient is dead only when the relay says that nobody has this address, not that we may not write."""
    receipt, _ = outcome(at_rcpt=answer)
    assert isinstance(receipt, Refused)
    assert receipt.address_dead is dead


@pytest.mark.parametrize("answer", ["530 5.7.0 authentication required", "535 5.7.8 bad credentials"])
def test_wrong_credentials_never_cost_a_message(answer: str) -> None:
    """What an operator can mend in the settings defers, although the code is permanent."""
    assert isinstance(outcome(at_mail=answer)[0], Deferred)


@either
def test_one_connection_serves_many_mails(ahead: bool) -> None:
    """The connection is kept, also after a refusal, a deferral and an abandoned mail."""
    with running(Manners(ahead=ahead)) as rogue:
        transport = SmtpTransport(to(rogue))
        transport.send(numbered(1), ENVELOPE)
        rogue.manners.at_rcpt = "550 5.1.1 no"
        transport.send(numbered(2), ENVELOPE)
        rogue.manners.at_rcpt = "450 4.2.0 later"
        transport.send(numbered(3), ENVELOPE)
        rogue.manners.at_rcpt = None
        transport.send(numbered(4), ENVELOPE, lambda: False)
        assert isinstance(transport.send(numbered(5), ENVELOPE), Accepted)
        transport.close()
        assert rogue.connections == 1


@either
def test_a_kept_connection_that_was_closed_is_opened_again(ahead: bool) -> None:
    """A relay that hung up between two mails costs nothing: the second goes over a new connection."""
    with running(Manners(ahead=ahead)) as rogue:
        transport = SmtpTransport(to(rogue))
        transport.send(numbered(1), ENVELOPE)
        rogue.close_connections()
        assert isinstance(transport.send(numbered(2), ENVELOPE), Accepted)
        transport.close()
        assert len(rogue.mails) == 2


def test_a_relay_that_offers_pipelining_is_told_sender_and_recipient_at_once() -> None:
    """MAIL and RCPT come before the first of them is answered, and DATA only after both are."""
    told: list[bytes] = []

    def serve(listener: socket.socket) -> None:
        client, _ = listener.accept()
        with client, client.makefile("rb") as said:
            client.sendall(b"220 hello\r\n")
            said.readline()
            client.sendall(b"250-hello\r\n250 PIPELINING\r\n")
            told.extend(said.readline()[:4] for _ in range(2))
            client.settimeout(0.1)
            with pytest.raises(TimeoutError):
                client.recv(1)
            client.sendall(b"250 ok\r\n250 ok\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool:
        served = pool.submit(serve, listener)
        transport = SmtpTransport(Relay.from_url(f"smtp://127.0.0.1:{listener.getsockname()[1]}", timeout=5))
        assert isinstance(transport.send(numbered(1), ENVELOPE), Deferred)
        served.result(10)
    assert told == [b"mail", b"rcpt"]


def test_nobody_listening_defers() -> None:
    """A relay that is not there defers."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    transport = SmtpTransport(Relay.from_url(f"smtp://127.0.0.1:{port}", timeout=1))
    assert isinstance(transport.send(numbered(1), ENVELOPE), Deferred)


def test_a_name_that_does_not_exist_defers() -> None:
    """A relay whose name cannot be resolved defers."""
    transport = SmtpTransport(Relay.from_url("smtp://relay.invalid:25", timeout=1))
    assert isinstance(transport.send(numbered(1), ENVELOPE), Deferred)


def test_a_line_of_one_dot_does_not_end_the_mail() -> None:
    """Lines that begin with a dot arrive as they are."""
    with running(Manners()) as rogue:
        mail = numbered(1)
        mail.set_payload([])
        mail.replace_header("Content-Type", "text/plain")
        mail.set_payload("one\n.\n..two\n.three\n")
        transport = SmtpTransport(to(rogue))
        transport.send(mail, ENVELOPE)
        transport.close()
        assert rogue.mails[0].endswith(b"one\r\n.\r\n..two\r\n.three\r\n")


def test_a_login_is_used() -> None:
    """User and password of the URL open a relay that asks for them."""
    with running(Manners(login=("ann@lumen.example", "p:@/ss"))) as rogue:
        relay = Relay.from_url(f"smtp://ann%40lumen.example:p%3A%40%2Fss@127.0.0.1:{rogue.port}")
        transport = SmtpTransport(relay)
        assert isinstance(transport.send(numbered(1), ENVELOPE), Accepted)
        transport.close()
        assert rogue.logins == [True]


def test_a_wrong_password_defers() -> None:
    """A refused login hands nothing over and is safe to try again."""
    with running(Manners(login=("ann", "right"))) as rogue:
        transport = SmtpTransport(Relay.from_url(f"smtp://ann:wrong@127.0.0.1:{rogue.port}"))
        receipt = transport.send(numbered(1), ENVELOPE)
        assert isinstance(receipt, Deferred)
        assert receipt.code == 535
        assert rogue.mails == []


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Certificate and key of a relay on 127.0.0.1, made for this run."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl to make a certificate with")
    folder = tmp_path_factory.mktemp("tls")
    made, key = folder / "made.pem", folder / "key.pem"
    order = [
        openssl,
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
    ]
    order += [
        "-subj",
        "/CN=127.0.0.1",
        "-addext",
        "subjectAltName=IP:127.0.0.1",
        "-out",
        str(made),
        "-keyout",
        str(key),
    ]
    subprocess.run(order, check=True, capture_output=True)
    return made, key


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.TLS])
def test_a_private_connection(certificate: tuple[Path, Path], security: Security) -> None:
    """Mails go over STARTTLS and over TLS to a relay whose certificate is trusted."""
    made, key = certificate
    theirs = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    theirs.load_cert_chain(made, key)
    with running(Manners(), theirs, wrapped=security is Security.TLS) as rogue:
        transport = SmtpTransport(to(rogue, security=security), trust=ssl.create_default_context(cafile=str(made)))
        assert isinstance(transport.send(numbered(1), ENVELOPE), Accepted)
        transport.close()


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.TLS])
def test_a_stranger_s_certificate_defers(certificate: tuple[Path, Path], security: Security) -> None:
    """A relay whose certificate nobody vouches for gets nothing."""
    made, key = certificate
    theirs = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    theirs.load_cert_chain(made, key)
    with running(Manners(), theirs, wrapped=security is Security.TLS) as rogue:
        transport = SmtpTransport(to(rogue, security=security))
        assert isinstance(transport.send(numbered(1), ENVELOPE), Deferred)
        assert rogue.mails == []


def test_never_in_the_clear_instead() -> None:
    """A relay that offers no STARTTLS gets nothing when the URL asks for it."""
    with running(Manners()) as rogue:
        transport = SmtpTransport(to(rogue, security=Security.STARTTLS))
        assert isinstance(transport.send(numbered(1), ENVELOPE), Deferred)
        assert rogue.mails == []


@pytest.mark.parametrize(
    ("url", "port", "security"),
    [
        ("smtp://mail.example", 25, Security.PLAIN),
        ("smtp+starttls://mail.example", 587, Security.STARTTLS),
        ("smtps://mail.example", 465, Security.TLS),
        ("smtp://mail.example:1025/", 1025, Security.PLAIN),
        ("smtp://[::1]:1025", 1025, Security.PLAIN),
    ],
)
def test_a_relay_is_read_from_its_url(url: str, port: int, security: Security) -> None:
    """The scheme says how private the connection is and which port is meant."""
    relay = Relay.from_url(url)
    assert (relay.port, relay.security) == (port, security)


@pytest.mark.parametrize(
    "url", ["", "mail.example", "http://mail.example", "smtp://", "smtp://h:99999", "smtp://h/path", "smtp://ü:ü@h"]
)
def test_a_url_that_names_no_relay_is_refused(url: str) -> None:
    """What is no SMTP_URL is refused with the form it should have."""
    with pytest.raises(RelayUrlError, match="smtps://user:password@"):
        Relay.from_url(url)


def test_a_password_is_never_shown() -> None:
    """Neither a relay's representation nor a refusal of its URL shows the password."""
    assert "s3cret" not in repr(Relay.from_url("smtp://ann:s3cret@mail.example"))
    with pytest.raises(RelayUrlError) as refused:
        Relay.from_url("smtp://ann:s3cret@mail.example:port")
    assert "s3cret" not in str(refused.value)
