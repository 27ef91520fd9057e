"""``lifecycle account``: one account, what it is and why."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table
from sqlalchemy import Connection

from orchestrator.cli import log
from orchestrator.cli.console import installed, out
from orchestrator.cli.link import DAYS, FORM, link_to
from orchestrator.core import families
from orchestrator.core.account import Account
from orchestrator.core.conditions import weigh
from orchestrator.core.errors import LifecycleError
from orchestrator.core.goals import goals_of
from orchestrator.core.judgements import judgement
from orchestrator.core.lifecycle import outlook, view_of
from orchestrator.core.playbook import Playbook
from orchestrator.core.reasons import DecisionReason
from orchestrator.core.timing import told
from orchestrator.insight.standing import standing
from orchestrator.runtime.composition import Installation
from orchestrator.store import accounts, observation, people
from orchestrator.store import families as family_store
from orchestrator.usecases import log as human_words
from orchestrator.usecases.handouts import handout
from orchestrator.usecases.merge import merge as merge_accounts
from orchestrator.usecases.merge import rename as rename_account
from orchestrator.usecases.overrule import pause as pause_account
from orchestrator.usecases.overrule import resume as resume_account

app = typer.Typer(help="Accounts: customer companies.", no_args_is_help=True)
app.add_typer(log.app, name="log")

AccountId = Annotated[str, typer.Argument(metavar="ACCOUNT", help="The account's id in the product.")]
OpenSignal = Annotated[str, typer.Argument(metavar="SIGNAL", help="The signal's name in the playbook.")]
By = Annotated[str, typer.Option(help="Who says so.")]


class NoSuchAccountError(LifecycleError):
    """There is no account of this id; ``lifecycle doctor`` says how many events still wait to be decided."""


class NoSuchPlayError(LifecycleError):
    """The account's playbook has no play of this name; ``lifecycle account why ACCOUNT`` names them all."""


@app.command()
def show(account_id: AccountId) -> None:
    """Show an account: stage, facts, traits, people, what was done and what is open."""
    with installed() as installation, installation.ports.engine.connect() as connection:
        account = _account(connection, account_id)
        playbook = _playbook(installation, connection, account)
        _print_account(account)
        _print_standing(installation, connection, account)
        _print_health(account, playbook, installation.ports.clock.now(connection))
        _print_facts(account)
        _print_words(account, playbook)
        _print_people(connection, account)
        _print_family(connection, account)
        _print_rows(
            "messages",
            observation.messages(connection, account.id),
            ("play", "channel", "state", "reason", "settled_at"),
        )
        columns = ("title", "severity", "owner", "opened_at", "due_at", "closed_at", "close_reason")
        work = observation.escalations(connection, account.id)
        _print_rows("escalations", work, columns)
        for row in (each for each in work if each["closed_at"] is None):
            _print_work(installation, connection, row)
        _print_parking(connection, account)


@app.command()
def why(
    account_id: AccountId,
    play: Annotated[str | None, typer.Argument(help="One play only.")] = None,
) -> None:
    """Say why: every decision made and not made, clause by clause, and what is still to come."""
    with installed() as installation, installation.ports.engine.connect() as connection:
        explain(installation, connection, account_id, play)


def explain(installation: Installation, connection: Connection, account_id: str, play: str | None = None) -> None:
    """Print what ``why`` tells."""
    account = _account(connection, account_id)
    _check_play(installation, connection, account, play)
    for decision in observation.history(connection, account.id, play):
        _print_decision(decision, account.id)
    _print_rows("on the way", observation.journal(connection, account.id, play), ("at", "kind", "play", "detail"))
    if account.held(installation.ports.clock.now(connection)):
        out.print(_held(account), markup=False, soft_wrap=True)
    else:
        _print_outlook(installation, connection, account, play)


@app.command()
def link(
    account_id: AccountId,
    form: Annotated[str, typer.Option(help="A form of templates/forms.")] = FORM,
    days: Annotated[int, typer.Option(min=1, max=365, help="For how long it works.")] = DAYS,
) -> None:
    """Mint a signed link to a page on which a colleague says what they know of an account; nobody needs a login."""
    with installed() as installation:
        address, ends = link_to(installation, account_id, form, days)
    out.print(address, markup=False, soft_wrap=True)
    out.print(f"works until {ends:%Y-%m-%d %H:%M} UTC, for whoever has it")


@app.command()
def pause(account_id: AccountId, who: Annotated[str, typer.Option(help="Who says so, and why.")]) -> None:
    """Pause an account: nothing is decided or sent until it is resumed."""
    with installed() as installation:
        pause_account(installation.ports, account_id, who)


@app.command()
def resume(account_id: AccountId, who: Annotated[str, typer.Option(help="Who says so, and why.")]) -> None:
    """Resume a paused account: what is still valid goes out, the rest is skipped as stale."""
    with installed() as installation:
        resume_account(installation.ports, account_id, who)


@app.command()
def acknowledge(account_id: AccountId, signal: OpenSignal, by: By) -> None:
    """Take an open signal on: its ladder is climbed no further where a rung asks for that."""
    with installed() as installation:
        human_words.acknowledge(installation.ports, account_id, signal, by)


@app.command()
def resolve(account_id: AccountId, signal: OpenSignal, by: By) -> None:
    """Settle an open signal: it closes, and stays closed until it has a new cause."""
    with installed() as installation:
        human_words.resolve(installation.ports, account_id, signal, by)


@app.command()
def merge(
    gone: Annotated[str, typer.Argument(help="The account that is merged away.")],
    kept: Annotated[str, typer.Argument(help="The account that takes it in.")],
) -> None:
    """Merge an account into another: facts are united, nothing is repeated, a redirect stays."""
    with installed() as installation:
        merge_accounts(installation.ports, gone, kept)
    out.print(f"{gone} is now {kept}", markup=False)


@app.command()
def rename(
    old: Annotated[str, typer.Argument(help="The account's id until now.")],
    new: Annotated[str, typer.Argument(help="The id that the product knows it by from now on.")],
) -> None:
    """Give an account another id: its history stays, the old id leads to it; where the new id is taken, merge."""
    with installed() as installation:
        found = rename_account(installation.ports, old, new)
    out.print(f"{old} is now {found}", markup=False)


def _account(connection: Connection, account_id: str) -> Account:
    followed = accounts.redirects(connection, [account_id]).get(account_id, account_id)
    locked = accounts.timed(connection, accounts.load(connection, [followed])).get(followed)
    if locked is None:
        raise NoSuchAccountError
    return locked.account


def _playbook(installation: Installation, connection: Connection, account: Account) -> Playbook:
    return installation.ports.library.edition(connection, account.playbook_version).playbook


def _check_play(installation: Installation, connection: Connection, account: Account, play: str | None) -> None:
    if play is not None and play not in _playbook(installation, connection, account).plays:
        raise NoSuchPlayError


def _print_account(account: Account) -> None:
    out.print(f"[bold]{escape(account.id)}[/]  {account.stage} since {account.stage_entered_at:%Y-%m-%d %H:%M} UTC")
    out.print(f"playbook {account.playbook_version}; {'paused; ' if account.paused else ''}next look {account.wake_at}")
    if account.history:
        out.print(_held(account), markup=False, soft_wrap=True)
    for name, at in sorted(account.milestones.items(), key=lambda item: item[1]):
        out.print(f"  reached {name} at {at:%Y-%m-%d %H:%M}")


def _held(account: Account) -> str:
    planned = (
        f"on {account.live_at:%Y-%m-%d %H:%M} UTC" if account.live_at else "when `lifecycle accounts go-live` says so"
    )
    return f"its past is read in, and nothing is decided or sent for it: it goes live {planned}"


def _print_standing(installation: Installation, connection: Connection, account: Account) -> None:
    playbook = installation.ports.library.edition(connection, account.playbook_version).playbook
    for line in standing(account, installation.ports.clock.now(connection), playbook):
        out.print(f"  {line}", markup=False)


def _print_health(account: Account, playbook: Playbook, now: datetime) -> None:
    """The health of the account, indicator by indicator; nothing where the playbook says nothing of it."""
    if playbook.health is None:
        return
    found = weigh(playbook.health, view_of(account, now, playbook))
    score = "unknown" if found.score is None else f"{found.score:g}, {found.colour}"
    out.print(f"health {score}; {found.coverage:g} % of the weight is known", markup=False)
    if found.override is not None:
        word, raw = found.override, "unknown" if found.raw is None else f"{found.raw:g}"
        told = f"set by {word.by} until {word.until:%Y-%m-%d %H:%M} UTC: {word.reason}; by the figures it is {raw}"
        out.print(f"  {told}", markup=False)
    for each in found.readings:
        points = "unknown" if each.points is None else f"{each.colour}, {each.points:g}"
        out.print(f"  {each.label} ({each.weight:g} %): {points}", markup=False)


def _print_facts(account: Account) -> None:
    table = Table("fact", "times", "first", "last", title="facts", title_justify="left")
    for name, fact in sorted(account.facts.events.items()):
        table.add_row(name, str(fact.count), f"{fact.first:%Y-%m-%d %H:%M}", f"{fact.last:%Y-%m-%d %H:%M}")
    out.print(table)
    for name, written in sorted(account.facts.traits.items()):
        out.print(f"  {name} = {written.value}", markup=False)


def _print_words(account: Account, playbook: Playbook) -> None:
    """What humans said of it: the judgements of its playbook, and its own goals."""
    for name, label in playbook.judgements.items():
        said = judgement(name, account.facts)
        told = "nobody has judged" if said is None else f"{'yes' if said.ticked else 'taken back'}, {said.by}"
        when = "" if said is None else f" at {said.at:%Y-%m-%d %H:%M}: {said.evidence}"
        out.print(f"  judgement {name} ({label}): {told}{when}", markup=False)
    for goal in goals_of(account.facts, playbook.vocabulary):
        figure = "" if goal.figure is None else f" ({goal.figure:g} of {goal.target:g})"
        told = "met" if goal.met else "open"
        out.print(f"  goal {goal.name}, {told}: {goal.text}{figure}, set by {goal.by}", markup=False)


def _print_people(connection: Connection, account: Account) -> None:
    table = Table("person", "role", "name", title="people, the first in line first", title_justify="left")
    for person in people.people(connection, [account.id]).get(account.id, []):
        table.add_row(*map(escape, (person.id, person.trait("role") or "", person.name)))
    out.print(table)


def _print_family(connection: Connection, account: Account) -> None:
    """Whom it belongs to, which accounts belong to it, and what all of them add up to; nothing where there is none."""
    above = families.line(account.id, family_store.parents(connection, account.id))
    if above:
        circle = " (they turn in a circle: mend a parent)" if account.id in above else ""
        out.print(f"belongs to {' → '.join(above)}{circle}", markup=False)
    parts = [each for each in family_store.parts(connection, account.id) if each not in above]
    if not parts:
        return
    known = accounts.load(connection, parts)
    table = Table("account", "stage", "health", title="its parts", title_justify="left")
    for each in parts:
        part = known[each].account if each in known else None
        table.add_row(escape(each), part.stage if part else "not known yet", part.colour or "unknown" if part else "")
    out.print(table)
    found = families.whole([account, *(locked.account for locked in known.values())])
    worth = "" if found.worth is None else f", worth {found.worth:,.0f}"
    stages, colours = (", ".join(f"{n} {word}" for word, n in each.items()) for each in (found.stages, found.colours))
    out.print(f"the family: {found.accounts} accounts{worth}; {stages}; health {colours}", markup=False)


def _print_work(installation: Installation, connection: Connection, row: Mapping[str, Any]) -> None:
    """What the owner of an open escalation should know and do, in the words of the version that opened it."""
    note = handout(installation.ports, connection, row)
    told = f"{row['owner']}, until {row['due_at']:%Y-%m-%d %H:%M} UTC: {note.title}"
    out.print(f"\n{told}\n{note.body}", markup=False, soft_wrap=True)


def _print_parking(connection: Connection, account: Account) -> None:
    parking = accounts.parked(connection, [account.id]).get(account.id)
    if parking is not None:
        out.print(f"parked after {parking.tries} tries until {parking.until}: {parking.error}", markup=False)


def _print_rows(title: str, rows: Iterable[Mapping[str, Any]], columns: tuple[str, ...]) -> None:
    table = Table(*columns, title=title, title_justify="left")
    listed = list(rows)
    for row in listed:
        table.add_row(*("" if row[column] is None else escape(str(row[column])) for column in columns))
    if listed:
        out.print(table)


def _print_decision(row: Mapping[str, Any], account_id: str) -> None:
    told_why = row["explanation"]
    times = f" {row['repeats']} times, until {row['last_at']:%Y-%m-%d %H:%M}" if row["repeats"] > 1 else ""
    out.print(
        f"[bold]{row['play']}[/] {row['outcome']}({row['reason']}) at {row['decided_at']:%Y-%m-%d %H:%M} UTC{times}"
    )
    out.print(
        f"  {DecisionReason(row['reason']).sentence}"
        f" Came due at {row['due_at']:%Y-%m-%d %H:%M} UTC: {told_why['trigger']}."
    )
    out.print(
        f"  playbook {row['playbook_version']}; local time of {told_why['zone']}, named by the {told_why['zone_from']}"
    )
    if row["account_id"] != account_id:
        out.print(f"  decided when it was {row['account_id']}", markup=False)
    for clause in (each for each in told_why["clauses"] if each["value"]):  # a constant explains nothing
        verdict = {True: "true", False: "false", None: "unknown"}[clause["verdict"]]
        decisive = "  ← had this been otherwise, so had the whole" if clause["decisive"] else ""
        out.print(f"    {verdict:7} {clause['text']}   ({clause['value']}){decisive}", markup=False)


def _print_outlook(installation: Installation, connection: Connection, account: Account, play: str | None) -> None:
    playbook = _playbook(installation, connection, account)
    crowd = people.people(connection, [account.id]).get(account.id, [])
    now = installation.ports.clock.now(connection)
    for due in outlook(account, crowd, now, playbook):
        if play in {None, due.play.name}:
            waits = account.waiting.get(due.play.name)
            until = f", waits: {waits.reason} until {waits.until}" if waits and waits.episode == due.episode else ""
            comes = told(due.play.trigger, playbook.first_day)
            out.print(f"[dim]to come[/] {due.play.name} at {due.at:%Y-%m-%d %H:%M} UTC: {comes}{until}")
