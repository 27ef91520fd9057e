"""A tether: become another program that is told to end when its supervisor dies, ``kill -9`` included.

Run as a script, ``python -I -S tether.py <supervisor's pid> <program> <argument>…``: it asks the kernel for SIGTERM at
the parent's death (Linux: prctl PR_SET_PDEATHSIG, which outlives exec) and then *becomes* the program, so the process
id stays. A step of its own between fork and exec instead of ``preexec_fn``, which is not safe beside threads. The
kernel watches the *thread* that started the child, so that thread must live as long as the supervisor does. Elsewhere
than on Linux there is no such request, and the program is merely started.

Standard library only, and nothing of this package: it starts in some 20 ms.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
NOT_FOUND = 127  # as a shell says it


def tied(parent: int) -> bool:
    """Ask for SIGTERM at the parent's death; say whether the parent is still there, now that it is asked."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
    return os.getppid() == parent


def main(arguments: list[str]) -> int:
    """Tie, then become the program; return an exit status only if that fails."""
    parent, *argv = arguments
    if not tied(int(parent)):
        return 128 + signal.SIGTERM
    try:
        os.execvp(argv[0], argv)  # noqa: S606 - our own argv, no shell
    except OSError as error:
        sys.stderr.write(f"{argv[0]} cannot be started: {error.strerror}\n")
        return NOT_FOUND


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
