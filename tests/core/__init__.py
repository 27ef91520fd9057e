"""Tests of the core: pure, quick, sockets off."""
