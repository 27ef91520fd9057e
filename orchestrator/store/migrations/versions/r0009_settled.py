"""What was rejected is put back or dropped by a person, and the row says who and why.

Revision ID: 0009
"""

from alembic import op

revision = "0009"
down_revision: str | None = "0008"
branch_labels: str | None = None
depends_on: str | None = None

UP = """
ALTER TABLE rejected_events
    ADD COLUMN settled_at timestamptz,
    ADD COLUMN settled_as text,
    ADD COLUMN settled_by text,
    ADD COLUMN settled_why text,
    ADD CONSTRAINT ck_rejected_events_settled_as_known CHECK (settled_as IN ('retried', 'dropped')),
    ADD CONSTRAINT ck_rejected_events_settled_once CHECK ((settled_at IS NULL) = (settled_as IS NULL));
COMMENT ON COLUMN rejected_events.raw IS 'the bytes as they came; empty once it was dropped';
COMMENT ON COLUMN rejected_events.settled_at IS 'when a person put it back or dropped it; null: it is open';
COMMENT ON COLUMN rejected_events.settled_as IS 'what a person did with it; null: it is open';
COMMENT ON COLUMN rejected_events.settled_by IS 'who; null: it is open';
COMMENT ON COLUMN rejected_events.settled_why IS 'why, in that person''s words; null: it is open';
"""

DOWN = """
ALTER TABLE rejected_events
    DROP COLUMN settled_at, DROP COLUMN settled_as, DROP COLUMN settled_by, DROP COLUMN settled_why;
COMMENT ON COLUMN rejected_events.raw IS 'the bytes as they came';
"""


def upgrade() -> None:
    """Say of each rejected entry what a person did with it."""
    op.execute(UP)


def downgrade() -> None:
    """Forget who put what back."""
    op.execute(DOWN)
