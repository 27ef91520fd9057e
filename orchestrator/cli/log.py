"""``lifecycle account log``: what a human knows of an account and no event says."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from orchestrator.cli.console import installed, out
from orchestrator.usecases import log

app = typer.Typer(help="Log a human's word on an account: judgements, goals, health.", no_args_is_help=True)

AccountId = Annotated[str, typer.Argument(metavar="ACCOUNT", help="The account's id in the product.")]
By = Annotated[str, typer.Option(help="Who says so.")]


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
