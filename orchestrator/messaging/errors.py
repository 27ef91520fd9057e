"""What can go wrong with words: the author's mistakes, with file and line, and letters that cannot be written."""

from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.core.errors import LifecycleError


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One mistake in a template, where its author can find it."""

    file: str  # as in the template set: ``email/day_3_setup/en.md``
    line: int  # counted from 1
    message: str  # what is wrong and what to write instead

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


class MessagingError(LifecycleError):
    """A message could not be written or addressed."""


class TemplateError(MessagingError):
    """A template has mistakes; mend them at the places named."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        """Take the mistakes found, at least one."""
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


class RenderError(MessagingError):
    """A template could not be rendered with this letter's context; the letter cannot be sent as it is."""

    def __init__(self, message: str | None = None, *, file: str | None = None, line: int | None = None) -> None:
        """Take what went wrong and, where known, the file and the line in it (from 1)."""
        super().__init__(f"{file}:{line or 1}: {message}" if file and message else message)
        self.message = message or str(self)
        self.file = file
        self.line = line

    @property
    def problem(self) -> Problem:
        """The same as a mistake to be mended in its file."""
        return Problem(file=self.file or "?", line=self.line or 1, message=self.message)


class AddressError(MessagingError):
    """It is not an address that mail can be sent to; correct it at the source."""


class LetterError(MessagingError):
    """The letter or its sender is incomplete; the message names the field."""
