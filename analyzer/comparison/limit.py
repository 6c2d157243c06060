"""Limits of growth as people write them: ``2s``, ``500ms``, ``10%``."""

from __future__ import annotations

import re
from collections.abc import Sequence

from analyzer.comparison.model import Limit
from analyzer.comparison.sides import FAILED, RESTARTS
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
    without_length = [metric for metric in metrics if metric in (FAILED, RESTARTS)]
    if without_length and len(without_length) < len(metrics):
        raise UsageError(
            f"one limit cannot hold for times and for {without_length[0]}", hint="Compare them one at a time"
        )
    if percent := _PERCENT.fullmatch(whole):
        return Limit(float(percent[1]) / 100.0, relative=metrics != (FAILED,))
    if without_length:
        if (bare := _NUMBER.fullmatch(whole)) is None:
            raise UsageError(f"--fail-over {text!r} is not a share or a number", hint="For example --fail-over 5%")
        return Limit(float(bare[1]))
    seconds = seconds_of(whole.removeprefix("+"))
    if seconds is None or seconds > _LARGEST_S:
        raise UsageError(f"--fail-over {text!r} is neither a length of time nor a share", hint=_HINT)
    return Limit(seconds)
