"""Expressions of a user's, run so that no line can make one of them take long.

They run on RE2 (package ``google-re2``, the extra ``rules``), whose time is in proportion to the text and whose memory
is bounded. Without it Python's engine, which backtracks, runs those that have one repeat or one choice at most; all
others are refused.
"""

from __future__ import annotations

import re
from typing import Any

from analyzer.events.vocabulary import LazyPattern

TEXT_LIMIT = 2000  # characters of a message that an expression is searched in
_MEMORY = 8 << 20  # bytes of RE2 for one expression
# Repeats, choices and references to groups; a "?" behind "(" begins a group's kind. Some that are escaped count, too.
_BRANCHING = re.compile(r"(?<!\()\?|[*+{|]|\\[1-9]|\(\?P=|\(\?\(")


class LinearPattern(LazyPattern):
    """An expression whose search takes time in proportion to the text, at worst to its square on the first characters.

    Raises:
        ValueError: it is no expression, or may take longer; the text says which.
    """

    __slots__ = ()

    def __init__(self, pattern: str) -> None:
        super().__init__(pattern)
        self._compiled = _compiled(pattern)

    def search(self, text: str) -> re.Match[str] | None:
        """As ``re.Pattern.search``, in the first characters of the text."""
        assert self._compiled is not None
        # A lone surrogate (bytes that were not UTF-8) is no text for RE2.
        return self._compiled.search(text[:TEXT_LIMIT].encode("utf-8", "replace").decode())


def _compiled(pattern: str) -> Any:
    try:
        import re2  # only for users' own expressions
    except ImportError:
        return _backtracking(pattern)
    options = re2.Options()
    options.max_mem = _MEMORY
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        said = error.args[0]
        words = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        raise ValueError(f"is not a regular expression of RE2: {words}") from error


def _backtracking(pattern: str) -> re.Pattern[str]:
    try:
        compiled = re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"is not a regular expression: {error}") from error
    if len(_BRANCHING.findall(pattern)) > 1:
        raise ValueError("has more than one repeat or choice, which only the package google-re2 runs in bounded time")
    return compiled
