"""Strikes: what is killed, and at which moment of the work."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.acceptance.gate import At
from tests.acceptance.plant import Plant, until


@dataclass(frozen=True, slots=True)
class Ambush:
    """Somebody who lies in wait while the clock moves."""

    ready: threading.Event = field(default_factory=threading.Event)  # in position: the clock may move
    over: threading.Event = field(default_factory=threading.Event)  # all was done, and the moment did not come


Blow = Callable[[Plant], None]
Moment = Callable[[Plant, Ambush, Blow], bool]  # says whether the moment came


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """A blow at a moment."""

    name: str
    moment: Moment
    blow: Blow


def in_drain(plant: Plant, ambush: Ambush, blow: Blow) -> bool:
    """When a drain has taken entries and its transaction is open."""
    with plant.deciding_held():
        ambush.ready.set()
        return _struck(plant, ambush, blow, plant.in_flight)


def before_send(plant: Plant, ambush: Ambush, blow: Blow) -> bool:
    """When messages are claimed, and the first is about to be handed over."""
    return _at_gate(plant, At.MAIL, ambush, blow)


def in_hand_over(plant: Plant, ambush: Ambush, blow: Blow) -> bool:
    """When the relay has kept a mail, and its sender does not know yet."""
    return _at_gate(plant, At.END, ambush, blow)


def at_once(plant: Plant, ambush: Ambush, blow: Blow) -> bool:
    """Whatever is at work."""
    ambush.ready.set()
    blow(plant)
    return True


def _at_gate(plant: Plant, at: At, ambush: Ambush, blow: Blow) -> bool:
    with plant.gate.closed(at):
        ambush.ready.set()
        return _struck(plant, ambush, blow, lambda: plant.gate.held > 0)


def _struck(plant: Plant, ambush: Ambush, blow: Blow, came: Callable[[], bool]) -> bool:
    until(lambda: came() or ambush.over.is_set(), "the moment to strike")
    if not came():
        return False
    blow(plant)
    return True


def part(name: str) -> Blow:
    return lambda plant: plant.kill(name)


def server(name: str) -> Blow:
    return lambda plant: plant.kill_server(name)
