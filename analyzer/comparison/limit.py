"""Limits of growth as people write them: ``2s``, ``500ms``, ``10%``."""

from __future__ import annotations

import re
from collections.abc import Sequence

from analyzer.comparison.metrics import FAILED, RESTARTS
from analyzer.comparison.model import Limit
from analyzer.errors import UsageError
from analyzer.live.durations import seconds_of

_PERCENT = re.compile(r"\+?(\d{1,6}(?:\.\d{1,6})?) ?%", re.ASCII)
_NUMBER = re.compile(r"\+?(\d{1,9}(?:\.\d{1,9})?)", re.ASCII)
_LARGEST_S = 1e9
_HINT = "For example --fail-over 2s, 500ms or 10%"


def limit_of(text: str, metrics: Sequence[str] = ()) -> Limit:
    """The limit for ``metrics`` (none: for the goal). Raises ``UsageError`` for what is no length and no share.

    Of the share that failed, ``5%`` are five more starts of a hundred; a number of restarts is a bare number.
    """
    whole = text.strip()
    kinds = {metric if metric in (FAILED, RESTARTS) else "" for metric in metrics}
    if len(kinds) > 1:
        own = next(metric for metric in metrics if metric in (FAILED, RESTARTS))
        others = "for other metrics" if "" not in kinds else "for times"
        raise UsageError(f"one limit cannot hold {others} and for {own}", hint="Compare them one at a time")
    if kinds == {FAILED}:
        return _of_share(text, whole)
    if kinds == {RESTARTS}:
        return _of_count(text, whole)
    if percent := _PERCENT.fullmatch(whole):
        return Limit(float(percent[1]) / 100.0, relative=True)
    seconds = seconds_of(whole.removeprefix("+"))
    if seconds is None or seconds > _LARGEST_S:
        raise UsageError(f"--fail-over {text!r} is neither a length of time nor a share", hint=_HINT)
    return Limit(seconds)


def _of_share(text: str, whole: str) -> Limit:
    percent, bare = _PERCENT.fullmatch(whole), _NUMBER.fullmatch(whole)
    value = float(percent[1]) / 100.0 if percent else float(bare[1]) if bare else None
    if value is None or value > 1.0:
        raise UsageError(f"--fail-over {text!r} is not a share of starts", hint="For example --fail-over 5% or 0.05")
    return Limit(value)


def _of_count(text: str, whole: str) -> Limit:
    """Usually there are none, of which nothing is a share."""
    if (bare := _NUMBER.fullmatch(whole)) is None:
        raise UsageError(f"--fail-over {text!r} is not a number of restarts", hint="For example --fail-over 1")
    return Limit(float(bare[1]))
