"""Celery: the app, the table of ticks, and the tasks; each task is one call of a use case. Nobody imports this."""
