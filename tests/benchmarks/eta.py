"""Timers the other way: one Celery task with an ETA for each account that waits.

A worker fetches every one of them at once and keeps it in its memory until its time; the task does nothing at all.
"""

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from celery import Celery

from tests.benchmarks.report import Figure
from tests.benchmarks.scale import Scale
from tests.benchmarks.stage import POLL_SECONDS, Stage, until
from tests.benchmarks.subject import process, until_answers

QUEUE, PREFIX = "timers", "eta:"
UNACKED, WAITING = f"{PREFIX}unacked", f"{PREFIX}{QUEUE}"
PUBLISHED = 250  # timers a second that are published at the least, whatever else the machine does
WORKER = (
    *("-m", "celery", "-A", "tests.benchmarks.eta", "worker", "-Q", QUEUE, "-c", "2", "-l", "WARNING"),
    *("--without-gossip", "--without-mingle"),
)
MILLION = 1_000_000
ETA_NOTE = (
    "Celery ETA: its tasks decide nothing; the memory of a million is extrapolated from those measured. A timer "
    "further ahead than the visibility timeout (an hour by default) runs again and again, and none can be withdrawn."
)

app = Celery("eta", broker=os.environ.get("BENCH_BROKER_URL", "memory://"))
app.conf.update(
    task_ignore_result=True,
    task_acks_late=True,
    broker_connection_retry_on_startup=True,
    broker_transport_options={"global_keyprefix": PREFIX, "visibility_timeout": 86_400},
    worker_hijack_root_logger=False,
)


@app.task(name="timer")  # type: ignore[untyped-decorator]  # Celery ships no types
def ring(account: int) -> None:
    """Do nothing for this account."""


def eta(stage: Stage, scale: Scale) -> tuple[list[Figure], Figure]:
    """What waiting costs, and how fast those are run that are due at once."""
    log = stage.installation.settings.home / "eta.log"
    producer = Celery("timers", broker=stage.addresses.broker_url)
    producer.conf.update(task_ignore_result=True, broker_transport_options=app.conf.broker_transport_options)
    environment = {**stage.environment(), "BENCH_BROKER_URL": stage.addresses.broker_url}
    with process(WORKER, environment, log) as worker:
        until_answers(producer, worker, log)
        rate = _at_once(stage, producer, scale.eta_due)
        worker_before, broker_before = _rss(worker.pid), _broker(stage)
        published = _publish(producer, scale.eta_waiting, timedelta(hours=20))
        until(lambda: stage.client.hlen(UNACKED) >= scale.eta_waiting, "the worker has fetched the timers")
        time.sleep(1.0)  # the last of them are put on its heap
        memory = _rss(worker.pid) - worker_before + _broker(stage) - broker_before
    producer.close()
    for key in stage.client.scan_iter(f"{PREFIX}*"):
        stage.client.delete(key)
    waiting = [
        Figure(name="Celery ETA: publishing a timer", value=published, unit="timers/s"),
        Figure(
            name=f"Celery ETA: {MILLION:,} timers in worker and broker (extrapolated from {scale.eta_waiting:,})",
            value=memory / scale.eta_waiting * MILLION / (1 << 20),
            unit="MiB",
        ),
    ]
    return waiting, Figure(name=f"Celery ETA: {scale.eta_due:,} due at once", value=rate, unit="accounts/s")


def _at_once(stage: Stage, producer: Celery, due: int) -> float:
    """Timers run a second, from the instant at which all are due."""
    lead = timedelta(seconds=2 + due / PUBLISHED)
    at = datetime.now(UTC) + lead
    ends = time.monotonic() + lead.total_seconds()
    for number in range(due):
        producer.send_task("timer", args=(number,), queue=QUEUE, eta=at)
    assert time.monotonic() < ends, "the timers were due before all were published"
    time.sleep(ends - time.monotonic())
    began = time.monotonic()
    while stage.client.hlen(UNACKED) or stage.client.llen(WAITING):
        time.sleep(POLL_SECONDS)
    return due / (time.monotonic() - began)


def _publish(producer: Celery, number: int, ahead: timedelta) -> float:
    at, began = datetime.now(UTC) + ahead, time.monotonic()
    for each in range(number):
        producer.send_task("timer", args=(each,), queue=QUEUE, eta=at)
    return number / (time.monotonic() - began)


def _rss(pid: int) -> int:
    """Bytes of memory that a process holds."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _broker(stage: Stage) -> int:
    return int(stage.client.info("memory")["used_memory"])
