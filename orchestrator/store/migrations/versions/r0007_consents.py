"""What was said of getting mail is kept, with where it was said.

Revision ID: 0007
"""

from alembic import op

revision = "0007"
down_revision: str | None = "0006"
branch_labels: str | None = None
depends_on: str | None = None

UP = """
CREATE TABLE consents (
    address text COLLATE "C" NOT NULL,
    event uuid NOT NULL,
    given boolean NOT NULL,
    said_at timestamptz NOT NULL,
    said_where text NOT NULL,
    resubscribes boolean NOT NULL,
    person_id text COLLATE "C" NOT NULL,
    source text COLLATE "C" NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT pk_consents PRIMARY KEY (address, event),
    CONSTRAINT ck_consents_address_length CHECK (char_length(address) BETWEEN 1 AND 320)
);
COMMENT ON TABLE consents IS
    'What was said of getting mail, and where: the proof of consent, and what contacts.unsubscribed_at is from';
COMMENT ON COLUMN consents.address IS 'the normalised address';
COMMENT ON COLUMN consents.event IS 'the key of the call that says so';
COMMENT ON COLUMN consents.given IS 'whether consent was given; else it was withdrawn';
COMMENT ON COLUMN consents.said_at IS 'when it was said';
COMMENT ON COLUMN consents.said_where IS 'where it was said, as it was told; empty: not told';
COMMENT ON COLUMN consents.resubscribes IS 'whether it may lift a withdrawal that was said before';
COMMENT ON COLUMN consents.person_id IS 'the person that the call speaks of';
COMMENT ON COLUMN consents.source IS 'who told us';
COMMENT ON COLUMN consents.recorded_at IS 'when it was written down';
"""


def upgrade() -> None:
    """Make the table."""
    op.execute(UP)


def downgrade() -> None:
    """Forget where consent is from; who has unsubscribed stays so."""
    op.execute("DROP TABLE consents")
