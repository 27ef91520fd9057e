"""``rescue``: what a lost process held. Claims go back; hand-overs without an answer are named ``unknown``."""

from dataclasses import dataclass

from orchestrator.store import messages
from orchestrator.usecases.deliver import name_unknown
from orchestrator.usecases.ports import Ports


@dataclass(frozen=True, slots=True, kw_only=True)
class Rescued:
    """What was found, counted."""

    given_back: int  # claims whose lease ran out: pending again
    unknown: int  # hand-overs whose sender did not come back


def rescue(ports: Ports) -> Rescued:
    """Give back expired claims and name uncertain hand-overs; safe to run twice and side by side."""
    with ports.engine.begin() as connection:
        given_back = messages.give_back(connection)
    with ports.engine.begin() as connection:
        now = ports.clock.now(connection)
        lost = messages.lost(connection)
        name_unknown(connection, ports, lost, now)
    return Rescued(given_back=given_back, unknown=len(lost))
