"""Intake, against a real Valkey."""
