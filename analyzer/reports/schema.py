"""The JSON Schema of the report, as shipped with the package."""

from __future__ import annotations

from importlib.resources import files


def schema_text() -> str:
    """``report.schema.json`` (JSON Schema, draft 2020-12), as text."""
    return files("analyzer.reports").joinpath("report.schema.json").read_text(encoding="utf-8")
