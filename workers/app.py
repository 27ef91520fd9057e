"""The Celery app. Messages are nudges: they carry no truth, may be lost, repeated or reordered, and expire.

JSON only, no results, one prefetched task, acknowledged late, never requeued by a lost worker (the next tick repairs
it, and a poison task cannot spin), no ETA, no countdown.
"""

import gc
import logging
import os
import socket
from functools import cache

from celery import Celery
from celery.signals import setup_logging, worker_process_init, worker_process_shutdown

from orchestrator.runtime.addresses import Addresses, broker_url
from orchestrator.runtime.broker import OPTIONS, VISIBILITY_SECONDS, Nudger
from orchestrator.runtime.composition import Installation, install
from orchestrator.runtime.servers import running
from orchestrator.runtime.settings import Settings
from workers.schedule import schedule


class NoServersError(RuntimeError):
    """DATABASE_URL and REDIS_URL are not set, and no servers of our own are running; start them: ``lifecycle up``."""

    def __init__(self) -> None:
        """Say what to do."""
        super().__init__(self.__doc__)


@cache
def settings() -> Settings:
    """The settings of this process."""
    return Settings.load()


@cache
def addresses() -> Addresses:
    """Where the servers answer.

    Raises:
        NoServersError: none is set and none is running.
    """
    found = running(settings())
    if found is None:
        raise NoServersError
    return found


def broker() -> str:
    """The broker's address; a process that only watches (Flower) needs no database."""
    named = settings().redis_url
    return addresses().broker_url if named is None else broker_url(named.get_secret_value())


def make_app() -> Celery:
    """Build the app on this process's settings."""
    made = Celery("lifecycle", broker=broker(), include=["workers.tasks"])
    made.conf.update(
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        task_acks_late=True,
        task_reject_on_worker_lost=False,
        task_default_queue="flow",
        worker_prefetch_multiplier=1,
        worker_send_task_events=True,
        task_send_sent_event=False,
        worker_hijack_root_logger=False,
        worker_soft_shutdown_timeout=10,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options=dict(OPTIONS),
        visibility_timeout=VISIBILITY_SECONDS,
        beat_schedule=schedule(settings().shards),
        beat_max_loop_interval=1,
        timezone="UTC",
    )
    return made


app = make_app()

YOUNG = 100_000  # objects made and not yet gone, at which the collector looks at them

_installed: list[Installation] = []  # this process's, made on first use and never before a fork


def installation() -> Installation:
    """What this process works with."""
    if not _installed:
        _installed.append(install(settings(), addresses(), Nudger(app).nudges()))
    return _installed[0]


def worker_name() -> str:
    """What this process is called in leases: host and process id."""
    return f"{socket.gethostname()}:{os.getpid()}"


@worker_process_init.connect
def forget_parent(**_: object) -> None:
    """Start without the parent's connections after a fork; and look for rubbish as seldom as batches allow.

    A batch makes some ten thousand objects and hardly a cycle: with the usual threshold of 700 the collector takes a
    quarter of the time of a drain (measured).
    """
    _installed.clear()
    gc.freeze()
    gc.set_threshold(YOUNG)


@worker_process_shutdown.connect
def close(**_: object) -> None:
    """Let go of connections at the end of a worker process."""
    while _installed:
        _installed.pop().close()


@setup_logging.connect
def log_plainly(**_: object) -> None:
    """One line a record, without task arguments."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
