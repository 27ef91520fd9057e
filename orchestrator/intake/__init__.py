"""Intake: how events come in, from bytes on a stream to an Event or a named rejection.

Reading order: ``segment`` (a call becomes an event), ``entries`` (the envelope around a call, and what is kept of a
rejected one), ``streams`` (the shards: publish, read, acknowledge).
"""
