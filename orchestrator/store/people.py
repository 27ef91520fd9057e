"""Statements on persons at accounts, on identities (whose account is a person's), and on contacts (addresses)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, text

from orchestrator.core.decisions import Message
from orchestrator.core.families import MOST_KIN, MOST_LEVELS
from orchestrator.core.identities import Link
from orchestrator.core.people import Contact, Person, one_person
from orchestrator.store.documents import instant_of, micros, person_document, person_from
from orchestrator.store.rows import as_json

MOST_PEOPLE = 50  # of an account that a decision may need: the first in line; as many newest and holders of roles


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """Whom to look for behind the first in line."""

    account_id: str
    roles: frozenset[str]  # as ``Person.role`` spells them
    newest: bool


PEOPLE = text("""
    -- people: of each account those that a decision may need, the first in line
    SELECT wanted.account_id, p.person_id, p.traits, p.first_seen
      FROM unnest(CAST(:ids AS text[])) AS wanted (account_id)
     CROSS JOIN LATERAL (
           SELECT person_id, traits, first_seen FROM persons
            WHERE persons.account_id = wanted.account_id
            ORDER BY rank, first_seen, person_id LIMIT :most) AS p
""")

BEHIND = text("""
    -- behind: of accounts with a crowd, the holders of these roles and the newest, wherever they stand in line
    SELECT wanted.account_id, p.person_id, p.traits, p.first_seen
      FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS wanted (account_id text, roles jsonb, newest boolean)
     CROSS JOIN LATERAL (
           (SELECT person_id, traits, first_seen FROM persons
             WHERE persons.account_id = wanted.account_id
               AND wanted.roles ? btrim(regexp_replace(lower(traits -> 'role' ->> 0), '[-_[:space:]]+', '_', 'g'), '_')
             ORDER BY first_seen, person_id LIMIT :most)
             UNION
           (SELECT person_id, traits, first_seen FROM persons
             WHERE persons.account_id = wanted.account_id AND wanted.newest
             ORDER BY first_seen DESC, person_id LIMIT :most)) AS p
     ORDER BY wanted.account_id, p.first_seen, p.person_id
""")

BARRED = text("""
    -- barred: addresses that take no mail
    SELECT address FROM contacts
     WHERE address = ANY(CAST(:addresses AS text[]))
       AND (suppressed IS NOT NULL OR unsubscribed_at IS NOT NULL OR erased_at IS NOT NULL)
""")

PERSONS = text("""
    -- persons: by account and id
    SELECT account_id, person_id, traits, first_seen FROM persons
      JOIN unnest(CAST(:accounts AS text[]), CAST(:persons AS text[])) AS r (account_id, person_id)
     USING (account_id, person_id)
""")

SAVE_PERSONS = text("""
    -- save_persons: under the lock of their accounts
    INSERT INTO persons (account_id, person_id, traits, rank, first_seen)
    SELECT account_id, person_id, traits, rank, first_seen
      FROM jsonb_to_recordset(CAST(:rows AS jsonb))
           AS r (account_id text, person_id text, traits jsonb, rank smallint, first_seen timestamptz)
     ORDER BY account_id, person_id
        ON CONFLICT (account_id, person_id) DO UPDATE
       SET traits = excluded.traits, rank = excluded.rank, first_seen = excluded.first_seen
""")

AT_BOTH = text("""
    -- at_both: whom both accounts know
    SELECT person_id FROM persons WHERE account_id = :gone
    INTERSECT SELECT person_id FROM persons WHERE account_id = :kept
""")

MOVE_PERSONS = text("""
    -- move_persons: the people of a merged account, but those whom the kept one knows already
    WITH moved AS (
        DELETE FROM persons WHERE account_id = :gone RETURNING person_id, traits, rank, first_seen)
    INSERT INTO persons (account_id, person_id, traits, rank, first_seen)
    SELECT :kept, person_id, traits, rank, first_seen FROM moved ORDER BY person_id
        ON CONFLICT DO NOTHING
""")

_NOWHERE: frozenset[str] = frozenset()

LINKS = text("""
    -- links: as they stand, unlocked
    SELECT person_id, account_id, linked_at, source, message_id, same_as, claimed_by, previous, others
      FROM identities WHERE person_id = ANY(:persons)
""")

SAME = text("""
    -- same: the other ids of those who are known as these
    SELECT person_id FROM identities WHERE same_as = ANY(:persons)
""")

MENTION = text("""
    -- mention: make sure that there is a row to lock, in the order of persons
    INSERT INTO identities (person_id) SELECT unnest(CAST(:persons AS text[])) ON CONFLICT DO NOTHING
""")

LOCK_LINKS = text("""
    -- lock_links: in the order of persons
    SELECT person_id FROM identities WHERE person_id = ANY(:persons) ORDER BY person_id FOR NO KEY UPDATE
""")

SAVE_LINKS = text("""
    -- save_links: under the lock
    UPDATE identities
       SET account_id = r.account_id, linked_at = r.linked_at, source = r.source, message_id = r.message_id,
           same_as = r.same_as, claimed_by = r.claimed_by, previous = r.previous, others = r.others
      FROM jsonb_to_recordset(CAST(:rows AS jsonb))
           AS r (person_id text, account_id text, linked_at timestamptz, source text, message_id text, same_as text,
                 claimed_by text, previous boolean, others jsonb)
     WHERE identities.person_id = r.person_id
""")

DROP_PERSONS = text("""
    -- drop_persons: ids under which nobody is known any more at these accounts
    DELETE FROM persons USING jsonb_to_recordset(CAST(:rows AS jsonb)) AS r (account_id text, person_id text)
     WHERE persons.account_id = r.account_id AND persons.person_id = r.person_id
""")

PERSON = text(
    "SELECT person_id, traits, first_seen FROM persons WHERE account_id = :account_id AND person_id = :person_id"
)

PERSON_NOW = text("""
    -- person_now: somebody whose id was given up for another
    SELECT p.person_id, p.traits, p.first_seen FROM identities AS i
      JOIN persons AS p ON p.account_id = :account_id AND p.person_id = i.same_as
     WHERE i.person_id = :person_id
""")

MEET = text("""
    -- meet: make sure that there are rows to lock, in the order of all locks
    INSERT INTO contacts (address) SELECT unnest(CAST(:addresses AS text[])) ON CONFLICT DO NOTHING
""")

LOCK_CONTACTS = text("""
    -- lock_contacts: the cap of an address is counted under its row; and whether the account has been anybody else
    SELECT c.address, suppressed, unsubscribed_at, erased_at, sends,
           EXISTS (SELECT FROM redirects WHERE to_account = r.account_id) OR EXISTS (
               SELECT FROM parents
                WHERE (account_id = r.account_id AND parent_id IS NOT NULL) OR parent_id = r.account_id) AS kin
      FROM unnest(CAST(:addresses AS text[]), CAST(:accounts AS text[])) AS r (address, account_id)
      JOIN contacts AS c ON c.address = r.address
     ORDER BY c.address FOR NO KEY UPDATE OF c
""")

HAD = text("""
    -- had: whether this address has had a touch from the account, one of its former selves or, if not exempt, its
    -- family; after the lock, in a new statement, so that it sees what another sender began meanwhile
    WITH RECURSIVE above (id, level) AS (
        SELECT CAST(:account AS text) COLLATE "C", 0
         UNION
        SELECT coalesce(r.to_account, p.parent_id), level + 1
          FROM above JOIN parents p ON p.account_id = above.id
          LEFT JOIN redirects r ON r.from_account = p.parent_id
         WHERE p.parent_id IS NOT NULL AND level < :levels AND NOT :exempt),
    family (id, level) AS (
        SELECT id, 0 FROM above
         UNION
        SELECT p.account_id, level + 1
          FROM family JOIN parents p ON p.parent_id = ANY(ARRAY(
               SELECT family.id UNION ALL SELECT from_account FROM redirects WHERE to_account = family.id))
         WHERE level < :levels AND NOT :exempt),
    kin (id) AS (SELECT id FROM family LIMIT :most)
    SELECT EXISTS (
        SELECT FROM messages
         WHERE account_id = ANY(ARRAY(
               SELECT id FROM kin UNION SELECT from_account FROM redirects WHERE to_account IN (SELECT id FROM kin)))
           AND play = :play AND episode = :episode AND address = :address AND mode = :mode AND id <> :id
           AND state IN ('sending', 'sent', 'unknown', 'delivered', 'bounced', 'complained'))
""")

COUNT_SENDS = text("""
    -- count_sends: [instant, message] of each that the cap counts, oldest first; of a message its last hand-over
    UPDATE contacts
       SET sends = (SELECT coalesce(jsonb_agg(send ORDER BY place), '[]')
                      FROM jsonb_array_elements(sends) WITH ORDINALITY AS kept (send, place)
                     WHERE CAST(send ->> 0 AS bigint) > :since AND send ->> 1 <> r.message)
                   || CASE WHEN :counted THEN jsonb_build_array(jsonb_build_array(CAST(:at AS bigint), r.message))
                      ELSE '[]' END
      FROM unnest(CAST(:addresses AS text[]), CAST(:messages AS text[])) AS r (address, message)
     WHERE contacts.address = r.address
""")

SUPPRESS = text("""
    -- suppress: an address that is dead or complained; the first reason stays
    INSERT INTO contacts (address, suppressed, suppressed_at) VALUES (:address, :reason, :now)
        ON CONFLICT (address) DO UPDATE SET suppressed = excluded.suppressed, suppressed_at = excluded.suppressed_at
     WHERE contacts.suppressed IS NULL
""")


def people(connection: Connection, ids: Iterable[str]) -> dict[str, list[Person]]:
    """Of each account at most MOST_PEOPLE persons, the first in line."""
    found: dict[str, list[Person]] = {}
    listed = sorted(ids)
    rows = connection.execute(PEOPLE, {"ids": listed, "most": MOST_PEOPLE}).all() if listed else ()
    for account_id, person_id, traits, first_seen in rows:
        found.setdefault(account_id, []).append(person_from(person_id, traits, first_seen))
    return found


def behind(connection: Connection, wanted: Iterable[Behind]) -> dict[str, list[Person]]:
    """Of each account at most MOST_PEOPLE holders of the roles, and as many of the newest."""
    rows = [
        {"account_id": each.account_id, "roles": sorted(each.roles), "newest": each.newest}
        for each in sorted(wanted, key=lambda each: each.account_id)
    ]
    found: dict[str, list[Person]] = {}
    for row in connection.execute(BEHIND, {"rows": as_json(rows), "most": MOST_PEOPLE}) if rows else ():
        found.setdefault(row.account_id, []).append(person_from(row.person_id, row.traits, row.first_seen))
    return found


def barred(connection: Connection, addresses: Iterable[str]) -> frozenset[str]:
    """Those of these normalised addresses that bounced, complained, unsubscribed or were erased."""
    listed = sorted(addresses)
    return frozenset(connection.scalars(BARRED, {"addresses": listed})) if listed else frozenset()


def persons(connection: Connection, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Person]:
    """Persons by (account, person); those that are not known are left out."""
    listed = sorted(keys)
    told = {"accounts": [account for account, _ in listed], "persons": [person for _, person in listed]}
    return {
        (row.account_id, row.person_id): person_from(row.person_id, row.traits, row.first_seen)
        for row in connection.execute(PERSONS, told)
    }


def person(connection: Connection, account_id: str, person_id: str) -> Person | None:
    """One person at an account, whatever id they are known as by now."""
    named = {"account_id": account_id, "person_id": person_id}
    row = connection.execute(PERSON, named).one_or_none() or connection.execute(PERSON_NOW, named).one_or_none()
    return None if row is None else person_from(row.person_id, row.traits, row.first_seen)


def save_persons(connection: Connection, saved: Mapping[tuple[str, str], Person]) -> None:
    """Write persons, under the lock of their accounts."""
    rows = [
        {
            "account_id": account,
            "person_id": person_id,
            "traits": person_document(each),
            "rank": each.rank,
            "first_seen": each.first_seen,
        }
        for (account, person_id), each in sorted(saved.items())
    ]
    if rows:
        connection.execute(SAVE_PERSONS, {"rows": as_json(rows)})


def links(connection: Connection, person_ids: Iterable[str]) -> dict[str, Link]:
    """The links of these persons as they stand."""
    rows = connection.execute(LINKS, {"persons": sorted(person_ids)}).all()
    return {row[0]: _link(*row) for row in rows}


def _link(
    person_id: str,
    account_id: str | None,
    linked_at: datetime | None,
    source: str | None,
    message_id: str | None,
    same_as: str | None,
    claimed_by: str | None,
    previous: bool,  # noqa: FBT001 -- as they stand in the row: unpacked, for a batch asks hundreds of them
    others: list[str] | None,
) -> Link:
    return Link(
        person_id=person_id,
        account_id=account_id,
        stamp=None if linked_at is None or source is None or message_id is None else (linked_at, source, message_id),
        same_as=same_as,
        claimed_by=claimed_by,
        previous=previous,
        others=frozenset(others) if others else _NOWHERE,
    )


def same(connection: Connection, known_as: Iterable[str]) -> set[str]:
    """All further ids of the persons who are known as these."""
    return set(connection.scalars(SAME, {"persons": sorted(known_as)}))


def lock_links(connection: Connection, person_ids: Iterable[str]) -> None:
    """Lock the identity rows of these persons in order; rows that are missing are made."""
    listed = sorted(person_ids)
    if listed:
        connection.execute(MENTION, {"persons": listed})
        connection.execute(LOCK_LINKS, {"persons": listed})


def save_links(connection: Connection, linked: Iterable[Link]) -> None:
    """Write links, under the lock of their rows."""
    rows = [
        {
            "person_id": link.person_id,
            "account_id": link.account_id,
            **dict(zip(("linked_at", "source", "message_id"), link.stamp or (None, None, None), strict=True)),
            "same_as": link.same_as,
            "claimed_by": link.claimed_by,
            "previous": link.previous,
            "others": sorted(link.others) or None,
        }
        for link in sorted(linked, key=lambda link: link.person_id)
    ]
    if rows:
        connection.execute(SAVE_LINKS, {"rows": as_json(rows)})


def unite(connection: Connection, names: Mapping[str, Mapping[str, str]]) -> None:
    """Of locked accounts, make the persons of given-up ids those that they are known as now."""
    keys = {(account, each) for account, pairs in names.items() for pair in pairs.items() for each in pair}
    known = persons(connection, keys)
    whole: dict[tuple[str, str], Person] = {}
    for account, pairs in names.items():
        for old, new in sorted(pairs.items()):
            if (account, old) in known:
                gone = replace(known[account, old], id=new)
                held = whole.get((account, new), known.get((account, new)))
                whole[account, new] = gone if held is None else one_person(held, gone)
    gone_rows = [{"account_id": account, "person_id": old} for account, pairs in names.items() for old in pairs]
    connection.execute(DROP_PERSONS, {"rows": as_json(gone_rows)})
    save_persons(connection, whole)


def move(connection: Connection, gone: str, kept: str) -> None:
    """Hand the people of a merged account to the kept one; whom both know is one person there.

    Links to it stay, its redirect leads them on: writing them here would lock identities after accounts, against the
    one order.
    """
    both = list(connection.scalars(AT_BOTH, {"gone": gone, "kept": kept}))
    known = persons(connection, [(account, each) for account in (gone, kept) for each in both]) if both else {}
    save_persons(connection, {(kept, each): one_person(known[kept, each], known[gone, each]) for each in both})
    connection.execute(MOVE_PERSONS, {"gone": gone, "kept": kept})


def meet(connection: Connection, addresses: Iterable[str]) -> None:
    """Make sure that each of these normalised addresses has a row that can be locked."""
    connection.execute(MEET, {"addresses": sorted(set(addresses))})


def lock_contacts(connection: Connection, messages: Sequence[Message]) -> dict[UUID, Contact]:
    """By message the contact of its normalised address, locked in the order of addresses; made when it is new.

    No two of the messages have the same address. A contact's sends leave out the message: an earlier hand-over of the
    same one is no reason for it to wait. What it had from the account's former selves and its family is looked up only
    where there are any.
    """
    told = {"addresses": [each.address for each in messages], "accounts": [each.account for each in messages]}
    rows = {row.address: row for row in connection.execute(LOCK_CONTACTS, told)}
    if len(rows) < len(messages):
        meet(connection, told["addresses"])
        rows = {row.address: row for row in connection.execute(LOCK_CONTACTS, told)}
    return {each.id: _contact(connection, rows[each.address], each) for each in messages}


def _contact(connection: Connection, row: Row[Any], message: Message) -> Contact:
    return Contact(
        address=row.address,
        suppressed=row.suppressed,
        unsubscribed_at=row.unsubscribed_at,
        erased_at=row.erased_at,
        sends=tuple(instant_of(number) for number, other in row.sends if other != str(message.id)),
        had=_had(connection, message) if row.kin else frozenset(),
    )


def _had(connection: Connection, message: Message) -> frozenset[tuple[str, str]]:
    named = {
        "account": message.account,
        "play": message.play,
        "episode": message.episode,
        "address": message.address,
        "mode": message.mode,
        "id": message.id,
        "exempt": message.exempt,
        "levels": MOST_LEVELS,
        "most": MOST_KIN,
    }
    return frozenset({(message.play, message.episode)} if connection.scalar(HAD, named) else ())


def count_sends(connection: Connection, begun: Sequence[Message], at: datetime, since: datetime) -> None:
    """Count hand-overs for the caps of their addresses, and forget those before ``since``."""
    if begun:
        connection.execute(COUNT_SENDS, {**_sends(begun, since), "counted": True, "at": micros(at)})


def uncount_send(connection: Connection, message: Message, since: datetime) -> None:
    """Take back what ``count_sends`` counted: nothing was handed over."""
    connection.execute(COUNT_SENDS, {**_sends([message], since), "counted": False, "at": 0})


def _sends(messages: Sequence[Message], since: datetime) -> dict[str, Any]:
    addresses, ids = [each.address for each in messages], [str(each.id) for each in messages]
    return {"addresses": addresses, "messages": ids, "since": micros(since)}


def suppress(connection: Connection, address: str, reason: str, now: datetime) -> None:
    """Write to this address no more: ``reason`` is bounce or complaint."""
    connection.execute(SUPPRESS, {"address": address, "reason": reason, "now": now})
