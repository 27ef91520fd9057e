"""``python -m workers``: Celery on our app, which ``lifecycle worker``, ``beat`` and ``flower`` become.

While everything is brought in, the collector of garbage rests: that is a third of the start. What was brought in stays
for good; frozen, it is not looked at by the collector, so that the processes that a worker forks go on sharing it.
"""

import gc
import sys

gc.disable()

from celery.bin.celery import main  # noqa: E402 -- after the line above, which is what it is for

from workers import tasks  # noqa: E402, F401 -- the same; Celery finds what is brought in here

gc.freeze()
gc.enable()

if __name__ == "__main__":
    sys.argv[:1] = ["celery", "-A", "workers.app"]
    main()
