"""``python -m orchestrator.gateway``, which ``lifecycle gateway`` becomes.

The collector of garbage rests until everything is brought in, which is a third of the start; what stays for good is
not looked at by it later.
"""

import gc

gc.disable()

from orchestrator.gateway.serving import main  # noqa: E402 -- after the line above, which is what it is for

gc.freeze()
gc.enable()

if __name__ == "__main__":
    main()
