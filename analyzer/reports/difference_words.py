"""Differences, shares and confidences in words, with the side of 0 that is certain: what ``wording`` is for lengths.

Ends are rounded outwards, so that what is shown is never narrower than what is known; an end that certainly is not 0 is
not rounded to it. Infinite ends are open.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from analyzer.reports.wording import at_least, at_most, length_words
from analyzer.window import down, up

_MINUS = "−"
_MOST_PLACES = 3  # decimals, at most, to show on which side of 0 an end lies
_BARELY = ("> 0", "< 0")  # where they do not


def signed_range(lower: float, upper: float) -> str:
    """Seconds for a table cell: ``+1.8 to +2.9``, ``≥ +1.8``, ``≤ −0.4``, ``+∞`` (never got there), ``?``."""
    return _range(lower, upper, _places(lower, upper))


def signed_percent(lower: float, upper: float, unit: str = "%") -> str:
    """Shares as ``signed_range`` has seconds: ``+18 to +31%``."""
    low, high = 100.0 * lower, 100.0 * upper
    told = _range(low, high, _percent_places(low, high))
    return f"{told}{unit}" if told[-1].isdigit() else told


def signed_count(lower: float, upper: float) -> str:
    """A difference in numbers of things: ``+1 to +2``."""
    return _range(lower, upper, 0 if all(end == math.floor(end) for end in _finite(lower, upper)) else 1)


def percent(least: float, most: float) -> str:
    """A share for a table cell or a sentence: ``5%``, ``5–10%``."""
    if least == most:
        return f"{100.0 * least:.3g}%"
    low, high = _ends(100.0 * least, 100.0 * most, _percent_places(100.0 * least, 100.0 * most))
    return f"{low}–{high}%"


def percent_words(lower: float, upper: float) -> str:
    """A difference in shares that does not hold 0, without its sign: ``18 to 31%``, ``18% or more``."""
    low, high = sorted((100.0 * abs(lower), 100.0 * abs(upper)))
    shown = _ends(low, high, _percent_places(low, high))
    if shown[0] in _BARELY:
        return "a share that is not known" if math.isinf(high) else f"up to {shown[1]}%"
    if math.isinf(high):
        return f"{shown[0]}% or more"
    return f"{shown[0]}%" if shown[0] == shown[1] else f"{shown[0]} to {shown[1]}%"


def shift_words(lower: float, upper: float, more: str = "later", less: str = "earlier") -> str:
    """Seconds for a sentence: ``1.8 to 2.9 s later``, ``between 1.2 s earlier and 2.0 s later``."""
    if lower > 0.0:
        return f"{amount(lower, upper)} {more}"
    if upper < 0.0:
        return f"{amount(-upper, -lower)} {less}"
    if lower == upper:
        return f"neither {more} nor {less}"
    if math.isinf(lower) and math.isinf(upper):
        return f"any amount of time {less} or {more}"
    if lower == 0.0:
        return f"not {less}, and {_at_most(upper)} {more}"
    if upper == 0.0:
        return f"not {more}, and {_at_most(-lower)} {less}"
    return f"between {_end(-lower)} {less} and {_end(upper)} {more}"


def amount(least: float, most: float) -> str:
    """How much, of what is certainly more than nothing: ``1.8 to 2.9 s``, ``at least 1.8 s``, ``2 min 10 s to …``."""
    if math.isinf(least):
        return "any amount"
    low, high = _ends(least, most, _places(least, most))
    if low in _BARELY:
        return "an unknown amount" if math.isinf(most) else f"up to {at_most(most)}"
    if math.isinf(most):
        return f"at least {at_least(least) if least >= 120.0 else f'{low} s'}"
    if most >= 120.0 and least >= 0.1:
        return length_words(least, most)
    return f"{low} s" if low == high else f"{low} to {high} s"


def confidence_words(share: float) -> str:
    """``95%``, ``99.9%``: rounded down, so that nothing is called surer than it is."""
    return f"{math.floor(share * 1000.0 + 1e-6) / 10.0:g}%"


def _end(most: float) -> str:
    return "any amount" if math.isinf(most) else at_most(most)


def _at_most(most: float) -> str:
    return "any amount" if math.isinf(most) else f"at most {at_most(most)}"


def _range(lower: float, upper: float, places: int) -> str:
    if math.isinf(lower) and math.isinf(upper):
        return "?" if lower < upper else "+∞" if lower > 0.0 else f"{_MINUS}∞"
    if lower == upper == 0.0:
        return "0"
    low, high = (_signed(end) for end in _ends(lower, upper, places))
    if math.isinf(lower):
        return high if high in _BARELY else f"≤ {high}"
    if math.isinf(upper):
        return low if low in _BARELY else f"≥ {low}"
    return low if low == high else f"{low} to {high}"


def _places(lower: float, upper: float) -> int:
    """Decimals of seconds: as many as show a range of this width, none where it is wide and far from 0."""
    width = upper - lower
    if width >= 3.0 and max(_finite(lower, upper), default=0.0) >= 100.0:
        return 0
    return 1 if width >= 0.15 else 2 if width >= 0.0095 else 3


def _percent_places(lower: float, upper: float) -> int:
    wide = upper - lower >= 1.5 if math.isfinite(upper - lower) else max(_finite(lower, upper), default=0.0) >= 10.0
    return 0 if wide or (lower == upper and math.isfinite(lower) and lower == math.floor(lower)) else 1


def _finite(*ends: float) -> list[float]:
    return [abs(end) for end in ends if math.isfinite(end)]


def _ends(lower: float, upper: float, places: int) -> tuple[str, str]:
    """Both ends; an open one is empty. More decimals where a side of 0 that is certain would be rounded away."""
    low = high = ""
    if math.isfinite(lower):
        low = next((told for told in _finer(down, lower, places) if lower <= 0.0 or float(told) > 0.0), _BARELY[0])
    if math.isfinite(upper):
        high = next((told for told in _finer(up, upper, places) if upper >= 0.0 or float(told) < 0.0), _BARELY[1])
    return low, high


def _finer(rounded: Callable[[float, int], str], value: float, places: int) -> Iterator[str]:
    return (rounded(value, decimals) for decimals in range(places, max(places, _MOST_PLACES) + 1))


def _signed(shown: str) -> str:
    if not shown or shown in _BARELY or float(shown) == 0.0:
        return shown
    return f"{_MINUS}{shown[1:]}" if shown.startswith("-") else f"+{shown}"
