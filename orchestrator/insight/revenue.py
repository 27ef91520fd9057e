"""What the accounts pay, read from their traits: what tiers by share of revenue are cut from."""

from sqlalchemy import Connection, text

PAID = text("""
    -- paid: a number trait of every account, the greatest first; what is no number is left out
    SELECT CAST(document #>> ARRAY['facts', 'traits', CAST(:trait AS text), '0'] AS double precision) AS paid
      FROM accounts
     WHERE jsonb_typeof(document #> ARRAY['facts', 'traits', CAST(:trait AS text), '0']) = 'number'
     ORDER BY paid DESC
""")


def paid(connection: Connection, trait: str) -> list[float]:
    """What each account pays a year, by the trait that says so (``arr``, ``acv``)."""
    return [float(each) for each in connection.execute(PAID, {"trait": trait}).scalars()]
