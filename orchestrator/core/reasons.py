"""Three closed lists of reasons: for Decisions, Postponements and Messages.

Each reason carries its one sentence, has a test that names it, and its word is the tag of its metric.
"""

from enum import StrEnum, unique
from typing import Self


class Reason(StrEnum):
    """A word of a closed list, with the sentence that a person reads."""

    sentence: str

    def __new__(cls, word: str, sentence: str = "") -> Self:
        """Make the member from its word and its sentence."""
        member = str.__new__(cls, word)
        member._value_ = word
        member.sentence = sentence
        return member


@unique
class DecisionReason(Reason):
    """Why a play that came due was done or skipped."""

    DUE = "due", "It was due and its condition held."
    CONDITION_FALSE = "condition_false", "It was due, but its condition was false."
    UNKNOWN = "unknown", "It was due, but its condition rests on something that is not known."
    STALE = "stale", "It was found due only after its valid_for had passed."
    DEFERRED_TOO_LONG = "deferred_too_long", "No opening of the send window came within its max_defer and valid_for."
    NO_RECIPIENT = "no_recipient", "Until the end of its max_defer nobody at the account had an address."
    ALREADY_DONE = "already_done", "It was due, but its only_while did not hold: what it asks for is done."
    OVERTAKEN = "overtaken", "Its cause ended, or came anew, before it could be judged."
    OUTRANKED = "outranked", "Others went first: no opening that keeps the minimum gap came within its max_defer."
    ACCOUNT_CAPPED = "account_capped", "The account's share of mail was used up for longer than its max_defer."
    HOLDOUT = "holdout", "The account belongs to the holdout, which is not written to."
    TOO_SOON = "too_soon", "It did the same before, and its again asks for more days in between."
    EXITED = "exited", "The account had left: its stage is an exit."
    OTHER_STAGE = "other_stage", "The play belongs to other stages than the account's."
    ALREADY_OPEN = "already_open", "It was due, but the signal is open already: of each, one is open at a time."
    NOT_AMONG = "not_among", "It is a checkpoint for others: the account is not among those of whom it asks."
    BACKFILL = "backfill", "It came due before the account went live: that is history, and nothing is done for it."
    UNCONFIRMED = "unconfirmed", "Its condition ceased to hold before it had held for as long as its `for` asks."


@unique
class PostponementReason(Reason):
    """Why a play that came due, or a message at the door, waits."""

    OUTSIDE_WINDOW = "outside_window", "It waits for the next opening of the send window."
    CAPPED = "capped", "The address has had its share of mail: the message waits for room."
    OUTRANKED = "outranked", "Another play went first: it waits until the minimum gap to that message has passed."
    ACCOUNT_CAPPED = "account_capped", "The account has had its share of mail: the play waits for room."
    PAUSED = "paused", "A person has paused the account."
    PARKED = "parked", "The account could not be decided and is parked."
    NO_RECIPIENT = "no_recipient", "Nobody at the account has an address yet: it waits for the call that names one."
    DRAFT = "draft", "It is a draft: it waits for a person to approve it."
    NOT_BEFORE = "not_before", "The message may not leave before its time."
    CONFIRMING = "confirming", "Its condition holds, and has to go on holding for as long as its `for` asks."
    ABSORBED = "absorbed", "A signal that explains this one is open: it is looked at again when that one has closed."
    COOLING = "cooling", "The signal has closed not long ago: it is looked at again when its cooldown is over."
    RELAY_DEFERRED = "relay_deferred", "The relay was out of reach or asked to try again later."


@unique
class MessageReason(Reason):
    """Why a message ended, or hangs, other than by being sent."""

    EXITED = "exited", "The account left before the message did."
    GOAL_REACHED = "goal_reached", "The play's only_while no longer holds: what the message asks for is done."
    EXPIRED = "expired", "It could not leave before its not_after."
    UNSUBSCRIBED = "unsubscribed", "The person has unsubscribed."
    SUPPRESSED_BOUNCE = "suppressed_bounce", "The address bounced hard."
    SUPPRESSED_COMPLAINT = "suppressed_complaint", "The addressee complained."
    ERASED = "erased", "The person was erased."
    NO_ADDRESS = "no_address", "The person has no address any more."
    DISCARDED = "discarded", "It was a draft, and a person discarded it."
    REPEATED = (
        "repeated",
        "The same address had this touch from the account under another id, or from its family.",
    )
    SHADOW = "shadow", "Shadow mode: decided and composed, nothing left."
    RELAY_REFUSED = "relay_refused", "The relay refused it for good."
    RENDER_FAILED = "render_failed", "Its template could not be rendered."
    SENDER_LOST = "sender_lost", "The sender was lost between hand-over and record: it may have left."
