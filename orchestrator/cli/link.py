"""Links to forms: minted here, answered by the gateway."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from orchestrator.core.errors import LifecycleError
from orchestrator.intake import forms, links
from orchestrator.runtime.composition import Installation
from orchestrator.runtime.settings import Settings
from orchestrator.usecases import log

FORM = "check-in"  # the form of a link where none is named
DAYS = 14  # for which a link works


class NoLinksError(LifecycleError):
    """Links need two settings: LINK_SECRET, which signs them, and PUBLIC_URL, where the gateway is reached."""


def link_to(installation: Installation, account_id: str, form: str, days: int) -> tuple[str, datetime]:
    """The address of a new link to a form of an account, and when it expires.

    Raises:
        NoLinksError: a setting is missing.
        UnknownAccountError, FormError: there is no such account or form.
    """
    settings = installation.settings
    forms.load(settings.templates, form)
    account, _ = log.found(installation.ports, account_id)
    with installation.ports.engine.connect() as connection:
        now = installation.ports.clock.now(connection)
    ends = now + timedelta(days=days)
    return _address(settings, links.mint(_secrets(settings), account.id, form, now, ends)), ends


def _secrets(settings: Settings) -> Sequence[str]:
    if not settings.link_secrets or settings.public_url is None:
        raise NoLinksError
    return settings.link_secrets


def _address(settings: Settings, token: str) -> str:
    return f"{settings.public_url}/f/{token}"


def can_link(settings: Settings) -> bool:
    """Whether links can be minted here."""
    return bool(settings.link_secrets) and settings.public_url is not None
