"""What the accounts pay, read from their traits: what tiers by share of revenue are cut from."""

from sqlalchemy import Connection

from orchestrator.store import accounts


def paid(connection: Connection, trait: str) -> list[float]:
    """What each account pays a year, the greatest first, by the trait that says so (``arr``, ``acv``).

    Accounts whose trait is no number are left out.
    """
    written = (account.facts.traits.get(trait) for account in accounts.every(connection))
    values = (each.value for each in written if each is not None)
    return sorted(
        (float(value) for value in values if isinstance(value, int | float) and not isinstance(value, bool)),
        reverse=True,
    )
