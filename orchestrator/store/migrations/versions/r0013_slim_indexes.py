"""Two indexes of what grows without end become as narrow as their questions.

Keys are unique within their generation by themselves, so its number leaves the index; and PostgreSQL knows of a unique
key, without ever having analysed a generation, that looking one up finds at most one row. An account's events are asked
for by the account alone: its many entries are then one list in the index, a quarter of the size, so that events go to
pages that are in memory and in the log already. Both are built anew: some seconds for a million events, in which none
can be stored. Workers of the version before are to be stopped first: a generation that they began would lack its index.

Revision ID: 0013
"""

from alembic import op
from sqlalchemy import text

revision = "0013"
down_revision: str | None = "0012"
branch_labels: str | None = None
depends_on: str | None = None

UP = """
ALTER TABLE event_keys DROP CONSTRAINT pk_event_keys;
CREATE INDEX ix_events_account_id ON events (account_id);
DROP INDEX ix_events_account_id_occurred_at;
"""
DOWN = """
ALTER TABLE event_keys ADD CONSTRAINT pk_event_keys PRIMARY KEY (key, generation);
CREATE INDEX ix_events_account_id_occurred_at ON events (account_id, occurred_at);
DROP INDEX ix_events_account_id;
"""
GENERATIONS = text("SELECT generation FROM key_generations ORDER BY generation")


def upgrade() -> None:
    """Build the narrow indexes."""
    op.execute(UP)
    for generation in op.get_bind().scalars(GENERATIONS).all():
        op.execute(f"ALTER TABLE event_keys_{generation} ADD CONSTRAINT uq_event_keys_{generation} UNIQUE (key)")


def downgrade() -> None:
    """Build the wide ones again."""
    for generation in op.get_bind().scalars(GENERATIONS).all():
        op.execute(f"ALTER TABLE event_keys_{generation} DROP CONSTRAINT uq_event_keys_{generation}")
    op.execute(DOWN)
