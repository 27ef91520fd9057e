"""Statements on accounts: open, lock, load, save; their wakes, their parking, their redirects."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import accumulate
from typing import Any

from sqlalchemy import Connection, text

from orchestrator.core.account import Account, changed
from orchestrator.core.errors import LifecycleError
from orchestrator.core.lifecycle import version_of
from orchestrator.store.documents import account_document, account_from, packed, unpacked
from orchestrator.store.rows import as_json
from orchestrator.store.tables import LONGEST_KEY

MOST_A_PAGE = 1000  # accounts: some megabytes
LONGEST_ID = LONGEST_KEY  # characters of an account's id


class LostUpdateError(LifecycleError):
    """An account changed under its own lock; somebody writes accounts without locking them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Locked:
    """An account under our lock."""

    account: Account
    version: int  # of the row, for the guard of the save


@dataclass(frozen=True, slots=True, kw_only=True)
class Parking:
    """Why and until when an account is parked."""

    account_id: str
    until: datetime
    tries: int
    error: str
    since: datetime


REDIRECTS = text("""
    -- redirects: where merged accounts went
    SELECT from_account, to_account FROM redirects WHERE from_account = ANY(:ids)
""")

MOVED = text("""
    -- moved: whether any of these accounts is another now, or any of these ids was given up; an index of few rows each
    SELECT EXISTS (SELECT FROM redirects WHERE from_account = ANY(:ids))
        OR EXISTS (SELECT FROM identities WHERE person_id = ANY(:persons) AND same_as IS NOT NULL)
""")

OPEN = text("""
    -- open: the accounts that are not there yet, in the order of ids
    INSERT INTO accounts (id, document, stage, history, version, playbook_version, created_at, updated_at)
    SELECT id, substring(CAST(:documents AS bytea) FROM place FOR size), stage, history, 0, playbook_version,
           created_at, created_at
      FROM jsonb_to_recordset(CAST(:rows AS jsonb))
           AS r (id text, place int, size int, stage text, history boolean, playbook_version text,
                 created_at timestamptz)
     ORDER BY id
        ON CONFLICT DO NOTHING
""")

LOCK = text("""
    -- lock: the accounts by id; FOR NO KEY UPDATE lets others read and refer to them
    SELECT id FROM accounts WHERE id = ANY(:ids) ORDER BY id FOR NO KEY UPDATE
""")

LOCK_FREE = text("""
    -- lock_free: those of them that nobody holds
    SELECT id FROM accounts WHERE id = ANY(:ids) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
""")

LOAD = """
    -- load: a new statement, so that it sees what the lock waited for
    SELECT id, document, version FROM accounts WHERE id = ANY(%s) ORDER BY id
"""

SAVE = text("""
    -- save: guarded by the version that was loaded
    UPDATE accounts
       SET document = substring(CAST(:documents AS bytea) FROM r.place FOR r.size), stage = r.stage,
           history = r.history, version = accounts.version + 1, playbook_version = r.playbook_version,
           updated_at = :now
      FROM jsonb_to_recordset(CAST(:rows AS jsonb))
           AS r (id text, place int, size int, stage text, history boolean, version int, playbook_version text)
     WHERE accounts.id = r.id AND accounts.version = r.version
""")

PAGE = text("""
    -- page: accounts in the order of their ids, from one on
    SELECT id, document FROM accounts WHERE id > :after ORDER BY id LIMIT :most
""")

KNOWN = text("""
    -- known: which of these accounts are there, and the version that each is pinned to
    SELECT id, playbook_version FROM accounts WHERE id = ANY(:ids)
""")

TIMERS = text("""
    -- timers: of these accounts, what each was derived from; rows of a tenth of an account's
    SELECT account_id, basis FROM wakes WHERE account_id = ANY(:ids)
""")

NEXT_LOOKS = text("""
    -- next_looks: of these accounts, when each must be looked at again; a new statement, under their locks
    SELECT account_id, wake_at FROM wakes WHERE account_id = ANY(:ids)
""")

LIVE = text("""
    -- live: those of these accounts that are not held
    SELECT id FROM accounts WHERE id = ANY(:ids) AND NOT history
""")

HELD = text("""
    -- held: accounts that are not live yet, and, if asked for, also those that will be at a known instant
    SELECT account_id FROM wakes WHERE basis = 'history' AND (:planned OR wake_at IS NULL) ORDER BY account_id
""")

COUNT_HELD = text("""
    -- count_held: accounts that are not live yet, and those of them that will be at a known instant
    SELECT count(*), count(wake_at) FROM wakes WHERE basis = 'history'
""")

SET_WAKES = text("""
    -- set_wakes: one narrow row an account, written only when it changes
    INSERT INTO wakes (account_id, wake_at, basis)
    SELECT account_id, wake_at, basis
      FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r (account_id text, wake_at timestamptz, basis text)
     ORDER BY account_id
        ON CONFLICT (account_id) DO UPDATE SET wake_at = excluded.wake_at, basis = excluded.basis
     WHERE (wakes.wake_at, wakes.basis) IS DISTINCT FROM (excluded.wake_at, excluded.basis)
""")

CLAIM = text("""
    -- claim: locks accounts to be woken that nobody holds, the longest waiting first; by time, by an outcome that
    -- waits, by the end of a parking. It waits for no lock, so the order in which it takes them cannot deadlock
    WITH timed AS (
        SELECT accounts.id FROM wakes JOIN accounts ON accounts.id = wakes.account_id
         WHERE wake_at <= :now
           AND NOT EXISTS (SELECT FROM parked_accounts p WHERE p.account_id = wakes.account_id AND p.until > :now)
         ORDER BY wake_at LIMIT :most
           FOR NO KEY UPDATE OF accounts SKIP LOCKED),
    told AS (
        SELECT accounts.id
          FROM outcomes LEFT JOIN redirects ON from_account = outcomes.account_id
          JOIN accounts ON accounts.id = coalesce(to_account, outcomes.account_id)
         ORDER BY outcomes.id LIMIT :most
           FOR NO KEY UPDATE OF accounts SKIP LOCKED),
    paused AS (
        SELECT accounts.id FROM parked_accounts JOIN accounts ON accounts.id = parked_accounts.account_id
         WHERE until <= :now
         ORDER BY until LIMIT :most
           FOR NO KEY UPDATE OF accounts SKIP LOCKED)
    SELECT id FROM timed UNION SELECT id FROM told UNION SELECT id FROM paused
""")

STILL_DUE = text("""
    -- still_due: read again under the lock, in a new statement
    SELECT id FROM unnest(CAST(:ids AS text[])) AS locked (id)
     WHERE EXISTS (SELECT FROM wakes WHERE account_id = locked.id AND wake_at <= :now)
        OR EXISTS (SELECT FROM outcomes WHERE account_id = locked.id)
        OR EXISTS (SELECT FROM outcomes JOIN redirects ON from_account = account_id WHERE to_account = locked.id)
        OR EXISTS (SELECT FROM parked_accounts WHERE account_id = locked.id AND until <= :now)
""")

PARKED = text("""
    -- parked: those of these accounts that are parked
    SELECT account_id, until, tries, error, since FROM parked_accounts WHERE account_id = ANY(:ids)
""")

PARK = text("""
    -- park: an account that could not be decided
    INSERT INTO parked_accounts (account_id, until, tries, error, since)
    SELECT account_id, until, tries, error, since
      FROM jsonb_to_recordset(CAST(:rows AS jsonb))
           AS r (account_id text, until timestamptz, tries int, error text, since timestamptz)
     ORDER BY account_id
        ON CONFLICT (account_id) DO UPDATE SET until = excluded.until, tries = excluded.tries, error = excluded.error
""")

UNPARK = text("DELETE FROM parked_accounts WHERE account_id = ANY(:ids)")

REDIRECT = text("""
    -- redirect: what came to the gone account, or was redirected to it, goes to the kept one
    WITH moved AS (UPDATE redirects SET to_account = :kept WHERE to_account = :gone)
    INSERT INTO redirects (from_account, to_account, at) VALUES (:gone, :kept, :now)
""")

FORGET_REDIRECT = text("DELETE FROM redirects WHERE from_account = :name")

REMOVE = text("""
    -- remove: a merged account's row, its timer and its parking; its history stays under its old id
    WITH timer AS (DELETE FROM wakes WHERE account_id = :gone),
         parking AS (DELETE FROM parked_accounts WHERE account_id = :gone)
    DELETE FROM accounts WHERE id = :gone
""")


def redirects(connection: Connection, ids: Iterable[str]) -> dict[str, str]:
    """Merged accounts among these, and where they went."""
    return {row.from_account: row.to_account for row in connection.execute(REDIRECTS, {"ids": sorted(ids)})}


def moved(connection: Connection, ids: Iterable[str], persons: Iterable[str]) -> bool:
    """Whether any of these accounts was merged or renamed, or any of these persons is known under another id."""
    return bool(connection.scalar(MOVED, {"ids": sorted(ids), "persons": sorted(persons)}))


def known(connection: Connection, ids: Iterable[str]) -> dict[str, str]:
    """Those of these accounts that exist, and the playbook version that each is pinned to.

    Read off their timers; off the accounts themselves, which lie far apart, only where a timer does not say it.
    """
    wanted = set(ids)
    timers = connection.execute(TIMERS, {"ids": sorted(wanted)})
    found = {account: version for account, basis in timers if (version := version_of(basis)) is not None}
    if rest := wanted - found.keys():
        found |= {row.id: row.playbook_version for row in connection.execute(KNOWN, {"ids": sorted(rest)})}
    return found


def live(connection: Connection, ids: Iterable[str]) -> list[str]:
    """Those of these accounts whose past is not being read in."""
    return sorted(connection.scalars(LIVE, {"ids": sorted(ids)}))


def held(connection: Connection, *, planned: bool) -> list[str]:
    """Accounts that are not live yet, in the order of ids; ``planned``: also those whose instant is known."""
    return list(connection.scalars(HELD, {"planned": planned}))


def count_held(connection: Connection) -> tuple[int, int]:
    """How many accounts are not live yet, and how many of them will be at a known instant."""
    held, planned = connection.execute(COUNT_HELD).one()
    return held, planned


def open_accounts(connection: Connection, accounts: Iterable[Account]) -> None:
    """Make the rows of new accounts; one that somebody else made meanwhile stays as it is."""
    listed = list(accounts)
    if listed:
        connection.execute(OPEN, _written(listed, [{"created_at": account.created_at} for account in listed]))


def _written(accounts: Sequence[Account], more: Iterable[Mapping[str, Any]]) -> dict[str, object]:
    """The rows of accounts, and beside them all their documents as one: each row says where its own lies.

    As one parameter, because bytes in an array, or in JSON, cost their length several times over.
    """
    documents = [packed(account_document(account)) for account in accounts]
    places = accumulate((len(each) for each in documents), initial=1)
    rows = [
        {
            "id": account.id,
            "place": place,
            "size": len(document),
            "stage": account.stage,
            "history": account.history,
            "playbook_version": account.playbook_version,
            **said,
        }
        for account, document, place, said in zip(accounts, documents, places, more, strict=False)
    ]
    return {"rows": as_json(rows), "documents": b"".join(documents)}


def lock(connection: Connection, ids: Iterable[str], *, wait: bool = True) -> list[str]:
    """Lock accounts in the order of ids; without ``wait`` those that somebody holds are left out."""
    return list(connection.scalars(LOCK if wait else LOCK_FREE, {"ids": sorted(ids)}))


def load(connection: Connection, ids: Iterable[str]) -> dict[str, Locked]:
    """Read accounts, in a statement of its own after the lock."""
    driver: Any = connection.connection.driver_connection  # SQLAlchemy takes bytes as text only, at twice the price
    with driver.cursor(binary=True) as cursor:
        rows: list[tuple[str, bytes, int]] = cursor.execute(LOAD, (sorted(ids),)).fetchall()
    return {
        name: Locked(account=account_from(name, unpacked(document)), version=version)
        for name, document, version in rows
    }


def timed(connection: Connection, loaded: Mapping[str, Locked]) -> dict[str, Locked]:
    """These accounts with the instants of their timers, which may have moved on while their documents stood."""
    rows = connection.execute(NEXT_LOOKS, {"ids": sorted(loaded)}).all() if loaded else ()
    looks: dict[str, datetime | None] = {row.account_id: row.wake_at for row in rows}
    return {
        name: replace(each, account=changed(each.account, wake_at=looks[name])) if name in looks else each
        for name, each in loaded.items()
    }


def every(connection: Connection, most: int = MOST_A_PAGE) -> Iterator[Account]:
    """All accounts, so many at a time, unlocked: each as it is when its page is read."""
    after = ""
    while rows := connection.execute(PAGE, {"after": after, "most": most}).all():
        yield from (account_from(row.id, unpacked(row.document)) for row in rows)
        after = rows[-1].id


def save(connection: Connection, saved: Sequence[tuple[Account, int]], now: datetime) -> None:
    """Write accounts under the version each was loaded with, and their wakes.

    Raises:
        LostUpdateError: a row is not at that version.
    """
    ordered = sorted(saved, key=lambda pair: pair[0].id)
    if not ordered:
        return
    written = _written([account for account, _ in ordered], [{"version": version} for _, version in ordered])
    if connection.execute(SAVE, {**written, "now": now}).rowcount != len(ordered):
        raise LostUpdateError


def set_wakes(connection: Connection, accounts: Iterable[Account]) -> None:
    """Write each account's one wake-up row."""
    rows = [
        {"account_id": account.id, "wake_at": account.wake_at, "basis": account.basis or account.playbook_version}
        for account in accounts
    ]
    if rows:
        connection.execute(SET_WAKES, {"rows": as_json(rows)})


def claim(connection: Connection, now: datetime, most: int) -> list[str]:
    """Lock accounts that want to be looked at and that nobody holds, so many for each cause; in the order of ids.

    Whoever let go of one just now may have decided it: ask ``still_due`` next.
    """
    return sorted(connection.scalars(CLAIM, {"now": now, "most": most}))


def still_due(connection: Connection, ids: Sequence[str], now: datetime) -> list[str]:
    """Those of the locked accounts that still want it."""
    return sorted(connection.scalars(STILL_DUE, {"ids": list(ids), "now": now}))


def parked(connection: Connection, ids: Iterable[str]) -> dict[str, Parking]:
    """The parking of those of these accounts that are parked."""
    return {row.account_id: Parking(**row) for row in connection.execute(PARKED, {"ids": sorted(ids)}).mappings()}


def park(connection: Connection, parkings: Iterable[Parking]) -> None:
    """Park accounts, or prolong their parking."""
    rows = [
        {"account_id": p.account_id, "until": p.until, "tries": p.tries, "error": p.error, "since": p.since}
        for p in parkings
    ]
    if rows:
        connection.execute(PARK, {"rows": as_json(rows)})


def unpark(connection: Connection, ids: Iterable[str]) -> None:
    """End the parking of accounts that could be decided again."""
    listed = sorted(ids)
    if listed:
        connection.execute(UNPARK, {"ids": listed})


def claim_name(connection: Connection, account: Account) -> bool:
    """Make the row of an account under a name that is free; False when somebody has it: then nothing is done."""
    written = _written([account], [{"created_at": account.created_at}])
    return connection.execute(OPEN, written).rowcount == 1


def forget_redirect(connection: Connection, name: str) -> None:
    """Make the former name of an account free again, so that it can become its own once more."""
    connection.execute(FORGET_REDIRECT, {"name": name})


def redirect(connection: Connection, gone: str, kept: str, now: datetime) -> None:
    """Leave a redirect where an account was, and remove its row."""
    names: Mapping[str, object] = {"gone": gone, "kept": kept, "now": now}
    connection.execute(REDIRECT, names)
    connection.execute(REMOVE, names)
