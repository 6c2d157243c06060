"""Limits that a collection is held against: pass, fail or undecided for each."""
