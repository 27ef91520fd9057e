"""A file lived through in parts: what has to do with each other stays together, and the lines are the same bytes."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from orchestrator.core.playbook import Playbook
from orchestrator.playbook.source import read_source
from orchestrator.runtime.cohort import CohortError, dated, read_cohort
from orchestrator.runtime.composition import template_texts
from orchestrator.runtime.simulation import Course, Sum, lived_through, opened
from orchestrator.runtime.stretches import Notes, lines, noted, stretches, time_before, together
from orchestrator.usecases.chronicle import line
from orchestrator.usecases.publish import checked
from orchestrator.usecases.simulate import Arrival, Simulated, simulate

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
AFTER = timedelta(days=35)
DAY = "2026-03-03T{:02}:00:00Z"


def call(kind: str, hour: int, number: str | None, **said: object) -> bytes:
    """A call of one morning; ``number`` is its id."""
    return orjson.dumps({"type": kind, "messageId": number, "timestamp": DAY.format(hour), **said})


def within(account: str) -> dict[str, str]:
    return {"groupId": account}


TANGLED = (
    # One person at two accounts, once under the first's, once under none.
    call("track", 8, "t1", userId="ann", context=within("a"), event="Signed Up"),
    call("track", 9, "t2", userId="ann", context=within("b"), event="Signed Up"),
    call("track", 10, "t3", userId="ann", event="Report Created"),
    # Who was anonymous at one account becomes known at another.
    call("track", 8, "t4", anonymousId="x-1", context=within("c"), event="Signed Up"),
    call("track", 9, "t5", userId="bob", context=within("d"), event="Signed Up"),
    call("identify", 10, "t6", userId="bob", anonymousId="x-1", traits={"email": "bob@d.example"}),
    # One address, spelled in two ways, at two accounts.
    call("identify", 8, "t7", userId="e-1", context=within("e"), traits={"email": "Eve@Mail.example"}),
    call("identify", 8, "t8", userId="f-1", context=within("f"), traits={"email": " eve@mail.example"}),
    call("track", 9, "t9", userId="e-1", event="Signed Up"),
    call("track", 9, "t10", userId="f-1", event="Signed Up"),
    # A parent, named by its child only.
    call("group", 8, "t11", userId="g-1", groupId="g", traits={"parent": "a"}),
    # One id for calls of two accounts: the first to arrive counts.
    call("track", 12, "t12", userId="h-1", context=within("h"), event="Signed Up"),
    call("track", 11, "t12", userId="i-1", context=within("i"), event="Signed Up"),
    # The same once more, where it is the id of what a call says beside.
    call("track", 9, "t13", userId="j-1", context=within("j"), event="Signed Up", traits={"email": "j@j.example"}),
    call("track", 8, "t13 traits", userId="k-1", context=within("k"), event="Signed Up"),
    # Of nobody's account, without an id, without a time, unreadable, and another format.
    call("track", 8, "t14", userId="lost", event="Signed Up"),
    call("track", 8, None, userId="l-1", context=within("l"), event="Signed Up"),
    b'{"type":"track","userId":"m-1","context":{"groupId":"m"},"event":"Signed Up"}',
    b"poison",
    b'{"type":"track","userId":[],"context":{"groupId":"a"},"event":"Signed Up"}',
    b'{"account":"n","person":"ann","event":"Signed Up","at":"2026-03-03T09:30:00Z"}',
    # No rule hears these. Here they have an effect: one opens the account,
    call("track", 9, "t21", userId="o-1", context=within("o"), event="Signed Up"),
    call("track", 8, "t22", userId="o-1", context=within("o"), event="Folder Viewed"),
    # one takes the id of another,
    call("track", 8, "t23", userId="p-1", context=within("p"), event="Report Created"),
    call("track", 9, "t24", userId="p-1", context=within("p"), event="Folder Viewed"),
    call("track", 10, "t24", userId="p-1", context=within("p"), event="Signed Up"),
    # one says where the calls of its person go,
    call("track", 8, "t25", userId="q-1", context=within("q"), event="Signed Up"),
    call("track", 9, "t26", userId="q-2", event="Report Created"),
    call("track", 11, "t27", userId="q-2", context=within("q"), event="Folder Viewed"),
    call("track", 10, "t28", userId="q-2", context=within("q"), event="Folder Viewed"),
    # one cannot be read.
    call("track", 8, "t29", userId="r-1", context=within("r"), event="Signed Up"),
    call("track", 9, "t30", userId="r-1", context=within("r"), event="Folder Viewed", properties=3),
    # Here they have none.
    call("track", 10, "t31", userId="r-1", context=within("r"), event="Folder Viewed"),
    call("page", 11, "t32", userId="r-1", context=within("r")),
)
IDLE = 2  # of all these: what need not be lived through


@pytest.fixture(scope="module")
def playbook() -> Playbook:
    return checked(read_source(TEMPLATES / "playbooks" / "b2b-saas.yaml", template_texts(TEMPLATES)))


@pytest.fixture(scope="module")
def content() -> bytes:
    """The demonstration's month, with the tangled calls among it, and lines that hold nothing."""
    calls = [cue.call for cue in read_cohort(TEMPLATES / "demo" / "cohort.yaml").cues]
    for number, each in enumerate(TANGLED):
        calls.insert(number * 40 % len(calls), each)
    return b"\n\n  \r\n".join(calls)


@pytest.fixture(scope="module")
def whole(content: bytes, playbook: Playbook) -> Simulated:
    """All of it lived through at once."""
    calls = dated([each for each in (raw.strip() for raw in content.splitlines()) if each])
    return simulate((Arrival(at=at, call=call) for at, call in calls), playbook, calls[-1][0] + AFTER)


def lived(content: bytes, playbook: Playbook, processes: int, *, counted: bool = True) -> tuple[Sum, bytes]:
    course = Course(playbook=playbook, until=AFTER, counted=counted)
    with lived_through(content, course, processes) as found:
        return found.sum, b"".join(found.lines)


@pytest.mark.parametrize(("processes", "counted"), [(1, False), (2, True), (3, False)])
def test_the_bytes_are_those_of_one_world(
    content: bytes, playbook: Playbook, whole: Simulated, processes: int, *, counted: bool
) -> None:
    """However many processes share the clusters, all that is told is as if everything had been lived at once."""
    found, told = lived(content, playbook, processes, counted=counted)
    assert told == b"".join(map(line, whole.happened))
    assert found == Sum(
        accounts=len(whole.accounts),
        happenings=len(whole.happened),
        widest=max(len(each.account) for each in whole.happened),
        instants=frozenset(whole.instants if counted else ()),
        rejected=whole.rejected,
        waiting=whole.waiting,
        parked=whole.parked,
    )
    assert min(whole.rejected, whole.waiting, whole.repeated) > 0


def test_what_cannot_have_an_effect_is_not_lived_through(playbook: Playbook) -> None:
    """Calls that no rule hears are left out, but for those that open an account, tie somebody or take an id."""
    (found,) = noted(content := b"\n".join(TANGLED), playbook.vocabulary, 0, len(content))
    places = {place for cluster in together([found]).by_cluster() for place in cluster[1::3]}
    assert [raw.strip() for place, raw in lines(content, 0, len(content)) if place not in places] == [*TANGLED[-IDLE:]]


def clusters(content: bytes, processes: int) -> set[frozenset[int]]:
    """The places of the calls, by cluster, as so many processes find them."""
    found: list[Notes] = [note for each in stretches(content, processes) for note in noted(content, None, *each)]
    return {frozenset(cluster[1::3]) for cluster in together(found).by_cluster()}


def test_clusters_are_the_same_however_the_file_is_cut(content: bytes) -> None:
    """What belongs together is found whether one process reads the file or several read their stretches of it."""
    readable = content.replace(b'"properties":3', b'"properties":{}')  # what is refused may stand anywhere
    found = clusters(readable, 1)
    assert len(found) > 10
    for processes in (2, 3, 7, 100):
        assert clusters(readable, processes) == found


def test_what_has_to_do_with_each_other_is_one_cluster() -> None:
    """Persons, addresses, parents and ids of calls tie accounts together; what shares none of these stays apart."""
    places, place = list[int](), 0
    for each in TANGLED:
        places.append(place)
        place += len(each) + 1
    found = clusters(b"\n".join(TANGLED), 2)
    named = {frozenset(places.index(each) for each in cluster) for cluster in found}
    assert named == {
        frozenset({0, 1, 2, 10, 20}),
        frozenset({3, 4, 5}),
        frozenset({6, 7, 8, 9}),
        frozenset({11, 12}),
        frozenset({13, 14}),
        frozenset({15}),
        frozenset({16}),
        frozenset({17}),
        frozenset({18, 19}),
        frozenset({21, 22}),
        frozenset({23, 24, 25}),
        frozenset({26, 27, 28, 29}),
        frozenset({30, 31, 32, 33}),
    }


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_stretches_hold_each_line_once(end: bytes) -> None:
    """Wherever a file is cut, every line is read once and whole; of a file in one line there is one stretch."""
    content = end.join(b"line %d" % number for number in range(50)) + end
    for number in (1, 2, 3, 60):
        found = [raw.strip() for each in stretches(content, number) for _, raw in lines(content, *each)]
        assert found == [b"line %d" % each for each in range(50)]


def test_a_stretch_knows_the_time_before_it() -> None:
    """A stretch that begins without a time takes the one before it, over as many lines as it has to; else the next."""
    early, late = (b'{"at":"2026-03-0%dT09:00:00Z"}\n' % day for day in (1, 2))
    unknown = b"poison\rpoison\n" * 3
    content = unknown + early + unknown + late
    first, second = datetime(2026, 3, 1, 9, tzinfo=UTC), datetime(2026, 3, 2, 9, tzinfo=UTC)
    assert time_before(content, len(unknown)) == first
    assert time_before(content, len(content) - len(late)) == first
    assert time_before(content, len(content)) == second


def test_a_file_without_times_cannot_be_lived_through(playbook: Playbook) -> None:
    """Where no call says when, the error is ours, and said before any process begins."""
    with pytest.raises(CohortError, match="no call with a timestamp"):
        lived(b"poison\n{}\n", playbook, 2)


def test_a_large_file_is_not_read_into_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What lies in a file is the same whether it is read or looked at where it lies."""
    path = tmp_path / "calls"
    path.write_bytes(b"a\nb\n")
    monkeypatch.setattr("orchestrator.runtime.simulation.SHARE", 1)
    with opened(path) as found:
        assert not isinstance(found, bytes)
        assert found[:] == b"a\nb\n"
