"""Benchmarks: what the product does a second beside its alternatives, in one run. ``make bench`` runs them.

Reading order: ``lives`` (accounts as the core leaves them), ``workload`` (which events, how often), ``stage`` (servers,
accounts in the database, events on the streams), ``scale`` (how much of everything), ``draining`` with its subjects
``ours``, ``ceiling``, ``per_event`` and those of others (``outside``, ``of_temporal``, ``of_dbos``), ``waking`` beside
``eta``, ``delivery`` with its ``sink``, ``simulation`` of a ``year``, ``explaining``, ``single`` (the price of single
steps), ``parts`` (of ``advance``), ``report``, ``readme`` (the table of the README), and ``__main__``.
"""
