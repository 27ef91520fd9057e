"""The tests, foldered by what they need; this package lets them share fixtures."""
