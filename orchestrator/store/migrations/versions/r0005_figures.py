"""Figures of many accounts are kept day by day, and their alerts with who acts.

Revision ID: 0005
"""

from alembic import op

revision = "0005"
down_revision: str | None = "0004"
branch_labels: str | None = None
depends_on: str | None = None

UP = """
CREATE TABLE metric_samples (
    metric text COLLATE "C" NOT NULL,
    day date NOT NULL,
    figure double precision,
    population integer NOT NULL,
    unknown integer NOT NULL,
    grade text NOT NULL,
    playbook_version text COLLATE "C" NOT NULL,
    measured_at timestamptz NOT NULL,
    CONSTRAINT pk_metric_samples PRIMARY KEY (metric, day),
    CONSTRAINT ck_metric_samples_metric_length CHECK (char_length(metric) BETWEEN 1 AND 255),
    CONSTRAINT ck_metric_samples_grade_known CHECK (grade IN ('met', 'between', 'alert', 'unknown'))
);
COMMENT ON TABLE metric_samples IS 'Figures of many accounts, a row a metric and day';
COMMENT ON COLUMN metric_samples.metric IS 'the metric''s name in the playbook';
COMMENT ON COLUMN metric_samples.day IS
    'the UTC day it was measured on; of several measurements of a day the last stays';
COMMENT ON COLUMN metric_samples.figure IS 'the figure; null: unknown';
COMMENT ON COLUMN metric_samples.population IS 'accounts that it counts';
COMMENT ON COLUMN metric_samples.unknown IS 'those of them of which nothing is known';
COMMENT ON COLUMN metric_samples.grade IS 'how it stood against its target and alert';
COMMENT ON COLUMN metric_samples.playbook_version IS 'the playbook that it was measured by';
COMMENT ON COLUMN metric_samples.measured_at IS 'when it was measured';

CREATE TABLE cohort_alerts (
    id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    metric text COLLATE "C" NOT NULL,
    severity text COLLATE "C" NOT NULL,
    owner text COLLATE "C" NOT NULL,
    action text NOT NULL,
    figure double precision NOT NULL,
    opened_at timestamptz NOT NULL,
    closed_at timestamptz,
    CONSTRAINT pk_cohort_alerts PRIMARY KEY (id),
    CONSTRAINT ck_cohort_alerts_metric_length CHECK (char_length(metric) BETWEEN 1 AND 255),
    CONSTRAINT ck_cohort_alerts_severity_length CHECK (char_length(severity) BETWEEN 1 AND 255),
    CONSTRAINT ck_cohort_alerts_owner_length CHECK (char_length(owner) BETWEEN 1 AND 255)
);
CREATE UNIQUE INDEX uq_cohort_alerts_open ON cohort_alerts (metric) WHERE closed_at IS NULL;
COMMENT ON TABLE cohort_alerts IS 'Alerts on figures of many accounts, with what is to be done and by whom';
COMMENT ON COLUMN cohort_alerts.id IS 'the order of opening';
COMMENT ON COLUMN cohort_alerts.metric IS 'the metric whose figure calls somebody; at most one is open for it';
COMMENT ON COLUMN cohort_alerts.severity IS 'how bad it is';
COMMENT ON COLUMN cohort_alerts.owner IS 'the role that acts';
COMMENT ON COLUMN cohort_alerts.action IS 'what is to be done, in a sentence';
COMMENT ON COLUMN cohort_alerts.figure IS 'the figure when it was opened';
COMMENT ON COLUMN cohort_alerts.opened_at IS 'when it was opened';
COMMENT ON COLUMN cohort_alerts.closed_at IS 'when it was closed; null: open';
"""

DOWN = "DROP TABLE cohort_alerts; DROP TABLE metric_samples"


def upgrade() -> None:
    """Make the two tables."""
    op.execute(UP)


def downgrade() -> None:
    """Forget the figures and their alerts."""
    op.execute(DOWN)
