"""``tell``: somebody tells what events do not carry of an account; checked by its playbook, it becomes events.

Nothing is written here: the calls go on the event stream like any other, and the next drain applies them. So a second
telling is harmless, and the facts stay what they are everywhere: the last word by (occurred_at, source, message_id).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from orchestrator.core.account import Account
from orchestrator.core.events import Json
from orchestrator.core.facts import TraitRule, Value, trait_value
from orchestrator.core.people import Person
from orchestrator.core.playbook import Playbook
from orchestrator.core.timing import zone_of
from orchestrator.intake.particulars import telling
from orchestrator.intake.particulars.dossier import KNOWN, Dossier, read
from orchestrator.intake.particulars.fields import UnusableError
from orchestrator.intake.particulars.telling import CHAMPION, Acquaintance, Teller
from orchestrator.playbook.vocabulary import BUILTIN_TRAITS
from orchestrator.store import accounts, people
from orchestrator.usecases.library import Library, NoPlaybookError
from orchestrator.usecases.ports import Ports


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What was understood of one body."""

    account: str  # its id, as it was told
    accepted: Mapping[str, Json]  # the account's traits, as they will stand; null: cleared
    people: int  # persons that are told of
    notes: tuple[str, ...]  # what the teller should know
    calls: tuple[bytes, ...]  # Segment calls, to be put on the stream
    changes: tuple["Change", ...]  # traits and champions that will be others than they are known now


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that will be another."""

    what: str  # the trait, or ``champion``
    before: str  # empty: not known
    after: str  # empty: cleared


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is known of an account now."""

    zone: ZoneInfo
    declared: Mapping[str, TraitRule]
    traits: Mapping[str, Value] = field(default_factory=dict)
    acquaintance: Acquaintance = field(default_factory=Acquaintance)


def tell(
    ports: Ports, bodies: Sequence[tuple[str, Mapping[str, Json]]], tellers: Sequence[Teller]
) -> list[Told | UnusableError]:
    """What each (account, body) comes to, in their order; a body that cannot be used has its error instead."""
    with ports.engine.connect() as connection:
        known = standings(connection, ports.library, {account for account, _ in bodies})
    return [
        told(account, body, teller, known[account]) for (account, body), teller in zip(bodies, tellers, strict=True)
    ]


def told(account: str, body: Mapping[str, Json], teller: Teller, known: Standing) -> Told | UnusableError:
    """What one body comes to, by what is known of its account; the error of one that cannot be used."""
    try:
        dossier = read(account, body, known.declared, known.zone)
        calls = telling.calls(dossier, teller, known.acquaintance)
    except UnusableError as error:
        return error
    return Told(
        account=account,
        accepted=dossier.traits,
        people=len(dossier.people) + (dossier.champion is not None),
        notes=dossier.notes,
        calls=calls,
        changes=tuple(_changes(dossier, known)),
    )


def _changes(dossier: Dossier, known: Standing) -> Iterable[Change]:
    rules = {**KNOWN, **known.declared}
    for name, said in dossier.traits.items():
        after = trait_value(said, rules[name]) if name in rules else said
        if name in known.declared and known.traits.get(name) == after:
            continue
        yield Change(what=name, before=_shown(known.traits.get(name)), after=_shown(after))
    champion = telling.champion_of(dossier, known.acquaintance)
    before = known.acquaintance.champions
    if (champion is not None and before != {champion}) or (dossier.no_champion and before):
        yield Change(what=CHAMPION, before=", ".join(sorted(before)), after=champion or "")


def _shown(value: object) -> str:
    return "" if value is None else str(value)


def standings(connection: Connection, library: Library, ids: Iterable[str]) -> dict[str, Standing]:
    """What is known of these accounts; of one that is not there yet, what the current playbook says of new ones."""
    listed = sorted(each for each in ids if _storable(each))
    gone = accounts.redirects(connection, listed)
    homes = {each: gone.get(each, each) for each in listed}
    found = accounts.load(connection, sorted(set(homes.values())))
    crowd = people.people(connection, found)
    stranger = _stranger(connection, library)
    known = {}
    for name, locked in found.items():
        playbook = library.edition(connection, locked.account.playbook_version).playbook
        known[name] = _standing(locked.account, playbook, _acquaintance(crowd.get(name, [])))
    return {each: known.get(homes.get(each, each), stranger) for each in ids}


def _stranger(connection: Connection, library: Library) -> Standing:
    """What is known of an account that is not there yet; before a playbook is published, what all playbooks know."""
    try:
        usual = library.current(connection).playbook
    except NoPlaybookError:
        return Standing(zone=ZoneInfo("UTC"), declared=BUILTIN_TRAITS)
    return Standing(zone=ZoneInfo(usual.timezone), declared=usual.vocabulary.traits)


def _storable(account: str) -> bool:
    """Whether the database can be asked for it at all; if not, reading it says what is wrong."""
    return "\0" not in account and not any("\ud800" <= letter <= "\udfff" for letter in account)


def _standing(account: Account, playbook: Playbook, acquaintance: Acquaintance) -> Standing:
    return Standing(
        zone=zone_of(account, None, playbook).tz,
        declared=playbook.vocabulary.traits,
        traits={name: written.value for name, written in account.facts.traits.items()},
        acquaintance=acquaintance,
    )


def _acquaintance(crowd: Iterable[Person]) -> Acquaintance:
    """The first in line only: champions stand before all others."""
    listed = list(crowd)
    return Acquaintance(
        ids={each.email.lower(): each.id for each in reversed(listed) if each.email is not None},
        champions=frozenset(each.id for each in listed if each.role == CHAMPION),
    )
