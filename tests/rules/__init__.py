"""The proof that every number of the domain's rules has a home among our data, and a test that holds it there.

* ``rules.md``: the rules. ``tokens``: its number tokens, and the sections they stand in.
* ``register/*.yaml``: one entry a number: where it lives (its home) and which test fails when it is altered there.
  ``register`` reads them, ``homes`` finds the home and alters exactly that one number.
* ``shelf``: a whole tree of ``templates/``, shipped or altered; the tests that entries name take one as ``shelf``.
* ``proof``: runs what an entry names on a shelf; ``says`` and ``graded`` are the tests that need no file of their own.
* ``table``: the table rule, file:line, test; ``python -m tests.rules`` writes it, ``--missing`` lists what has no home.
"""
