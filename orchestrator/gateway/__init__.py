"""The gateway: events in over HTTP, from any client library, each answered 200 only once it is kept.

Reading order: ``answers`` (what is said, also when something is refused), ``bodies``, ``keyring`` (who is it),
``publisher`` (onto the streams), ``door`` (all of it together), ``intake`` (the routes of the dialects), ``app``,
``ops`` (health and figures, on a port of their own), ``serving``.
"""
