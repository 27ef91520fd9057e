"""DBOS: one workflow an event, on the same PostgreSQL, by two processes; its one step is a transaction.

The step does what the task per event does: insert the event unless it is known, count it in the account's row. The
queue is filled before the clock starts. Needs the extra ``bench``. Run as ``python -m tests.benchmarks.of_dbos FILE``,
see ``outside``; with ``--execute`` it is one of the two.
"""

import os
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import orjson
from dbos import DBOS, DBOSClient, DBOSConfig, SQLAlchemyDatasource
from sqlalchemy import Connection, create_engine, text

QUEUE, PROCESSES, VERSION = "events", 2, "bench"
TABLE = "CREATE TABLE IF NOT EXISTS dbos_event (message_id text PRIMARY KEY, account_id text, name text, body jsonb)"
INSERT = text("INSERT INTO dbos_event VALUES (:id, :account, :name, CAST(:body AS jsonb)) ON CONFLICT DO NOTHING")
COUNT = text("""
    UPDATE accounts SET document = document, version = version + 1, updated_at = now() WHERE id = :account""")
ADDRESS = os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+psycopg://")
SYSTEM = ADDRESS.replace("postgresql+psycopg://", "postgresql://")
CONFIG: DBOSConfig = {
    "name": "bench",
    "system_database_url": SYSTEM,
    "application_version": VERSION,
    "log_level": "ERROR",
}


def _execute() -> None:
    """One process: ready when all is set up, at work from then on until it is ended."""
    source = SQLAlchemyDatasource.create(database_url=ADDRESS)
    DBOS(config=CONFIG)

    @source.transaction(isolation_level="READ COMMITTED")
    def fold(body: str) -> None:
        call = orjson.loads(body)
        account, session = call["context"]["groupId"], source.sql_session()
        told = {"id": call["messageId"], "account": account, "name": call["event"], "body": body}
        session.execute(INSERT, told)
        session.execute(COUNT, {"account": account})

    @DBOS.workflow(name="happened")
    def happened(body: str) -> None:
        fold(body)

    assert happened
    print("ready", flush=True)
    sys.stdin.readline()
    DBOS.launch()
    sys.stdin.readline()


def _enqueue(bodies: list[bytes]) -> None:
    client = DBOSClient(system_database_url=SYSTEM)
    for body in bodies:
        client.enqueue(
            {
                "workflow_name": "happened",
                "queue_name": QUEUE,
                "workflow_id": orjson.loads(body)["messageId"],
                "app_version": VERSION,
            },
            body.decode(),
        )
    client.destroy()


def _count(connection: Connection) -> int:
    return int(connection.scalar(text("SELECT count(*) FROM dbos_event")) or 0)


def _main(path: Path) -> None:
    bodies = path.read_bytes().splitlines()
    engine = create_engine(ADDRESS, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("DROP SCHEMA IF EXISTS dbos CASCADE"))
        connection.execute(text(TABLE))
        connection.execute(text("TRUNCATE dbos_event"))
        DBOS(
            config={
                "name": "bench",
                "system_database_url": SYSTEM,
                "application_version": VERSION,
                "log_level": "ERROR",
            }
        )
        DBOS.launch()
        DBOS.register_queue(QUEUE, polling_interval_sec=0.05)
        DBOS.destroy()
        _enqueue(bodies)
        with ExitStack() as stack:
            workers = [stack.enter_context(_executing()) for _ in range(PROCESSES)]
            print("ready", flush=True)
            sys.stdin.readline()
            for worker in workers:
                assert worker.stdin is not None
                worker.stdin.write(b"go\n")
                worker.stdin.flush()
            while _count(connection) < len(bodies):
                time.sleep(0.02)
            print("done", flush=True)
            sys.stdin.readline()
            for worker in workers:
                worker.kill()
        connection.execute(text("DROP TABLE dbos_event"))
        connection.execute(text("DROP SCHEMA IF EXISTS dbos CASCADE"))


def _executing() -> subprocess.Popen[bytes]:
    arguments = (sys.executable, "-m", "tests.benchmarks.of_dbos", "--execute")
    worker = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert worker.stdout is not None
    assert worker.stdout.readline() == b"ready\n"
    return worker


if __name__ == "__main__":
    if sys.argv[1] == "--execute":
        _execute()
    else:
        _main(Path(sys.argv[1]))
