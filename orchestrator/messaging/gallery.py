"""One page of all mails that the catcher has kept: static, to be opened from the disk, loading nothing from afar.

Each mail is shown as its reader would see it, in a frame that may run no script and reach no network.
"""

import re
from collections.abc import Iterator, Sequence
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from importlib.resources import files
from itertools import groupby
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from orchestrator.messaging.catcher import Caught, read_index

PAGE = "index.html"

_LAYOUT = files(__package__).joinpath("gallery.html").read_text(encoding="utf-8")


def write_gallery(folder: Path) -> Path:
    """Write the page of all mails in a catcher's folder, and say where it is.

    They are grouped by account, where the mails name one, else by recipient, in the order of their arrival.
    """
    caught = read_index(folder)
    page = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True).from_string(_LAYOUT)
    path = folder / PAGE
    draft = folder / f".{PAGE}.part"
    draft.write_text(
        page.render(
            count=len(caught),
            repeated=sum(mail.copy > 1 for mail in caught),
            by="accounts" if any(mail.account for mail in caught) else "recipients",
            groups=list(_groups(folder, caught)),
        ),
        encoding="utf-8",
    )
    draft.replace(path)
    return path


def _groups(folder: Path, caught: Sequence[Caught]) -> Iterator[dict[str, object]]:
    ordered = sorted(caught, key=lambda mail: (_owner(mail), mail.received))
    for name, mails in groupby(ordered, key=_owner):
        yield {"name": name or "nobody", "mails": [_shown(folder, mail) for mail in mails]}


def _owner(mail: Caught) -> str:
    return mail.account or ", ".join(mail.to)


def _shown(folder: Path, caught: Caught) -> dict[str, object]:
    content = message_from_bytes((folder / caught.file).read_bytes(), policy=default)
    return {
        "mark": _mark(caught),
        "subject": caught.subject or "(no subject)",
        "to": ", ".join(caught.to),
        "date": caught.date.removesuffix(" +0000"),
        "arrival": caught.copy,
        "template": caught.template,
        "file": caught.file,
        "html": _body(content, "html"),
        "text": _body(content, "plain"),
    }


def _mark(caught: Caught) -> str:
    """When it is, at a glance: its place in the Day N sequence, else the day of deciding it, else its number."""
    day = next(iter(re.findall(r"^day_(\d+)_", caught.template)), caught.day)
    return f"Day {day}" if day else f"#{caught.received}"


def _body(mail: object, form: str) -> str:
    """A mail's body in one form, or nothing: what a stranger sent may have none, or none that can be read."""
    part = mail.get_body((form,)) if isinstance(mail, EmailMessage) else None
    try:
        return str(part.get_content()) if part is not None else ""
    except (LookupError, ValueError, AttributeError):
        return ""
