"""The JSON Schemas of what is written for programs, as shipped with the package."""

from __future__ import annotations

from importlib.resources import files
from typing import Literal, get_args

SchemaName = Literal["report", "fleet", "comparison", "gate", "event"]
SCHEMAS: tuple[SchemaName, ...] = get_args(SchemaName)


def schema_text(name: SchemaName = "report") -> str:
    """``NAME.schema.json`` (JSON Schema, draft 2020-12), as text."""
    return files("analyzer.reports").joinpath(f"{name}.schema.json").read_text(encoding="utf-8")
