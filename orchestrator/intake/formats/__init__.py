"""Formats: what producers write, read into Segment calls; one item at a time, so that a bad one harms no other.

Reading order: ``items`` (what a reader gives), ``bodies`` (a request's body becomes items), ``scan`` (a body that a
strict parser refuses, cut into its items), ``content`` (one call, told apart by what is in it), then the dialects:
``cloudevents``, ``posthog``, ``plain``; Segment's own, and RudderStack's, is ``intake.segment``.
"""

from orchestrator.intake.formats.bodies import read, redacted, secret_in
from orchestrator.intake.formats.content import belongs_to, parse
from orchestrator.intake.formats.items import MOST_BATCH_BYTES, MOST_BODY, MOST_ITEMS, Dialect, Item

__all__ = [
    "MOST_BATCH_BYTES",
    "MOST_BODY",
    "MOST_ITEMS",
    "Dialect",
    "Item",
    "belongs_to",
    "parse",
    "read",
    "redacted",
    "secret_in",
]
