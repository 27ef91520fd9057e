"""schemathesis against the running gateway: whatever the OpenAPI document allows, and whatever it does not."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.gateway.live import Gateway

pytestmark = pytest.mark.timeout(400)

EXAMPLES = 600  # at least, over all operations; 60 missed planted faults
A_ROUTE = 12  # at most, by fuzzing, besides those of the boundaries, which are some eighty
CHECKS = (
    *("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance"),
    *("response_schema_conformance", "missing_required_header", "unsupported_method", "allow_header_conformance"),
    "ignored_auth",
)


def schemathesis(gateway: Gateway, folder: Path, *further: str) -> "subprocess.CompletedProcess[str]":
    """A run with each check that fits: where a body is judged item by item, 200 is right for a bad one."""
    argv = [
        str(Path(sys.executable).with_name("st")),
        "run",
        f"{gateway.url}/openapi.json",
        "--checks",
        ",".join(CHECKS),
    ]
    options = ("--no-color", "--generation-database", "none")
    return subprocess.run([*argv, *options, *further], cwd=folder, capture_output=True, text=True, check=False)


def generated(told: str) -> int:
    """How many requests it made."""
    found = re.search(r"(\d+) generated", told)
    return int(found[1]) if found else 0


def test_every_answer_is_documented_with_a_key(gateway: Gateway, tmp_path: Path) -> None:
    """At least 600 requests with a good key find no 5xx, no undocumented answer and no body beside its schema."""
    options = ("--seed", "5", "--phases", "examples,coverage,fuzzing", "--max-examples", str(A_ROUTE))
    ran = schemathesis(gateway, tmp_path, "--header", f"Authorization: Bearer {gateway.secret}", *options)
    assert ran.returncode == 0, ran.stdout
    assert generated(ran.stdout) >= EXAMPLES


def test_every_answer_is_documented_without_a_key(gateway: Gateway, tmp_path: Path) -> None:
    """Without a key the answers are documented too."""
    ran = schemathesis(gateway, tmp_path, "--seed", "5", "--phases", "fuzzing", "--max-examples", "8")
    assert ran.returncode == 0, ran.stdout
    assert generated(ran.stdout) > 0


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_long_fuzzing_finds_nothing(gateway: Gateway, tmp_path: Path) -> None:
    """A thousand requests a route, other ones each time, find no 5xx and no undocumented answer."""
    key = f"Authorization: Bearer {gateway.secret}"
    ran = schemathesis(gateway, tmp_path, "--header", key, "--max-examples", "1000", "--continue-on-failure")
    assert ran.returncode == 0, ran.stdout
