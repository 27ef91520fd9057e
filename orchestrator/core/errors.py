"""The root of our errors; each class's default message is its docstring and says what to do."""

import inspect


class LifecycleError(Exception):
    """Something in lifecycle-orchestrator went wrong."""

    def __init__(self, message: str | None = None) -> None:
        """Take a message of its own, or the class's docstring."""
        super().__init__(message or inspect.getdoc(type(self)) or type(self).__name__)


class IllegalInputError(LifecycleError):
    """The input is not of one account and version, or an instant is not UTC; nothing was changed: mend the caller."""


class UndecidableError(LifecycleError):
    """A rule cannot be evaluated for this account; mend the rule or the data, then resume the account."""
