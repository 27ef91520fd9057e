"""The broker as producers and workers must both see it, and the nudges that go through it."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from celery import Celery
from kombu.exceptions import OperationalError

from orchestrator.usecases.ports import Nudges

logger = logging.getLogger(__name__)

VISIBILITY_SECONDS = 120  # longer than any task runs; what a killed worker held comes back, and finds nothing to do
NUDGE_SECONDS = 30  # a nudge that nobody took by then has been repaired by a tick

OPTIONS: Mapping[str, Any] = {
    "visibility_timeout": VISIBILITY_SECONDS,
    "socket_timeout": 10,
    "socket_connect_timeout": 10,
    "health_check_interval": 10,
    "global_keyprefix": "lifecycle:celery:",
    # A nudge to a broker that is away is given up at once, not after six seconds of a worker's time: a tick repairs it.
    # Workers and beats connect with retries of their own.
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0.1,
    "interval_max": 0.1,
}
QUEUE_OF: Mapping[str, str] = {
    "lifecycle.drain": "flow",
    "lifecycle.wake": "flow",
    "lifecycle.prune": "flow",
    "lifecycle.measure": "flow",
    "lifecycle.count": "flow",
    "lifecycle.deliver": "delivery",
    "lifecycle.rescue": "delivery",
}  # every task, and the queue that it waits in


def client(broker_url: str) -> Celery:
    """A Celery app that only sends."""
    app = Celery("lifecycle", broker=broker_url)
    app.conf.update(broker_transport_options=dict(OPTIONS), task_ignore_result=True, accept_content=["json"])
    return app


@dataclass(frozen=True, slots=True)
class Nudger:
    """Sends nudges through a Celery app; when the broker is away, the next tick repairs it."""

    app: Celery

    def nudge(self, task: str, *arguments: int) -> None:
        """Tell a worker that there may be something to do."""
        try:
            self.app.send_task(task, args=arguments, queue=QUEUE_OF[task], expires=NUDGE_SECONDS, retry=False)
        except (OperationalError, OSError):
            logger.info("the broker is away: %s waits for its tick", task)

    def nudges(self) -> Nudges:
        """What the use cases nudge with."""
        return Nudges(wake=lambda: self.nudge("lifecycle.wake"), deliver=lambda: self.nudge("lifecycle.deliver"))
