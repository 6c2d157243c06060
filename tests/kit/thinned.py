"""Which of many alike `make test` tries; `make cov`, and so CI, tries them all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pytest


def thinned(values: Iterable[Any], every: int) -> Sequence[Any]:
    """Parameters of a test: each ``every``-th is always tried, the others are marked ``long``."""
    return [
        value if number % every == 0 else _long(value)  # a parameter keeps the marks that it has
        for number, value in enumerate(values)
    ]


def _long(value: Any) -> Any:
    if isinstance(value, type(pytest.param())):
        return pytest.param(*value.values, id=value.id, marks=[*value.marks, pytest.mark.long])
    return pytest.param(value, marks=pytest.mark.long)
