"""Things of one kind put together."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


def grouped(pairs: Iterable[tuple[K, T]]) -> dict[K, tuple[T, ...]]:
    """The values of each key, in their order."""
    found: dict[K, list[T]] = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return {key: tuple(values) for key, values in found.items()}


def in_rows(things: Iterable[T], goes_on: Callable[[T], bool]) -> list[list[T]]:
    """The things in their order, those that go on with what stands before them in one row with it."""
    rows: list[list[T]] = []
    for thing in things:
        if not rows or not goes_on(thing):
            rows.append([])
        rows[-1].append(thing)
    return rows
