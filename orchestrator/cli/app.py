"""The table of commands. Each is a thin face of a use case; ``--help`` is held equal to the README by a test.

A process brings in only the command that it was asked for: a worker, a beat or a question about one account does not
pay for the simulator, and ``lifecycle up`` starts half a dozen processes. Whoever wants all of them takes ``app``.
"""

import gc
import logging
import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from types import MappingProxyType

import typer
from rich.markup import escape
from typer.main import get_group

from orchestrator.cli.console import err

COMMANDS: Mapping[str, str] = MappingProxyType(
    {
        "up": "up:up",
        "demo": "up:demo",
        "migrate": "processes:migrate",
        "worker": "processes:worker",
        "beat": "processes:beat",
        "gateway": "processes:gateway",
        "flower": "processes:flower",
        "catcher": "processes:catcher",
        "doctor": "doctor:doctor",
        "simulate": "simulate:simulate",
        "metrics": "metrics:metrics",
        "audit": "audit:audit",
        "playbook": "playbook:app",
        "events": "events:app",
        "keys": "keys:app",
        "account": "account:app",
        "accounts": "accounts:app",
        "message": "message:app",
        "plan": "plan:app",
        "escalation": "escalation:app",
        "rejected": "rejected:app",
    }
)
"""What may be asked for, and where it is: a module beside this one, and its command or group of commands."""

USAGE = 2  # exit status: what was asked for is not in order
UNAVAILABLE = 3  # exit status: the world is not in order


def main() -> None:
    """Run a command; an error of ours or of the world is one clear text, not a trace."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        program = get_group(with_commands(asked_for(sys.argv[1:])))
        gc.freeze()
        gc.enable()
        program()
    except Exception as error:
        if _is_ours(error):
            err.print(f"[bold red]lifecycle:[/] {escape(str(error))}", markup=True, soft_wrap=True)
            sys.exit(USAGE)
        if not _is_of_the_world(error):
            raise
        err.print(f"lifecycle: {type(error).__name__}: {error}".splitlines()[0], markup=False, soft_wrap=True)
        sys.exit(UNAVAILABLE)


def asked_for(words: Sequence[str]) -> Iterable[str]:
    """The command that a line names; all of them when it names none, for the help or the refusal."""
    return words[:1] if words and words[0] in COMMANDS else COMMANDS


def with_commands(names: Iterable[str]) -> typer.Typer:
    """The program with these commands."""
    made = typer.Typer(
        name="lifecycle",
        help="Takes every customer account through its life, and can say why.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
    )
    for name in names:
        module, _, attribute = COMMANDS[name].partition(":")
        found = getattr(import_module(f"orchestrator.cli.{module}"), attribute)
        if isinstance(found, typer.Typer):
            made.add_typer(found, name=name)
        else:
            made.command(name)(found)
    return made


def __getattr__(name: str) -> typer.Typer:
    """``app``: the whole program."""
    if name != "app":
        raise AttributeError(name)
    return with_commands(COMMANDS)


def _is_ours(error: Exception) -> bool:
    """Whether it says what in the request, the settings or our own servers is not in order."""
    from orchestrator.core.errors import LifecycleError
    from orchestrator.runtime.servers import ServerError
    from orchestrator.runtime.settings import SettingsError

    return isinstance(error, LifecycleError | SettingsError | ServerError)


def _is_of_the_world(error: Exception) -> bool:
    """Whether a server is away or busy, rather than this program wrong."""
    from redis.exceptions import RedisError

    from orchestrator.store.failures import Fault, fault

    return isinstance(error, RedisError) or fault(error) in {Fault.WORLD, Fault.RETRY}
