"""Whole tables are counted rarely, for the metrics, and the counts are kept.

Revision ID: 0006
"""

from alembic import op

revision = "0006"
down_revision: str | None = "0005"
branch_labels: str | None = None
depends_on: str | None = None

UP = """
CREATE TABLE censuses (
    subject text COLLATE "C" NOT NULL,
    begun_at timestamptz NOT NULL,
    counted_at timestamptz,
    took double precision DEFAULT 5 NOT NULL,
    counts jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT pk_censuses PRIMARY KEY (subject),
    CONSTRAINT ck_censuses_subject_length CHECK (char_length(subject) BETWEEN 1 AND 255)
);
COMMENT ON TABLE censuses IS 'Whole tables, counted rarely, for the metrics: a row a table';
COMMENT ON COLUMN censuses.subject IS 'the table that is counted';
COMMENT ON COLUMN censuses.begun_at IS 'when the last count was begun, on real time';
COMMENT ON COLUMN censuses.counted_at IS 'when the last whole count was finished, on real time; null: never yet';
COMMENT ON COLUMN censuses.took IS
    'seconds that it took; before the first a guess, so that a count that dies is not repeated';
COMMENT ON COLUMN censuses.counts IS 'rows by label';
"""

DOWN = "DROP TABLE censuses"


def upgrade() -> None:
    """Make the table."""
    op.execute(UP)


def downgrade() -> None:
    """Forget the counts: the next tick counts again."""
    op.execute(DOWN)
