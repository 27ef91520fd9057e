"""Accounts keep their documents as lz4 of JSON, with two columns beside for whoever counts.

Each row is written anew, in pages: a million accounts take some minutes, in one transaction.

Revision ID: 0012
"""

from typing import Any

import lz4.block
import orjson
from alembic import op
from sqlalchemy import Connection, text

revision = "0012"
down_revision: str | None = "0011"
branch_labels: str | None = None
depends_on: str | None = None

PAGE = 1000
UP = """
ALTER TABLE accounts RENAME COLUMN document TO former;
ALTER TABLE accounts ADD COLUMN document bytea, ADD COLUMN stage text COLLATE "C",
      ADD COLUMN history boolean NOT NULL DEFAULT false;
"""
UP_AFTER = """
ALTER TABLE accounts DROP COLUMN former;
ALTER TABLE accounts ALTER COLUMN document SET NOT NULL, ALTER COLUMN stage SET NOT NULL;
COMMENT ON COLUMN accounts.document IS
    'lz4 of JSON: traits, facts, stage, ledger, signals, all that advance() needs';
COMMENT ON COLUMN accounts.stage IS 'its stage, for whoever counts';
COMMENT ON COLUMN accounts.history IS 'whether its past is being read in, so that nothing is decided';
"""
DOWN = """
ALTER TABLE accounts RENAME COLUMN document TO former;
ALTER TABLE accounts ADD COLUMN document jsonb;
"""
DOWN_AFTER = """
ALTER TABLE accounts DROP COLUMN former, DROP COLUMN stage, DROP COLUMN history;
ALTER TABLE accounts ALTER COLUMN document SET NOT NULL;
COMMENT ON COLUMN accounts.document IS 'traits, facts, stage, ledger, signals: all that advance() needs';
"""
NEXT = "SELECT id, former FROM accounts WHERE id > :after ORDER BY id LIMIT :most"


def upgrade() -> None:
    """Compress each document."""
    op.execute(UP)
    connection, after = op.get_bind(), ""
    statement = text("UPDATE accounts SET document = :document, stage = :stage, history = :history WHERE id = :id")
    while rows := _page(connection, after):
        packed = [
            {
                "id": name,
                "document": lz4.block.compress(orjson.dumps(former)),
                "stage": former["stage"],
                "history": "history" in former,
            }
            for name, former in rows
        ]
        connection.execute(statement, packed)
        after = rows[-1][0]
    op.execute(UP_AFTER)


def downgrade() -> None:
    """Unpack each document."""
    op.execute(DOWN)
    connection, after = op.get_bind(), ""
    statement = text("UPDATE accounts SET document = CAST(:document AS jsonb) WHERE id = :id")
    while rows := _page(connection, after):
        connection.execute(
            statement, [{"id": name, "document": lz4.block.decompress(former).decode()} for name, former in rows]
        )
        after = rows[-1][0]
    op.execute(DOWN_AFTER)


def _page(connection: Connection, after: str) -> list[tuple[str, Any]]:
    return [(row.id, row.former) for row in connection.execute(text(NEXT), {"after": after, "most": PAGE})]
