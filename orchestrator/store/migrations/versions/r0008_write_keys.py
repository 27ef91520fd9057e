"""Producers show a key at the gateway.

Revision ID: 0008
"""

from alembic import op

revision = "0008"
down_revision: str | None = "0007"
branch_labels: str | None = None
depends_on: str | None = None

UP = """
CREATE TABLE write_keys (
    id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    source text COLLATE "C" NOT NULL,
    hash bytea NOT NULL,
    shown text NOT NULL,
    rate text NOT NULL,
    created_at timestamptz NOT NULL,
    revoked_at timestamptz,
    CONSTRAINT pk_write_keys PRIMARY KEY (id),
    CONSTRAINT ck_write_keys_source_length CHECK (char_length(source) BETWEEN 1 AND 255)
);
CREATE UNIQUE INDEX uq_write_keys_hash ON write_keys (hash);
COMMENT ON TABLE write_keys IS 'Keys that producers show at the gateway, each for one source';
COMMENT ON COLUMN write_keys.id IS 'a number to speak of it by';
COMMENT ON COLUMN write_keys.source IS 'under what name everything counts that comes with this key';
COMMENT ON COLUMN write_keys.hash IS
    'SHA-256 of the secret, which is kept nowhere: 32 random bytes cannot be guessed';
COMMENT ON COLUMN write_keys.shown IS 'how the secret begins, so that a person can tell keys apart';
COMMENT ON COLUMN write_keys.rate IS 'how many events it may bring, as 100/second or 5000/minute';
COMMENT ON COLUMN write_keys.created_at IS 'when it was made';
COMMENT ON COLUMN write_keys.revoked_at IS 'since when it opens nothing; null: it works';
"""

DOWN = "DROP TABLE write_keys"


def upgrade() -> None:
    """Make the table."""
    op.execute(UP)


def downgrade() -> None:
    """Forget all keys: producers need new ones after the next upgrade."""
    op.execute(DOWN)
