"""Rejections: why something that came in did not become an event, in words of a closed list."""

from enum import unique

from orchestrator.core.errors import LifecycleError
from orchestrator.core.reasons import Reason

MOST_DETAIL = 300  # characters of a rejection's detail


@unique
class RejectionReason(Reason):
    """Why an entry did not become an event."""

    NOT_UTF8 = "not_utf8", "The bytes are not UTF-8."
    NOT_JSON = "not_json", "The text is not JSON."
    NOT_A_NUMBER = "not_a_number", "A number is NaN, infinite, or too large to be held."
    LONE_SURROGATE = "lone_surrogate", "A text holds half a character (a lone surrogate)."
    NUL_CHARACTER = "nul_character", "A text or a name holds the NUL character, which the database cannot keep."
    TOO_LARGE = "too_large", "The call is larger than 32 KiB."
    TOO_MANY = "too_many", "The item lies beyond the 2,500 items or the 500 KiB that a batch may have."
    MISSING_FIELD = "missing_field", "A field that the call needs is missing or blank."
    BAD_FIELD = "bad_field", "A field holds something that it may not hold."
    NO_IDENTITY = "no_identity", "The call names neither a person nor an account that it could belong to."
    UNKNOWN_TYPE = "unknown_type", "The call's type is none of track, identify, group, page, screen, alias."
    BAD_TIMESTAMP = "bad_timestamp", "A time cannot be read, or lies too far ahead or before the year 2000."
    CONFLICT = "conflict", "The same source has sent another body under this messageId before."
    DATA_ERROR = "data_error", "The database or a rule refused this event when it stood alone."


class Rejection(LifecycleError):  # noqa: N818 -- the glossary's word, as in ``rejected_events``
    """The call cannot become an event; mend it where the detail says and send it again."""

    def __init__(self, reason: RejectionReason, detail: str) -> None:
        """Take the reason and where and what; the detail never quotes what a person may have written."""
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail[:MOST_DETAIL]
