"""The port to the world of mail: one way to hand a mail over, and a closed list of what may come of it.

The line between ``Deferred`` and ``Uncertain`` is the promise P4: whatever fails before the relay has been given the
whole mail may be tried again at no risk; once the end of the mail has left us, only the relay's answer says whether
it took it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """Who hands over to whom; in mode ``redirect`` not the same as the mail's headers say."""

    sender: str  # takes bounces; normalised
    recipient: str  # normalised


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The relay has taken it."""

    reply: str  # what it said


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The relay will never take it."""

    code: int  # SMTP reply, 5xx
    text: str
    address_dead: bool  # nobody can write to this address: suppress it


@dataclass(frozen=True, slots=True, kw_only=True)
class Deferred:
    """Nothing was handed over; it is safe to try again later."""

    code: int  # SMTP reply, or 0 when there was none
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Abandoned:
    """Nothing was handed over, because ``before_data`` said no."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Uncertain:
    """It was handed over whole, and the answer never came: the relay may or may not have it."""

    text: str


Receipt = Accepted | Refused | Deferred | Abandoned | Uncertain


def go_on() -> bool:
    """Say yes: the ``before_data`` of those who have nothing to check."""
    return True


class Transport(Protocol):
    """Hands mails over, one after the other; not for use by two threads at once."""

    def send(self, mail: EmailMessage, envelope: Envelope, before_data: Callable[[], bool] = go_on) -> Receipt:
        """Hand one mail over. Never raises for what the world does: that is what receipts are for.

        ``before_data`` is called once, when all that can fail without consequence has succeeded and nothing has been
        handed over yet; False abandons the mail, and an exception from it abandons the mail and is passed on.
        Afterwards the transport is ready for the next mail, whatever came of this one.
        """
        ...

    def close(self) -> None:
        """Let go of what is open; a later ``send`` opens it again."""
        ...
