"""A figure: a whole number stays a whole number."""

from typing import TypeAlias

# Both are named because compiled code takes ``float`` at its word: 3 seats would be 3.0 in a letter.
Figure: TypeAlias = int | float
