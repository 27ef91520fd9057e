"""The parts of a running installation, as the supervisor runs them: the same commands that an operator would type."""

import socket
import sys
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.runtime.addresses import Addresses
from orchestrator.runtime.composition import NO_POSTAL_ADDRESS
from orchestrator.runtime.servers import Servers
from orchestrator.runtime.settings import Settings
from orchestrator.runtime.supervisor import Part, Watch

LIFECYCLE = (sys.executable, "-m", "orchestrator.cli")
LOCAL = "127.0.0.1"  # this machine
EVERYWHERE = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 -- nothing is bound here: what the settings may say
DELIVERY_PROCESSES = 2  # each has its own connection to the relay


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to run."""

    settings: Settings
    addresses: Addresses
    mail_folder: Path  # of the catcher, when there is no relay
    catcher_port: int | None  # None: there is a relay
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)  # for every part, besides the addresses

    def variables(self) -> dict[str, str]:
        """What every part is told."""
        told = {**self.addresses.environment(), **self.environment}
        if self.catcher_port is not None:
            told["SMTP_URL"] = f"smtp://127.0.0.1:{self.catcher_port}"
            told.setdefault("MAIL_POSTAL_ADDRESS", self.settings.mail_postal_address or NO_POSTAL_ADDRESS)
        return told


def plan(settings: Settings, addresses: Addresses, environment: Mapping[str, str] | None = None) -> Plan:
    """What runs for these settings; without a relay a mail catcher on a free port is part of it."""
    return Plan(
        settings=settings,
        addresses=addresses,
        mail_folder=settings.home / "mail",
        catcher_port=None if settings.smtp_url else free_port(),
        environment=environment or {},
    )


def parts(planned: Plan, *, flower: bool = True, gateway: bool = True) -> list[Part]:
    """The table of processes, in the order of their start."""
    variables = planned.variables()
    rows = [
        *_catcher(planned),
        ("flow", ("worker", "--queues", "flow", "--concurrency", str(planned.settings.workers)), None),
        ("delivery", ("worker", "--queues", "delivery", "--concurrency", str(DELIVERY_PROCESSES)), None),
        ("beat", ("beat",), None),
    ]
    if gateway:
        rows.append(("gateway", ("gateway",), planned.settings.gateway_port))
    if flower:
        port = planned.settings.flower_port
        rows.append(("flower", ("flower", "--port", str(port)), port))
    host = reached(planned.settings.gateway_host)
    return [
        _part(name, arguments, port, variables, host if name == "gateway" else LOCAL) for name, arguments, port in rows
    ]


def _catcher(planned: Plan) -> list[tuple[str, tuple[str, ...], int | None]]:
    if planned.catcher_port is None:
        return []
    arguments = ("catcher", "--port", str(planned.catcher_port), "--folder", str(planned.mail_folder))
    return [("catcher", arguments, planned.catcher_port)]


def _part(name: str, arguments: tuple[str, ...], port: int | None, variables: Mapping[str, str], host: str) -> Part:
    ready = None if port is None or name == "flower" else lambda: answers(port, host)
    return Part(name=name, argv=(*LIFECYCLE, *arguments), environment=variables, ready=ready)


def watches(servers: Servers) -> list[Watch]:
    """The servers of our own, which are started again when they die."""
    return [Watch(name=name, ensure=lambda name=name: servers.ensure(name)) for name in servers.names]  # type: ignore[misc]  # mypy cannot type a lambda's default


def answers(port: int, host: str = LOCAL) -> bool:
    """Whether somebody listens on this port, of this machine if nothing else is said."""
    with suppress(OSError), closing(socket.create_connection((host, port), timeout=0.5)):
        return True
    return False


def reached(host: str) -> str:
    """Where somebody is found who listens on an address: who listens on all of them is found on the local one."""
    return LOCAL if host in EVERYWHERE else host


_given: set[int] = set()  # ports that this process was told are free: one that was let go may come up again at once


def free_port() -> int:
    """A port of this machine that nobody listens on, never the same twice in this process."""
    while True:
        with closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        if port not in _given:
            _given.add(port)
            return port
