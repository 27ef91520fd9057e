"""The baseline: all tables, their DEFAULT partitions, and the first generation of event keys.

Revision ID: 0001
"""

from alembic import op

revision = "0001"
down_revision: str | None = None
branch_labels: str | None = None
depends_on: str | None = None

TABLES = (
    """
CREATE SEQUENCE rejected_events_id_seq;
""",
    """
CREATE TABLE clock (
    id SMALLINT NOT NULL,
    now TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_clock PRIMARY KEY (id),
    CONSTRAINT ck_clock_single CHECK (id = 1)
);
COMMENT ON TABLE clock IS 'The held clock of demonstrations and tests: one row, or none on the system clock';
COMMENT ON COLUMN clock.id IS 'always 1';
COMMENT ON COLUMN clock.now IS 'the instant that the held clock shows';
""",
    """
CREATE TABLE key_generations (
    generation INTEGER NOT NULL,
    began_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_key_generations PRIMARY KEY (generation)
);
COMMENT ON TABLE key_generations IS
    'Generations of event keys that are kept, a row each; a generation ends when the next one begins';
COMMENT ON COLUMN key_generations.generation IS 'the number of the generation; the greatest is the current one';
COMMENT ON COLUMN key_generations.began_at IS 'when it became the current one; null: no rotation has looked yet';
""",
    """
CREATE TABLE event_keys (
    generation INTEGER NOT NULL,
    key UUID NOT NULL,
    digest UUID NOT NULL,
    CONSTRAINT pk_event_keys PRIMARY KEY (key, generation)
)
PARTITION BY LIST (generation);
CREATE TABLE event_keys_0 PARTITION OF event_keys FOR VALUES IN (0);
INSERT INTO key_generations (generation) VALUES (0);
COMMENT ON TABLE event_keys IS
    'Keys of the events that were counted: what makes an event count once within the horizon';
COMMENT ON COLUMN event_keys.generation IS 'the generation in which the key was admitted';
COMMENT ON COLUMN event_keys.key IS 'blake2b-128 of source NUL message_id';
COMMENT ON COLUMN event_keys.digest IS 'blake2b-128 of the body: tells a resend from another event under the same id';
""",
    """
CREATE TABLE events (
    received_at TIMESTAMP WITH TIME ZONE NOT NULL,
    account_id TEXT COLLATE "C" NOT NULL,
    person_id TEXT COLLATE "C",
    source TEXT COLLATE "C" NOT NULL,
    message_id TEXT COLLATE "C" NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
    properties JSONB NOT NULL,
    CONSTRAINT ck_events_account_id_length CHECK (char_length(account_id) BETWEEN 1 AND 255),
    CONSTRAINT ck_events_person_id_length CHECK (char_length(person_id) BETWEEN 1 AND 255),
    CONSTRAINT ck_events_source_length CHECK (char_length(source) BETWEEN 1 AND 255),
    CONSTRAINT ck_events_message_id_length CHECK (char_length(message_id) BETWEEN 1 AND 255),
    CONSTRAINT ck_events_name_length CHECK (char_length(name) BETWEEN 1 AND 255),
    CONSTRAINT ck_events_kind_known CHECK (kind IN ('track', 'identify', 'group', 'page', 'screen', 'alias'))
)
PARTITION BY RANGE (received_at);
CREATE INDEX ix_events_account_id_occurred_at ON events (account_id, occurred_at);
CREATE TABLE events_default PARTITION OF events DEFAULT;
COMMENT ON TABLE events IS 'Events that were folded, each once; by month of receipt';
COMMENT ON COLUMN events.received_at IS 'when it reached us';
COMMENT ON COLUMN events.account_id IS 'the account that it was folded into';
COMMENT ON COLUMN events.person_id IS 'who did it; null: the account itself';
COMMENT ON COLUMN events.source IS 'who sent it';
COMMENT ON COLUMN events.message_id IS 'its id at the source';
COMMENT ON COLUMN events.kind IS 'the shape of the call';
COMMENT ON COLUMN events.name IS 'what happened, past tense';
COMMENT ON COLUMN events.occurred_at IS 'when it happened';
COMMENT ON COLUMN events.properties IS 'what else is said of it; for identify and group: traits';
""",
    """
CREATE TABLE parked_events (
    received_at TIMESTAMP WITH TIME ZONE NOT NULL,
    person_id TEXT COLLATE "C" NOT NULL,
    event JSONB NOT NULL,
    CONSTRAINT ck_parked_events_person_id_length CHECK (char_length(person_id) BETWEEN 1 AND 255)
)
PARTITION BY RANGE (received_at);
CREATE INDEX ix_parked_events_person_id ON parked_events (person_id);
CREATE TABLE parked_events_default PARTITION OF parked_events DEFAULT;
COMMENT ON TABLE parked_events IS
    'Events of persons whose account is not known yet; the call that links them folds and removes these';
COMMENT ON COLUMN parked_events.received_at IS 'when it reached us';
COMMENT ON COLUMN parked_events.person_id IS 'the person under whom it waits';
COMMENT ON COLUMN parked_events.event IS 'the whole event';
""",
    """
CREATE TABLE rejected_events (
    received_at TIMESTAMP WITH TIME ZONE NOT NULL,
    id BIGINT DEFAULT nextval('rejected_events_id_seq'::regclass) NOT NULL,
    stream TEXT COLLATE "C" NOT NULL,
    entry_id TEXT COLLATE "C" NOT NULL,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL,
    source TEXT,
    message_id TEXT,
    raw BYTEA NOT NULL,
    CONSTRAINT pk_rejected_events PRIMARY KEY (stream, entry_id, received_at),
    CONSTRAINT ck_rejected_events_stream_length CHECK (char_length(stream) BETWEEN 1 AND 255),
    CONSTRAINT ck_rejected_events_entry_id_length CHECK (char_length(entry_id) BETWEEN 1 AND 255),
    CONSTRAINT ck_rejected_events_reason_length CHECK (char_length(reason) BETWEEN 1 AND 255)
)
PARTITION BY RANGE (received_at);
CREATE INDEX ix_rejected_events_id ON rejected_events (id);
CREATE TABLE rejected_events_default PARTITION OF rejected_events DEFAULT;
COMMENT ON TABLE rejected_events IS
    'Poison and conflicts: entries that could not be folded, each with its reason; nothing is lost';
COMMENT ON COLUMN rejected_events.received_at IS
    'when it reached us; derived from the entry, so that a second try is the same row';
COMMENT ON COLUMN rejected_events.id IS 'a number to speak of it by';
COMMENT ON COLUMN rejected_events.stream IS 'the stream that it came from';
COMMENT ON COLUMN rejected_events.entry_id IS 'its entry in the stream';
COMMENT ON COLUMN rejected_events.reason IS 'why, one word from a closed list';
COMMENT ON COLUMN rejected_events.detail IS 'why, in a sentence that names the place';
COMMENT ON COLUMN rejected_events.source IS 'who sent it; null: could not be read';
COMMENT ON COLUMN rejected_events.message_id IS 'its id at the source; null: could not be read';
COMMENT ON COLUMN rejected_events.raw IS 'the bytes as they came';
""",
    """
CREATE TABLE outcomes (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    account_id TEXT COLLATE "C" NOT NULL,
    person_id TEXT COLLATE "C",
    message_id TEXT COLLATE "C" NOT NULL,
    name TEXT NOT NULL,
    occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
    properties JSONB DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT pk_outcomes PRIMARY KEY (id),
    CONSTRAINT ck_outcomes_account_id_length CHECK (char_length(account_id) BETWEEN 1 AND 255),
    CONSTRAINT ck_outcomes_person_id_length CHECK (char_length(person_id) BETWEEN 1 AND 255),
    CONSTRAINT ck_outcomes_message_id_length CHECK (char_length(message_id) BETWEEN 1 AND 255),
    CONSTRAINT ck_outcomes_name_length CHECK (char_length(name) BETWEEN 1 AND 255)
)
 WITH (
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 5000,
    autovacuum_analyze_scale_factor = 0,
    autovacuum_analyze_threshold = 50000
);
CREATE INDEX ix_outcomes_account_id ON outcomes (account_id);
COMMENT ON TABLE outcomes IS
    'Internal events that wait to be folded: what became of messages; removed in the folding transaction';
COMMENT ON COLUMN outcomes.id IS 'the order of arrival';
COMMENT ON COLUMN outcomes.account_id IS 'the account that it concerns';
COMMENT ON COLUMN outcomes.person_id IS 'the person that it concerns; null: the account';
COMMENT ON COLUMN outcomes.message_id IS 'the id of the internal event (its source is lifecycle)';
COMMENT ON COLUMN outcomes.name IS 'what happened, past tense';
COMMENT ON COLUMN outcomes.occurred_at IS 'when it happened';
COMMENT ON COLUMN outcomes.properties IS 'what else is said of it';
""",
    """
CREATE TABLE accounts (
    id TEXT COLLATE "C" NOT NULL,
    document JSONB NOT NULL,
    version INTEGER NOT NULL,
    playbook_version TEXT COLLATE "C" NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_accounts PRIMARY KEY (id),
    CONSTRAINT ck_accounts_id_length CHECK (char_length(id) BETWEEN 1 AND 255)
)
 WITH (fillfactor = 70);
COMMENT ON TABLE accounts IS
    'Customer accounts; no further index and room in each page, so that a save is a heap-only update';
COMMENT ON COLUMN accounts.id IS 'the account''s id in the product';
COMMENT ON COLUMN accounts.document IS 'traits, facts, stage, ledger, signals: all that advance() needs';
COMMENT ON COLUMN accounts.version IS 'goes up by one with each save; guards against a lost update';
COMMENT ON COLUMN accounts.playbook_version IS 'the playbook that it is pinned to';
COMMENT ON COLUMN accounts.created_at IS 'when it was first heard of';
COMMENT ON COLUMN accounts.updated_at IS 'when it was last saved';
""",
    """
CREATE TABLE wakes (
    account_id TEXT COLLATE "C" NOT NULL,
    wake_at TIMESTAMP WITH TIME ZONE,
    basis TEXT COLLATE "C" NOT NULL,
    CONSTRAINT pk_wakes PRIMARY KEY (account_id),
    CONSTRAINT ck_wakes_account_id_length CHECK (char_length(account_id) BETWEEN 1 AND 255)
)
 WITH (
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 5000,
    autovacuum_analyze_scale_factor = 0,
    autovacuum_analyze_threshold = 50000
);
CREATE INDEX ix_wakes_wake_at ON wakes (wake_at);
COMMENT ON TABLE wakes IS 'Timers, derived: one narrow row an account, apart from the wide account row';
COMMENT ON COLUMN wakes.account_id IS 'the account';
COMMENT ON COLUMN wakes.wake_at IS 'when it must be looked at again, at the latest; null: nothing can become due';
COMMENT ON COLUMN wakes.basis IS 'what this was derived from: playbook version, calendar, pauses';
""",
    """
CREATE TABLE parked_accounts (
    account_id TEXT COLLATE "C" NOT NULL,
    until TIMESTAMP WITH TIME ZONE NOT NULL,
    tries INTEGER NOT NULL,
    error TEXT NOT NULL,
    since TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_parked_accounts PRIMARY KEY (account_id),
    CONSTRAINT ck_parked_accounts_account_id_length CHECK (char_length(account_id) BETWEEN 1 AND 255),
    CONSTRAINT ck_parked_accounts_tries_counted CHECK (tries > 0)
);
COMMENT ON TABLE parked_accounts IS
    'Accounts that could not be decided: their facts are saved, they wait with a growing pause';
COMMENT ON COLUMN parked_accounts.account_id IS 'the account';
COMMENT ON COLUMN parked_accounts.until IS 'when it is tried again';
COMMENT ON COLUMN parked_accounts.tries IS 'how often deciding has failed in a row';
COMMENT ON COLUMN parked_accounts.error IS 'what was raised, with its place';
COMMENT ON COLUMN parked_accounts.since IS 'when it first failed';
""",
    """
CREATE TABLE redirects (
    from_account TEXT COLLATE "C" NOT NULL,
    to_account TEXT COLLATE "C" NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_redirects PRIMARY KEY (from_account),
    CONSTRAINT ck_redirects_from_account_length CHECK (char_length(from_account) BETWEEN 1 AND 255),
    CONSTRAINT ck_redirects_to_account_length CHECK (char_length(to_account) BETWEEN 1 AND 255),
    CONSTRAINT ck_redirects_elsewhere CHECK (from_account <> to_account)
);
CREATE INDEX ix_redirects_to_account ON redirects (to_account);
COMMENT ON TABLE redirects IS 'Merged accounts: where their later events go';
COMMENT ON COLUMN redirects.from_account IS 'the account that was merged away';
COMMENT ON COLUMN redirects.to_account IS 'the account that took it in';
COMMENT ON COLUMN redirects.at IS 'when';
""",
    """
CREATE TABLE persons (
    account_id TEXT COLLATE "C" NOT NULL,
    person_id TEXT COLLATE "C" NOT NULL,
    traits JSONB NOT NULL,
    rank SMALLINT DEFAULT 0 NOT NULL,
    first_seen TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_persons PRIMARY KEY (account_id, person_id),
    CONSTRAINT ck_persons_account_id_length CHECK (char_length(account_id) BETWEEN 1 AND 255),
    CONSTRAINT ck_persons_person_id_length CHECK (char_length(person_id) BETWEEN 1 AND 255)
);
CREATE INDEX ix_persons_account_id_rank_first_seen ON persons (account_id, rank, first_seen);
COMMENT ON TABLE persons IS 'The people at an account: the crowd, kept apart from the account''s document';
COMMENT ON COLUMN persons.account_id IS 'the account';
COMMENT ON COLUMN persons.person_id IS 'the person''s id in the product';
COMMENT ON COLUMN persons.traits IS 'traits, each with the event that set it';
COMMENT ON COLUMN persons.rank IS 'how early in line for a message; the lowest first';
COMMENT ON COLUMN persons.first_seen IS 'when the person was first seen at this account';
""",
    """
CREATE TABLE identities (
    person_id TEXT COLLATE "C" NOT NULL,
    account_id TEXT COLLATE "C",
    linked_at TIMESTAMP WITH TIME ZONE,
    source TEXT COLLATE "C",
    message_id TEXT COLLATE "C",
    CONSTRAINT pk_identities PRIMARY KEY (person_id),
    CONSTRAINT ck_identities_person_id_length CHECK (char_length(person_id) BETWEEN 1 AND 255),
    CONSTRAINT ck_identities_account_id_length CHECK (char_length(account_id) BETWEEN 1 AND 255),
    CONSTRAINT ck_identities_linked_once_known CHECK ((account_id IS NULL) = (linked_at IS NULL))
);
COMMENT ON TABLE identities IS
    'Which account a person''s events go to when they name none; the last link by occurrence wins';
COMMENT ON COLUMN identities.person_id IS 'the person';
COMMENT ON COLUMN identities.account_id IS 'the account that the person''s events belong to; null: not known yet';
COMMENT ON COLUMN identities.linked_at IS 'when the linking call occurred; null: not linked';
COMMENT ON COLUMN identities.source IS 'the source of the linking call; null: not linked';
COMMENT ON COLUMN identities.message_id IS 'the id of the linking call; null: not linked';
""",
    """
CREATE TABLE contacts (
    address TEXT COLLATE "C" NOT NULL,
    suppressed TEXT,
    suppressed_at TIMESTAMP WITH TIME ZONE,
    unsubscribed_at TIMESTAMP WITH TIME ZONE,
    erased_at TIMESTAMP WITH TIME ZONE,
    sends JSONB DEFAULT '[]'::jsonb NOT NULL,
    CONSTRAINT pk_contacts PRIMARY KEY (address),
    CONSTRAINT ck_contacts_address_length CHECK (char_length(address) BETWEEN 1 AND 320),
    CONSTRAINT ck_contacts_suppressed_known CHECK (suppressed IN ('bounce', 'complaint')),
    CONSTRAINT ck_contacts_suppressed_since CHECK ((suppressed IS NULL) = (suppressed_at IS NULL))
)
 WITH (fillfactor = 80);
COMMENT ON TABLE contacts IS 'Addresses and what they allow; the door locks this row while it counts a cap';
COMMENT ON COLUMN contacts.address IS 'the normalised address, across accounts';
COMMENT ON COLUMN contacts.suppressed IS 'why the relay''s answers forbid writing to it; null: they do not';
COMMENT ON COLUMN contacts.suppressed_at IS 'since when; null: not suppressed';
COMMENT ON COLUMN contacts.unsubscribed_at IS 'since when its owner wants no mail; null: may be written to';
COMMENT ON COLUMN contacts.erased_at IS 'when its owner was erased; null: was not';
COMMENT ON COLUMN contacts.sends IS 'recent sends, for the caps';
""",
    """
CREATE TABLE ledger (
    account_id TEXT COLLATE "C" NOT NULL,
    play TEXT COLLATE "C" NOT NULL,
    episode TEXT COLLATE "C" NOT NULL,
    decided_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_ledger PRIMARY KEY (account_id, play),
    CONSTRAINT ck_ledger_account_id_length CHECK (char_length(account_id) BETWEEN 1 AND 255),
    CONSTRAINT ck_ledger_play_length CHECK (char_length(play) BETWEEN 1 AND 255),
    CONSTRAINT ck_ledger_episode_length CHECK (char_length(episode) BETWEEN 1 AND 255)
)
 WITH (fillfactor = 80);
COMMENT ON TABLE ledger IS
    'Backstop of a play being decided once an episode: a row a play, so bounded, and moved forward only';
COMMENT ON COLUMN ledger.account_id IS 'the account';
COMMENT ON COLUMN ledger.play IS 'the play';
COMMENT ON COLUMN ledger.episode IS 'the last episode that was decided; must sort after the one before, byte by byte';
COMMENT ON COLUMN ledger.decided_at IS 'when';
""",
    """
CREATE TABLE decisions (
    decided_at TIMESTAMP WITH TIME ZONE NOT NULL,
    account_id TEXT COLLATE "C" NOT NULL,
    play TEXT COLLATE "C" NOT NULL,
    episode TEXT COLLATE "C" NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE NOT NULL,
    outcome TEXT NOT NULL,
    reason TEXT NOT NULL,
    playbook_version TEXT COLLATE "C" NOT NULL,
    explanation JSONB NOT NULL,
    repeats INTEGER DEFAULT 1 NOT NULL,
    last_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT ck_decisions_account_id_length CHECK (char_length(account_id) BETWEEN 1 AND 255),
    CONSTRAINT ck_decisions_play_length CHECK (char_length(play) BETWEEN 1 AND 255),
    CONSTRAINT ck_decisions_episode_length CHECK (char_length(episode) BETWEEN 1 AND 255),
    CONSTRAINT ck_decisions_reason_length CHECK (char_length(reason) BETWEEN 1 AND 255),
    CONSTRAINT ck_decisions_outcome_known CHECK (outcome IN ('done', 'skipped')),
    CONSTRAINT ck_decisions_repeats_counted CHECK (repeats > 0)
)
PARTITION BY RANGE (decided_at);
CREATE INDEX ix_decisions_account_id_decided_at ON decisions (account_id, decided_at);
CREATE TABLE decisions_default PARTITION OF decisions DEFAULT;
COMMENT ON TABLE decisions IS 'What became of each play that came due, and why; by month of deciding';
COMMENT ON COLUMN decisions.decided_at IS 'when; of a row of equal skips: the first';
COMMENT ON COLUMN decisions.account_id IS 'the account';
COMMENT ON COLUMN decisions.play IS 'the play';
COMMENT ON COLUMN decisions.episode IS 'the identity of the cause';
COMMENT ON COLUMN decisions.due_at IS 'when the play came due';
COMMENT ON COLUMN decisions.outcome IS 'done or skipped';
COMMENT ON COLUMN decisions.reason IS 'why, one word from the closed list of decision reasons';
COMMENT ON COLUMN decisions.playbook_version IS 'the playbook that decided';
COMMENT ON COLUMN decisions.explanation IS 'each clause with its value';
COMMENT ON COLUMN decisions.repeats IS 'how many equal skips in a row this record stands for';
COMMENT ON COLUMN decisions.last_at IS 'when; of a row of equal skips: the last';
""",
    """
CREATE TABLE journal (
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    account_id TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    play TEXT COLLATE "C",
    detail JSONB DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT ck_journal_account_id_length CHECK (char_length(account_id) BETWEEN 1 AND 255),
    CONSTRAINT ck_journal_kind_length CHECK (char_length(kind) BETWEEN 1 AND 255),
    CONSTRAINT ck_journal_play_length CHECK (char_length(play) BETWEEN 1 AND 255)
)
PARTITION BY RANGE (at);
CREATE INDEX ix_journal_account_id_at ON journal (account_id, at);
CREATE TABLE journal_default PARTITION OF journal DEFAULT;
COMMENT ON TABLE journal IS 'What else happened to an account on the way; by month';
COMMENT ON COLUMN journal.at IS 'when';
COMMENT ON COLUMN journal.account_id IS 'the account';
COMMENT ON COLUMN journal.kind IS 'what: a postponement, a change of stage, a milestone, a correction, a parking';
COMMENT ON COLUMN journal.play IS 'the play that it concerns; null: none';
COMMENT ON COLUMN journal.detail IS 'the particulars';
""",
    """
CREATE TABLE escalations (
    id UUID NOT NULL,
    account_id TEXT COLLATE "C" NOT NULL,
    cause TEXT COLLATE "C" NOT NULL,
    play TEXT COLLATE "C" NOT NULL,
    episode TEXT COLLATE "C" NOT NULL,
    severity TEXT COLLATE "C" NOT NULL,
    category TEXT COLLATE "C" NOT NULL,
    owner TEXT COLLATE "C" NOT NULL,
    title TEXT NOT NULL,
    context JSONB DEFAULT '{}'::jsonb NOT NULL,
    mode TEXT NOT NULL,
    playbook_version TEXT COLLATE "C" NOT NULL,
    opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    close_reason TEXT,
    CONSTRAINT pk_escalations PRIMARY KEY (id),
    CONSTRAINT ck_escalations_account_id_length CHECK (char_length(account_id) BETWEEN 1 AND 255),
    CONSTRAINT ck_escalations_cause_length CHECK (char_length(cause) BETWEEN 1 AND 255),
    CONSTRAINT ck_escalations_play_length CHECK (char_length(play) BETWEEN 1 AND 255),
    CONSTRAINT ck_escalations_episode_length CHECK (char_length(episode) BETWEEN 1 AND 255),
    CONSTRAINT ck_escalations_severity_length CHECK (char_length(severity) BETWEEN 1 AND 255),
    CONSTRAINT ck_escalations_category_length CHECK (char_length(category) BETWEEN 1 AND 255),
    CONSTRAINT ck_escalations_owner_length CHECK (char_length(owner) BETWEEN 1 AND 255),
    CONSTRAINT ck_escalations_mode_known CHECK (mode IN ('live', 'shadow', 'redirect')),
    CONSTRAINT ck_escalations_closed_for_a_reason CHECK ((closed_at IS NULL) = (close_reason IS NULL))
);
CREATE INDEX ix_escalations_account_id_opened_at ON escalations (account_id, opened_at);
CREATE INDEX ix_escalations_due ON escalations (due_at) WHERE closed_at IS NULL;
CREATE UNIQUE INDEX uq_escalations_open ON escalations (account_id, cause) WHERE closed_at IS NULL;
COMMENT ON TABLE escalations IS 'Work that was handed to a human, with an owner and a deadline';
COMMENT ON COLUMN escalations.id IS 'derived from account, cause and episode';
COMMENT ON COLUMN escalations.account_id IS 'the account';
COMMENT ON COLUMN escalations.cause IS 'what it is about; at most one is open for a cause';
COMMENT ON COLUMN escalations.play IS 'the play that opened it';
COMMENT ON COLUMN escalations.episode IS 'the episode of that play';
COMMENT ON COLUMN escalations.severity IS 'how bad it is';
COMMENT ON COLUMN escalations.category IS 'what kind of work it is';
COMMENT ON COLUMN escalations.owner IS 'the role, or the person, who must act';
COMMENT ON COLUMN escalations.title IS 'what to do, in one line';
COMMENT ON COLUMN escalations.context IS 'what the owner needs to know';
COMMENT ON COLUMN escalations.mode IS 'live, shadow or redirect';
COMMENT ON COLUMN escalations.playbook_version IS 'the playbook that decided';
COMMENT ON COLUMN escalations.opened_at IS 'when the work was handed over';
COMMENT ON COLUMN escalations.due_at IS 'when it must be done, counted in business hours';
COMMENT ON COLUMN escalations.closed_at IS 'when it was closed; null: open';
COMMENT ON COLUMN escalations.close_reason IS 'why it was closed; null: open';
""",
    """
CREATE TABLE messages (
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    id UUID NOT NULL,
    account_id TEXT COLLATE "C" NOT NULL,
    person_id TEXT COLLATE "C",
    address TEXT COLLATE "C",
    play TEXT COLLATE "C" NOT NULL,
    episode TEXT COLLATE "C" NOT NULL,
    action TEXT COLLATE "C" NOT NULL,
    template TEXT COLLATE "C" NOT NULL,
    mode TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    priority SMALLINT DEFAULT 0 NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE NOT NULL,
    not_before TIMESTAMP WITH TIME ZONE NOT NULL,
    not_after TIMESTAMP WITH TIME ZONE,
    exempt BOOLEAN DEFAULT false NOT NULL,
    context JSONB DEFAULT '{}'::jsonb NOT NULL,
    playbook_version TEXT COLLATE "C" NOT NULL,
    attempts INTEGER DEFAULT 0 NOT NULL,
    lease_token UUID,
    lease_until TIMESTAMP WITH TIME ZONE,
    sending_at TIMESTAMP WITH TIME ZONE,
    settled_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_messages PRIMARY KEY (id, created_at),
    CONSTRAINT ck_messages_account_id_length CHECK (char_length(account_id) BETWEEN 1 AND 255),
    CONSTRAINT ck_messages_person_id_length CHECK (char_length(person_id) BETWEEN 1 AND 255),
    CONSTRAINT ck_messages_play_length CHECK (char_length(play) BETWEEN 1 AND 255),
    CONSTRAINT ck_messages_episode_length CHECK (char_length(episode) BETWEEN 1 AND 255),
    CONSTRAINT ck_messages_action_length CHECK (char_length(action) BETWEEN 1 AND 255),
    CONSTRAINT ck_messages_template_length CHECK (char_length(template) BETWEEN 1 AND 255),
    CONSTRAINT ck_messages_address_length CHECK (char_length(address) BETWEEN 1 AND 320),
    CONSTRAINT ck_messages_mode_known CHECK (mode IN ('live', 'shadow', 'redirect')),
    CONSTRAINT ck_messages_state_known CHECK (state IN (
        'pending', 'claimed', 'sending', 'sent', 'unknown', 'failed', 'cancelled', 'delivered',
        'bounced', 'complained')),
    CONSTRAINT ck_messages_lease_whole CHECK ((lease_token IS NULL) = (lease_until IS NULL)),
    CONSTRAINT ck_messages_attempts_counted CHECK (attempts >= 0)
)
PARTITION BY RANGE (created_at);
CREATE INDEX ix_messages_account_id ON messages (account_id);
CREATE INDEX ix_messages_in_hand ON messages (lease_until) WHERE state IN ('claimed', 'sending', 'unknown');
CREATE INDEX ix_messages_pending ON messages (not_before) WHERE state = 'pending';
CREATE INDEX ix_messages_urgent ON messages (priority, not_before, id) WHERE state = 'pending';
CREATE TABLE messages_default PARTITION OF messages DEFAULT WITH (
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 5000,
    autovacuum_analyze_scale_factor = 0,
    autovacuum_analyze_threshold = 50000
);
COMMENT ON TABLE messages IS 'What is said to whom, from decided to settled; by month of deciding';
COMMENT ON COLUMN messages.created_at IS 'when it was decided';
COMMENT ON COLUMN messages.id IS
    'derived from account, play, episode, person and action; the Message-ID follows from it';
COMMENT ON COLUMN messages.account_id IS 'the account';
COMMENT ON COLUMN messages.person_id IS 'the recipient; null: not a person';
COMMENT ON COLUMN messages.address IS 'the normalised address; null: the recipient has none';
COMMENT ON COLUMN messages.play IS 'the play';
COMMENT ON COLUMN messages.episode IS 'the episode of the play';
COMMENT ON COLUMN messages.action IS 'which of the play''s actions';
COMMENT ON COLUMN messages.template IS 'the template to compose it from';
COMMENT ON COLUMN messages.mode IS 'live, shadow or redirect';
COMMENT ON COLUMN messages.state IS 'where it is on its way';
COMMENT ON COLUMN messages.reason IS 'why it ended other than by being sent; null: it did not';
COMMENT ON COLUMN messages.priority IS 'the lowest first';
COMMENT ON COLUMN messages.due_at IS 'when the play came due';
COMMENT ON COLUMN messages.not_before IS 'may not leave earlier';
COMMENT ON COLUMN messages.not_after IS 'may not leave later; null: whenever';
COMMENT ON COLUMN messages.exempt IS 'transactional: no cap holds it back';
COMMENT ON COLUMN messages.context IS 'what the template is given, saved first so that composing is deterministic';
COMMENT ON COLUMN messages.playbook_version IS 'the playbook whose templates and rules hold for it';
COMMENT ON COLUMN messages.attempts IS 'how often a hand-over was begun';
COMMENT ON COLUMN messages.lease_token IS 'who holds it; null: nobody';
COMMENT ON COLUMN messages.lease_until IS 'until when, on real time; null: nobody holds it';
COMMENT ON COLUMN messages.sending_at IS 'when the first hand-over was begun, the mail''s date; null: none yet';
COMMENT ON COLUMN messages.settled_at IS 'when it came to its end; null: it has not';
""",
    """
CREATE TABLE playbooks (
    version TEXT COLLATE "C" NOT NULL,
    name TEXT NOT NULL,
    text TEXT NOT NULL,
    templates JSONB NOT NULL,
    published_at TIMESTAMP WITH TIME ZONE NOT NULL,
    current BOOLEAN DEFAULT false NOT NULL,
    CONSTRAINT pk_playbooks PRIMARY KEY (version),
    CONSTRAINT ck_playbooks_version_length CHECK (char_length(version) BETWEEN 1 AND 255),
    CONSTRAINT ck_playbooks_name_length CHECK (char_length(name) BETWEEN 1 AND 255)
);
CREATE UNIQUE INDEX uq_playbooks_current ON playbooks (current) WHERE current;
COMMENT ON TABLE playbooks IS 'Published playbooks with their templates: immutable; at most one is current';
COMMENT ON COLUMN playbooks.version IS 'the hash of text and templates';
COMMENT ON COLUMN playbooks.name IS 'its name';
COMMENT ON COLUMN playbooks.text IS 'its YAML, as written';
COMMENT ON COLUMN playbooks.templates IS 'its templates by path, as written';
COMMENT ON COLUMN playbooks.published_at IS 'when it was published';
COMMENT ON COLUMN playbooks.current IS 'whether new accounts are pinned to it';
""",
)
"""One text a table: the table, its indexes, its partitions, its comments."""

DROPPED = (
    "playbooks",
    "messages",
    "escalations",
    "journal",
    "decisions",
    "ledger",
    "contacts",
    "identities",
    "persons",
    "redirects",
    "parked_accounts",
    "wakes",
    "accounts",
    "outcomes",
    "rejected_events",
    "parked_events",
    "events",
    "event_keys",
    "key_generations",
    "clock",
)


def upgrade() -> None:
    """Make everything; all the statements of a table go to the server in one message."""
    for statements in TABLES:
        op.execute(statements)


def downgrade() -> None:
    """Drop everything; partitions go with their tables."""
    for table in DROPPED:
        op.execute(f"DROP TABLE {table}")
    op.execute("DROP SEQUENCE rejected_events_id_seq")
