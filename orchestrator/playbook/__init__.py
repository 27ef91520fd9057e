"""How the rules are written: a playbook in YAML, parsed, checked, resolved and compiled into ``core.playbook`` values.

Reading order: ``errors`` (what is wrong and where), ``loader`` (YAML with places), ``spans`` (durations and triggers
as text), ``schema`` (the shape of the file), ``conditions`` (the language of ``when``), ``vocabulary``, ``policy``
and ``public_holidays``, ``plays``, ``source`` (text, templates and their version), then ``compiler``, which puts it all
together.
"""

from orchestrator.playbook.compiler import compile_playbook, load
from orchestrator.playbook.conditions import ConditionError, Names, compile_condition
from orchestrator.playbook.errors import PlaybookError, Problem
from orchestrator.playbook.source import PlaybookSource, read_source, version_of

__all__ = [
    "ConditionError",
    "Names",
    "PlaybookError",
    "PlaybookSource",
    "Problem",
    "compile_condition",
    "compile_playbook",
    "load",
    "read_source",
    "version_of",
]
