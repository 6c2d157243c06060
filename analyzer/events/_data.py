"""Reads the vocabulary files (TOML) that are part of the package."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Any


@cache
def load(name: str) -> dict[str, Any]:
    """The content of ``analyzer/events/<name>``; callers must not change it.

    :raises FileNotFoundError: the package is incomplete.
    """
    return tomllib.loads(resources.files("analyzer.events").joinpath(name).read_text(encoding="utf-8"))


def minor(text: str) -> tuple[int, int]:
    """``"1.32"`` → ``(1, 32)``."""
    major, _, rest = text.partition(".")
    return int(major), int(rest)
