"""What a check may find: the table of rules, and a finding with its place and its counter-example."""

from collections.abc import Mapping
from dataclasses import dataclass

RULES: Mapping[str, str] = {
    "never-fires": "A play can never act: its condition, trigger and stages or the stage table exclude each other.",
    "never-opens": "A signal can never open: what opens it, its condition and its `while` exclude each other.",
    "rung-never-comes": "A rung can never come: the signal has always closed by then, or its condition cannot hold.",
    "closes-at-once": "A signal closes the moment it opens: once it is open its `while` cannot hold.",
    "narrow-while": "The `while` of a signal asks for more than its `holds` does: it should ask for less.",
    "unheard-signal": "A signal opens and nobody hears of it: no rung, no play and no condition.",
    "twin-rungs": "Two rungs come at the same moment and do the same to the same people.",
    "stuck-indicator": "An indicator of health is always of one colour, or never green, or its `yellow` never counts.",
    "unreachable-band": "No account can ever be of some colour, or too little can be known for any.",
    "one-fact": "All indicators of health rest on one fact.",
    "always-false": "A condition, or a part of one, can never hold.",
    "always-true": "A condition, or a part of one, always holds: it could be left out.",
    "dead-end": "A stage that is no exit has no way out that could ever be taken.",
    "unreachable-stage": "Only rows that can never be taken lead to a stage.",
    "shadowed-row": "A row of the stage table is never taken: a row above it always fits first.",
    "starved-by-window": "A mail comes due on two or more weekdays on which no send window opens soon enough.",
    "starved-by-caps": "The calendar alone asks for more mail than the caps let through: a mail expires at the door.",
    "segment-gap": "The default segment says who belongs to it, and somebody fits neither it nor any other.",
    "empty-segment": "Nobody can be in a segment: all whom it wants belong to those above it.",
    "high-touch-by-machine": "High-touch accounts only get mail: no play ever calls a human to them.",
    "tech-touch-by-humans": "Tech-touch accounts only get humans: no play ever writes to them.",
    "one-process": "There are segments, and every one of them goes through the same process.",
    "human-duty": "What stays with a human (kickoff, success criteria, at-risk work …) is only done by a machine.",
    "no-kickoff": "An onboarding has phases, and nothing in the playbook speaks of a kickoff.",
    "training-alone": "People are trained, and no milestone and no goal asks what came of it.",
    "no-criteria": "An onboarding has phases, and nothing asks for success criteria or for goals.",
    "one-contact": "All that an onboarding sends goes to one person, and nothing counts how many people there are.",
    "rigid-timeline": "Phases last the same in every segment, and nobody is called when one is late.",
    "gone-after-go-live": "There is a go-live, and nothing reaches out to the customer after it.",
    "no-value-date": "An onboarding has phases, and no milestone has a target: late value is seen by nobody.",
    "no-handoff": "An onboarding has phases, and nothing speaks of a hand-off when it is finished.",
    "unused-name": "A name or milestone is declared, and no rule and no template reads it.",
    "never-seen": "None of an event's names was ever seen in the store (only with --seen).",
}  # by name, with what it says


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Finding:
    """Something that is allowed and hardly meant, and where."""

    file: str  # as it was given
    line: int  # from 1
    column: int  # from 1
    path: str  # of the YAML, as ``plays.day_3_setup.when``
    rule: str  # of RULES
    message: str  # one sentence
    timeline: tuple[str, ...] = ()  # what happens then, line by line

    def __str__(self) -> str:
        """``file:line:col path: warning: message [rule]``, with the timeline indented below it."""
        first = f"{self.file}:{self.line}:{self.column} {self.path}: warning: {self.message} [{self.rule}]"
        return "\n".join((first, *(f"    {line}" for line in self.timeline)))
