"""Earlier starts for a watch, read before it begins."""

from __future__ import annotations

from collections.abc import Sequence

from analyzer.cli.collections import Reading, read
from analyzer.cli.console import complain
from analyzer.watching.history import History


def earlier_starts(paths: Sequence[str], until: str | None) -> History:
    """The starts of a collection, by the goal that is watched for."""
    collection = read(paths, Reading().gathering(paths))
    for row in collection.inputs:
        if row.error:
            complain(f"--history: {row.input}: {row.error}")
    return History(collection, until)
