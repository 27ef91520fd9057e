"""A rehearsal: one account on a virtual clock, in Python, with assertions that tell the timeline when they fail.

Everything is written as a scenario writes it (moments, names, reasons), and a rehearsal is nothing but a scenario that
grows: each assertion lives through all of it again, which takes milliseconds, so that none can disturb another.
"""

import json
from typing import Self

from orchestrator.core.events import Json
from orchestrator.core.playbook import Playbook
from orchestrator.testing.scenario import parse_scenario
from orchestrator.testing.story import story, timeline
from orchestrator.testing.verdict import Verdict, judge

ANCHOR = "2026-03-02 10:00"  # a Monday


class Rehearsal:
    """One account under a playbook; it stands at the anchor until ``until`` moves it on."""

    def __init__(
        self,
        playbook: Playbook,
        *,
        anchor: str = ANCHOR,
        zone: str | None = None,
        people: dict[str, Json] | None = None,
        **traits: Json,
    ) -> None:
        """Take the playbook, the local time of day 0 in the zone (the playbook's without one), people and traits."""
        said: dict[str, Json] = {"zone": zone, "people": people, "account": dict(traits)}
        self.playbook = playbook
        self._head: dict[str, Json] = {key: value for key, value in said.items() if value is not None}
        self._head |= {"scenario": "a rehearsal", "anchor": anchor}
        self._events: list[Json] = []
        self._now = anchor

    def event(self, name: str, at: str, **details: Json) -> Self:
        """Let something happen; ``details`` are the other keys of a scenario's event, such as person."""
        self._events.append({"event": name, "at": at, **details})
        return self

    def usage(self, name: str, every: str, begins: str, ends: str, **details: Json) -> Self:
        """Let something happen again and again, as ``every``, ``from`` and ``to`` of a scenario do."""
        self._events.append({"event": name, "every": every, "from": begins, "to": ends, **details})
        return self

    def said(self, at: str, **words: Json) -> Self:
        """Let one of our people say something: ``judgement="value_proven", by="mei"``, as a scenario's event does."""
        self._events.append({"at": at, **words})
        return self

    def until(self, moment: str) -> Self:
        """Move the clock to a moment, to the end of a day when it is a bare day."""
        self._now = moment
        return self

    def assert_decided(self, play: str, **details: Json) -> None:
        """A play was decided; ``details``: outcome, reason, at, by."""
        self._assert("expect", [{"play": play, **details}])

    def assert_sent(self, play: str, **details: Json) -> None:
        """A play's mail left; ``details``: at, by, to, template."""
        self._assert("sent", [{"play": play, **details}])

    def assert_cancelled(self, play: str, **details: Json) -> None:
        """A play's mail was decided and did not leave; ``details``: reason, at, by."""
        self._assert("cancelled", [{"play": play, **details}])

    def assert_postponed(self, play: str, **details: Json) -> None:
        """A play, or its mail, had to wait; ``details``: reason, until, at, by."""
        self._assert("postponed", [{"play": play, **details}])

    def assert_escalated(self, play: str, **details: Json) -> None:
        """A play handed work to a human; ``details``: owner, severity, category, due, closed, at, by."""
        self._assert("escalations", [{"play": play, **details}])

    def assert_never(self, play: str, **details: Json) -> None:
        """Nothing of a play reached anybody; ``details``: at, by."""
        self._assert("never", [{"play": play, **details}])

    def assert_stage(self, stage: str) -> None:
        """The account is in a stage now."""
        self._assert("stage", stage)

    def assert_milestone(self, milestone: str, at: str) -> None:
        """A milestone was reached at a moment (``by day 7`` is one too), or ``never``."""
        self._assert("milestone", {milestone: at})

    def assert_reached(self, channel: str, play: str, **details: Json) -> None:
        """A play wrote by ``in_app``, ``notify``, ``webhook`` or ``survey``, or left ``drafts``."""
        self._assert(channel, [{"play": play, **details}])

    def assert_is(self, **states: Json) -> None:
        """What the account is like now: ``signals=["no_login"], health="green", segment="smb", phase="kickoff"``."""
        for kind, state in states.items():
            self._assert(kind, state)

    def assert_holds(self, condition: str) -> None:
        """A condition of the playbook's own language is true now."""
        self._assert("holds", [condition])

    def timeline(self) -> str:
        """What has happened up to now, line by line."""
        verdict = self._judged({})
        return "\n".join(timeline(verdict, verdict.scenario.until))

    def _assert(self, key: str, expected: Json) -> None:
        __tracebackhide__ = True  # pytest shows the line of the test
        verdict = self._judged({key: expected})
        if not verdict.passed:
            raise AssertionError(f"\n{story(verdict)}")

    def _judged(self, expected: dict[str, Json]) -> Verdict:
        """JSON is YAML: what is written here is read as a file is, with the same refusals."""
        whole = {**self._head, "events": self._events, "until": self._now, **expected}
        scenario = parse_scenario(json.dumps(whole, ensure_ascii=False), self.playbook, file="rehearsal")
        return judge(scenario, self.playbook)
