import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from email import message_from_bytes
from email.header import decode_header, make_header
from email.headerregistry import AddressHeader
from email.message import EmailMessage
from email.policy import compat32, default
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import settings as how
from hypothesis import strategies as st

from orchestrator.messaging.compose import compose, compose_note, envelope_of, mail_id
from orchestrator.messaging.context import LONGEST_TEXT, plain_text, sample_context
from orchestrator.messaging.errors import AddressError, LetterError
from orchestrator.messaging.templates import TemplateKind, TemplateSet
from orchestrator.messaging.transport import Envelope
from tests.messaging.letters import FIGURES, FOLDER, LETTER, SENDER, SHIPPED, bodies, letter, numbered, received
from tests.messaging.test_markdown import HOSTILE, Reader


def header(mail: Any, name: str) -> str:  # noqa: ANN401 a mail of either kind
    return str(received(mail)[name])


def test_the_same_letter_gives_the_same_bytes() -> None:
    """The same letter, templates and sender give the same bytes, also in a set that was read again."""
    first = compose(LETTER, SHIPPED, SENDER).as_bytes()
    assert compose(LETTER, SHIPPED, SENDER).as_bytes() == first
    assert compose(LETTER, TemplateSet.from_folder(FOLDER), SENDER).as_bytes() == first


def test_a_mail_says_who_when_and_which() -> None:
    """Sender, recipient, date and Message-ID are the letter's and the sender's."""
    mail = compose(LETTER, SHIPPED, SENDER)
    assert header(mail, "From") == "Lumen <hello@lumen.example>"
    assert header(mail, "To") == "Ann Okafor <ann@northwind.example>"
    assert header(mail, "Reply-To") == "Lumen <team@lumen.example>, Mei Tan <mei@lumen.example>"
    assert header(mail, "Date") == "Wed, 01 Apr 2026 09:30:00 +0000"
    assert header(mail, "Message-ID") == "<0190c0de-0000-7000-8000-000000000001@lumen.example>"
    assert header(mail, "Message-ID") == mail_id(LETTER.message_id, SENDER.domain)
    assert header(mail, "Auto-Submitted") == "auto-generated"
    assert envelope_of(LETTER, SENDER) == Envelope(sender="hello@lumen.example", recipient="ann@northwind.example")


@pytest.mark.parametrize("email", [None, "", "nonsense", "team@lumen.example"])
def test_without_an_owner_answers_come_to_us(email: str | None) -> None:
    """When nobody who can be written to looks after the account, answers go to the one mailbox."""
    context = sample_context(FIGURES)
    context["owner"]["email"] = email
    mail = compose(letter(context=context), SHIPPED, SENDER)
    assert header(mail, "Reply-To") == "Lumen <team@lumen.example>"


def test_another_process_gives_the_same_bytes() -> None:
    """A mail composed again after a crash, in a process with other hash seeds, has the same bytes."""
    program = "from tests.messaging.letters import *; import sys; sys.stdout.buffer.write(numbered(1).as_bytes())"
    order = [sys.executable, "-c", program]
    again = subprocess.run(order, check=True, capture_output=True, cwd=FOLDER.parent, env={"PYTHONHASHSEED": "7"})
    assert again.stdout == numbered(1).as_bytes()


def test_the_date_is_the_letter_s_instant() -> None:
    """The same instant in another zone gives the same mail."""
    elsewhere = LETTER.dated.astimezone(timezone(timedelta(hours=8)))
    assert compose(letter(dated=elsewhere), SHIPPED, SENDER).as_bytes() == compose(LETTER, SHIPPED, SENDER).as_bytes()


def test_other_mail_can_be_stopped() -> None:
    """A mail that is not transactional has List-Id and List-Unsubscribe, each in one line, and says how in its foot."""
    mail = compose(LETTER, SHIPPED, SENDER)
    lines = mail.as_bytes().decode().split("\r\n")
    stop = "mailto:stop@lumen.example?subject=unsubscribe%200190c0de-0000-7000-8000-000000000001"
    assert f"List-Unsubscribe: <{stop}>" in lines
    assert "List-Id: <lifecycle.lumen.example>" in lines
    html, text = bodies(mail)
    assert stop in html
    assert "stop@lumen.example" in text


def test_mail_about_the_account_says_so() -> None:
    """A transactional mail offers no unsubscribing and says that it is about the account."""
    mail = compose(letter(template="day_0_welcome", transactional=True), SHIPPED, SENDER)
    assert "List-Unsubscribe" not in received(mail)
    assert "List-Id" not in received(mail)
    for body in bodies(mail):
        assert "about your account" in body
        assert "unsubscribe" not in body.lower()


def test_every_foot_has_reason_sender_and_postal_address() -> None:
    """Why you get this, who sent it and where they are: at the foot of both forms."""
    for body in bodies(compose(LETTER, SHIPPED, SENDER)):
        assert "You get this because" in body
        assert "Lumen, 1 Harbour Street, Dublin" in body


def test_styles_are_in_the_tags() -> None:
    """The HTML needs no style sheet, is light on scripts and pictures (none), and stays under Gmail's 102 KB."""
    html, _ = bodies(compose(LETTER, SHIPPED, SENDER))
    assert 'style="' in html
    assert not {"script", "img", "link"} & set(Reader(html).tags)
    assert len(html) < 30_000


def test_every_line_is_short_and_ascii() -> None:
    """No line goes over what RFC 5322 allows, and all is 7-bit, whatever the names hold."""
    context = sample_context(FIGURES)
    context["account"]["name"] = "北風貿易有限公司 😀" * 20
    mail = compose(letter(context=context, template="day_5_value", name="Ünï 😀" * 30), SHIPPED, SENDER)
    assert all(len(line) <= 998 for line in mail.as_bytes().split(b"\r\n"))
    assert mail.as_bytes().isascii()


@pytest.mark.parametrize(
    "value", [*HOSTILE, "a\r\nBcc: all@x.example", "=?utf-8?q?a=0D=0ABcc:_all@x.example?=", "a\u2028b\x00c"]
)
def test_a_hostile_name_changes_nothing_but_the_name(value: str) -> None:
    """A hostile name is shown literally in subject, address and both bodies, and adds no header and no tag."""
    context = sample_context(FIGURES)
    innocent = compose(letter(context=context, template="day_5_value"), SHIPPED, SENDER)
    context["account"]["name"] = context["person"]["first_name"] = value
    mail = compose(letter(context=context, template="day_5_value", name=value), SHIPPED, SENDER)
    shown = plain_text(value)
    assert [name for name, _ in received(mail).items()] == [name for name, _ in received(innocent).items()]
    assert header(mail, "Subject") == f"{shown} has saved 12 hours so far"
    assert cast("AddressHeader", received(mail)["To"]).addresses[0].display_name == shown
    assert [a.addr_spec for a in cast("AddressHeader", received(mail)["To"]).addresses] == ["ann@northwind.example"]
    reader, plain = Reader(bodies(mail)[0]), Reader(bodies(innocent)[0])
    assert reader.tags == plain.tags
    assert f"Hello {shown}," in reader.text
    assert f"Hello {shown}," in " ".join(bodies(mail)[1].split("\n"))


def shown_name(name: str) -> str:
    """A display name as a header may hold it: bounded, its quotes and backslashes quoted, no quotes around it."""
    plain = plain_text(name, 78)
    quoted = plain.replace("\\", "\\\\").replace('"', '\\"') if plain.isascii() and "=?" not in plain else plain
    return quoted.strip(' "')


@how(max_examples=60, deadline=None)
@given(st.text(max_size=200).filter(plain_text))
def test_any_name_comes_back_as_it_went(name: str) -> None:
    """Subject and display name arrive as written, made one line, whatever the alphabet."""
    context = sample_context(FIGURES)
    context["account"]["name"] = name
    mail = compose(letter(context=context, template="day_5_value", name=name), SHIPPED, SENDER)
    parsed = received(mail)
    assert parsed["Subject"] == f"{plain_text(name)} has saved 12 hours so far"
    # Read by the older parser: the newer one leaves spaces between the encoded words of a name.
    raw = message_from_bytes(mail.as_bytes(), policy=compat32)["To"]
    assert str(make_header(decode_header(raw))).removesuffix("<ann@northwind.example>").strip(' "') == shown_name(name)


def test_a_megabyte_of_emoji_is_bounded() -> None:
    """A name of a megabyte makes a mail of the usual size."""
    context = sample_context(FIGURES)
    for key in ("name", "plan"):
        context["account"][key] = "😀" * 1_000_000
    context["setup"]["missing"] = ["😀" * 1_000_000] * 1000
    mail = compose(letter(context=context, template="day_3_setup", name="😀" * 1_000_000), SHIPPED, SENDER)
    assert len(mail.as_bytes()) < 150_000
    assert "😀" * (LONGEST_TEXT - 1) + "…" in bodies(mail)[0]


@pytest.mark.parametrize("address", ["", "ann", "änn@x.example", "ann@x.example\r\nBcc: a@x.example"])
def test_an_address_that_cannot_be_sent_to_is_refused(address: str) -> None:
    """A letter to an address that cannot be sent to is never composed."""
    with pytest.raises(AddressError):
        compose(letter(address=address), SHIPPED, SENDER)


def test_an_international_domain_is_sent_in_ascii() -> None:
    """A recipient at an international domain gets a mail addressed in its ASCII form."""
    assert header(compose(letter(address="Ann@Müller.example"), SHIPPED, SENDER), "To").endswith(
        "<ann@xn--mller-kva.example>"
    )


def test_an_incomplete_letter_is_refused() -> None:
    """A date without a zone, a label that is no word, and a sender without a postal address are refused by name."""
    from dataclasses import replace

    with pytest.raises(LetterError, match="dated"):
        compose(letter(dated=datetime(2026, 4, 1, tzinfo=UTC).replace(tzinfo=None)), SHIPPED, SENDER)
    with pytest.raises(LetterError, match="label"):
        compose(letter(labels={"A: b\r\nBcc": "x"}), SHIPPED, SENDER)
    with pytest.raises(LetterError, match="postal_address"):
        compose(LETTER, SHIPPED, replace(SENDER, postal_address=" "))
    with pytest.raises(LetterError, match="product_url"):
        compose(LETTER, SHIPPED, replace(SENDER, product_url="lumen"))


def test_labels_are_headers() -> None:
    """Labels become X-Lifecycle headers beside the message and its template, encoded so that any id fits."""
    mail = compose(letter(labels={"Account": "acct 1\r\n", "Day": "1"}), SHIPPED, SENDER)
    assert header(mail, "X-Lifecycle-Account") == "acct%201%0D%0A"
    assert header(mail, "X-Lifecycle-Day") == "1"
    assert header(mail, "X-Lifecycle-Template") == "day_1_core_feature"
    assert header(mail, "X-Lifecycle-Message") == str(LETTER.message_id)


def test_the_sender_fills_in_what_the_context_leaves_out() -> None:
    """Product, core feature's address (from its path) and reply link come from the sender where needed."""
    context = {"core_feature": {"label": "shared dashboards", "path": "/dashboards"}}
    html, text = bodies(compose(letter(context=context), SHIPPED, SENDER))
    assert "https://app.lumen.example/dashboards" in text
    assert "Lumen" in html
    _, survey = bodies(compose(letter(context=context, template="day_14_survey"), SHIPPED, SENDER))
    assert "mailto:team@lumen.example?subject=Re%3A%20Lumen%20%5B0190c0de" in survey


def test_a_note_needs_no_more_than_the_saved_context() -> None:
    """An escalation is written from a saved context that names neither product nor addresses."""
    context = {"account": {"id": "acct_1"}, "core_feature": {"label": "shared dashboards", "path": "/dashboards"}}
    for name in SHIPPED.names(TemplateKind.ESCALATION):
        note = compose_note(name, context, SHIPPED, SENDER)
        assert "acct_1" in note.title
        assert "What to do." in note.body


@pytest.mark.parametrize("name", SHIPPED.names())
def test_a_mail_is_written_as_python_writes_it(name: str) -> None:
    """The short way to a mail's bytes gives the same as the generator of Python's ``email``, for each template."""
    mail = compose(letter(template=name, name="Zoë Ångström"), SHIPPED, SENDER)
    assert mail.as_bytes() == EmailMessage.as_bytes(mail)
    assert mail.as_bytes(policy=default) == EmailMessage.as_bytes(mail, policy=default)
