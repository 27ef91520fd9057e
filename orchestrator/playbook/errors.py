"""What is wrong with a playbook: every problem with its place, all of them together."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from orchestrator.core.errors import LifecycleError


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Problem:
    """One thing that is wrong, and where."""

    file: str  # as it was given
    line: int  # from 1
    column: int  # from 1
    path: str  # of the YAML, as ``plays.day_3_setup.when``; empty for the file as a whole
    message: str  # one sentence, with "did you mean" where there is a near word

    def __str__(self) -> str:
        """``file:line:column path: message``."""
        place = f"{self.file}:{self.line}:{self.column}"
        return f"{place} {self.path}: {self.message}" if self.path else f"{place}: {self.message}"


class PlaybookError(LifecycleError):
    """The playbook cannot be used as it is written; mend each place that is named."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        """Take the problems; they are told in the order of the file."""
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(str(problem) for problem in self.problems))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`` (did you mean `x`?)`` for the nearest known word, or nothing."""
    near = difflib.get_close_matches(word, sorted(known), n=1)
    return f" (did you mean `{near[0]}`?)" if near else ""
