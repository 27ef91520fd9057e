"""Testing: playbooks are tried on timelines, in YAML or in Python, by the product's own simulation.

* ``scenario``: a YAML timeline becomes calls and expectations, checked against the playbook with places.
* ``verdict``: it is lived through, and every difference is found; ``story`` tells the first one.
* ``rehearsal``: the same in Python, for tests: an account on a virtual clock, and assertions that tell the timeline.
* ``plugin``: fixtures for pytest (``pytest_plugins = ["orchestrator.testing.plugin"]``); nothing else imports pytest.
"""

from orchestrator.testing.rehearsal import Rehearsal
from orchestrator.testing.scenario import (
    Scenario,
    ScenarioError,
    parse_scenario,
    read_scenario,
    scenario_files,
)
from orchestrator.testing.story import story
from orchestrator.testing.verdict import Verdict, judge

__all__ = [
    "Rehearsal",
    "Scenario",
    "ScenarioError",
    "Verdict",
    "judge",
    "parse_scenario",
    "read_scenario",
    "scenario_files",
    "story",
]
