"""Which account belongs to which.

Revision ID: 0011
"""

from alembic import op

revision = "0011"
down_revision: str | None = "0010"
branch_labels: str | None = None
depends_on: str | None = None

UP = """
CREATE TABLE parents (
    account_id text COLLATE "C" NOT NULL,
    parent_id text COLLATE "C",
    said_at timestamptz NOT NULL,
    source text COLLATE "C" NOT NULL,
    message_id text COLLATE "C" NOT NULL,
    CONSTRAINT pk_parents PRIMARY KEY (account_id),
    CONSTRAINT ck_parents_account_id_length CHECK (char_length(account_id) BETWEEN 1 AND 255),
    CONSTRAINT ck_parents_parent_id_length CHECK (char_length(parent_id) BETWEEN 1 AND 255),
    CONSTRAINT ck_parents_parent_another CHECK (parent_id <> account_id)
);
CREATE INDEX ix_parents_parent_id ON parents (parent_id);
COMMENT ON TABLE parents IS 'Which account belongs to which: the last word on each account''s parent';
COMMENT ON COLUMN parents.account_id IS 'the account';
COMMENT ON COLUMN parents.parent_id IS 'the account that it belongs to; null: to none';
COMMENT ON COLUMN parents.said_at IS 'when the call that said so occurred';
COMMENT ON COLUMN parents.source IS 'the source of that call';
COMMENT ON COLUMN parents.message_id IS 'the id of that call';
"""


def upgrade() -> None:
    """Make the table."""
    op.execute(UP)


def downgrade() -> None:
    """Forget who belongs to whom."""
    op.execute("DROP TABLE parents")
