"""What can be written to: one spelling for an address, and a clear refusal of what cannot be sent.

The whole address is lower-cased: RFC 5321 lets the left side distinguish case, but no provider of note does, and
suppression (promise P5) must recognise ``Ann@`` and ``ann@`` as one person.
"""

import re
from functools import lru_cache

from orchestrator.messaging.errors import AddressError

LONGEST = 254  # octets, RFC 5321 4.5.3.1.3 less the angle brackets
LONGEST_LOCAL = 64  # octets, RFC 5321 4.5.3.1.1
LONGEST_DOMAIN = 253  # characters of its ASCII form

_LOCAL = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
# Older and newer IDNA make different domains of these, and we would write to a stranger: sharp s, final sigma, joiners.
_AMBIGUOUS = frozenset("\u00df\u1e9e\u03c2\u200c\u200d")


@lru_cache(maxsize=256)  # a few of them (the sender's) are asked for with every mail
def normalise(address: str) -> str:
    """The one spelling of an address: stripped, lower-case, an international domain in its ASCII form.

    Raises AddressError, saying why, for what cannot be sent: no address at all, a display name, quoted or non-ASCII
    left sides (they need SMTPUTF8, which this product does not use), address literals, domains without a dot.
    """
    bare = address.strip()
    if len(bare) > LONGEST:
        raise AddressError(f"an address has at most {LONGEST} characters, this one has {len(bare)}")
    local, at, domain = bare.rpartition("@")
    if not at or not local or not domain or "@" in local:
        raise AddressError(f"{bare!r} is not of the form name@domain")
    whole = f"{_local(local)}@{normalise_domain(domain)}"
    if len(whole) > LONGEST:
        raise AddressError(f"an address has at most {LONGEST} characters, this one has {len(whole)}")
    return whole


@lru_cache(maxsize=1024)
def normalise_domain(domain: str) -> str:
    """The ASCII, lower-case form of a mail domain; raises AddressError for what is none."""
    if _AMBIGUOUS.intersection(domain):
        raise AddressError(f"the domain {domain!r} is spelled differently by old and new software; use its xn-- form")
    ascii_form = _ascii(domain)
    labels = ascii_form.split(".")
    if len(ascii_form) > LONGEST_DOMAIN or len(labels) == 1 or not all(map(_LABEL.fullmatch, labels)):
        raise AddressError(f"{domain!r} is not a mail domain")
    if labels[-1].isdigit():
        raise AddressError(f"{domain!r} is a number, not a mail domain")
    return ascii_form


def _local(local: str) -> str:
    if not local.isascii():
        raise AddressError(f"{local!r} before the @ is not ASCII; such addresses need SMTPUTF8, which is not used here")
    lowered = local.lower()
    if len(lowered) > LONGEST_LOCAL or not _LOCAL.fullmatch(lowered):
        raise AddressError(f"{local!r} cannot stand before the @")
    return lowered


def _ascii(domain: str) -> str:
    try:
        return domain.encode("idna").decode("ascii").lower()
    except UnicodeError as error:
        raise AddressError(f"{domain!r} is not a mail domain") from error
