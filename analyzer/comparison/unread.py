"""Inputs of which something may be missing, and how that is said."""

from __future__ import annotations

from analyzer.collection.model import Collection, InputRow


def counted(number: int, noun: str) -> str:
    """``1 start``, ``2,000 starts``."""
    return f"{number:,} {noun if number == 1 else noun + 's'}"


def unread(collection: Collection) -> tuple[InputRow, ...]:
    """Inputs that may hold starts which nobody saw."""
    last: dict[str, int] = {}
    for row in collection.starts:
        last[row.input] = max(row.index, last.get(row.input, 0))
    return tuple(row for row in collection.inputs if _is_bad(row) or last.get(row.input, 0) > row.starts > 0)


def _is_bad(row: InputRow) -> bool:
    return row.error_kind not in ("", "no_data") or bool(row.error and not row.error_kind)


def of_unread(rows: tuple[InputRow, ...], number: int, whose: str = "") -> str:
    """``2 of 20 inputs could not be read``; where only starts of a very long log are missing, that."""
    bad = [row for row in rows if _is_bad(row)]
    if not bad:
        return f"starts in the middle of {counted(len(rows), f'very long {whose}log')} were left out"
    of = f"{len(bad):,} of {counted(number, f'{whose}input')}" if number > 1 else f"the {whose}input"
    return f"{of} could not be read{' to the end' if any(row.starts for row in bad) else ''}"
