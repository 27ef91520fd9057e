"""Drafts: messages that wait for a person to approve them.

Revision ID: 0002
"""

from alembic import op

revision = "0002"
down_revision: str | None = "0001"
branch_labels: str | None = None
depends_on: str | None = None

BEFORE = (
    "pending",
    "claimed",
    "sending",
    "sent",
    "unknown",
    "failed",
    "cancelled",
    "delivered",
    "bounced",
    "complained",
)


def upgrade() -> None:
    """Let a message be a draft, and find the drafts."""
    _know(("draft", *BEFORE))
    op.execute("CREATE INDEX ix_messages_drafts ON messages (not_after) WHERE state = 'draft'")


def downgrade() -> None:
    """Nobody can approve a draft any more: those that wait are cancelled."""
    op.execute("DROP INDEX ix_messages_drafts")
    op.execute(
        "UPDATE messages SET state = 'cancelled', reason = 'discarded', settled_at = now() WHERE state = 'draft'"
    )
    _know(BEFORE)


def _know(states: tuple[str, ...]) -> None:
    listed = ", ".join(f"'{state}'" for state in states)
    op.execute("ALTER TABLE messages DROP CONSTRAINT ck_messages_state_known")
    op.execute(f"ALTER TABLE messages ADD CONSTRAINT ck_messages_state_known CHECK (state IN ({listed}))")
