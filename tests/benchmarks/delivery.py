"""Delivery: messages that may leave are composed, released, handed over to a local sink and recorded, by real workers.

Beside it a bare loop of smtplib over the same mails and the same sink, which asks nobody and records nothing.
"""

import os
import smtplib
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from email.message import EmailMessage
from multiprocessing import get_context
from statistics import median

from sqlalchemy import text

from orchestrator.messaging.compose import compose
from orchestrator.messaging.context import sample_context
from orchestrator.messaging.templates import TemplateSet
from orchestrator.runtime.broker import client
from orchestrator.runtime.composition import sender
from orchestrator.runtime.settings import Settings
from orchestrator.store.rows import as_json
from tests.benchmarks import sink
from tests.benchmarks.lives import NOW, PEOPLE
from tests.benchmarks.report import Figure, Told, beside
from tests.benchmarks.scale import Scale
from tests.benchmarks.single import FIGURES, letter
from tests.benchmarks.stage import POLL_SECONDS, Stage
from tests.benchmarks.subject import process, stalled, until_answers
from tests.benchmarks.workload import Population

PROCESSES = 2  # as `lifecycle up` runs them
TICK_SECONDS = 1.0
UNIT = "messages/s"
PLAY = "day_5_value"  # and its template
COMPOSED, OURS = "messages composed", "messages delivered through a local SMTP sink"
BARE = "a bare loop of smtplib, one connection"
WORKER = ("-m", "orchestrator.cli", "worker", "--queues", "delivery", "--concurrency", str(PROCESSES))
FILL = f"""
    INSERT INTO messages (created_at, id, account_id, person_id, address, play, episode, action, channel, template,
                          mode, state, priority, due_at, not_before, not_after, exempt, context, playbook_version)
    SELECT :now, md5(account)::uuid, account, account || '-{PEOPLE[0]}', account || '-{PEOPLE[0]}@example.com', :play,
           'once', 'email', 'email', '{PLAY}', 'live', 'pending', 100, :now, :now, :until, false,
           CAST(:context AS jsonb), :version
      FROM (SELECT 'acct-' || lpad(number::text, 7, '0') AS account FROM generate_series(0, :size - 1) AS number) AS n
"""


def delivery(stage: Stage, scale: Scale) -> Told:
    """The figures of delivery."""
    stage.populate(Population(name="delivery", size=scale.messages, exponent=0.0))
    composed = [_composed(scale.mails) for _ in range(scale.rounds)]
    with _sinking(stage) as port:
        delivered = [_delivered(stage, scale.messages, port) for _ in range(scale.rounds)]
        bare = [_bare(scale.mails, port) for _ in range(scale.rounds)]
    found = Figure(name=BARE, value=median(bare), unit=UNIT)
    return Told(
        figures=[
            Figure(name=COMPOSED, value=median(composed), unit=UNIT, goal=1000),
            beside(Figure(name=OURS, value=median(delivered), unit=UNIT, goal=500), found),
            found,
        ],
        notes=[
            (
                f"Medians of {scale.rounds} rounds of {scale.messages:,} messages to as many addresses; {PROCESSES} "
                "processes; each is claimed, composed, looked at again, marked, handed over and recorded, with fsync."
            ),
            "The bare loop asks nobody, records nothing, and sends again what it had sent when it is killed.",
        ],
    )


def fill(stage: Stage, messages: int) -> None:
    """Let so many accounts have a mail each that may leave now."""
    told = {"now": NOW, "until": NOW + timedelta(days=1), "play": PLAY, "size": messages}
    told |= {"context": as_json([sample_context(FIGURES)])[1:-1], "version": stage.playbook.version}
    with stage.engine.begin() as connection:
        connection.execute(text("TRUNCATE messages, contacts, outcomes"))
        connection.execute(text(FILL), told)
    stage.tidy()


def _delivered(stage: Stage, messages: int, port: int) -> float:
    fill(stage, messages)
    told = {"SMTP_URL": f"smtp://127.0.0.1:{port}", "MAIL_POSTAL_ADDRESS": "1 Harbour Street, Dublin"}
    app, log = client(stage.addresses.broker_url), stage.installation.settings.home / "delivery.log"
    with process(WORKER, {**stage.environment(), **told}, log) as worker:
        until_answers(app, worker, log)
        began, next_tick = time.monotonic(), 0.0
        while stage.count("messages WHERE state <> 'sent'"):
            stalled(began, log)
            if time.monotonic() >= next_tick:
                next_tick = time.monotonic() + TICK_SECONDS
                for _ in range(PROCESSES):
                    app.send_task("lifecycle.deliver", queue="delivery", expires=2 * TICK_SECONDS)
            time.sleep(POLL_SECONDS * 2)
        seconds = time.monotonic() - began
    app.close()
    return messages / seconds


def _composed(messages: int) -> float:
    """Composed a second by as many processes, each with its share; the clock starts when all have composed one."""
    with ProcessPoolExecutor(PROCESSES, get_context("spawn")) as pool:
        list(pool.map(_compose, [1] * PROCESSES))
        began = time.monotonic()
        list(pool.map(_compose, [messages // PROCESSES] * PROCESSES))
        return messages / (time.monotonic() - began)


def _compose(messages: int) -> None:
    for mail in _mails(messages):
        mail.as_bytes()


def _mails(number: int) -> Iterator[EmailMessage]:
    settings = Settings.load()
    templates, from_sender = TemplateSet.from_folder(settings.templates), sender(settings)
    for each in range(1, number + 1):
        yield compose(letter(os.getpid() << 32 | each), templates, from_sender)


def _bare(messages: int, port: int) -> float:
    """One connection and one mail after the other, composed beforehand."""
    (mail,) = (each.as_bytes() for each in _mails(1))
    connection = smtplib.SMTP("127.0.0.1", port)
    began = time.monotonic()
    for number in range(messages):
        connection.sendmail("hello@acme.example", [f"ann{number}@northwind.example"], mail)
    seconds = time.monotonic() - began
    connection.quit()
    return messages / seconds


@contextmanager
def _sinking(stage: Stage) -> Iterator[int]:
    """A sink; its port."""
    with process(
        sink.MODULE, stage.environment(), stage.installation.settings.home / "sink.log", answers=True
    ) as running:
        assert running.stdout is not None
        yield int(running.stdout.readline())
