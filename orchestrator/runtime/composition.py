"""The composition root: from settings to the ports of the use cases. Nothing global below it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parseaddr
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from orchestrator.intake.streams import Streams
from orchestrator.messaging.compose import Sender
from orchestrator.messaging.outbox import Outbox
from orchestrator.messaging.smtp import Relay, SmtpTransport
from orchestrator.messaging.templates import TemplateSet
from orchestrator.messaging.transport import Transport
from orchestrator.playbook.source import read_source
from orchestrator.runtime.addresses import Addresses
from orchestrator.runtime.clock import clock_from
from orchestrator.runtime.settings import Settings, SettingsError
from orchestrator.store.engine import create_engine
from orchestrator.usecases.library import Library
from orchestrator.usecases.ports import Mailing, Nudges, Ports, Retention, silent
from orchestrator.usecases.publish import publish

NO_POSTAL_ADDRESS = "(MAIL_POSTAL_ADDRESS is not set)"  # in caught mail only: with a relay it must be set
GATEWAY_SECONDS = 5  # the same, for a gateway: a client waits, and will send it again
GATEWAY_CONNECT_SECONDS = 2  # for a connection of a gateway
REDIS_SECONDS = 10  # for an answer or a connection; without it a half-open socket hangs for ever


@dataclass(frozen=True, slots=True)
class Installation:
    """What a process of this installation works with; close it when done."""

    settings: Settings
    ports: Ports

    def close(self) -> None:
        """Let go of all connections."""
        for transport in self.ports.mailing.transports:
            transport.close()
        self.ports.streams.client.close()
        self.ports.engine.dispose()


def install(settings: Settings, addresses: Addresses, nudges: Nudges | None = None) -> Installation:
    """Compose an installation; connects to nothing yet.

    Raises:
        SettingsError: a relay is set, and what every mail must say is not.
    """
    ports = Ports(
        engine=create_engine(addresses.database_url),
        clock=clock_from(settings),
        library=Library(),
        streams=streams(settings, addresses),
        mailing=mailing(settings),
        nudges=nudges or silent(),
        batch=settings.batch,
        retention=retention(settings),
    )
    return Installation(settings=settings, ports=ports)


def retention(settings: Settings) -> Retention:
    """For how long what grows without end is kept."""
    return Retention(
        history=timedelta(days=settings.keep_days),
        rejected=timedelta(days=settings.keep_rejected_days),
        parked=timedelta(days=settings.keep_parked_days),
    )


def streams(settings: Settings, addresses: Addresses) -> Streams:
    """The event streams, read as bytes."""
    client = redis.Redis.from_url(
        addresses.stream_url,
        decode_responses=False,
        socket_timeout=REDIS_SECONDS,
        socket_connect_timeout=REDIS_SECONDS,
        health_check_interval=30,
    )
    return Streams(client, settings.shards)


def gateway_streams(settings: Settings, addresses: Addresses) -> Streams:
    """The event streams as the gateway puts entries there: who waits at the door is told at once that they are away."""
    client = redis.Redis.from_url(
        addresses.stream_url,
        decode_responses=False,
        socket_timeout=GATEWAY_SECONDS,
        socket_connect_timeout=GATEWAY_CONNECT_SECONDS,
        retry=Retry(NoBackoff(), 0),
        health_check_interval=30,
    )
    return Streams(client, settings.shards)


def mailing(settings: Settings) -> Mailing:
    """How mail leaves: through the relay; without one, into files in the data folder."""
    return Mailing(
        transports=_transports(settings),
        sender=sender(settings),
        redirect_to=settings.redirect_to,
        lease_seconds=settings.lease_seconds,
    )


def _transports(settings: Settings) -> tuple[Transport, ...]:
    if settings.smtp_url is None:
        return (Outbox(settings.home / "outbox"),)
    relay = Relay.from_url(settings.smtp_url.get_secret_value(), helo=settings.mail_domain)
    return tuple(SmtpTransport(relay) for _ in range(settings.smtp_connections))


def sender(settings: Settings) -> Sender:
    """Who writes.

    Raises:
        SettingsError: a relay is set without the postal address that every mail must name.
    """
    if settings.smtp_url is not None and not settings.mail_postal_address:
        raise SettingsError(
            "MAIL_POSTAL_ADDRESS: expected the postal address of the sender, which every mail must name"
        )
    address = parseaddr(settings.mail_from)[1]
    return Sender(
        product_name=settings.product_name,
        product_url=settings.product_url,
        mail_from=address,
        reply_to=parseaddr(settings.mail_reply_to or address)[1],
        domain=settings.mail_domain,
        postal_address=settings.mail_postal_address or NO_POSTAL_ADDRESS,
        unsubscribe=settings.mail_unsubscribe,
    )


def template_texts(folder: Path) -> dict[str, str]:
    """The messages' and escalations' templates of a folder, by path: what is published with a playbook."""
    return dict(TemplateSet.from_folder(folder).files)


def publish_configured(installation: Installation, tell: Callable[[str], None]) -> None:
    """Publish the playbook that the settings name, with its templates.

    Raises:
        PlaybookError: it is not in order; nothing was published.
    """
    settings = installation.settings
    published = publish(installation.ports, read_source(settings.playbook, template_texts(settings.templates)))
    tell(f"playbook {published.name} {published.version} is current")
