"""The option ``--format``: its values are the formats of what a command writes."""

from __future__ import annotations

from typing import Any

import typer

from analyzer.reports.format import Kind


def format_option(kind: Kind[Any], words: str = "") -> Any:
    """``--format`` for ``kind``; ``words`` is its help where it does not go by the name of FILE."""
    names = "|".join(one.name for one in kind.formats())
    told = words or f"Default: by the name of FILE, else {kind.default}."
    return typer.Option("--format", "-f", metavar=f"[{names}]", help=told, show_default=False)
