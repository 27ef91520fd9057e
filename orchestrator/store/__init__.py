"""Where it is kept: PostgreSQL, the one dialect and the only truth.

Reading order: ``tables`` (what is kept), ``engine`` (how we connect), ``migrate`` (how the tables come to be),
``partitions`` (how they are pruned), ``keys`` (how an event counts once), ``failures`` (whose fault an error is).
"""
