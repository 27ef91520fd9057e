"""Statements on consents: what was said of getting mail is recorded, and acts on the contact at once.

``contacts.unsubscribed_at`` follows from the set of what was said (see ``core/consent``): it is the last withdrawal,
unless a later word that says so lifts it. What unsubscribes an address otherwise writes the contact itself, and is
lifted by the same rule.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import Connection, text

from orchestrator.core.consent import Statement
from orchestrator.store.keys import event_key
from orchestrator.store.rows import as_json

RECORD = text("""
    -- record: what was said, once a call
    INSERT INTO consents (address, event, given, said_at, said_where, resubscribes, person_id, source, recorded_at)
    SELECT address, event, given, said_at, said_where, resubscribes, person_id, source, :now
      FROM jsonb_to_recordset(CAST(:rows AS jsonb))
           AS r (address text, event uuid, given boolean, said_at timestamptz, said_where text, resubscribes boolean,
                 person_id text, source text)
     ORDER BY address, event
        ON CONFLICT DO NOTHING
""")

MEET = text("""
    -- meet: make sure that there are rows to lock
    INSERT INTO contacts (address) SELECT unnest(CAST(:addresses AS text[])) ORDER BY 1 ON CONFLICT DO NOTHING
""")

LOCK = text("""
    -- lock: in the order of addresses; the door counts caps under these rows
    SELECT address FROM contacts WHERE address = ANY(CAST(:addresses AS text[])) ORDER BY address FOR NO KEY UPDATE
""")

FOLLOW = text("""
    -- follow: each contact as all that was said of it has it
    UPDATE contacts
       SET unsubscribed_at = CASE WHEN said.lifted > greatest(said.withdrawn, unsubscribed_at) THEN NULL
                                  ELSE greatest(said.withdrawn, unsubscribed_at) END
      FROM (SELECT address AS whose, max(said_at) FILTER (WHERE NOT given) AS withdrawn,
                   max(said_at) FILTER (WHERE resubscribes) AS lifted
              FROM consents WHERE address = ANY(CAST(:addresses AS text[])) GROUP BY address) AS said
     WHERE contacts.address = said.whose
""")


def record(connection: Connection, said: Mapping[str, Iterable[Statement]], now: datetime) -> None:
    """Write down what was said of these normalised addresses, and let it act; their rows are locked in order."""
    rows = {
        (address, each.stamp[1:]): {
            "address": address,
            "event": event_key(each.stamp[1], each.stamp[2]),
            "given": each.given,
            "said_at": each.at,
            "said_where": each.source,
            "resubscribes": each.resubscribes,
            "person_id": each.person,
            "source": each.stamp[1],
        }
        for address, statements in said.items()
        for each in reversed(list(statements))  # of two of one call the first counts
    }
    if rows:
        named = {"addresses": sorted({address for address, _ in rows})}
        connection.execute(RECORD, {"rows": as_json(rows[key] for key in sorted(rows)), "now": now})
        for statement in (MEET, LOCK, FOLLOW):
            connection.execute(statement, named)
