"""Labels of a start, and the starts that share some: what groups are made of, and in which order they stand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from analyzer.collection.labels import BUILT_IN
from analyzer.collection.model import Labels, StartRow

UNKNOWN = "unknown"

_DIGITS = re.compile(r"([0-9]+)")
_NAMELESS = "\0"  # no host is named so


def label(start: StartRow, name: str) -> str:
    """A start's label; one that the user gave hides the start's own of that name. ``unknown``: it has none."""
    for given, value in start.labels:
        if given == name:
            return value
    found: str | None = getattr(start, name) if name in BUILT_IN else None
    return found or UNKNOWN


def host_of(start: StartRow) -> str | None:
    """Its host by name, if it has one."""
    host = label(start, "host")
    return None if host == UNKNOWN else host


def host_numbers(starts: Sequence[StartRow]) -> tuple[list[str | None], npt.NDArray[np.int64]]:
    """Hosts by name, and the place in them of each start's; without a name each input is a host of its own.

    The order is that of the names, whatever the order of the inputs.
    """
    keys = [host_of(start) or _NAMELESS + start.input for start in starts]
    names = sorted(set(keys))
    place = {name: n for n, name in enumerate(names)}
    hosts = [None if name.startswith(_NAMELESS) else name for name in names]
    return hosts, np.fromiter((place[key] for key in keys), np.int64, len(keys))


def natural(text: str) -> tuple[object, ...]:
    """Sorts numbers inside of text by their value: v1.9 < v1.10, and v1.34.0-rc1 < v1.34.0+k3s1."""
    parts = _DIGITS.split(text.replace("-", " "))
    return tuple(_value(part) if place % 2 else part for place, part in enumerate(parts)), text


def _value(digits: str) -> tuple[int, str]:
    """Ordered as the number is; one of thousands of digits is none that Python reads."""
    bare = digits.lstrip("0")
    return len(bare), bare


def members(
    starts: Sequence[StartRow], by: Sequence[str], among: Iterable[int] | None = None
) -> dict[Labels, list[int]]:
    """Places of the starts (of those ``among`` them) by their labels ``by``, in the natural order of these."""
    found: dict[tuple[str, ...], list[int]] = {}
    for place in range(len(starts)) if among is None else among:
        found.setdefault(tuple(label(starts[place], name) for name in by), []).append(place)
    order = sorted(found, key=lambda values: [natural(value) for value in values])
    return {tuple(zip(by, values, strict=True)): found[values] for values in order}
