"""Statements on what was decided: the ledger (backstop of P3), decisions, the journal, escalations."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from orchestrator.core.conditions import Clause
from orchestrator.core.decisions import Decision, Escalation, Note, Postponement, Withdrawal
from orchestrator.core.errors import LifecycleError
from orchestrator.store.rows import as_json


class DecidedTwiceError(LifecycleError):
    """A play was about to be decided again for an episode that the ledger holds: the account is out of step with it."""


ENTER = text("""
    -- enter: each play's newest episode; must move it strictly forward, else the row is not returned
    INSERT INTO ledger (account_id, play, episode, decided_at)
    SELECT account_id, play, episode, decided_at
      FROM jsonb_to_recordset(CAST(:rows AS jsonb))
           AS r (account_id text, play text, episode text, decided_at timestamptz)
     ORDER BY account_id, play
        ON CONFLICT (account_id, play) DO UPDATE SET episode = excluded.episode, decided_at = excluded.decided_at
     WHERE ledger.episode < excluded.episode
    RETURNING play
""")

DECIDED = text("""
    -- decided: accounts of which the ledger holds one of these episodes, or a newer one
    SELECT DISTINCT ledger.account_id
      FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r (account_id text, play text, episode text)
      JOIN ledger ON ledger.account_id = r.account_id AND ledger.play = r.play AND ledger.episode >= r.episode
""")

RECORD = text("""
    -- record: decisions
    INSERT INTO decisions (decided_at, account_id, play, episode, due_at, outcome, reason, playbook_version,
                           explanation, repeats, last_at)
    SELECT decided_at, account_id, play, episode, due_at, outcome, reason, playbook_version,
           explanation, repeats, decided_at
      FROM jsonb_to_recordset(CAST(:rows AS jsonb))
           AS r (decided_at timestamptz, account_id text, play text, episode text, due_at timestamptz, outcome text,
                 reason text, playbook_version text, explanation jsonb, repeats int)
""")

REPEAT = text("""
    -- repeat: equal skips of a play in a row share the record of the first
    UPDATE decisions SET repeats = r.repeats, last_at = r.last_at, explanation = r.explanation
      FROM jsonb_to_recordset(CAST(:rows AS jsonb))
           AS r (account_id text, play text, first_episode text, first_decided_at timestamptz, last_at timestamptz,
                 repeats int, explanation jsonb)
     WHERE decisions.decided_at = r.first_decided_at AND decisions.account_id = r.account_id
       AND decisions.play = r.play AND decisions.episode = r.first_episode
    RETURNING decisions.account_id, decisions.play, decisions.episode
""")

WRITE_JOURNAL = text("""
    -- write_journal: what else happened on the way
    INSERT INTO journal (at, account_id, kind, play, detail)
    SELECT at, account_id, kind, play, detail
      FROM jsonb_to_recordset(CAST(:rows AS jsonb))
           AS r (at timestamptz, account_id text, kind text, play text, detail jsonb)
""")

OPEN_ESCALATIONS = text("""
    -- open_escalations: one open for one cause; a repeat updates it
    INSERT INTO escalations (id, account_id, cause, play, episode, severity, category, owner, title, context, mode,
                             playbook_version, opened_at, due_at)
    SELECT id, account_id, play, play, episode, severity, category, owner, title, context, mode, playbook_version,
           opened_at, due_at
      FROM jsonb_to_recordset(CAST(:rows AS jsonb))
           AS r (id uuid, account_id text, play text, episode text, severity text, category text, owner text,
                 title text, context jsonb, mode text, playbook_version text, opened_at timestamptz, due_at timestamptz)
     ORDER BY account_id, play
        ON CONFLICT (account_id, cause) WHERE closed_at IS NULL
        DO UPDATE SET episode = excluded.episode, severity = excluded.severity, context = excluded.context
""")

CLOSE_ESCALATIONS = text("""
    -- close_escalations: their cause is gone
    UPDATE escalations SET closed_at = :now, close_reason = r.reason
      FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r (account_id text, play text, reason text)
     WHERE escalations.account_id = r.account_id AND escalations.cause = r.play AND escalations.closed_at IS NULL
""")

MOVE_LEDGER = text("""
    -- move_ledger: of each play the newer episode stays
    WITH moved AS (DELETE FROM ledger WHERE account_id = :gone RETURNING play, episode, decided_at)
    INSERT INTO ledger (account_id, play, episode, decided_at)
    SELECT :kept, play, episode, decided_at FROM moved ORDER BY play
        ON CONFLICT (account_id, play) DO UPDATE SET episode = excluded.episode, decided_at = excluded.decided_at
     WHERE ledger.episode < excluded.episode
""")

MOVE_ESCALATIONS = text("""
    -- move_escalations: open ones whose cause the kept account has none of; the others are closed as merged
    WITH doubled AS (
        UPDATE escalations AS e SET closed_at = :now, close_reason = 'merged'
         WHERE e.account_id = :gone AND e.closed_at IS NULL
           AND EXISTS (SELECT FROM escalations k
                        WHERE k.account_id = :kept AND k.cause = e.cause AND k.closed_at IS NULL)
        RETURNING e.id)
    UPDATE escalations SET account_id = :kept
     WHERE account_id = :gone AND closed_at IS NULL AND id NOT IN (SELECT id FROM doubled)
""")


def decided(connection: Connection, decisions: Iterable[Decision]) -> set[str]:
    """The accounts among these whose ledger is ahead of what was just decided: their document is out of step."""
    rows = [{"account_id": each.account, "play": each.play, "episode": each.episode} for each in decisions]
    return set(connection.scalars(DECIDED, {"rows": as_json(rows)})) if rows else set()


def record(connection: Connection, decisions: Iterable[Decision]) -> None:
    """Write decisions, the ledger first.

    Raises:
        DecidedTwiceError: the ledger holds one of the episodes, or a newer one, already.
    """
    listed = sorted(decisions, key=lambda each: (each.account, each.play, each.episode))
    if listed:
        _enter(connection, listed)
        _insert(connection, [each for each in listed if each.first_decided_at is None])
        _repeat(connection, [each for each in listed if each.first_decided_at is not None])


def _enter(connection: Connection, decisions: list[Decision]) -> None:
    newest = {(each.account, each.play): each for each in decisions}
    rows = [
        {"account_id": each.account, "play": each.play, "episode": each.episode, "decided_at": each.decided_at}
        for each in newest.values()
    ]
    if len(connection.scalars(ENTER, {"rows": as_json(rows)}).all()) != len(rows):
        raise DecidedTwiceError


def _insert(connection: Connection, decisions: list[Decision]) -> None:
    rows = [
        {
            "decided_at": each.decided_at,
            "account_id": each.account,
            "play": each.play,
            "episode": each.episode,
            "due_at": each.due_at,
            "outcome": each.outcome,
            "reason": each.reason,
            "playbook_version": each.playbook_version,
            "explanation": explanation(each),
            "repeats": each.repeats,
        }
        for each in decisions
    ]
    if rows:
        connection.execute(RECORD, {"rows": as_json(rows)})


def _repeat(connection: Connection, decisions: list[Decision]) -> None:
    """Several episodes of one call may go on one run: the last counts all of it."""
    newest = {(each.account, each.play, each.first_episode): each for each in decisions}
    rows = [
        {
            "account_id": each.account,
            "play": each.play,
            "first_episode": each.first_episode,
            "first_decided_at": each.first_decided_at,
            "last_at": each.decided_at,
            "repeats": each.repeats,
            "explanation": explanation(each),
        }
        for each in newest.values()
    ]
    if rows:
        found = {tuple(row) for row in connection.execute(REPEAT, {"rows": as_json(rows)})}
        # The first of a run may lie with an account that was merged, or be pruned: then a record begins here.
        _insert(connection, [each for key, each in newest.items() if key not in found])


def explanation(decision: Decision) -> dict[str, Any]:
    """Why, as it is stored: the trigger, each clause with its value, the time zone and who named it."""
    return {
        "trigger": decision.trigger,
        "clauses": [_clause(clause) for clause in decision.clauses],
        "zone": decision.zone,
        "zone_from": decision.zone_from,
    }


def _clause(clause: Clause) -> dict[str, Any]:
    return {"text": clause.text, "value": clause.value, "verdict": clause.verdict, "decisive": clause.decisive}


def write_journal(
    connection: Connection, notes: Iterable[tuple[str, Note]], postponements: Iterable[Postponement]
) -> None:
    """Write notes (with their accounts) and postponements."""
    rows: list[Mapping[str, Any]] = [
        {"at": note.at, "account_id": account, "kind": note.kind, "play": None, "detail": dict(note.detail)}
        for account, note in notes
    ]
    rows += [
        {
            "at": each.at,
            "account_id": each.account,
            "kind": "postponed",
            "play": each.play,
            "detail": {
                "episode": each.episode,
                "until": each.until,
                "reason": each.reason,
                **({} if each.by is None else {"by": each.by}),
            },
        }
        for each in postponements
    ]
    if rows:
        connection.execute(WRITE_JOURNAL, {"rows": as_json(rows)})


def open_escalations(connection: Connection, opened: Iterable[Escalation]) -> None:
    """Hand work to humans; of several episodes of one play the last stands, as one is open for one cause."""
    newest = {(each.account, each.play): each for each in sorted(opened, key=lambda each: each.episode)}
    rows = [
        {
            "id": each.id,
            "account_id": each.account,
            "play": each.play,
            "episode": each.episode,
            "severity": each.action.severity,
            "category": each.action.category,
            "owner": each.action.owner,
            "title": each.title,
            "context": dict(each.context),
            "mode": each.mode,
            "playbook_version": each.playbook_version,
            "opened_at": each.opened_at,
            "due_at": each.due_at,
        }
        for each in newest.values()
    ]
    if rows:
        connection.execute(OPEN_ESCALATIONS, {"rows": as_json(rows)})


def close_escalations(connection: Connection, closed: Iterable[tuple[str, Withdrawal]], now: datetime) -> None:
    """Close the open work of withdrawn plays."""
    rows = [{"account_id": account, "play": each.play, "reason": each.reason} for account, each in closed]
    if rows:
        connection.execute(CLOSE_ESCALATIONS, {"rows": as_json(rows), "now": now})


def move(connection: Connection, gone: str, kept: str, now: datetime) -> None:
    """Hand ledger and open work of a merged account to the kept one."""
    connection.execute(MOVE_LEDGER, {"gone": gone, "kept": kept})
    connection.execute(MOVE_ESCALATIONS, {"gone": gone, "kept": kept, "now": now})
