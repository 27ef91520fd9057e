"""What a play does, and to whom: its actions, its audience, and the work for a human when nobody is reachable.

| key        | does                                                                            | template             |
|------------|---------------------------------------------------------------------------------|----------------------|
| `email`    | one mail to each of the audience                                                | email/<name>/en.md   |
| `in_app`   | one note in the product to each of them                                         | in_app/<name>/en.md  |
| `survey`   | one question, by mail or in the product; its scale says which end is better     | as its channel's     |
| `escalate` | one piece of work for a human                                                   | escalation/<name>.md |
| `notify`   | a word to our own people                                                        | notify/<name>.md     |
| `webhook`  | a call to another system; its payload is the letter's context as JSON           | none                 |
| `set`      | traits of the account: its owner, tags, unlocked things, others; done first     | none                 |

Only mail is delivered here. What goes by another channel is decided, kept and shown, and expires with its `valid_for`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from orchestrator.core.audience import ANYONE, GROUPS, Audience, Group, holders
from orchestrator.core.events import Json
from orchestrator.core.facts import TraitRule, trait_value
from orchestrator.core.playbook import (
    OF_PHASE,
    OF_SEGMENT,
    Action,
    AskSurvey,
    CallWebhook,
    Channel,
    Escalate,
    Notify,
    Scale,
    SendEmail,
    SetTrait,
    Severity,
    ShowInApp,
    SurveyKind,
)
from orchestrator.playbook.errors import did_you_mean
from orchestrator.playbook.loader import Path, Tree
from orchestrator.playbook.onboarding import OnboardingCompiler
from orchestrator.playbook.schema import EscalateShape, PlayShape, SetShape, SurveyShape
from orchestrator.playbook.segments import SegmentCompiler

ROLE = "role "  # in ``to`` and ``fallback``: all who have the role that follows
AUDIENCE_KEYS = ("to", "fallback", "unreachable")
ACTION_KEYS = ("email", "in_app", "survey", "escalate", "notify", "webhook", "set")
SCALED = frozenset({"csat", "ces"})  # surveys that numbers answer, whatever the scale


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionCompiler:
    """What every play's actions are compiled with."""

    tree: Tree  # takes the problems
    templates: Mapping[str, str]
    traits: Mapping[str, TraitRule]  # that ``set`` may say
    broken: frozenset[str]  # names whose declarations are broken
    segments: SegmentCompiler  # knows who owns what ``owner: segment`` says
    onboarding: OnboardingCompiler  # the same of ``owner: phase``

    # -- actions -----------------------------------------------------------------------------------------------------

    def actions(self, shape: PlayShape, path: Path) -> tuple[Action, ...]:
        """The actions of a play; what is wrong with them is noted in the tree."""
        actions = tuple(self._actions(shape, path))
        if not actions:
            self.tree.refuse(path, f"a play needs something to do: one or more of {', '.join(ACTION_KEYS)}", key=True)
        self._check_one_letter_a_channel(shape, path)
        return actions

    def _check_one_letter_a_channel(self, shape: PlayShape, path: Path) -> None:
        """Nobody gets two mails of one touch (``spec/semantics.md``, "Dedupe"), nor two notes."""
        survey = shape.survey
        if survey is not None and getattr(shape, survey.channel) is not None:
            told = f"a touch is one letter a channel: this has `{survey.channel}` too: give one a play of its own"
            self.tree.refuse((*path, "survey"), told, key=True)

    def _actions(self, shape: PlayShape, path: Path) -> Iterator[Action]:
        if shape.sets is not None:
            yield self._set(shape.sets, (*path, "set"))  # first, so that letters tell what holds then
        if shape.email is not None:
            self._check_template("email", shape.email, (*path, "email"), "/en.md")
            yield SendEmail(template=shape.email)
        if shape.in_app is not None:
            self._check_template("in_app", shape.in_app, (*path, "in_app"), "/en.md")
            yield ShowInApp(template=shape.in_app)
        if shape.survey is not None:
            yield self._survey(shape.survey, (*path, "survey"))
        if shape.escalate is not None:
            yield self._escalation(shape.escalate, (*path, "escalate"))
        if shape.notify is not None:
            self._check_template("notify", shape.notify.template, (*path, "notify", "template"), ".md")
            yield Notify(to=shape.notify.to, template=shape.notify.template)
        if shape.webhook is not None:
            yield CallWebhook(name=shape.webhook)

    def _escalation(self, shape: EscalateShape, path: Path) -> Escalate:
        self._check_template("escalation", shape.template, (*path, "template"), ".md")
        if not shape.due:
            self.tree.refuse((*path, "due"), "a human needs some time: `due` must be longer than nothing")
        if shape.owner == OF_SEGMENT:
            self.segments.check_owners((*path, "owner"))
        if shape.owner == OF_PHASE:
            self.onboarding.check_leaders((*path, "owner"))
        for key in ("severity", "category"):
            if getattr(shape, key) is None:
                self.tree.refuse((*path, key), f"missing key `{key}`")
        return Escalate(
            template=shape.template,
            severity=Severity(shape.severity or Severity.MEDIUM),
            category=shape.category or "",
            owner=shape.owner,
            due=shape.due,
        )

    # -- surveys -----------------------------------------------------------------------------------------------------

    def _survey(self, shape: SurveyShape, path: Path) -> AskSurvey:
        self._check_template(shape.channel, shape.template, (*path, "template"), "/en.md")
        return AskSurvey(
            kind=SurveyKind(shape.kind),
            template=shape.template,
            scale=self._scale(shape, path),
            channel=Channel(shape.channel),
        )

    def _scale(self, shape: SurveyShape, path: Path) -> Scale | None:
        """The scale, with which end is better: an effort score of 5 is no good one (``spec/rules.md`` 1.3, Metrics)."""
        if shape.kind == "nps":
            return self._nps(shape, path)
        if shape.scale is None and shape.better is None and shape.kind not in SCALED:
            return None
        if shape.scale is None or shape.better is None:
            told = "a scale is stated with its direction: `scale: [1, 5]` and `better: high` or `better: low`"
            self.tree.refuse(path, told, key=True)
            return None
        lowest, highest = shape.scale
        if lowest >= highest:
            self.tree.refuse((*path, "scale"), f"expected the lower end first, got [{lowest:g}, {highest:g}]")
        return Scale(lowest=lowest, highest=highest, high_is_better=shape.better == "high")

    def _nps(self, shape: SurveyShape, path: Path) -> Scale:
        scale = Scale(lowest=0, highest=10, high_is_better=True)
        if shape.scale not in (None, [0, 10]):
            self.tree.refuse((*path, "scale"), "an nps goes from 0 to 10: call another scale csat")
        if shape.better == "low":
            self.tree.refuse((*path, "better"), "of an nps the high end is the better one")
        return scale

    # -- what is set -------------------------------------------------------------------------------------------------

    def _set(self, shape: SetShape, path: Path) -> SetTrait:
        said: dict[str, Json] = {}
        for name, value, place in self._said(shape, path):
            if name in said:
                self.tree.refuse(place, f"`{name}` is set twice")
            self._check_trait(name, value, place)
            said[name] = value
        if not said:
            self.tree.refuse(path, "this sets nothing: give `owner`, `tag`, `unlock` or `traits`", key=True)
        return SetTrait(traits=tuple(said.items()))

    def _said(self, shape: SetShape, path: Path) -> Iterator[tuple[str, Json, Path]]:
        if shape.owner is not None:
            yield "owner_name", shape.owner.name, (*path, "owner", "name")
            yield "owner_email", shape.owner.email, (*path, "owner", "email")
        for key in ("tag", "unlock"):
            for number, name in enumerate(getattr(shape, key)):
                yield name, True, self._place(path, key, number)
        for name, value in shape.traits.items():
            yield name, value, (*path, "traits", name)

    def _place(self, path: Path, key: str, number: int) -> Path:
        """Where a word of a list stands, which may be written as one word."""
        return (*path, key, number) if (*path, key, number) in self.tree.places else (*path, key)

    def _check_trait(self, name: str, value: Json, path: Path) -> None:
        rule = self.traits.get(name)
        if rule is None and name not in self.broken:
            self.tree.refuse(path, f"unknown trait `{name}`{did_you_mean(name, self.traits)}")
        if rule is None or (name == "owner_email" and value is None) or trait_value(value, rule) is not None:
            return
        wanted = f"one of {', '.join(rule.values)}" if rule.values else f"a value of type {rule.type.value}"
        self.tree.refuse(path, f"`{name}` takes {wanted}, got {value!r}{did_you_mean(str(value), rule.values)}")

    # -- templates ---------------------------------------------------------------------------------------------------

    def _check_template(self, folder: str, name: str, path: Path, ending: str) -> None:
        known = {
            key.removeprefix(f"{folder}/").removesuffix(ending)
            for key in self.templates
            if key.startswith(f"{folder}/") and key.endswith(ending)
        }
        if name not in known:
            where = f"templates/{folder}/{name}{ending}"
            self.tree.refuse(path, f"there is no template {where}{did_you_mean(name, known)}")

    # -- audience ----------------------------------------------------------------------------------------------------

    def audience(self, shape: PlayShape, path: Path) -> Audience:
        """Who a play writes to; words that name nobody are noted in the tree."""
        self._check_audience(shape, path)
        return Audience(
            to=self._groups(shape.to, (*path, "to")) or (ANYONE,),
            fallback=self._groups(shape.fallback, (*path, "fallback")),
        )

    def _check_audience(self, shape: PlayShape, path: Path) -> None:
        for key in AUDIENCE_KEYS:
            if getattr(shape, key) and not _to_people(shape):
                self.tree.refuse((*path, key), f"`{key}` is for a play that writes to people", key=True)
        if shape.unreachable is not None and shape.escalate is not None:
            told = "this play hands work to a human in any case: leave `unreachable` or `escalate` out"
            self.tree.refuse((*path, "unreachable"), told, key=True)

    def _groups(self, words: list[str], path: Path) -> tuple[Group, ...]:
        return tuple(self._group(word, number, words, path) for number, word in enumerate(words))

    def _group(self, word: str, number: int, words: list[str], path: Path) -> Group:
        place = self._place(path[:-1], str(path[-1]), number)
        if word in words[:number]:
            self.tree.refuse(place, f"`{word}` is in the list already")
        if word.startswith(ROLE):
            return holders(word.removeprefix(ROLE).strip())
        if word not in GROUPS:
            known = ", ".join(GROUPS)
            told = f"expected {known} or `role` and its name, got `{word}`{did_you_mean(word, GROUPS)}"
            self.tree.refuse(place, told)
        return GROUPS.get(word, ANYONE)

    def prefer(self, shape: PlayShape, path: Path) -> Channel | None:
        """Which goes of a mail and a note in the product."""
        if shape.prefer is not None and (shape.email is None or shape.in_app is None):
            told = "`prefer` chooses between `email` and `in_app`: this play does not have both"
            self.tree.refuse((*path, "prefer"), told, key=True)
        return None if shape.prefer is None else Channel(shape.prefer)

    def unreachable(self, shape: PlayShape, path: Path) -> Escalate | None:
        """The work for a human when nobody is reachable."""
        return None if shape.unreachable is None else self._escalation(shape.unreachable, (*path, "unreachable"))


def _to_people(shape: PlayShape) -> bool:
    return any(each is not None for each in (shape.email, shape.in_app, shape.survey))


def mails(shape: PlayShape) -> bool:
    """Whether a play writes mail, so that its time of day must lie in the send window."""
    return shape.email is not None or (shape.survey is not None and shape.survey.channel == "email")
