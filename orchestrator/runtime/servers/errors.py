"""What can go wrong with servers of our own."""


class ServerError(RuntimeError):
    """A server of our own cannot be found, started, reached or stopped; the message says which and what to do."""
