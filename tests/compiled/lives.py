"""Lives as one line each: which engine this is, then a digest of every step of many accounts.

``python -m tests.compiled.lives`` with PYTHONHASHSEED=0 prints the same lines from the engine in C and, with
``interpreted`` behind it, from its sources, but for the first. A digest is of what Python shows of a step, in which a
whole number is told from a fraction.

Hypothesis draws the same lives from both only because it takes no constants from modules in a folder ``site-packages``:
of those that it calls local it reads the source, where there is one.
"""

import hashlib
import sys
from datetime import timedelta
from importlib.abc import PathEntryFinder
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, SourceFileLoader
from pathlib import Path
from tempfile import TemporaryDirectory

if "interpreted" in sys.argv:  # before the first import of the engine: whatever is beside a source, the source is taken
    _FOLDER = next(path for path in sys.path if path.endswith("/site-packages") and Path(path, "orchestrator").is_dir())
    _SOURCES = FileFinder.path_hook((SourceFileLoader, SOURCE_SUFFIXES))

    def _hook(path: str) -> PathEntryFinder:
        if not path.startswith(_FOLDER):
            raise ImportError
        return _SOURCES(path)

    sys.path_hooks.insert(0, _hook)
    sys.path_importer_cache.clear()

from hypothesis import HealthCheck, Phase, given, settings

from orchestrator.core.events import Event
from orchestrator.core.people import Person
from orchestrator.core.playbook import Playbook
from orchestrator.playbook import compile_playbook, read_source
from orchestrator.runtime.composition import template_texts
from orchestrator.runtime.engine import LANGUAGE
from orchestrator.runtime.simulation import Course, lived_through, opened
from tests.benchmarks.lives import lives
from tests.benchmarks.year import write_year
from tests.core.lives import life
from tests.core.strategies import SPAN, START, crowds, histories, playbooks

SHIPPED = ("b2b-saas.yaml", "customer-lifecycle.yaml", "ravenstack.yaml")
EXAMPLES = 400  # random lives, under as many random playbooks
ACCOUNTS = 20  # of the simulated year
TEMPLATES = Path(__file__).parents[2] / "templates"


def main() -> None:
    """Print the lines."""
    print(LANGUAGE)
    _random_lives()
    for name in SHIPPED:
        playbook = compile_playbook(read_source(TEMPLATES / "playbooks" / name, template_texts(TEMPLATES)))
        for each in lives(playbook):
            print(name, each.account.id, _digest(each))
        print(name, "a year of several", _digest(_year(playbook)))


@given(histories(), crowds(), playbooks())
@settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=EXAMPLES,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def _random_lives(events: list[Event], people: tuple[Person, ...], playbook: Playbook) -> None:
    lived = life(people, playbook, START).live(events, START + SPAN)
    print("random", len(lived.steps), _digest(lived.steps))


def _year(playbook: Playbook) -> list[bytes]:
    """What ``lifecycle simulate`` tells of it."""
    with TemporaryDirectory() as folder:
        calls = Path(folder, "year.jsonl")
        write_year(calls, ACCOUNTS)
        course = Course(playbook=playbook, until=timedelta(days=35), counted=True)
        with opened(calls) as content, lived_through(content, course, 2) as lived:
            return [repr(lived.sum).encode(), *lived.lines]


def _digest(value: object) -> str:
    return hashlib.sha256(repr(value).encode()).hexdigest()


if __name__ == "__main__":
    main()
