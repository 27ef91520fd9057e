"""Ctrl-C in the demonstration: asked once, it ends, whatever becomes of the exception."""

import signal

import pytest

from orchestrator.cli.demo import Interruption


def test_an_interruption_that_got_lost_is_heeded_later() -> None:
    """A handler's exception may be swallowed where it was raised: the next move of the clock raises it again."""
    interruption = Interruption()
    interruption.heed()
    with pytest.raises(KeyboardInterrupt):
        interruption(signal.SIGINT, None)
    with pytest.raises(KeyboardInterrupt):
        interruption.heed()
