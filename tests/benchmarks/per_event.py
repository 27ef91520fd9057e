"""The usual way: one Celery task an event, SQLAlchemy's ORM, a commit each. Two prefork processes, the same database.

The task does what a first version would do: parse the call, insert the event unless it is known, load the account's row
under a lock, count the event in its state, commit. No rules. Its events are put into the queue before the clock starts.
"""

import os
import time
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

import orjson
from celery import Celery
from celery.signals import worker_process_init
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from orchestrator.store.documents import packed, unpacked
from tests.benchmarks.stage import POLL_SECONDS, Stage
from tests.benchmarks.subject import Run, difference, process, until_answers
from tests.benchmarks.workload import Call

PROCESSES = 2
QUEUE = "events"
WORKER = (
    *("-m", "celery", "-A", "tests.benchmarks.per_event", "worker", "-Q", "idle", "-c", str(PROCESSES)),
    *("-l", "WARNING", "--without-gossip", "--without-mingle"),
)

app = Celery("per_event", broker=os.environ.get("BENCH_BROKER_URL", "memory://"))
app.conf.update(
    task_ignore_result=True,
    task_acks_late=True,
    broker_connection_retry_on_startup=True,
    broker_transport_options={"global_keyprefix": "per_event:"},
    worker_hijack_root_logger=False,
)


class Base(DeclarativeBase):
    """The ORM's registry of this subject."""

    type_annotation_map = {dict[str, Any]: JSONB(), datetime: TIMESTAMP(timezone=True)}  # noqa: RUF012 -- SQLAlchemy's spelling


class KnownEvent(Base):
    """An event, by its producer's id."""

    __tablename__ = "per_event"
    message_id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(index=True)
    name: Mapped[str]
    occurred_at: Mapped[datetime]
    properties: Mapped[dict[str, Any]]


class AccountRow(Base):
    """The same rows that the others update."""

    __tablename__ = "accounts"
    id: Mapped[str] = mapped_column(primary_key=True)
    document: Mapped[bytes]
    updated_at: Mapped[datetime]


@cache
def engine() -> Engine:
    """The connections of this process."""
    return create_engine(os.environ["DATABASE_URL"])


@worker_process_init.connect  # type: ignore[untyped-decorator]  # Celery ships no types
def forget_parent(**_: object) -> None:
    """Start without the parent's connections after a fork."""
    engine.cache_clear()


@app.task(name="event")  # type: ignore[untyped-decorator]  # Celery ships no types
def take(body: str) -> None:
    """One event."""
    call = orjson.loads(body)
    with Session(engine()) as session:
        if session.get(KnownEvent, call["messageId"]) is None:
            at = datetime.fromisoformat(call["timestamp"])
            account = call["context"]["groupId"]
            session.add(
                KnownEvent(
                    message_id=call["messageId"],
                    account_id=account,
                    name=call["event"],
                    occurred_at=at,
                    properties=call["properties"],
                )
            )
            row = session.get_one(AccountRow, account, with_for_update={"key_share": True})
            document = unpacked(row.document)
            counts = document.setdefault("per_event", {})
            counts[call["event"]] = counts.get(call["event"], 0) + 1
            row.document, row.updated_at = packed(document), at
            session.commit()


def taken_one_by_one(stage: Stage, calls: Sequence[Call]) -> Run:
    """Fill the queue, let the worker begin, stop the clock when the last event is committed."""
    log = stage.installation.settings.home / "per_event.log"
    producer = Celery("producer", broker=stage.addresses.broker_url)
    producer.conf.update(task_ignore_result=True, broker_transport_options={"global_keyprefix": "per_event:"})
    Base.metadata.tables["per_event"].create(stage.engine, checkfirst=True)
    with stage.engine.begin() as connection:
        connection.execute(text("TRUNCATE per_event"))
    with process(WORKER, {**stage.environment(), "BENCH_BROKER_URL": stage.addresses.broker_url}, log) as worker:
        until_answers(producer, worker, log)
        for call in calls:
            producer.send_task("event", args=(call.body.decode(),), queue=QUEUE)
        before, began = stage.burned(worker.pid), time.monotonic()
        producer.control.add_consumer(QUEUE)
        while stage.count("per_event") < len(calls):
            time.sleep(POLL_SECONDS)
        seconds, after = time.monotonic() - began, stage.burned(worker.pid)
    producer.close()
    return Run(events=len(calls), seconds=seconds, burned=difference(after, before))
