"""``measure``: once a UTC day the board is kept, and alerts on all accounts together open and close; safe to run twice.

Accounts are read before, page by page, outside of the transaction that writes. An alert that was on stays on while its
figure is unknown: nothing known is no good news. One whose metric is gone from the playbook is closed.
"""

from collections.abc import Iterable, Iterator
from datetime import timedelta

from orchestrator.core.metrics import Grade
from orchestrator.insight.board import Row, board
from orchestrator.store import accounts, figures
from orchestrator.store.figures import Call, Sample
from orchestrator.usecases.ports import Ports

KEPT = timedelta(days=800)  # as long as decisions are kept


def measure(ports: Ports) -> bool:
    """Keep the figures of today; False when they were kept already, or the playbook has none."""
    with ports.engine.connect() as connection:
        now, book = ports.clock.now(connection), ports.library.current(connection).playbook
        if not book.metrics or figures.measured(connection, now.date(), book.version):
            return False
        rows = board(accounts.every(connection), book, now)
    with ports.engine.begin() as connection:
        figures.keep(connection, map(_sample, rows), book.version, now)
        figures.close_alerts(connection, [row.metric.name for row in rows if _stands(row)], now)
        figures.open_alerts(connection, _calls(rows), now)
        figures.forget(connection, (now - KEPT).date())
    return True


def _sample(row: Row) -> Sample:
    return Sample(
        metric=row.metric.name,
        figure=row.figure,
        population=row.population,
        unknown=row.unknown,
        grade=row.grade.value,
    )


def _stands(row: Row) -> bool:
    """Whether an alert of the metric that is on stays on."""
    return row.metric.alert is not None and row.grade in {Grade.ALERT, Grade.UNKNOWN}


def _calls(rows: Iterable[Row]) -> Iterator[Call]:
    for row in rows:
        alert, figure = row.metric.alert, row.figure
        if row.grade is Grade.ALERT and alert is not None and figure is not None:
            yield Call(
                metric=row.metric.name,
                severity=alert.severity,
                owner=alert.owner,
                action=alert.action,
                figure=figure,
            )
