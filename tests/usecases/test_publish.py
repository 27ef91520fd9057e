"""A playbook becomes current only when it and every template that it uses are in order."""

import pytest

from orchestrator.messaging.errors import TemplateError
from orchestrator.playbook import PlaybookError
from orchestrator.usecases import library
from orchestrator.usecases.library import Library
from tests.usecases.company import MONDAY, Company
from tests.usecases.playbooks import CALLED, HELLO, tiny
from tests.usecases.world import SHIPPED, World, another


def test_a_version_is_published_once(bare: World) -> None:
    """The same text and templates are the same version; publishing it again changes nothing."""
    first, again = bare.publish(tiny()), bare.publish(tiny())
    assert first.version == again.version
    assert bare.rows("SELECT version, current FROM playbooks") == [{"version": first.version, "current": True}]


def test_accounts_stay_with_their_version(bare: World) -> None:
    """Who began under one version goes on under it; who comes now begins under the current one."""
    old = bare.publish(tiny(HELLO))
    bare.drain(*Company("early").sign_up())
    new = bare.publish(tiny(HELLO, CALLED))
    with another(bare) as second:
        second.drain(*Company("late").sign_up(), Company("early", "bob").track("Logged In"))
    assert bare.document("early")["playbook"] == old.version
    assert bare.document("late")["playbook"] == new.version


def test_a_process_keeps_so_many_versions_compiled(bare: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Publishing for years does not fill a worker's memory: beyond a bound the first one goes, and comes again."""
    monkeypatch.setattr(library, "MOST_EDITIONS", 3)
    versions = [bare.publish(tiny() + f"# {number}\n").version for number in range(5)]
    shelf = Library()
    with bare.engine.begin() as connection:
        for version in versions:
            assert shelf.edition(connection, version).playbook.version == version
        assert list(shelf.editions) == versions[2:]
        assert shelf.edition(connection, versions[0]).playbook.version == versions[0]
        assert list(shelf.editions) == [*versions[3:], versions[0]]


def test_a_refused_playbook_leaves_the_current_one(bare: World) -> None:
    """What is not in order is refused before anything is written."""
    current = bare.publish(tiny())
    with pytest.raises(PlaybookError):
        bare.publish(tiny(HELLO.replace("not login", "not logni")))
    assert bare.one("SELECT version FROM playbooks WHERE current") == current.version


def test_a_template_that_reads_a_core_feature_needs_a_playbook_that_names_one(bare: World) -> None:
    """What every mail of a play would fail on is refused when it is published, with the template's line."""
    without = "\n".join(line for line in tiny().splitlines() if not line.startswith("core_feature"))
    with pytest.raises(TemplateError, match="core_feature"):
        bare.publish(without)


def test_words_that_no_template_would_print_are_refused(bare: World) -> None:
    """A block of copy that no template has a place for is refused where it stands, with what was meant."""
    bare.publish(f"{tiny()}copy: {{welcome: One step is enough.}}\n")
    with pytest.raises(PlaybookError, match=r":\d+:8 copy.welcom: .*did you mean `welcome`"):
        bare.publish(f"{tiny()}copy: {{welcom: One step is enough.}}\n")


@pytest.mark.parametrize("name", sorted(path.stem for path in SHIPPED.glob("*.yaml")))
def test_a_shipped_playbook_can_be_published(bare: World, name: str) -> None:
    """Each playbook of ``templates/playbooks`` passes with the shipped templates."""
    bare.publish((SHIPPED / f"{name}.yaml").read_text(encoding="utf-8"))
    assert bare.one("SELECT min(published_at) FROM playbooks") == MONDAY
