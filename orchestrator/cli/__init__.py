"""The command ``lifecycle``: a verb a file; nothing is decided here."""
