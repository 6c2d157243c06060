"""Whether a regular expression of a user's may take exponential time on hostile text.

Python's engine backtracks. Refused are the shapes that make it explode: a repeat inside a repeat, alternatives with
the same beginning inside a repeat, and more open repeats one after another than a line can bear.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator

# The parser behind ``re`` has no public name; its tree is the same from Python 3.11 to 3.14.
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

_MANY = 50  # a repeat that may run longer counts as open
_OPEN_LEAST = 4  # so many open repeats are too many

_NESTED = (
    "a repeat inside a repeat, as in (a+)+",
    "Write the inner part without its own + or *, or give both an upper limit: (?:\\w{1,20} ){1,5}",
)
_AMBIGUOUS = (
    "alternatives inside a repeat that begin alike, as in (a|ab)*",
    "Let every alternative begin with another character",
)
_TOO_MANY = ("four or more open repeats of any character", "Give some of them an upper limit: .{0,200} instead of .*")


def danger(pattern: str) -> tuple[str, str] | None:
    """What is dangerous about a valid expression and what to write instead; ``None``: nothing.

    :raises re.error: it is not valid.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = parser.parse(pattern)
    found = _nested(tree, inside=False)
    if found is not None:
        return found
    return _TOO_MANY if sum(1 for _ in _open(tree)) >= _OPEN_LEAST else None


def _repeats() -> tuple[Any, ...]:
    return codes.MAX_REPEAT, codes.MIN_REPEAT


def _parts(code: Any, value: Any) -> Iterator[Any]:
    """The expressions inside one item."""
    if code in (*_repeats(), getattr(codes, "POSSESSIVE_REPEAT", None)):
        yield value[2]
    elif code is codes.SUBPATTERN:
        yield value[3]
    elif code is codes.BRANCH:
        yield from value[1]
    elif code in (codes.ASSERT, codes.ASSERT_NOT):
        yield value[1]
    elif code is codes.GROUPREF_EXISTS:
        yield from (part for part in value[1:] if part is not None)
    elif code is getattr(codes, "ATOMIC_GROUP", None):
        yield value


def _is_open(code: Any, value: Any) -> bool:
    return code in _repeats() and (value[1] is codes.MAXREPEAT or value[1] > _MANY)


def _nested(tree: Any, *, inside: bool) -> tuple[str, str] | None:
    for code, value in tree:
        if code in _repeats() and inside and value[0] != value[1] and (_is_open(code, value) or value[1] > 1):
            return _NESTED
        if code is codes.BRANCH and inside and not _distinct(value[1]):
            return _AMBIGUOUS
        deeper = inside or (_is_open(code, value) or (code in _repeats() and value[1] > 10))
        for part in _parts(code, value):
            found = _nested(part, inside=deeper)
            if found is not None:
                return found
    return None


def _distinct(branches: Any) -> bool:
    """Whether every alternative begins with a letter of its own."""
    first = [tuple(branch[0]) if len(branch) else None for branch in branches]
    literal = all(item is not None and item[0] is codes.LITERAL for item in first)
    return literal and len(set(first)) == len(first)


def _open(tree: Any) -> Iterator[None]:
    """The open repeats of nearly any character: those of digits or letters end at the next separator."""
    for code, value in tree:
        if _is_open(code, value) and any(_is_wide(*item) for item in value[2]):
            yield None
        for part in _parts(code, value):
            yield from _open(part)


def _is_wide(code: Any, value: Any) -> bool:
    if code is codes.IN:
        return any(_is_wide(*item) for item in value)
    wide = (codes.CATEGORY_NOT_SPACE, codes.CATEGORY_NOT_DIGIT, codes.CATEGORY_NOT_WORD)
    return code in (codes.ANY, codes.NOT_LITERAL, codes.NEGATE) or (code is codes.CATEGORY and value in wide)
