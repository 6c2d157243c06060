"""How the two sides are called."""

from __future__ import annotations

from analyzer.collection.model import Collection


def side_labels(base: Collection, new: Collection, paths: tuple[str, str]) -> tuple[str, str]:
    """Their releases, where each side has one and they differ; else what the user named."""
    one, other = ({start.version for start in side.starts} for side in (base, new))
    if len(one) == len(other) == 1 and one != other:
        (first,), (second,) = one, other
        if first and second:
            return first, second
    return paths
