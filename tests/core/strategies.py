"""Random events, people and playbooks, over some seven weeks around a DST change."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from typing import Any

from hypothesis import strategies as st

from orchestrator.core.audience import GROUPS, Audience
from orchestrator.core.calendars import Hours
from orchestrator.core.events import OWN_SOURCE, Event, EventKind, Json
from orchestrator.core.facts import Written
from orchestrator.core.people import Person
from orchestrator.core.playbook import Again, Caps, Gaps, Holdout, Holidays, Play, Playbook, Policy, Quiet, Severity
from orchestrator.core.signals import ACKNOWLEDGED, RESOLVED
from tests.core.playbooks import (
    EVENTS,
    FADED,
    FOLLOWS,
    HEALTH,
    LATE,
    MILESTONES,
    NOISE,
    ONBOARDING,
    PHASE_PLAYS,
    PLAYBOOK,
    PLAYS,
    SEGMENTATION,
    SIGNALS,
    SLOWED,
    TRANSITIONS,
    work,
)

START = datetime(2026, 3, 4, 10, 20, tzinfo=UTC)  # a Wednesday; Berlin's clocks change on the 29th
SPAN = timedelta(days=45)
ZONES = ("Europe/Berlin", "Pacific/Kiritimati", "America/Los_Angeles", "Asia/Kathmandu", "Nowhere/Atlantis")

_numbers = count()


def event(name: str, at: datetime = START, **changes: Any) -> Event:  # noqa: ANN401 -- fields of Event
    """One event of account ``a`` with an id of its own."""
    known = {"kind": EventKind.TRACK, "person": "p1", "properties": {}, "account": "a", "source": "segment"}
    fields = {"message_id": f"m{next(_numbers)}", "received_at": at, **known, **changes}
    return Event(name=name, occurred_at=at, **fields)


def traits(at: datetime = START, **said: Json) -> Event:
    """The account's traits, as a GROUP call says them."""
    return event("group", at, kind=EventKind.GROUP, properties=said)


def pause(at: datetime) -> Event:
    """A person pauses the account."""
    return event("account_paused", at, source=OWN_SOURCE)


def resume(at: datetime) -> Event:
    """A person lets the account go on."""
    return event("account_resumed", at, source=OWN_SOURCE)


def acknowledge(signal: str, at: datetime) -> Event:
    """A person takes an open signal on."""
    return event(ACKNOWLEDGED, at, source=OWN_SOURCE, properties={"signal": signal, "by": "mei"})


def resolve(signal: str, at: datetime) -> Event:
    """A person says that an open signal is settled."""
    return event(RESOLVED, at, source=OWN_SOURCE, properties={"signal": signal, "by": "mei"})


def person(identity: str = "p1", **said: str) -> Person:
    """A person with these traits, said at the start."""
    known = {"email": f"{identity}@example.com", **said}
    written = {name: Written(value=value, stamp=(START, "segment", identity)) for name, value in known.items()}
    return Person(id=identity, traits=written, first_seen=START)


def instants(span: timedelta = SPAN) -> st.SearchStrategy[datetime]:
    """Instants of the story: often on the hour or day of something else, so that boundaries meet."""
    odd = st.integers(0, int(span.total_seconds())).map(lambda seconds: START + timedelta(seconds=seconds))
    even = st.integers(0, span.days * 4).map(lambda quarters: START + timedelta(hours=6 * quarters))
    return odd | even


def _properties(name: str) -> st.SearchStrategy[dict[str, Json]]:
    if name == "nps_answered":
        return st.fixed_dictionaries({"score": st.integers(-1, 11) | st.none()})
    if name == "ordered":
        return st.fixed_dictionaries(
            {"amount": st.floats(-10, 1e6) | st.none(), "product": st.sampled_from(["a", "b"]) | st.integers()}
        )
    return st.just({})


@st.composite
def tracks(draw: st.DrawFn, names: tuple[str, ...] = (*EVENTS, NOISE)) -> Event:
    """Something that the product or we say happened."""
    name = draw(st.sampled_from(names))
    who = draw(st.sampled_from(["p1", "p2", None]))
    source = draw(st.sampled_from(["segment", "server"]))
    onboarding: dict[str, Json] = draw(st.sampled_from([{}, {}, {"onboarding": "emea"}, {"onboarding": 7}]))
    said = {**draw(_properties(name)), **onboarding}
    return event(name, draw(instants()), person=who, source=source, properties=said)


SAID: st.SearchStrategy[dict[str, Json]] = st.fixed_dictionaries(
    {},
    optional={
        "seats": st.sampled_from([1, 3, 60, "many", None]),
        "term": st.sampled_from(["monthly", "annual", "weekly"]),
        "timezone": st.sampled_from(ZONES),
        "country": st.sampled_from(["DE", "XX", None]),
        "weekend": st.sampled_from(["fri_sat", "none", "sun"]),
        "renewal_at": st.sampled_from(["2026-03-30", "2026-04-01", "2026-04-10T09:30:00+02:00", "soon", "0001-01-01"]),
    },
)


@st.composite
def groups(draw: st.DrawFn) -> Event:
    """The account's traits are said."""
    return traits(draw(instants()), **draw(SAID))


def pauses() -> st.SearchStrategy[Event]:
    """A person pauses the account or lets it go on."""
    return st.builds(lambda at, stop: pause(at) if stop else resume(at), instants(), st.booleans())


WORDS: st.SearchStrategy[tuple[str, dict[str, Json]]] = st.one_of(
    st.tuples(
        st.just("judgement_ticked"),
        st.fixed_dictionaries(
            {"judgement": st.sampled_from(["proven", "fluent", None])},
            optional={"ticked": st.booleans(), "by": st.just("mei"), "evidence": st.sampled_from(["a call", 3])},
        ),
    ),
    st.tuples(
        st.just("goal_set"),
        st.fixed_dictionaries(
            {"goal": st.sampled_from(["save", "grow"])},
            optional={
                "text": st.sampled_from(["Save an hour", ""]),
                "measure": st.sampled_from(["products", "page_scrolled", "login", "nothing", None]),
                "target": st.sampled_from([1, 2, "many"]),
            },
        ),
    ),
    st.tuples(
        st.sampled_from(["goal_met", "goal_dropped"]),
        st.fixed_dictionaries({"goal": st.sampled_from(["save", "grow"])}),
    ),
    st.tuples(
        st.just("health_overridden"),
        st.fixed_dictionaries(
            {"score": st.sampled_from([10, 90, 101, None])},
            optional={"until": instants().map(datetime.isoformat), "by": st.just("mei"), "reason": st.just("a call")},
        ),
    ),
)  # own events by which a human speaks, with what they carry


def word(name: str, at: datetime = START, **said: Json) -> Event:
    """A human says something of the account."""
    return event(name, at, source=OWN_SOURCE, person=None, properties=said)


def words() -> st.SearchStrategy[Event]:
    """A human says anything."""
    return st.builds(lambda at, said: word(said[0], at, **said[1]), instants(), WORDS)


@st.composite
def signal_words(draw: st.DrawFn) -> Event:
    """A person says something about a signal, open or not."""
    signal = draw(st.sampled_from([each.name for each in SIGNALS]))
    say = draw(st.sampled_from([acknowledge, resolve]))
    return say(signal, draw(instants()))


def several(each: st.SearchStrategy[Event], most: int = 12, prefix: str = "m") -> st.SearchStrategy[list[Event]]:
    """Some events, each with an id of its own."""
    return st.lists(each, max_size=most).map(
        lambda events: [replace(one, message_id=f"{prefix}{number:02}") for number, one in enumerate(events)]
    )


def histories(most: int = 14) -> st.SearchStrategy[list[Event]]:
    """What happens at an account: it signs up, and then anything."""
    lively = tracks(("login", "setup_done", "core_used"))
    anything = several(lively | lively | tracks() | groups() | pauses() | words() | signal_words(), most)
    signing: st.SearchStrategy[list[Event]] = st.just([]) | st.just([event("Signed Up", START, message_id="sign-up")])
    return st.builds(lambda first, rest: first + rest, signing, anything)


@st.composite
def crowds(draw: st.DrawFn) -> tuple[Person, ...]:
    """The people that a decision may need: none, or some with roles, zones and addresses."""
    ids = draw(st.sampled_from([(), ("p1",), ("p1",), ("p1", "p2"), ("p1", "p2", "p3")]))
    return tuple(
        person(
            each,
            role=draw(st.sampled_from(["champion", "admin", "Decision Maker", ""])),
            timezone=draw(st.sampled_from(ZONES)),
            email=draw(st.sampled_from(["x@example.com", "y@example.com", ""])),
        )
        for each in ids
    )


SPANS = st.sampled_from(
    [timedelta(0), timedelta(minutes=30), timedelta(hours=20), timedelta(days=2), timedelta(days=9)]
)
WINDOWS = st.sampled_from(
    [
        PLAYBOOK.window,
        Hours(weekdays=frozenset(range(7))),
        Hours(weekdays=frozenset({6}), opens=time(2), closes=time(2, 45)),
        Hours(weekdays=frozenset()),
    ]
)


@st.composite
def policies(draw: st.DrawFn, before: Policy) -> Policy:
    """A policy with other times than before."""
    changes: dict[str, Any] = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "at": st.sampled_from([None, time(0), time(2, 30), time(9), time(23, 59)]),
                "valid_for": SPANS,
                "max_defer": SPANS,
                "priority": st.integers(1, 3),
                "exempt": st.booleans(),
                "window": WINDOWS,
                "again": st.sampled_from([Again(), Again(days=1), Again(days=6), Again(months=1)]),
            },
        )
    )
    return replace(before, **changes)


QUIET = st.none() | st.sampled_from(
    [Quiet(begins=time(21), ends=time(8)), Quiet(begins=time(12), ends=time(13)), Quiet(begins=time(2), ends=time(0))]
)
HOLIDAYS = st.none() | st.builds(
    Holidays,
    dates=st.just({"DE": frozenset({date(2026, 3, day) for day in (5, 9, 10, 30)})}),
    edition=st.just("list 1"),
    send=st.booleans(),
    silence=st.booleans(),
)


GAPS = st.none() | st.builds(
    Gaps,
    message=st.sampled_from([timedelta(0), timedelta(minutes=30), timedelta(hours=20), timedelta(days=3)]),
    survey=st.sampled_from([timedelta(0), timedelta(days=9)]),
)
ACCOUNT_CAPS = st.none() | st.sampled_from([Caps(day=1, week=2), Caps(day=2, week=3)])
HOLDOUTS = st.none() | st.sampled_from([Holdout(share=1, salt="all"), Holdout(share=0, salt="none")])


def audiences() -> st.SearchStrategy[Audience]:
    """Mostly whoever is first; else groups with others who stand in."""
    groups = st.lists(st.sampled_from(tuple(GROUPS.values())), min_size=1, max_size=2, unique=True).map(tuple)
    return st.just(Audience()) | st.builds(Audience, to=groups, fallback=st.just(()) | groups)


@st.composite
def varieties(draw: st.DrawFn, each: Play) -> Play:
    """A play with another policy and, if it can write, other addressees."""
    varied = replace(each, policy=draw(policies(each.policy)))
    if each.signal is not None:
        return varied
    return replace(varied, audience=draw(audiences()), unreachable=draw(st.sampled_from([None, work(Severity.LOW)])))


@st.composite
def playbooks(draw: st.DrawFn) -> Playbook:
    """The test playbook with some plays, other policies, windows, limits and rows, perhaps segments and health."""
    plays = draw(st.lists(st.sampled_from(PLAYS), unique_by=lambda each: each.name, min_size=1, max_size=8))
    if draw(st.booleans()):
        plays += draw(st.lists(st.sampled_from(SIGNALS), unique_by=lambda each: each.name, min_size=1, max_size=5))
        plays += draw(st.lists(st.sampled_from(FOLLOWS), unique_by=lambda each: each.name, max_size=4))
    varied = {each.name: draw(varieties(each)) for each in plays}
    rows = TRANSITIONS if draw(st.booleans()) else TRANSITIONS[2:]
    when: dict[str, Any] = {"window": draw(WINDOWS), "quiet": draw(QUIET), "holidays": draw(HOLIDAYS)}
    when["in_app_from"] = draw(st.sampled_from([None, "setup", "settled"]))
    least: dict[str, Any] = {"gaps": draw(GAPS), "account_caps": draw(ACCOUNT_CAPS), "holdout": draw(HOLDOUTS)}
    book = replace(PLAYBOOK, plays=varied, transitions=rows, **when, **least)
    if draw(st.booleans()):
        book = replace(book, milestones={**MILESTONES, SLOWED.name: SLOWED}, segmentation=SEGMENTATION)
    if draw(st.booleans()):
        book = replace(book, milestones={**book.milestones, FADED.name: FADED}, health=HEALTH, sampled=True)
    return draw(onboarded(book)) if draw(st.booleans()) else book


@st.composite
def onboarded(draw: st.DrawFn, book: Playbook) -> Playbook:
    """The playbook with phases of onboardings, and plays of them."""
    plays = draw(st.lists(st.sampled_from(PHASE_PLAYS), unique_by=lambda each: each.name, max_size=3))
    varied = {each.name: replace(each, policy=draw(policies(each.policy))) for each in plays}
    milestones = {**book.milestones, **({LATE.name: LATE} if draw(st.booleans()) else {})}
    changes: dict[str, Any] = {"plays": {**book.plays, **varied}, "milestones": milestones}
    return replace(book, onboarding=ONBOARDING, reads=book.reads | book.vocabulary.steps, **changes)
