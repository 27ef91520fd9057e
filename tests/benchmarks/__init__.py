"""Benchmarks: throughput beside a task-per-event version and a raw ceiling, in one run. ``make bench`` runs them.

Reading order: ``lives`` (accounts as the core leaves them), ``workload`` (which events, how often), ``stage`` (servers,
accounts in the database, events on the streams), the subjects ``ours``, ``ceiling`` and ``per_event``, ``single`` (the
price of single steps), ``report``, and ``__main__``.
"""
