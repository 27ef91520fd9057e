"""The price of single steps, in this process: parsing, documents, composing."""

import time
from collections.abc import Callable
from itertools import cycle
from typing import TypeVar
from uuid import UUID

import orjson

from orchestrator.intake.segment import parse_call
from orchestrator.messaging.compose import Letter, compose
from orchestrator.messaging.context import sample_context
from orchestrator.runtime.composition import sender
from orchestrator.store.documents import account_document, account_from
from tests.benchmarks.lives import NOW
from tests.benchmarks.report import STEP, Figure
from tests.benchmarks.stage import SHARDS, Stage
from tests.benchmarks.workload import Population, Traffic

TEMPLATE = "day_1_core_feature"
FIGURES = ("hours_saved", "active_people", "core_actions")
T = TypeVar("T")


def single_steps(stage: Stage, seconds: float) -> list[Figure]:
    """Each step, repeated for about so many seconds."""
    edition = stage.installation.ports.library
    with stage.engine.begin() as connection:
        current = edition.current(connection)
    accounts = [life.account for life in stage.lives]
    documents = [account_document(account) for account in accounts]
    calls = [
        call.body
        for call in Traffic(Population(name="single", size=1000, exponent=0.0), stage.lives, SHARDS).take(1000)
    ]
    letters = iter(range(1, 1 << 62))
    from_sender = sender(stage.installation.settings)

    rows: list[tuple[str, Callable[[], object]]] = [
        ("parse a call", _each(calls, lambda raw: parse_call(raw, source="segment", received_at=NOW, stamped=False))),
        ("load an account's document", _each(documents, lambda document: account_from("a", document))),
        ("write an account's document", _each(accounts, lambda account: orjson.dumps(account_document(account)))),
        ("compose a mail", lambda: compose(letter(next(letters)), current.templates, from_sender)),
    ]
    return [Figure(name=name, value=_micros(work, seconds), unit=STEP) for name, work in rows]


def _each(items: list[T], work: Callable[[T], object]) -> Callable[[], object]:
    turn = cycle(items)
    return lambda: work(next(turn))


def letter(number: int) -> Letter:
    return Letter(
        message_id=UUID(int=number),
        template=TEMPLATE,
        locale="en",
        address="ann@northwind.example",
        name="Ann Okafor",
        context=sample_context(FIGURES),
        dated=NOW,
    )


def _micros(work: Callable[[], object], seconds: float) -> float:
    """Microseconds of this process's time a call; the best of five stretches."""
    work()
    best = float("inf")
    for _ in range(5):
        calls, began = 0, time.process_time()
        while (spent := time.process_time() - began) < seconds / 5:
            work()
            calls += 1
        best = min(best, spent / max(calls, 1))
    return best * 1e6
