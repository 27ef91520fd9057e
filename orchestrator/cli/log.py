"""``lifecycle account log``: what a human knows of an account and no event says."""

from datetime import UTC, datetime
from typing import Annotated

import orjson
import typer
from rich.markup import escape
from rich.table import Table

from orchestrator.cli.console import installed, out
from orchestrator.core.events import Json
from orchestrator.usecases import log
from orchestrator.usecases.overrule import Aside
from orchestrator.usecases.words import Happened, instant_of, sayable, write_down

app = typer.Typer(help="Log a human's word on an account: events, judgements, goals, health.", no_args_is_help=True)

AccountId = Annotated[str, typer.Argument(metavar="ACCOUNT", help="The account's id in the product.")]
By = Annotated[str, typer.Option(help="Who says so.")]
At = Annotated[datetime | None, typer.Option(help="When it was (UTC). Unset: now.")]
Person = Annotated[str | None, typer.Option(help="The id of the person there that it is about.")]


@app.command()
def words(account_id: AccountId) -> None:
    """List what may be said of an account: the events and judgements of its playbook."""
    with installed() as installation:
        _, playbook = log.found(installation.ports, account_id)
    events, judgements = sayable(playbook)
    table = Table("log", "name", "what")
    for each in events:
        choices = "; ".join(f"{name}: {', '.join(values)}" for name, values in each.choices.items())
        table.add_row("event", each.name, escape(choices))
    for each in judgements:
        table.add_row("judgement", each.name, escape(each.label))
    out.print(table)


@app.command()
def event(
    account_id: AccountId,
    name: Annotated[str, typer.Argument(metavar="EVENT", help="An event of the account's playbook.")],
    by: By,
    given: Annotated[
        list[str] | None, typer.Option("--with", metavar="NAME=VALUE", help="A property of it. Repeatable.")
    ] = None,
    at: At = None,
    person: Person = None,
) -> None:
    """Say that something happened that no product tells; `account log words ACCOUNT` lists what can."""
    _say(account_id, name, by, dict(map(_property, given or [])), at, person)


@app.command()
def kickoff(account_id: AccountId, by: By, at: At = None) -> None:
    """Say that the kickoff was held."""
    _say(account_id, "kickoff_completed", by, {}, at, None)


@app.command()
def sentiment(
    account_id: AccountId,
    feeling: Annotated[str, typer.Argument(metavar="SENTIMENT", help="Such as enthusiastic, concerned, frustrated.")],
    by: By,
    at: At = None,
    person: Person = None,
) -> None:
    """Say how they feel about it."""
    _say(account_id, "sentiment_recorded", by, {"sentiment": feeling}, at, person)


@app.command("champion-left")
def champion_left(account_id: AccountId, by: By, at: At = None, person: Person = None) -> None:
    """Say that whoever spoke for us there has left."""
    _say(account_id, "champion_left", by, {}, at, person)


@app.command()
def scope(
    account_id: AccountId,
    by: By,
    what: Annotated[str, typer.Option(help="What was added or taken away.")] = "",
    at: At = None,
) -> None:
    """Say that what was agreed on has changed."""
    _say(account_id, "scope_changed", by, {"what": what} if what else {}, at, None)


def _say(
    account_id: str, name: str, by: str, properties: dict[str, Json], at: datetime | None, person: str | None
) -> None:
    aside = Aside(at=None if at is None else instant_of(at), person=person)
    with installed() as installation:
        write_down(installation.ports, account_id, Happened(event=name, properties=properties), by, aside)
    out.print("noted")


def _property(given: str) -> tuple[str, Json]:
    """A property; what reads as a number, true or false is one."""
    name, equals, value = given.partition("=")
    if not (name and equals):
        raise typer.BadParameter(f"expected NAME=VALUE, got {given}")
    try:
        return name, orjson.loads(value)
    except orjson.JSONDecodeError:
        return name, value


@app.command()
def judgement(
    account_id: AccountId,
    name: Annotated[str, typer.Argument(metavar="JUDGEMENT", help="A judgement of the account's playbook.")],
    by: By,
    evidence: Annotated[str, typer.Option(help="What it rests on, in words.")] = "",
    ticked: Annotated[bool, typer.Option("--ticked/--taken-back", help="Whether it holds.")] = True,
) -> None:
    """Tick a judgement that only a human can make, with name and evidence, or take it back."""
    with installed() as installation:
        log.tick(installation.ports, account_id, name, by, evidence, ticked=ticked)
    out.print("noted")


@app.command()
def goal(
    account_id: AccountId,
    name: Annotated[str, typer.Argument(metavar="GOAL", help="A short name for it.")],
    by: By,
    text: Annotated[str, typer.Option(help="The goal in the customer's words: sets it, or sets it afresh.")] = "",
    measure: Annotated[str | None, typer.Option(help="The measure or event that its figure is read from.")] = None,
    target: Annotated[float, typer.Option(help="What the figure has to reach.")] = 1,
    met: Annotated[bool, typer.Option("--met", help="It is met.")] = False,
    dropped: Annotated[bool, typer.Option("--dropped", help="It is no goal any more.")] = False,
) -> None:
    """Set one of the customer's own goals, or say that it is met or dropped."""
    if [bool(text), met, dropped].count(True) != 1:
        raise typer.BadParameter("say one of --text, --met and --dropped")
    with installed() as installation:
        if text:
            said = log.GoalText(text=text, measure=measure, target=target)
            log.set_goal(installation.ports, account_id, name, by, said)
        else:
            log.end_goal(installation.ports, account_id, name, by, met=met)
    out.print("noted")


@app.command()
def override(
    account_id: AccountId,
    by: By,
    reason: Annotated[str, typer.Option(help="Why.")],
    score: Annotated[float | None, typer.Option(min=0, max=100, help="What the health is, 0 to 100.")] = None,
    until: Annotated[datetime | None, typer.Option(help="When it expires (UTC).")] = None,
    lift: Annotated[bool, typer.Option("--lift", help="Take it back before its end.")] = False,
) -> None:
    """Say what the health of an account is until an instant, with name and reason; the raw score is kept."""
    if lift is not (score is None) or lift is not (until is None):
        raise typer.BadParameter("say --score and --until, or --lift")
    with installed() as installation:
        if score is not None and until is not None:
            word = (score, until.replace(tzinfo=UTC))
            log.override_health(installation.ports, account_id, by, reason, word)
        else:
            log.lift_override(installation.ports, account_id, by, reason)
    out.print("noted")
