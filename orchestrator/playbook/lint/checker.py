"""``lint``: every rule asked of one playbook that compiled."""

from collections.abc import Iterable

from orchestrator.core.playbook import Playbook
from orchestrator.playbook.lint.antipatterns import anti_patterns
from orchestrator.playbook.lint.desk import desk_of
from orchestrator.playbook.lint.findings import Finding
from orchestrator.playbook.lint.firing import plays_that_never_fire
from orchestrator.playbook.lint.indicators import health_that_says_little
from orchestrator.playbook.lint.ladders import signals_and_ladders
from orchestrator.playbook.lint.names import names_never_seen, unused_names
from orchestrator.playbook.lint.stages import stage_table
from orchestrator.playbook.lint.starving import mails_that_starve
from orchestrator.playbook.lint.treatment import treatment
from orchestrator.playbook.lint.truths import conditions_that_say_nothing
from orchestrator.playbook.source import PlaybookSource

_ASKED = (
    conditions_that_say_nothing,
    plays_that_never_fire,
    stage_table,
    mails_that_starve,
    signals_and_ladders,
    health_that_says_little,
    treatment,
    anti_patterns,
    unused_names,
    names_never_seen,
)


def lint(playbook: Playbook, source: PlaybookSource, seen: Iterable[str] | None = None) -> tuple[Finding, ...]:
    """What is allowed and hardly meant, in the order of the file.

    Args:
        playbook: compiled from ``source``.
        source: its text and templates.
        seen: the event names in the store, as the products say them; None when nobody looked.
    """
    desk = desk_of(playbook, source, None if seen is None else frozenset(seen))
    return tuple(sorted({finding for ask in _ASKED for finding in ask(desk)}))
