"""``python -m orchestrator.cli``, and the command ``lifecycle``.

While a command is brought in, the collector of garbage rests: there is none yet, and looking for it costs a third of
the start. What was brought in stays for good, so it is not looked at later either (``app.main`` wakes the collector).
"""

import gc

gc.disable()

from orchestrator.cli.app import main  # noqa: E402 -- after the line above, which is what it is for

if __name__ == "__main__":
    main()
