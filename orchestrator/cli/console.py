"""What every command shares: the terminal, and the way to an installation's servers."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:  # a worker or a catcher prints a line, and needs no installation for that
    from orchestrator.runtime.composition import Installation
    from orchestrator.runtime.settings import Settings

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


@contextmanager
def installed(settings: "Settings | None" = None, *, migrate: bool = False) -> Iterator["Installation"]:
    """An installation with servers behind it: those that are set, those that run, else ours while it takes."""
    from orchestrator.runtime.composition import install
    from orchestrator.runtime.servers import serving
    from orchestrator.runtime.settings import Settings
    from orchestrator.store.migrate import is_current, upgrade

    chosen = settings or Settings.load()
    with serving(chosen) as addresses:
        if migrate or not is_current(addresses.database_url):
            upgrade(addresses.database_url)
        installation = install(chosen, addresses)
        try:
            yield installation
        finally:
            installation.close()
