"""The chronicle of a simulation: what happened as rows (one JSON object a line) and as the words of a readable table.

A row has ``at``, ``account``, ``kind`` and what belongs to its kind, in this order and with nothing that another run
would say otherwise; so two runs of the same events give the same bytes. Instants are ISO 8601 in UTC with a ``Z``.

| kind         | what it tells                                                                            |
|--------------|------------------------------------------------------------------------------------------|
| decision     | what became of a play for an episode, with its reason and each clause of its condition   |
| postponement | a play, or a message at the door, waits                                                  |
| message      | ``pending`` or ``draft`` when it was decided, then ``sent`` or ``cancelled``             |
| escalation   | work for a human: ``open``, then ``closed``                                              |
| withdrawal   | what a play did stands no longer                                                         |
| stage        | the account went from one stage to another                                               |
| note         | any other line of the journal; ``note`` names it: milestone, anchor, parked, …           |
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import assert_never

import orjson

from orchestrator.core.conditions import Clause
from orchestrator.core.decisions import Decision, Message, Note, NoteKind, Postponement, Withdrawal
from orchestrator.core.events import Json
from orchestrator.core.playbook import AskSurvey, CallWebhook, Channel, Letter, Notify, SendEmail, ShowInApp
from orchestrator.usecases.simulate import Ended, Happening, Worked

Row = dict[str, Json]


def row(happening: Happening) -> Row:
    """A happening as one flat JSON object."""
    kind, told = _told(happening)
    return {"at": stamp(happening.at), "account": happening.account, "kind": kind, **told}


def line(happening: Happening) -> bytes:
    """A happening as one line of JSON, with its line feed."""
    return orjson.dumps(row(happening), option=orjson.OPT_APPEND_NEWLINE)


def stamp(at: datetime) -> str:
    """An instant as rows have it."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _told(happening: Happening) -> tuple[str, Row]:
    match happening.what:
        case Decision() as decision:
            return "decision", _decision(decision)
        case Postponement() as waits:
            until = None if waits.until is None else stamp(waits.until)
            return "postponement", {**_cause(waits), "until": until, "reason": waits.reason.value}
        case Message() as message:
            return "message", _message(message, "draft" if message.draft else "pending", None)
        case Ended() as ended:
            return "message", _message(ended.message, ended.state, ended.reason)
        case Worked() as worked:
            return "escalation", _escalation(worked)
        case Withdrawal() as withdrawal:
            return "withdrawal", {**_cause(withdrawal), "reason": withdrawal.reason.value}
        case Note(kind=NoteKind.STAGE) as note:
            return "stage", dict(note.detail)
        case Note() as note:
            return "note", {"note": note.kind.value, **note.detail}
        case _ as unreachable:
            assert_never(unreachable)


def _cause(what: Decision | Postponement | Message | Withdrawal) -> Row:
    return {"play": what.play, "episode": what.episode}


def _decision(decision: Decision) -> Row:
    return {
        **_cause(decision),
        "outcome": decision.outcome.value,
        "reason": decision.reason.value,
        "due_at": stamp(decision.due_at),
        "repeats": decision.repeats,
        "trigger": decision.trigger,
        "zone": decision.zone,
        "clauses": [_clause(clause) for clause in decision.clauses],
    }


def _clause(clause: Clause) -> Json:
    return {"text": clause.text, "value": clause.value, "verdict": clause.verdict, "decisive": clause.decisive}


def _message(message: Message, state: str, reason: str | None) -> Row:
    return {
        **_cause(message),
        "state": state,
        "reason": None if reason is None else str(reason),
        "person": message.person or message.address,  # or a role, a chat channel, another system
        "template": message.action.template,
        "action": _ACTIONS[type(message.action)],
        "channel": message.channel.value,
        "survey": message.action.kind.value if isinstance(message.action, AskSurvey) else None,
        "id": str(message.id),
        "mode": message.mode.value,
    }


_ACTIONS: Mapping[type[Letter], str] = {
    SendEmail: "email",
    ShowInApp: "in_app",
    AskSurvey: "survey",
    Notify: "notify",
    CallWebhook: "webhook",
}  # as a play names them


def on_its_way(told: Mapping[str, Json]) -> bool:
    """Whether a row tells of a mail that was decided and has not left; on other channels that is all there is."""
    return told.get("state") == "pending" and told["channel"] == Channel.EMAIL


def _escalation(worked: Worked) -> Row:
    work = worked.escalation
    return {
        "play": work.play,
        "episode": work.episode,
        "state": "open" if worked.closed_at is None else "closed",
        "reason": None if worked.reason is None else worked.reason.value,
        "owner": work.action.owner,
        "severity": work.action.severity.value,
        "category": work.action.category,
        "due_at": stamp(work.due_at),
        "title": work.title,
        "id": str(work.id),
    }


def words(told: Mapping[str, Json]) -> tuple[str, str]:
    """A row as a reader's words: what happened, and to what."""
    reason = f" ({told['reason']})" if told.get("reason") else ""
    match told["kind"]:
        case "decision":
            return str(told["outcome"]), f"{told['play']}{reason}"
        case "postponement":
            return "waits", f"{told['play']}{reason}"
        case "message":
            left = told["state"] == "pending" and not on_its_way(told)  # there to be taken
            return str(told["action" if left else "state"]), f"{told['play']} to {told['person']}{reason}"
        case "escalation":
            closed = told["state"] == "closed"
            return (
                ("closed", f"{told['play']}{reason}") if closed else ("escalated", f"{told['play']} to {told['owner']}")
            )
        case "withdrawal":
            return "withdrawn", f"{told['play']}{reason}"
        case "stage":
            return "stage", f"{told['source']} → {told['target']}"
        case _:
            return _noted(told)


def _noted(told: Mapping[str, Json]) -> tuple[str, str]:
    """Any line of the journal: its own word, then what it says."""
    rest = {key: value for key, value in told.items() if key not in {"at", "account", "kind", "note"}}
    match told["note"]:
        case NoteKind.MILESTONE:
            return "reached", str(rest["milestone"])
        case NoteKind.PHASE:
            return "phase", f"{rest['phase']} of {rest['onboarding']}" if rest["onboarding"] else str(rest["phase"])
        case NoteKind.SIGNAL:
            return "closed", f"{rest['signal']} ({rest['closed']})"
        case NoteKind.DRAFT:
            return str(rest["what"]), f"{rest['play']} (by {rest['who']})"
        case NoteKind.HEALTH:
            score = rest["score"]
            figure = f" ({score:g})" if isinstance(score, int | float) else ""
            return "health", f"{rest['before']} → {rest['colour']}{figure}"
        case _:
            return str(told["note"]), ", ".join(f"{key} {value}" for key, value in rest.items())
