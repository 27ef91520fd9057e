"""The figures of an onboarding programme, as the accounts' own facts say them.

What is read stands in a layer (``playbooks/layers/programme.yaml``), as metrics in the language of the playbook, named
after the dimensions of the benchmark table. It is laid over whatever playbook is configured, so that an audit needs no
change of it. What that playbook has no word for is left out and told; what no account says is unknown.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, text

from orchestrator.core.account import Account
from orchestrator.core.playbook import Playbook
from orchestrator.core.segments import segment_of
from orchestrator.insight.board import Row, board
from orchestrator.insight.figures import Given
from orchestrator.playbook.compiler import compile_playbook
from orchestrator.playbook.errors import PlaybookError
from orchestrator.playbook.inheritance import SHELF
from orchestrator.playbook.loader import Plain
from orchestrator.playbook.source import PlaybookSource
from orchestrator.store import accounts

LAYER = "layers/programme"
PREFIX = "audit_"  # of the layer's metrics; what follows is the figure's name
_CONFIGURED = "configured"  # what the playbook under the layer is called here
_PAGE = 500  # accounts that are held at a time

PEOPLE = text("""
    -- people: how many were ever seen, and how many of them for the first time in the last month
    SELECT count(*) AS users, count(*) FILTER (WHERE first_seen > :now - interval '1 month') AS new FROM persons
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """A playbook by which the programme can be measured."""

    playbook: Playbook  # with the layer over it, and no other metrics than the layer's
    wordless: tuple[str, ...]  # figures that it has no words for


def measures(source: PlaybookSource, templates: Mapping[str, str]) -> Measures:
    """The configured playbook with the programme's metrics over it; ``templates`` hold the layer.

    Raises:
        PlaybookError: it is not in order, whatever is left out; or the layer is missing.
    """
    shelf = {name: text for name, text in templates.items() if name == f"{SHELF}{LAYER}.yaml"}
    shelf = {**source.templates, **shelf, f"{SHELF}{_CONFIGURED}.yaml": source.text}
    without: dict[str, Plain] = {}
    while True:
        try:
            playbook = compile_playbook(_laid_over(without, shelf))
        except PlaybookError as error:
            if not _leave_out(without, error):
                raise
        else:
            return _measures(playbook, without)


def _laid_over(without: Mapping[str, Plain], shelf: Mapping[str, str]) -> PlaybookSource:
    whole = {"playbook": "audited", "extends": [_CONFIGURED, LAYER], **without}
    return PlaybookSource(file="audit", text=json.dumps(whole), templates=shelf)


def _leave_out(without: dict[str, Plain], error: PlaybookError) -> bool:
    """Leave out the metrics and measures of the layer that cannot be; whether there were any that are not yet."""
    found = False
    for steps in (problem.path.split(".") for problem in error.problems):
        held: dict[str, Plain] = without
        depth = {"metrics": 2, "vocabulary": 3}.get(steps[0], 0)
        if len(steps) < depth or not depth:
            continue
        for step in steps[: depth - 1]:
            held = held.setdefault(step, {})
        found = found or steps[depth - 1] not in held
        held[steps[depth - 1]] = None
    return found


def _measures(playbook: Playbook, without: Mapping[str, Plain]) -> Measures:
    ours = {name: metric for name, metric in playbook.metrics.items() if name.startswith(PREFIX)}
    wordless = tuple(name.removeprefix(PREFIX) for name in without.get("metrics", {}))
    return Measures(playbook=replace(playbook, metrics=ours), wordless=wordless)


def measured(everybody: Iterable[Account], by: Measures, now: datetime) -> dict[str, Given]:
    """Each figure that these accounts say, with how many of them say it; one that nobody says is not there."""
    rows = board(everybody, by.playbook, now)
    return {
        row.metric.name.removeprefix(PREFIX): Given(value=row.figure, source=_source(row))
        for row in rows
        if row.figure is not None
    }


def _source(row: Row) -> str:
    return f"known of {row.population - row.unknown} of {row.population} {row.metric.population}"


def everyone(connection: Connection) -> Iterator[Account]:
    """All accounts, in the order of their ids, a page at a time."""
    return accounts.every(connection, _PAGE)


def by_touch(everybody: Iterable[Account], playbook: Playbook) -> Counter[str]:
    """How many accounts each touch model looks after; of a playbook without segments none."""
    found = (segment_of(account.facts, playbook) for account in everybody if not playbook.stages[account.stage].exit)
    return Counter(segment.touch for segment in found if segment is not None)


def crowd(connection: Connection, now: datetime) -> dict[str, Given]:
    """How many people there are at all accounts, and how many of them are new in a month."""
    row = connection.execute(PEOPLE, {"now": now}).one()
    if row.users == 0:
        return {}
    return {
        "users": Given(value=row.users, source="people that the database knows"),
        "new_users_per_month": Given(value=row.new, source="people first seen in the last month"),
    }
