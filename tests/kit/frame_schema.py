"""Is a DataFrame the table that its schema describes?"""

from __future__ import annotations

import pandas as pd

from analyzer import frames


def validate(frame: pd.DataFrame, name: str) -> None:
    """Raise ``ValueError`` naming everything in which ``frame`` is not table ``name``; further columns are allowed."""
    table = frames.SIMULATION if name == frames.SIMULATION.name else frames.TABLES[name]
    problems = [f"no column {c.name}" for c in table.columns if c.name not in frame.columns]
    for column in table.columns:
        if column.name in frame.columns and str(frame[column.name].dtype) != column.dtype:
            problems.append(f"{column.name} is {frame[column.name].dtype}, not {column.dtype}")
    if not problems:
        for low, high in table.ordered:
            wrong = frame[frame[low] > frame[high]]
            if len(wrong):
                problems.append(f"{low} > {high} in row {wrong.index[0]}")
    if problems:
        raise ValueError(f"not a {name} table: " + "; ".join(problems))
