"""Messages get a channel: only mail is claimed, what nothing delivers waits for its time to be over.

Revision ID: 0003
"""

from alembic import op

revision = "0003"
down_revision: str | None = "0002"
branch_labels: str | None = None
depends_on: str | None = None

UP = """
ALTER TABLE messages ADD COLUMN channel TEXT DEFAULT 'email' NOT NULL,
    ADD CONSTRAINT ck_messages_channel_known CHECK (channel IN ('email', 'in_app', 'notify', 'webhook'));
COMMENT ON COLUMN messages.channel IS 'how it reaches its reader; only email is delivered here';
COMMENT ON COLUMN messages.address IS
    'the normalised address, the role, or the other system; null: the recipient has none';
COMMENT ON COLUMN messages.template IS 'the template to compose it from; of a webhook: its name';
DROP INDEX ix_messages_pending, ix_messages_urgent;
CREATE INDEX ix_messages_pending ON messages (not_before) WHERE state = 'pending' AND channel = 'email';
CREATE INDEX ix_messages_untaken ON messages (not_after) WHERE state = 'pending' AND channel <> 'email';
CREATE INDEX ix_messages_urgent ON messages (priority, not_before, id)
    WHERE state = 'pending' AND channel = 'email';
"""

DOWN = """
DROP INDEX ix_messages_pending, ix_messages_untaken, ix_messages_urgent;
UPDATE messages SET state = 'cancelled', reason = 'expired', settled_at = not_after
 WHERE state = 'pending' AND channel <> 'email';
CREATE INDEX ix_messages_pending ON messages (not_before) WHERE state = 'pending';
CREATE INDEX ix_messages_urgent ON messages (priority, not_before, id) WHERE state = 'pending';
COMMENT ON COLUMN messages.template IS 'the template to compose it from';
COMMENT ON COLUMN messages.address IS 'the normalised address; null: the recipient has none';
ALTER TABLE messages DROP COLUMN channel;
"""


def upgrade() -> None:
    """Make the column and the indexes that tell mail from the rest."""
    op.execute(UP)


def downgrade() -> None:
    """Go back; what an older program would take for mail is ended first."""
    op.execute(DOWN)
