"""Migrations: each revision is written out, never derived from the tables as they happen to be today."""
