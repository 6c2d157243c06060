"""Rules of a user's own, from a text in a test."""

from __future__ import annotations

from analyzer.events.user_rules import Rules, rules_of


def parse_rules(text: str, name: str = "rules") -> Rules:
    """The rules of a text; ``name`` stands for the file in errors."""
    return rules_of([(name, text)])
