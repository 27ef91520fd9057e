"""A letter becomes a mail: the same letter, templates and sender give the same bytes, today and after a crash.

Nothing here reads a clock or makes an id: Message-ID, date and MIME boundary come from the letter. Headers cannot be
injected: every text is made one plain line first, and the policy refuses whatever is not printable ASCII once more.
"""

import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.header import Header
from email.message import EmailMessage, Message
from email.policy import SMTP, EmailPolicy, Policy
from email.utils import format_datetime, formataddr
from functools import cache, lru_cache
from typing import cast
from urllib.parse import quote, urljoin
from uuid import UUID

from css_inline import CSSInliner

from orchestrator.messaging.address import normalise, normalise_domain
from orchestrator.messaging.context import is_link, plain_text
from orchestrator.messaging.errors import AddressError, LetterError
from orchestrator.messaging.templates import Note, TemplateSet, Words
from orchestrator.messaging.transport import Envelope

LONGEST_NAME = 78  # characters of a display name
FOLDED_AT = 76  # columns of a line with encoded words, RFC 2047 section 2
_LABEL = re.compile(r"[A-Z][A-Za-z]*(-[A-Z][A-Za-z]*)*")
_FOLD = "\r\n "  # how a header goes on in the next line


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One message to one person: all that its mail depends on, saved before it is composed."""

    message_id: UUID  # of the message; becomes the left side of the Message-ID
    template: str  # name of the folder under ``email/``
    locale: str  # wanted language, as in BCP 47
    address: str  # the recipient's
    name: str | None  # the recipient's, shown beside the address
    context: Mapping[str, object]  # see ``context.CONTEXT``
    dated: datetime  # aware; the Date header
    transactional: bool = False  # about the account itself: no way to stop it is offered
    labels: Mapping[str, str] = field(default_factory=dict)  # ``X-Lifecycle-<label>`` headers: ids, nothing personal


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who writes: one vendor, from the settings."""

    product_name: str  # MAIL_FROM's display name, and product.name in templates
    product_url: str  # product.url in templates
    mail_from: str  # the address mails come from, in header and envelope
    reply_to: str  # where answers go
    domain: str  # right side of Message-IDs and List-Ids
    postal_address: str  # in every footer (CAN-SPAM)
    unsubscribe: str  # the address that takes people off


class _HeaderPolicy(EmailPolicy):
    """Headers are stored as they go over the wire, and written so.

    Python's own folding breaks ``List-Unsubscribe`` straight after the colon and, before 3.13, loses spaces between
    encoded words; its parsing would decode a customer's name that looks like an encoded word, line breaks and all.
    Reading them back (``mail["To"]``) still gives Python's parsed headers.
    """

    def header_max_count(self, name: str) -> int | None:
        """How many headers of this name a mail may have; Python's own makes a class for each question."""
        return _most(name)

    def header_store_parse(self, name: str, value: str) -> tuple[str, str]:
        """The header as it is, once it is certain that it is one header."""
        if not (name.isascii() and value.isascii()) or not all(line.isprintable() for line in value.split(_FOLD)):
            raise LetterError(f"the header {name} holds more than printable ASCII")
        return name, value

    def header_fetch_parse(self, name: str, value: str) -> str:
        """The header parsed, for those who read it; the generator asks for the same few again and again."""
        return _parsed(name, value)

    def fold(self, name: str, value: str) -> str:
        """The header as stored."""
        return f"{name}: {value}{self.linesep}"

    def fold_binary(self, name: str, value: str) -> bytes:
        """The same, as bytes."""
        return self.fold(name, value).encode("ascii")


POLICY = _HeaderPolicy(linesep=SMTP.linesep)


class _Mail(EmailMessage):
    """A composed mail, written as Python's generator would write it, at a tenth of the price.

    What may be handed over is known: headers as they go over the wire, and two parts in quoted-printable.
    """

    boundary = ""  # between its parts

    def as_bytes(self, unixfrom: bool = False, policy: "Policy[Message[str, str]] | None" = None) -> bytes:  # noqa: FBT001, FBT002 -- Python's signature
        """The whole mail; whoever asks for anything else than its own form gets Python's."""
        if unixfrom or policy is not None or not (self.boundary and self.is_multipart()):
            return super().as_bytes(unixfrom, policy)
        parts = (_wire(part) for part in self.iter_parts())
        body = "".join(f"--{self.boundary}\r\n{part}\r\n" for part in parts)
        return f"{_wire_headers(self)}\r\n{body}--{self.boundary}--\r\n".encode("ascii")


def _wire(part: "Message[str, str]") -> str:
    return f"{_wire_headers(part)}\r\n" + str(part.get_payload()).replace("\n", "\r\n")


def _wire_headers(part: "Message[str, str]") -> str:
    return "".join(f"{name}: {value}\r\n" for name, value in part.raw_items())


def _boundary(message_id: UUID) -> str:
    return f"=_{message_id.hex}"


@lru_cache(maxsize=64)
def _most(name: str) -> int | None:
    return SMTP.header_max_count(name)


@lru_cache(maxsize=64)
def _parsed(name: str, value: str) -> str:
    return cast("str", SMTP.header_fetch_parse(name, value))  # a header class, which is a str


def compose(letter: Letter, templates: TemplateSet, sender: Sender) -> EmailMessage:
    """The mail of a letter: HTML with styles in the tags, and the same words as plain text.

    Raises TemplateError, RenderError, AddressError or LetterError; nothing is half-written.
    """
    words = templates.words(letter.template, letter.locale, full_context(letter, sender))
    html, text = templates.framed(words, _frame(letter, sender))
    mail = _Mail(policy=POLICY)
    for name, value in _headers(letter, sender, words).items():
        mail[name] = value
    mail["MIME-Version"] = "1.0"
    mail["Content-Type"] = f'multipart/alternative; boundary="{_boundary(letter.message_id)}"'
    mail.boundary = _boundary(letter.message_id)
    mail.set_payload([_part("plain", text), _part("html", _inliner().inline(html))])
    return mail


def envelope_of(letter: Letter, sender: Sender) -> Envelope:
    """Who hands the letter over to whom; raises AddressError for what cannot be sent."""
    return Envelope(sender=normalise(sender.mail_from), recipient=normalise(letter.address))


def mail_id(message_id: UUID, domain: str) -> str:
    """The Message-ID header of a message: ``<uuid@domain>``, the key by which a mail is found again."""
    return f"<{message_id}@{normalise_domain(domain)}>"


def compose_note(name: str, context: Mapping[str, object], templates: TemplateSet, sender: Sender) -> Note:
    """Title and text of an escalation, from its saved context; raises TemplateError or RenderError."""
    reply = f"mailto:{quote(normalise(sender.reply_to), safe='@')}"
    return templates.note(name, {**_with_product(context, sender), "reply": {"url": reply}})


def full_context(letter: Letter, sender: Sender) -> dict[str, object]:
    """The letter's context and what the sender adds to it: the product, the core feature's address, where to answer."""
    answer = f"Re: {plain_text(sender.product_name)} [{letter.message_id}]"
    readers = ",".join(quote(address, safe="@") for _, address in _answered_by(letter, sender))
    return {**_with_product(letter.context, sender), "reply": {"url": f"mailto:{readers}?subject={quote(answer)}"}}


def _with_product(context: Mapping[str, object], sender: Sender) -> dict[str, object]:
    product = {"name": sender.product_name, "url": sender.product_url} | _group(context, "product")
    feature = _group(context, "core_feature")
    feature.setdefault("url", _within(str(product["url"]), str(feature.get("path", ""))))
    return {**context, "product": product, "core_feature": feature}


def _within(site: str, path: str) -> str:
    """A page of the product: a path below its address, or an address of its own."""
    return urljoin(site.rstrip("/") + "/", path.lstrip("/")) if path else site


def _group(context: Mapping[str, object], name: str) -> dict[str, object]:
    found = context.get(name)
    return {key: value for key, value in found.items() if value} if isinstance(found, Mapping) else {}


def _headers(letter: Letter, sender: Sender, words: Words) -> dict[str, str]:
    headers = {
        "From": _mailbox("From", sender.product_name, sender.mail_from),
        "To": _mailbox("To", letter.name or "", letter.address),
        "Reply-To": ", ".join(_mailbox("Reply-To", name, address) for name, address in _answered_by(letter, sender)),
        "Subject": _encoded("Subject", words.subject),
        "Date": _date(letter.dated),
        "Message-ID": mail_id(letter.message_id, sender.domain),
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "OOF, AutoReply",
    }
    if not letter.transactional:
        headers["List-Id"] = f"<lifecycle.{normalise_domain(sender.domain)}>"
        headers["List-Unsubscribe"] = f"<{_unsubscribe(letter, sender)}>"
    labels = {"Message": str(letter.message_id), "Template": letter.template, **letter.labels}
    return headers | {f"X-Lifecycle-{_label(name)}": quote(value, safe="@:+")[:200] for name, value in labels.items()}


def _answered_by(letter: Letter, sender: Sender) -> list[tuple[str, str]]:
    """Who reads the answer: our mailbox and, because the copy says so, the human who looks after the account."""
    owner = _group(letter.context, "owner")
    ours = normalise(sender.reply_to)
    try:
        theirs = normalise(str(owner.get("email", "")))
    except AddressError:
        theirs = ours
    named = (str(owner.get("name", "")), theirs)
    return [(sender.product_name, ours), *([named] if theirs != ours else [])]


def _frame(letter: Letter, sender: Sender) -> dict[str, object]:
    """What the layout knows of the sender."""
    if not sender.postal_address.strip():
        raise LetterError("sender.postal_address is empty; every mail must name one")
    if not is_link(sender.product_url):
        raise LetterError(f"sender.product_url must be an http or https address, got {sender.product_url[:80]!r}")
    return {
        "product": {"name": plain_text(sender.product_name), "url": sender.product_url},
        "sender": {"name": plain_text(sender.product_name), "postal_address": plain_text(sender.postal_address, 300)},
        "transactional": letter.transactional,
        "unsubscribe": {"url": _unsubscribe(letter, sender), "address": normalise(sender.unsubscribe)},
    }


def _unsubscribe(letter: Letter, sender: Sender) -> str:
    """A mailto link; its subject names the message, so that no address need be typed or guessed."""
    return f"mailto:{quote(normalise(sender.unsubscribe), safe='@')}?subject=unsubscribe%20{letter.message_id}"


def _date(dated: datetime) -> str:
    if dated.tzinfo is None:
        raise LetterError("letter.dated has no time zone")
    return format_datetime(dated.astimezone(UTC).replace(microsecond=0))


def _label(name: str) -> str:
    if not _LABEL.fullmatch(name):
        raise LetterError(f"a label is written like Account or Play-Name, got {name!r}")
    return name


def _part(subtype: str, content: str) -> EmailMessage:
    part = EmailMessage(policy=POLICY)
    part["Content-Type"] = f'text/{subtype}; charset="utf-8"'
    part["Content-Transfer-Encoding"] = "quoted-printable"
    lines = "\n".join(content.strip().splitlines()) + "\n"
    part.set_payload(binascii.b2a_qp(lines.encode("utf-8"), istext=True).decode("ascii"))
    return part


def _mailbox(header: str, name: str, address: str) -> str:
    """``Ann Okafor <ann@northwind.example>``, the name quoted or encoded as it needs."""
    shown, normal = plain_text(name, LONGEST_NAME), normalise(address)
    if _is_bare(shown):
        return formataddr((shown, normal))
    return f"{_encoded(header, shown)} <{normal}>"


def _encoded(header: str, text: str) -> str:
    """A text as it is, or in encoded words of RFC 2047 when it is not ASCII or would be mistaken for them."""
    if _is_bare(text):
        return text
    return Header(text, "utf-8", maxlinelen=FOLDED_AT, header_name=header).encode(linesep="\r\n")


def _is_bare(text: str) -> bool:
    return text.isascii() and "=?" not in text


@cache
def _inliner() -> CSSInliner:
    return CSSInliner(keep_style_tags=False, load_remote_stylesheets=False)
