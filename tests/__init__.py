"""Tests; their helpers are imported as ``tests.…`` from the root of the repository."""
