"""The tables: what is kept, a comment a table and a column; the migrations are held equal to this file by a test.

Rules that the tables follow:

* Text keys collate as "C": bytes order them, so the order is the same in Python, in every index and on every server.
* Every instant is a ``timestamptz``. No foreign keys: they cost a look-up a row on the hot path and would forbid
  dropping partitions; what refers to an account is written in the transaction that locks it.
* What grows without end is partitioned by month (``RANGED``) and is pruned by dropping partitions; a DEFAULT
  partition keeps a missing month from stopping anybody. Event keys are partitioned by generation (see ``keys``).
* No index on the wide ``accounts`` row, so that saving an account stays a heap-only update.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Double,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy import Sequence as Numbers
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.types import TypeEngine

EVENT_KINDS = ("track", "identify", "group", "page", "screen", "alias")
DECISION_OUTCOMES = ("done", "skipped")
MODES = ("live", "shadow", "redirect")
MESSAGE_STATES = (
    *("draft", "pending", "claimed", "sending", "sent", "unknown", "failed", "cancelled"),
    *("delivered", "bounced", "complained"),
)
GRADES = ("met", "between", "alert", "unknown")
CHANNELS = ("email", "in_app", "notify", "webhook")
SETTLEMENTS = ("retried", "dropped")
SUPPRESSIONS = ("bounce", "complaint")

LONGEST_KEY = 255
"""Characters of a text key: two of the longest still fit into one index entry (2,704 bytes)."""

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)

KEY = Text(collation="C")
TEXT = Text()
INSTANT = TIMESTAMP(timezone=True)
UUID = Uuid()


def _must(name: str, kind: TypeEngine[Any], comment: str, default: str | None = None) -> Column[Any]:
    """Build a column that is never null."""
    usual = text(default) if default else None
    return Column(name, kind, nullable=False, comment=comment, server_default=usual, autoincrement=False)


def _may(name: str, kind: TypeEngine[Any], comment: str) -> Column[Any]:
    """Build a column that may be null, and whose comment says what null means."""
    return Column(name, kind, nullable=True, comment=comment)


def _bounded(*columns: str) -> list[CheckConstraint]:
    """Keep text keys neither empty nor too long for an index: such a value is the fault of the data, by name."""
    return [
        CheckConstraint(f"char_length({column}) BETWEEN 1 AND {LONGEST_KEY}", name=f"{column}_length")
        for column in columns
    ]


def _one_of(column: str, words: Sequence[str]) -> CheckConstraint:
    """Keep a column to a closed list of words."""
    listed = ", ".join(f"'{word}'" for word in words)
    return CheckConstraint(f"{column} IN ({listed})", name=f"{column}_known")


def _by_month(column: str) -> str:
    return f"RANGE ({column})"


QUEUE_VACUUM: Mapping[str, str] = MappingProxyType(
    {
        "autovacuum_vacuum_scale_factor": "0",
        "autovacuum_vacuum_threshold": "5000",
        "autovacuum_analyze_scale_factor": "0",
        "autovacuum_analyze_threshold": "50000",
    }
)
"""For tables whose rows change all the time: swept after so many dead rows, however large the table is."""


# ------------------------------------------------------------------------------------------------ time

clock = Table(
    "clock",
    metadata,
    _must("id", SmallInteger(), "always 1"),
    _must("now", INSTANT, "the instant that the held clock shows"),
    PrimaryKeyConstraint("id"),
    CheckConstraint("id = 1", name="single"),
    comment="The held clock of demonstrations and tests: one row, or none on the system clock",
)

# ------------------------------------------------------------------------------------------------ events

key_generations = Table(
    "key_generations",
    metadata,
    _must("generation", Integer(), "the number of the generation; the greatest is the current one"),
    _may("began_at", INSTANT, "when it became the current one; null: no rotation has looked yet"),
    PrimaryKeyConstraint("generation"),
    comment="Generations of event keys that are kept, a row each; a generation ends when the next one begins",
)

# Each generation has a unique index of its own over its keys (``keys``, migration 0013): one over all of them would
# have to hold the generation too, and be a third larger.
event_keys = Table(
    "event_keys",
    metadata,
    _must("generation", Integer(), "the generation in which the key was admitted"),
    _must("key", UUID, "blake2b-128 of source NUL message_id"),
    _must("digest", UUID, "blake2b-128 of the body: tells a resend from another event under the same id"),
    postgresql_partition_by="LIST (generation)",
    comment="Keys of the events that were counted: what makes an event count once within the horizon",
)

events = Table(
    "events",
    metadata,
    _must("received_at", INSTANT, "when it reached us"),
    _must("account_id", KEY, "the account that it was folded into"),
    _may("person_id", KEY, "who did it; null: the account itself"),
    _must("source", KEY, "who sent it"),
    _must("message_id", KEY, "its id at the source"),
    _must("kind", TEXT, "the shape of the call"),
    _must("name", TEXT, "what happened, past tense"),
    _must("occurred_at", INSTANT, "when it happened"),
    _must("properties", JSONB(), "what else is said of it; for identify and group: traits"),
    Index(None, "account_id"),
    *_bounded("account_id", "person_id", "source", "message_id", "name"),
    _one_of("kind", EVENT_KINDS),
    postgresql_partition_by=_by_month("received_at"),
    comment="Events that were folded, each once; by month of receipt",
)

parked_events = Table(
    "parked_events",
    metadata,
    _must("received_at", INSTANT, "when it reached us"),
    _must("person_id", KEY, "the person under whom it waits"),
    _must("event", JSONB(), "the whole event"),
    Index(None, "person_id"),
    *_bounded("person_id"),
    postgresql_partition_by=_by_month("received_at"),
    comment="Events of persons whose account is not known yet; the call that links them folds and removes these",
)

rejected_events = Table(
    "rejected_events",
    metadata,
    _must("received_at", INSTANT, "when it reached us; derived from the entry, so that a second try is the same row"),
    Column(
        "id",
        BigInteger(),
        Numbers("rejected_events_id_seq", metadata=metadata),
        server_default=text("nextval('rejected_events_id_seq'::regclass)"),
        nullable=False,
        comment="a number to speak of it by",
    ),
    _must("stream", KEY, "the stream that it came from"),
    _must("entry_id", KEY, "its entry in the stream"),
    _must("reason", TEXT, "why, one word from a closed list"),
    _must("detail", TEXT, "why, in a sentence that names the place"),
    _may("source", TEXT, "who sent it; null: could not be read"),
    _may("message_id", TEXT, "its id at the source; null: could not be read"),
    _must("raw", LargeBinary(), "the bytes as they came; empty once it was dropped"),
    _may("settled_at", INSTANT, "when a person put it back or dropped it; null: it is open"),
    _may("settled_as", TEXT, "what a person did with it; null: it is open"),
    _may("settled_by", TEXT, "who; null: it is open"),
    _may("settled_why", TEXT, "why, in that person's words; null: it is open"),
    PrimaryKeyConstraint("stream", "entry_id", "received_at"),
    Index(None, "id"),
    *_bounded("stream", "entry_id", "reason"),
    _one_of("settled_as", SETTLEMENTS),
    CheckConstraint("(settled_at IS NULL) = (settled_as IS NULL)", name="settled_once"),
    postgresql_partition_by=_by_month("received_at"),
    comment="Poison and conflicts: entries that could not be folded, each with its reason; nothing is lost",
)

outcomes = Table(
    "outcomes",
    metadata,
    Column("id", BigInteger(), Identity(always=True), nullable=False, comment="the order of arrival"),
    _must("account_id", KEY, "the account that it concerns"),
    _may("person_id", KEY, "the person that it concerns; null: the account"),
    _must("message_id", KEY, "the id of the internal event (its source is lifecycle)"),
    _must("name", TEXT, "what happened, past tense"),
    _must("occurred_at", INSTANT, "when it happened"),
    _must("properties", JSONB(), "what else is said of it", "'{}'::jsonb"),
    PrimaryKeyConstraint("id"),
    Index(None, "account_id"),
    *_bounded("account_id", "person_id", "message_id", "name"),
    postgresql_with=dict(QUEUE_VACUUM),
    comment="Internal events that wait to be folded: what became of messages; removed in the folding transaction",
)

# ------------------------------------------------------------------------------------------------ accounts

accounts = Table(
    "accounts",
    metadata,
    _must("id", KEY, "the account's id in the product"),
    _must("version", Integer(), "goes up by one with each save; guards against a lost update"),
    _must("playbook_version", KEY, "the playbook that it is pinned to"),
    _must("created_at", INSTANT, "when it was first heard of"),
    _must("updated_at", INSTANT, "when it was last saved"),
    _must("document", LargeBinary(), "lz4 of JSON: traits, facts, stage, ledger, signals, all that advance() needs"),
    _must("stage", KEY, "its stage, for whoever counts"),
    _must("history", Boolean(), "whether its past is being read in, so that nothing is decided", "false"),
    PrimaryKeyConstraint("id"),
    *_bounded("id"),
    postgresql_with={"fillfactor": "70"},
    comment="Customer accounts; no further index and room in each page, so that a save is a heap-only update",
)

wakes = Table(
    "wakes",
    metadata,
    _must("account_id", KEY, "the account"),
    _may("wake_at", INSTANT, "when it must be looked at again, at the latest; null: nothing can become due"),
    _must("basis", KEY, "what this was derived from: playbook version, calendar, pauses"),
    PrimaryKeyConstraint("account_id"),
    Index(None, "wake_at"),
    *_bounded("account_id"),
    postgresql_with=dict(QUEUE_VACUUM),
    comment="Timers, derived: one narrow row an account, apart from the wide account row",
)

parked_accounts = Table(
    "parked_accounts",
    metadata,
    _must("account_id", KEY, "the account"),
    _must("until", INSTANT, "when it is tried again"),
    _must("tries", Integer(), "how often deciding has failed in a row"),
    _must("error", TEXT, "what was raised, with its place"),
    _must("since", INSTANT, "when it first failed"),
    PrimaryKeyConstraint("account_id"),
    *_bounded("account_id"),
    CheckConstraint("tries > 0", name="tries_counted"),
    comment="Accounts that could not be decided: their facts are saved, they wait with a growing pause",
)

redirects = Table(
    "redirects",
    metadata,
    _must("from_account", KEY, "the account that was merged away"),
    _must("to_account", KEY, "the account that took it in"),
    _must("at", INSTANT, "when"),
    PrimaryKeyConstraint("from_account"),
    Index(None, "to_account"),
    *_bounded("from_account", "to_account"),
    CheckConstraint("from_account <> to_account", name="elsewhere"),
    comment="Merged accounts: where their later events go",
)

parents = Table(
    "parents",
    metadata,
    _must("account_id", KEY, "the account"),
    _may("parent_id", KEY, "the account that it belongs to; null: to none"),
    _must("said_at", INSTANT, "when the call that said so occurred"),
    _must("source", KEY, "the source of that call"),
    _must("message_id", KEY, "the id of that call"),
    PrimaryKeyConstraint("account_id"),
    Index(None, "parent_id"),
    *_bounded("account_id", "parent_id"),
    CheckConstraint("parent_id <> account_id", name="parent_another"),
    comment="Which account belongs to which: the last word on each account's parent",
)

# ------------------------------------------------------------------------------------------------ people

persons = Table(
    "persons",
    metadata,
    _must("account_id", KEY, "the account"),
    _must("person_id", KEY, "the person's id in the product"),
    _must("traits", JSONB(), "traits, each with the event that set it"),
    _must("rank", SmallInteger(), "how early in line for a message; the lowest first", "0"),
    _must("first_seen", INSTANT, "when the person was first seen at this account"),
    PrimaryKeyConstraint("account_id", "person_id"),
    Index(None, "account_id", "rank", "first_seen"),
    *_bounded("account_id", "person_id"),
    comment="The people at an account: the crowd, kept apart from the account's document",
)

identities = Table(
    "identities",
    metadata,
    _must("person_id", KEY, "the person"),
    _may("account_id", KEY, "the account that the person's events belong to; null: not known yet"),
    _may("linked_at", INSTANT, "when the linking call occurred; null: not linked"),
    _may("source", KEY, "the source of the linking call; null: not linked"),
    _may("message_id", KEY, "the id of the linking call; null: not linked"),
    _may("same_as", KEY, "the id that the person is known as; null: this one"),
    _may("claimed_by", KEY, "the first user whom identify gave this anonymous id; null: none"),
    _must("previous", Boolean(), "whether a call has given this id up for another", "false"),
    _may("others", JSONB(), "further accounts that the person's calls named; null: none"),
    PrimaryKeyConstraint("person_id"),
    Index("ix_identities_same_as", "same_as", postgresql_where=text("same_as IS NOT NULL")),
    Index("ix_identities_given_up", "person_id", postgresql_where=text("same_as IS NOT NULL")),
    *_bounded("person_id", "account_id"),
    CheckConstraint("(account_id IS NULL) = (linked_at IS NULL)", name="linked_once_known"),
    CheckConstraint("same_as <> person_id", name="same_as_another"),
    comment="The ids of persons, and which account their events go to when they name none; the last link wins",
)

contacts = Table(
    "contacts",
    metadata,
    _must("address", KEY, "the normalised address, across accounts"),
    _may("suppressed", TEXT, "why the relay's answers forbid writing to it; null: they do not"),
    _may("suppressed_at", INSTANT, "since when; null: not suppressed"),
    _may("unsubscribed_at", INSTANT, "since when its owner wants no mail; null: may be written to"),
    _may("erased_at", INSTANT, "when its owner was erased; null: was not"),
    _must("sends", JSONB(), "recent sends, for the caps", "'[]'::jsonb"),
    PrimaryKeyConstraint("address"),
    CheckConstraint("char_length(address) BETWEEN 1 AND 320", name="address_length"),
    _one_of("suppressed", SUPPRESSIONS),
    CheckConstraint("(suppressed IS NULL) = (suppressed_at IS NULL)", name="suppressed_since"),
    postgresql_with={"fillfactor": "80"},
    comment="Addresses and what they allow; the door locks this row while it counts a cap",
)

consents = Table(
    "consents",
    metadata,
    _must("address", KEY, "the normalised address"),
    _must("event", UUID, "the key of the call that says so"),
    _must("given", Boolean(), "whether consent was given; else it was withdrawn"),
    _must("said_at", INSTANT, "when it was said"),
    _must("said_where", TEXT, "where it was said, as it was told; empty: not told"),
    _must("resubscribes", Boolean(), "whether it may lift a withdrawal that was said before"),
    _must("person_id", KEY, "the person that the call speaks of"),
    _must("source", KEY, "who told us"),
    _must("recorded_at", INSTANT, "when it was written down"),
    PrimaryKeyConstraint("address", "event"),
    CheckConstraint("char_length(address) BETWEEN 1 AND 320", name="address_length"),
    comment="What was said of getting mail, and where: the proof of consent, and what contacts.unsubscribed_at is from",
)

# ------------------------------------------------------------------------------------------------ decisions

ledger = Table(
    "ledger",
    metadata,
    _must("account_id", KEY, "the account"),
    _must("play", KEY, "the play"),
    _must("episode", KEY, "the last episode that was decided; must sort after the one before, byte by byte"),
    _must("decided_at", INSTANT, "when"),
    PrimaryKeyConstraint("account_id", "play"),
    *_bounded("account_id", "play", "episode"),
    postgresql_with={"fillfactor": "80"},
    comment="Backstop of a play being decided once an episode: a row a play, so bounded, and moved forward only",
)

decisions = Table(
    "decisions",
    metadata,
    _must("decided_at", INSTANT, "when; of a row of equal skips: the first"),
    _must("account_id", KEY, "the account"),
    _must("play", KEY, "the play"),
    _must("episode", KEY, "the identity of the cause"),
    _must("due_at", INSTANT, "when the play came due"),
    _must("outcome", TEXT, "done or skipped"),
    _must("reason", TEXT, "why, one word from the closed list of decision reasons"),
    _must("playbook_version", KEY, "the playbook that decided"),
    _must("explanation", JSONB(), "each clause with its value"),
    _must("repeats", Integer(), "how many equal skips in a row this record stands for", "1"),
    _must("last_at", INSTANT, "when; of a row of equal skips: the last"),
    Index(None, "account_id", "decided_at"),
    *_bounded("account_id", "play", "episode", "reason"),
    _one_of("outcome", DECISION_OUTCOMES),
    CheckConstraint("repeats > 0", name="repeats_counted"),
    postgresql_partition_by=_by_month("decided_at"),
    comment="What became of each play that came due, and why; by month of deciding",
)

journal = Table(
    "journal",
    metadata,
    _must("at", INSTANT, "when"),
    _must("account_id", KEY, "the account"),
    _must("kind", KEY, "what: a postponement, a change of stage, a milestone, a correction, a parking"),
    _may("play", KEY, "the play that it concerns; null: none"),
    _must("detail", JSONB(), "the particulars", "'{}'::jsonb"),
    Index(None, "account_id", "at"),
    *_bounded("account_id", "kind", "play"),
    postgresql_partition_by=_by_month("at"),
    comment="What else happened to an account on the way; by month",
)

escalations = Table(
    "escalations",
    metadata,
    _must("id", UUID, "derived from account, cause and episode"),
    _must("account_id", KEY, "the account"),
    _must("cause", KEY, "what it is about; at most one is open for a cause"),
    _must("play", KEY, "the play that opened it"),
    _must("episode", KEY, "the episode of that play"),
    _must("severity", KEY, "how bad it is"),
    _must("category", KEY, "what kind of work it is"),
    _must("owner", KEY, "the role, or the person, who must act"),
    _must("title", TEXT, "what to do, in one line"),
    _must("context", JSONB(), "what the owner needs to know", "'{}'::jsonb"),
    _must("mode", TEXT, "live, shadow or redirect"),
    _must("playbook_version", KEY, "the playbook that decided"),
    _must("opened_at", INSTANT, "when the work was handed over"),
    _must("due_at", INSTANT, "when it must be done, counted in business hours"),
    _may("closed_at", INSTANT, "when it was closed; null: open"),
    _may("close_reason", TEXT, "why it was closed; null: open"),
    PrimaryKeyConstraint("id"),
    Index("uq_escalations_open", "account_id", "cause", unique=True, postgresql_where=text("closed_at IS NULL")),
    Index("ix_escalations_due", "due_at", postgresql_where=text("closed_at IS NULL")),
    Index(None, "account_id", "opened_at"),
    *_bounded("account_id", "cause", "play", "episode", "severity", "category", "owner"),
    _one_of("mode", MODES),
    CheckConstraint("(closed_at IS NULL) = (close_reason IS NULL)", name="closed_for_a_reason"),
    comment="Work that was handed to a human, with an owner and a deadline",
)

# ------------------------------------------------------------------------------------------------ messages

messages = Table(
    "messages",
    metadata,
    _must("created_at", INSTANT, "when it was decided"),
    _must("id", UUID, "derived from account, play, episode, person and action; the Message-ID follows from it"),
    _must("account_id", KEY, "the account"),
    _may("person_id", KEY, "the recipient; null: not a person"),
    _may("address", KEY, "the normalised address, the role, or the other system; null: the recipient has none"),
    _must("play", KEY, "the play"),
    _must("episode", KEY, "the episode of the play"),
    _must("action", KEY, "which of the play's actions"),
    _must("template", KEY, "the template to compose it from; of a webhook: its name"),
    _must("mode", TEXT, "live, shadow or redirect"),
    _must("state", TEXT, "where it is on its way"),
    _may("reason", TEXT, "why it ended other than by being sent; null: it did not"),
    _must("priority", SmallInteger(), "the lowest first", "0"),
    _must("due_at", INSTANT, "when the play came due"),
    _must("not_before", INSTANT, "may not leave earlier"),
    _may("not_after", INSTANT, "may not leave later; null: whenever"),
    _must("exempt", Boolean(), "transactional: no cap holds it back", "false"),
    _must(
        "context", JSONB(), "what the template is given, saved first so that composing is deterministic", "'{}'::jsonb"
    ),
    _must("playbook_version", KEY, "the playbook whose templates and rules hold for it"),
    _must("attempts", Integer(), "how often a hand-over was begun", "0"),
    _may("lease_token", UUID, "who holds it; null: nobody"),
    _may("lease_until", INSTANT, "until when, on real time; null: nobody holds it"),
    _may("sending_at", INSTANT, "when the first hand-over was begun, the mail's date; null: none yet"),
    _may("settled_at", INSTANT, "when it came to its end; null: it has not"),
    _must("channel", TEXT, "how it reaches its reader; only email is delivered here", "'email'"),
    PrimaryKeyConstraint("id", "created_at"),
    Index("ix_messages_pending", "not_before", postgresql_where=text("state = 'pending' AND channel = 'email'")),
    Index(
        "ix_messages_urgent",
        *("priority", "not_before", "due_at", "play", "id"),
        postgresql_where=text("state = 'pending' AND channel = 'email'"),
    ),
    Index("ix_messages_untaken", "not_after", postgresql_where=text("state = 'pending' AND channel <> 'email'")),
    Index("ix_messages_drafts", "not_after", postgresql_where=text("state = 'draft'")),
    Index(
        "ix_messages_in_hand",
        "lease_until",
        postgresql_where=text("state IN ('claimed', 'sending', 'unknown')"),
    ),
    Index(None, "account_id"),
    *_bounded("account_id", "person_id", "play", "episode", "action", "template"),
    CheckConstraint("char_length(address) BETWEEN 1 AND 320", name="address_length"),
    _one_of("mode", MODES),
    _one_of("state", MESSAGE_STATES),
    _one_of("channel", CHANNELS),
    CheckConstraint("(lease_token IS NULL) = (lease_until IS NULL)", name="lease_whole"),
    CheckConstraint("attempts >= 0", name="attempts_counted"),
    postgresql_partition_by=_by_month("created_at"),
    comment="What is said to whom, from decided to settled; by month of deciding",
)

# ------------------------------------------------------------------------------------------------ playbooks

playbooks = Table(
    "playbooks",
    metadata,
    _must("version", KEY, "the hash of text and templates"),
    _must("name", TEXT, "its name"),
    _must("text", TEXT, "its YAML, as written"),
    _must("templates", JSONB(), "its templates by path, as written"),
    _must("published_at", INSTANT, "when it was published"),
    _must("current", Boolean(), "whether new accounts are pinned to it", "false"),
    PrimaryKeyConstraint("version"),
    Index("uq_playbooks_current", "current", unique=True, postgresql_where=text("current")),
    *_bounded("version", "name"),
    comment="Published playbooks with their templates: immutable; at most one is current",
)

# ------------------------------------------------------------------------------------------------ figures

metric_samples = Table(
    "metric_samples",
    metadata,
    _must("metric", KEY, "the metric's name in the playbook"),
    _must("day", Date(), "the UTC day it was measured on; of several measurements of a day the last stays"),
    _may("figure", Double(), "the figure; null: unknown"),
    _must("population", Integer(), "accounts that it counts"),
    _must("unknown", Integer(), "those of them of which nothing is known"),
    _must("grade", TEXT, "how it stood against its target and alert"),
    _must("playbook_version", KEY, "the playbook that it was measured by"),
    _must("measured_at", INSTANT, "when it was measured"),
    PrimaryKeyConstraint("metric", "day"),
    *_bounded("metric"),
    _one_of("grade", GRADES),
    comment="Figures of many accounts, a row a metric and day",
)

cohort_alerts = Table(
    "cohort_alerts",
    metadata,
    Column("id", BigInteger(), Identity(always=True), nullable=False, comment="the order of opening"),
    _must("metric", KEY, "the metric whose figure calls somebody; at most one is open for it"),
    _must("severity", KEY, "how bad it is"),
    _must("owner", KEY, "the role that acts"),
    _must("action", TEXT, "what is to be done, in a sentence"),
    _must("figure", Double(), "the figure when it was opened"),
    _must("opened_at", INSTANT, "when it was opened"),
    _may("closed_at", INSTANT, "when it was closed; null: open"),
    PrimaryKeyConstraint("id"),
    Index("uq_cohort_alerts_open", "metric", unique=True, postgresql_where=text("closed_at IS NULL")),
    *_bounded("metric", "severity", "owner"),
    comment="Alerts on figures of many accounts, with what is to be done and by whom",
)

censuses = Table(
    "censuses",
    metadata,
    _must("subject", KEY, "the table that is counted"),
    _must("begun_at", INSTANT, "when the last count was begun, on real time"),
    _may("counted_at", INSTANT, "when the last whole count was finished, on real time; null: never yet"),
    _must(
        "took",
        Double(),
        "seconds that it took; before the first a guess, so that a count that dies is not repeated",
        "5",
    ),
    _must("counts", JSONB(), "rows by label", "'{}'::jsonb"),
    PrimaryKeyConstraint("subject"),
    *_bounded("subject"),
    comment="Whole tables, counted rarely, for the metrics: a row a table",
)

# ------------------------------------------------------------------------------------------------------ door

write_keys = Table(
    "write_keys",
    metadata,
    Column("id", BigInteger(), Identity(always=True), nullable=False, comment="a number to speak of it by"),
    _must("source", KEY, "under what name everything counts that comes with this key"),
    _must("hash", LargeBinary(), "SHA-256 of the secret, which is kept nowhere: 32 random bytes cannot be guessed"),
    _must("shown", TEXT, "how the secret begins, so that a person can tell keys apart"),
    _must("rate", TEXT, "how many events it may bring, as 100/second or 5000/minute"),
    _must("created_at", INSTANT, "when it was made"),
    _may("revoked_at", INSTANT, "since when it opens nothing; null: it works"),
    PrimaryKeyConstraint("id"),
    Index("uq_write_keys_hash", "hash", unique=True),
    *_bounded("source"),
    comment="Keys that producers show at the gateway, each for one source",
)

RANGED: Mapping[str, str] = MappingProxyType(
    {
        "events": "received_at",
        "parked_events": "received_at",
        "rejected_events": "received_at",
        "decisions": "decided_at",
        "journal": "at",
        "messages": "created_at",
    }
)
"""The tables that are partitioned by month, each with the column that names the month."""

LEAF_STORAGE: Mapping[str, Mapping[str, str]] = MappingProxyType({"messages": QUEUE_VACUUM})
"""Storage settings of partitions: PostgreSQL takes them on the leaves only, not on the partitioned table."""
