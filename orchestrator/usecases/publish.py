"""``publish``: a playbook, with its templates, becomes the version that new accounts are pinned to."""

from orchestrator.core.context import figure_names
from orchestrator.core.playbook import Action, CallWebhook, Channel, Escalate, Play, Playbook, SetTrait
from orchestrator.messaging.context import context_names
from orchestrator.messaging.errors import TemplateError
from orchestrator.messaging.templates import TemplateKind, TemplateSet
from orchestrator.playbook.compiler import compile_playbook
from orchestrator.playbook.errors import PlaybookError, did_you_mean
from orchestrator.playbook.source import PlaybookSource
from orchestrator.store import playbooks
from orchestrator.store.playbooks import Published
from orchestrator.usecases.ports import Ports

CORE_FEATURE = frozenset({"core_feature.label", "core_feature.url"})  # known to templates where the playbook names one

_KINDS = {
    Channel.EMAIL: TemplateKind.EMAIL,
    Channel.IN_APP: TemplateKind.IN_APP,
    Channel.NOTIFY: TemplateKind.NOTIFY,
}  # a webhook has no template: its payload is the context itself


def publish(ports: Ports, source: PlaybookSource) -> Playbook:
    """Check, compile and keep a playbook; accounts that are pinned to another version stay with it.

    Raises:
        PlaybookError: it is not in order; nothing was published.
        TemplateError: a template that it uses is not in order; nothing was published.
    """
    playbook = checked(source)
    published = Published(
        version=playbook.version, name=playbook.name, text=source.text, templates=dict(source.templates)
    )
    with ports.engine.begin() as connection:
        playbooks.publish(connection, published, ports.clock.now(connection))
    return playbook


def checked(source: PlaybookSource) -> Playbook:
    """The compiled playbook, once it and every template that it uses are in order; raises as ``publish`` does."""
    playbook = compile_playbook(source)
    templates = TemplateSet(source.templates)
    _check_copy(playbook, source, templates)
    absent = frozenset() if any(playbook.core_feature) else CORE_FEATURE
    names = context_names(figure_names(playbook.vocabulary)) - absent
    used = sorted({pair for play in playbook.plays.values() for pair in _templates(play)})
    problems = [problem for name, kind in used for problem in templates.check(name, names, kind)]
    if problems:
        raise TemplateError(list(dict.fromkeys(problems)))
    return playbook


def _check_copy(playbook: Playbook, source: PlaybookSource, templates: TemplateSet) -> None:
    """Refuse words that no template would ever print; raises PlaybookError."""
    read = templates.blocks() if playbook.copy else frozenset[str]()
    unread = playbook.copy.keys() - read
    if not unread:
        return
    tree = source.tree()
    for name in sorted(unread):
        tree.refuse(("copy", name), f"no template reads `copy.{name}`{did_you_mean(name, read)}", key=True)
    raise PlaybookError(tree.problems)


def _templates(play: Play) -> set[tuple[str, TemplateKind]]:
    actions = (*play.actions, *([play.unreachable] if play.unreachable else []))
    return {pair for action in actions for pair in _template(action)}


def _template(action: Action) -> list[tuple[str, TemplateKind]]:
    match action:
        case Escalate(template=template):
            return [(template, TemplateKind.ESCALATION)]
        case SetTrait() | CallWebhook():
            return []
        case _:
            return [(action.template, _KINDS[action.channel])]
