"""The ids of one person are tied together, and each person's accounts are known.

Revision ID: 0010
"""

from alembic import op

revision = "0010"
down_revision: str | None = "0009"
branch_labels: str | None = None
depends_on: str | None = None

UP = """
ALTER TABLE identities
    ADD COLUMN same_as text COLLATE "C",
    ADD COLUMN claimed_by text COLLATE "C",
    ADD COLUMN previous boolean NOT NULL DEFAULT false,
    ADD COLUMN others jsonb,
    ADD CONSTRAINT ck_identities_same_as_another CHECK (same_as <> person_id);
CREATE INDEX ix_identities_same_as ON identities (same_as) WHERE same_as IS NOT NULL;
CREATE INDEX ix_identities_given_up ON identities (person_id) WHERE same_as IS NOT NULL;
COMMENT ON TABLE identities IS
    'The ids of persons, and which account their events go to when they name none; the last link wins';
COMMENT ON COLUMN identities.same_as IS 'the id that the person is known as; null: this one';
COMMENT ON COLUMN identities.claimed_by IS 'the first user whom identify gave this anonymous id; null: none';
COMMENT ON COLUMN identities.previous IS 'whether a call has given this id up for another';
COMMENT ON COLUMN identities.others IS 'further accounts that the person''s calls named; null: none';
"""

DOWN = """
DROP INDEX ix_identities_given_up;
DROP INDEX ix_identities_same_as;
ALTER TABLE identities
    DROP COLUMN same_as, DROP COLUMN claimed_by, DROP COLUMN previous, DROP COLUMN others;
COMMENT ON TABLE identities IS
    'Which account a person''s events go to when they name none; the last link by occurrence wins';
"""


def upgrade() -> None:
    """Add what ties ids together."""
    op.execute(UP)


def downgrade() -> None:
    """Forget who is who; the links of the ids that persons are known as stay."""
    op.execute(DOWN)
