"""Mails of one urgency leave in the order in which they came due, not in that of their ids.

Revision ID: 0004
"""

from alembic import op

revision = "0004"
down_revision: str | None = "0003"
branch_labels: str | None = None
depends_on: str | None = None

UP = """
DROP INDEX ix_messages_urgent;
CREATE INDEX ix_messages_urgent ON messages (priority, not_before, due_at, play, id)
    WHERE state = 'pending' AND channel = 'email';
"""

DOWN = """
DROP INDEX ix_messages_urgent;
CREATE INDEX ix_messages_urgent ON messages (priority, not_before, id)
    WHERE state = 'pending' AND channel = 'email';
"""


def upgrade() -> None:
    """Make the index that the claim reads in its order."""
    op.execute(UP)


def downgrade() -> None:
    """Go back to the order of ids."""
    op.execute(DOWN)
