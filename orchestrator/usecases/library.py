"""The published playbooks, compiled: an account is decided by the version that it is pinned to."""

import gc
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection

from orchestrator.core.audience import Sought, sought
from orchestrator.core.errors import LifecycleError
from orchestrator.core.playbook import Playbook
from orchestrator.messaging.templates import TemplateSet
from orchestrator.playbook.compiler import compile_playbook
from orchestrator.playbook.source import PlaybookSource
from orchestrator.store import playbooks
from orchestrator.store.playbooks import Published


class NoPlaybookError(LifecycleError):
    """No playbook is published; run ``lifecycle migrate``, which publishes the one that LIFECYCLE_PLAYBOOK names."""


MOST_EDITIONS = 32  # that a process keeps compiled: each takes a few megabytes, and a tenth of a second to make again


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """A compiled version with its templates."""

    playbook: Playbook
    templates: TemplateSet
    sought: Sought = field(default_factory=Sought)  # the people that its plays may write to


@dataclass(frozen=True, slots=True)
class Library:
    """Compiled versions by their hash; a version never changes, so that what is compiled stays, up to MOST_EDITIONS."""

    editions: dict[str, Edition] = field(default_factory=dict)

    def current(self, connection: Connection) -> Edition:
        """The version that new accounts are pinned to.

        Raises:
            NoPlaybookError: none is published.
        """
        version = playbooks.current_version(connection)
        if version is None:
            raise NoPlaybookError
        return self.edition(connection, version)

    def edition(self, connection: Connection, version: str) -> Edition:
        """That version, compiled.

        Raises:
            NoPlaybookError: it was never published here.
        """
        found = self.editions.get(version)
        if found is None:
            published = playbooks.by_version(connection, version)
            if published is None:
                msg = f"playbook version {version} was never published here; an account is pinned to it"
                raise NoPlaybookError(msg)
            found = compiled(published)
            for longest_here in list(self.editions)[: len(self.editions) - MOST_EDITIONS + 1]:
                self.editions.pop(longest_here, None)
            self.editions[version] = found
            gc.freeze()  # it stays for long: the collector need not walk through its many parts again and again
        return found


def compiled(published: Published) -> Edition:
    """Compile a published version.

    Raises:
        PlaybookError: it was written for another version of this program.
    """
    source = PlaybookSource(file=published.name, text=published.text, templates=published.templates)
    playbook = compile_playbook(source)
    return Edition(playbook=playbook, templates=TemplateSet(published.templates), sought=_sought(playbook))


def _sought(playbook: Playbook) -> Sought:
    found = sought(play.audience for play in playbook.plays.values())
    return replace(found, substitutes=True) if any(play.unreachable for play in playbook.plays.values()) else found
