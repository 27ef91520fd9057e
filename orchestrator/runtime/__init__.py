"""How it is kept running: settings, the clock, embedded servers, the supervisor.

Reading order: ``addresses`` (where PostgreSQL and the broker answer), ``settings`` (one documented table), ``clock``
(the only reader of the time), ``servers`` (PostgreSQL and Valkey of our own), ``tether`` and ``supervisor`` (a table
of processes, kept alive and ended in order).
"""
